/**
 * Writes a page image: takes pages in any order, collects them in pieces, each with its checksum in the index, and syncs
 * as it goes, so that no sync at the end holds up the log's own. Runs on the image thread.
 */
import { headerKeyspace, headerSizeClass } from '../../core/memory/page-header.js';
import { KIND_INSIDE } from '../../core/memory/page-table.js';
import type { KeyspaceCounters } from '../../core/memory/readable-dataset.js';
import { PAGE_BYTES } from '../../core/memory/size-classes.js';
import type { PageSink } from '../../core/memory/view-reader.js';
import { writeU16, writeU32 } from '../../log/little-endian.js';
import { writeFully } from '../../log/local/file-layer.js';
import {
  checksumOf,
  encodeCounters,
  encodeImageHeader,
  encodeImageTrailer,
  IMAGE_HEADER_BYTES,
  IMAGE_INDEX_ENTRY_BYTES,
  type ImageHeader,
  type ImageTrailer,
} from './image-format.js';
import type { SnapshotFiles } from './snapshot-files.js';

/** Pages of a piece, which is written in one call: 1 MiB. */
const PIECE_PAGES = 256;
/** Bytes between two syncs, and the most that may be unsynced while copies wait. */
const SYNC_BYTES = 1 << 20;
const UNSYNCED_BYTES_MAX = 8 << 20;

export class ImageFileWriter implements PageSink {
  readonly bytes = new Uint8Array(PIECE_PAGES * PAGE_BYTES);
  at = 0;
  /** Pages taken so far. */
  pages = 0;
  private readonly files: SnapshotFiles;
  private readonly fd: number;
  private readonly kinds: Uint8Array;
  private readonly header: Uint8Array;
  private index = new Uint8Array(4096 * IMAGE_INDEX_ENTRY_BYTES);
  /** Bytes of the file that are written, and synced. */
  private written = IMAGE_HEADER_BYTES;
  private synced = 0;
  /** The end but for the place in the log, once all else is written. */
  private ending: Omit<ImageTrailer, 'epoch' | 'idx' | 'runningChecksum'> | undefined = undefined;
  /** Whether a sync may wait: so many copies wait for the thread that it has to go on. */
  private readonly hurried: () => boolean;
  /** Told how long a sync took, in ms. */
  private readonly waited: (ms: number) => void;

  /** @param kinds of every page at the cut. */
  constructor(
    files: SnapshotFiles,
    fd: number,
    header: ImageHeader,
    kinds: Uint8Array,
    hurried: () => boolean,
    waited: (ms: number) => void = () => {},
  ) {
    this.files = files;
    this.fd = fd;
    this.kinds = kinds;
    this.header = encodeImageHeader(header);
    this.hurried = hurried;
    this.waited = waited;
    writeFully(files, fd, this.header, 0, this.header.length, 0);
  }

  reserve(): void {
    if (this.at === this.bytes.length) this.flush();
  }

  commit(page: number): void {
    const { at, bytes } = this;
    const entry = this.pages * IMAGE_INDEX_ENTRY_BYTES;
    if (entry === this.index.length) {
      const grown = new Uint8Array(this.index.length * 2);
      grown.set(this.index);
      this.index = grown;
    }
    const { index } = this;
    const kind = this.kinds[page]!;
    const first = kind !== KIND_INSIDE;
    writeU32(index, entry, page);
    writeU32(index, entry + 4, checksumOf(bytes.subarray(at, at + PAGE_BYTES)));
    writeU16(index, entry + 8, first ? headerKeyspace(bytes, at) : 0);
    index[entry + 10] = kind;
    index[entry + 11] = first ? headerSizeClass(bytes, at) : 0;
    this.pages++;
    this.at = at + PAGE_BYTES;
  }

  /** Writes index and counters, and syncs: what is missing is the end. */
  finish(keyspaces: readonly KeyspaceCounters[]): void {
    this.flush();
    const index = this.index.subarray(0, this.pages * IMAGE_INDEX_ENTRY_BYTES);
    const counters = encodeCounters(keyspaces);
    const trailer = {
      indexOffset: this.written,
      pageCount: this.pages,
      indexChecksum: checksumOf(index),
      countersBytes: counters.length,
      countersChecksum: checksumOf(counters),
      headerChecksum: checksumOf(this.header),
    };
    this.append(index);
    this.append(counters);
    this.sync();
    this.ending = trailer;
  }

  /** Writes the end, which makes the file an image, and syncs. @returns bytes of the file. */
  seal(place: { readonly epoch: number; readonly idx: number; readonly runningChecksum: string }): number {
    if (this.ending === undefined) throw new Error('the image is not finished');
    this.append(encodeImageTrailer({ ...this.ending, ...place }));
    this.files.fsync(this.fd, 'snapshot-write');
    return this.written;
  }

  private flush(): void {
    const length = this.at;
    if (length === 0) return;
    this.append(this.bytes.subarray(0, length));
    this.at = 0;
    const unsynced = this.written - this.synced;
    if (unsynced >= UNSYNCED_BYTES_MAX || (unsynced >= SYNC_BYTES && !this.hurried())) this.sync();
  }

  private append(bytes: Uint8Array): void {
    writeFully(this.files, this.fd, bytes, 0, bytes.length, this.written);
    this.written += bytes.length;
  }

  private sync(): void {
    const before = performance.now();
    this.files.fsync(this.fd, 'snapshot-write');
    this.waited(performance.now() - before);
    this.synced = this.written;
  }
}

/**
 * A page image in a file, opened for reading: its tables in memory, its pages by number, each checked as it is read. It
 * is a dataset like the live one, read-only.
 */
import type { Arena } from '../../core/memory/arena.js';
import { ArenaError } from '../../core/memory/arena-error.js';
import { ImageArena } from '../../core/memory/image-arena.js';
import { ImageLoader } from '../../core/memory/image-loader.js';
import { type PageSource, requireSoundTables } from '../../core/memory/image-pages.js';
import type { Keyspace } from '../../core/memory/keyspace.js';
import { LoadableArena } from '../../core/memory/loadable-arena.js';
import { LoadableKeyspace } from '../../core/memory/loadable-keyspace.js';
import { KIND_FREE, KIND_INSIDE } from '../../core/memory/page-table.js';
import type { KeyspaceCounters, ReadableDataset } from '../../core/memory/readable-dataset.js';
import { PAGE_BYTES, PAGES_MAX } from '../../core/memory/size-classes.js';
import { readU16, readU32 } from '../../log/little-endian.js';
import { readFully } from '../../log/local/file-layer.js';
import { ImageError } from './image-error.js';
import {
  checksumOf,
  damaged,
  decodeCounters,
  decodeImageHeader,
  decodeImageTrailer,
  IMAGE_HEADER_BYTES,
  IMAGE_INDEX_ENTRY_BYTES,
  IMAGE_TRAILER_BYTES,
  type ImageHeader,
  type ImageTrailer,
} from './image-format.js';
import { ImageReadHost } from './image-read-host.js';
import type { ImageReadOrder } from './image-read-thread.js';
import { nodeSnapshotFiles, type SnapshotFiles } from './snapshot-files.js';

/** Pages that are read at once where they follow each other. */
const AHEAD_PAGES = 64;
const LENGTH_MAX = 2 ** 30;

export class ImageFile implements PageSource {
  readonly path: string;
  readonly header: ImageHeader;
  readonly trailer: ImageTrailer;
  /** By database number. */
  readonly counters: readonly KeyspaceCounters[];
  /** Bytes of the file. */
  readonly bytes: number;
  readonly pageEnd: number;
  readonly kinds: Uint8Array;
  readonly sizeClasses: Uint8Array;
  readonly keyspaces: Uint16Array;
  /** In the order of the file: page number and checksum. */
  private readonly pageAt: Int32Array;
  private readonly checksums: Uint32Array;
  /** By page: its place in the file. */
  private readonly places: Int32Array;
  private readonly files: SnapshotFiles;
  private readonly fd: number;
  private readonly ahead = new Uint8Array(AHEAD_PAGES * PAGE_BYTES);
  private aheadFirst = 0;
  private aheadCount = 0;
  private lastPlace = -2;

  /** @throws ImageError, or a system error */
  constructor(files: SnapshotFiles, path: string) {
    this.files = files;
    this.path = path;
    this.fd = files.open(path, 'read');
    try {
      this.bytes = files.size(this.fd);
      if (this.bytes < IMAGE_HEADER_BYTES + IMAGE_TRAILER_BYTES) throw damaged(path, 'its end');
      const header = this.bytesAt(0, IMAGE_HEADER_BYTES);
      this.header = decodeImageHeader(header, path);
      this.trailer = decodeImageTrailer(this.bytesAt(this.bytes - IMAGE_TRAILER_BYTES, IMAGE_TRAILER_BYTES), path);
      if (checksumOf(header) !== this.trailer.headerChecksum) throw damaged(path, 'its header');
      this.counters = this.readCounters();
      this.pageEnd = this.header.pageEnd;
      if (this.pageEnd > PAGES_MAX + 1 || this.trailer.pageCount > this.pageEnd) throw damaged(path, 'its header');
      this.kinds = new Uint8Array(this.pageEnd);
      this.sizeClasses = new Uint8Array(this.pageEnd);
      this.keyspaces = new Uint16Array(this.pageEnd);
      this.places = new Int32Array(this.pageEnd).fill(-1);
      this.pageAt = new Int32Array(this.trailer.pageCount);
      this.checksums = new Uint32Array(this.trailer.pageCount);
      this.readIndex();
    } catch (error) {
      files.close(this.fd);
      throw imageErrorOf(error, path);
    }
  }

  /** Pages in the image. */
  get pageCount(): number {
    return this.pageAt.length;
  }

  /** @throws ImageError `IMAGE_DAMAGED` where a page does not have its checksum */
  read(first: number, count: number, target: Uint8Array, at: number): void {
    for (let i = 0; i < count; i++) this.readPage(first + i, target, at + i * PAGE_BYTES);
  }

  /** What a thread needs that reads all pages to their places in `chunks`. */
  readOrder(chunks: readonly Uint8Array[]): ImageReadOrder {
    const { path, pageAt, checksums } = this;
    return { path, pageAt, checksums, chunks };
  }

  /** Whether a page lies among the first `places` of the file. */
  isAmong(page: number, places: number): boolean {
    return this.places[page]! < places;
  }

  close(): void {
    this.files.close(this.fd);
  }

  private readPage(page: number, target: Uint8Array, at: number): void {
    const place = this.places[page] ?? -1;
    if (place < 0) throw new ImageError('IMAGE_WRONG', `${this.path} has no page ${page}`);
    const inside = place - this.aheadFirst;
    if (inside >= 0 && inside < this.aheadCount) {
      target.set(this.ahead.subarray(inside * PAGE_BYTES, (inside + 1) * PAGE_BYTES), at);
    } else if (place === this.lastPlace + 1) {
      this.aheadCount = 0;
      const count = Math.min(AHEAD_PAGES, this.pageCount - place);
      this.readPlaces(place, count, this.ahead, 0);
      this.aheadFirst = place;
      this.aheadCount = count;
      target.set(this.ahead.subarray(0, PAGE_BYTES), at);
    } else {
      this.readPlaces(place, 1, target, at);
    }
    this.lastPlace = place;
    this.check(place, target, at);
  }

  private readPlaces(place: number, count: number, target: Uint8Array, at: number): void {
    const offset = IMAGE_HEADER_BYTES + place * PAGE_BYTES;
    const length = count * PAGE_BYTES;
    if (readFully(this.files, this.fd, target, at, length, offset) !== length) throw damaged(this.path, 'its end');
  }

  private check(place: number, bytes: Uint8Array, at: number): void {
    if (checksumOf(bytes.subarray(at, at + PAGE_BYTES)) === this.checksums[place]) return;
    throw damaged(this.path, `page ${this.pageAt[place]}`, IMAGE_HEADER_BYTES + place * PAGE_BYTES);
  }

  private bytesAt(offset: number, length: number): Uint8Array {
    if (length < 0 || length > LENGTH_MAX || offset < 0) throw damaged(this.path, 'its end');
    const bytes = new Uint8Array(length);
    if (readFully(this.files, this.fd, bytes, 0, length, offset) !== length) throw damaged(this.path, 'its end');
    return bytes;
  }

  private readCounters(): KeyspaceCounters[] {
    const { indexOffset, pageCount, countersBytes, countersChecksum } = this.trailer;
    const offset = indexOffset + pageCount * IMAGE_INDEX_ENTRY_BYTES;
    const right =
      indexOffset === IMAGE_HEADER_BYTES + pageCount * PAGE_BYTES &&
      offset + countersBytes + IMAGE_TRAILER_BYTES === this.bytes;
    if (!right) throw new ImageError('IMAGE_DAMAGED', `${this.path} is damaged: it is not as long as it says`);
    const bytes = this.bytesAt(offset, countersBytes);
    if (checksumOf(bytes) !== countersChecksum) throw damaged(this.path, 'its counters');
    return decodeCounters(bytes, this.path);
  }

  private readIndex(): void {
    const { indexOffset, pageCount, indexChecksum } = this.trailer;
    const index = this.bytesAt(indexOffset, pageCount * IMAGE_INDEX_ENTRY_BYTES);
    if (checksumOf(index) !== indexChecksum) throw damaged(this.path, 'its index');
    for (let place = 0; place < pageCount; place++) {
      const entry = place * IMAGE_INDEX_ENTRY_BYTES;
      const page = readU32(index, entry);
      const kind = index[entry + 10]!;
      if (page >= this.pageEnd || this.places[page] !== -1 || kind === KIND_FREE) {
        throw new ImageError('IMAGE_WRONG', `${this.path} has a page ${page} that cannot be`);
      }
      this.places[page] = place;
      this.pageAt[place] = page;
      this.checksums[place] = readU32(index, entry + 4);
      this.kinds[page] = kind;
      if (kind === KIND_INSIDE) continue;
      this.keyspaces[page] = readU16(index, entry + 8);
      this.sizeClasses[page] = index[entry + 11]!;
    }
    requireSoundTables(this);
  }
}

/** An image as a dataset to read; `close` it. */
export interface OpenImage {
  readonly dataset: ReadableDataset;
  readonly file: ImageFile;
  close(): void;
}

/** @throws ImageError, or a system error */
export function openImageFile(path: string, files: SnapshotFiles = nodeSnapshotFiles): OpenImage {
  const file = new ImageFile(files, path);
  return {
    dataset: { arena: new ImageArena(file), keyspaces: file.counters },
    file,
    close: () => file.close(),
  };
}

/** Pages whose records are entered before clients get a turn. */
const REBUILD_PAGES = 64;

/** What an image is loaded into: the engine has this shape. */
export interface LoadTarget {
  readonly arena: Arena;
  readonly keyspaces: readonly Keyspace[];
  readonly accessClock: { readonly fresh: number };
}

/**
 * Loads an image into the empty dataset, in slices. The file must be the one that the caller has chosen; every page's
 * checksum and all counters of the cut must be right. Where anything is wrong the dataset is empty again.
 * @param onSlice told how many bytes are loaded, after each slice and before clients get their turn.
 * @param thread that reads the pages; it is closed.
 * @throws ImageError, ArenaError `ARENA_FULL`, or a system error
 */
export async function loadImageFile(
  path: string,
  target: LoadTarget,
  onSlice: (bytes: number) => void,
  thread: ImageReadHost = new ImageReadHost(),
): Promise<void> {
  const { arena, keyspaces, accessClock } = target;
  if (!(arena instanceof LoadableArena)) throw new Error('an image is loaded into an arena made for that');
  const loadable = keyspaces.map((keyspace) => {
    if (keyspace instanceof LoadableKeyspace) return keyspace;
    throw new Error('an image is loaded into keyspaces made for that');
  });
  let file: ImageFile | undefined;
  let loader: ImageLoader | undefined;
  try {
    file = new ImageFile(nodeSnapshotFiles, path);
    const isThere = (page: number): boolean => file!.isAmong(page, thread.places);
    loader = new ImageLoader(arena, loadable, file, file.counters, accessClock.fresh, isThere);
    thread.read(file.readOrder(arena.loadTargets));
    await follow(loader, thread, onSlice);
    onSlice(file.bytes);
  } catch (error) {
    // The thread writes to memory that is given back, or loaded with something else.
    await thread.close();
    loader?.abandon();
    throw imageErrorOf(error, path);
  } finally {
    await thread.close();
    file?.close();
  }
}

async function follow(loader: ImageLoader, thread: ImageReadHost, onSlice: (bytes: number) => void): Promise<void> {
  for (;;) {
    const { places } = thread;
    if (loader.step(REBUILD_PAGES)) return;
    if (loader.stalled) await thread.progress(places);
    await turn();
    if (thread.places > places) onSlice(thread.places * PAGE_BYTES);
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whatever went wrong with the image at `path`, as an ImageError; system errors stay what they are. */
export function imageErrorOf(error: unknown, path: string): unknown {
  if (error instanceof ArenaError && error.code === 'IMAGE_WRONG') {
    return new ImageError('IMAGE_WRONG', `${path}: ${error.message}`, error);
  }
  return error;
}

/**
 * The operator's copy of the newest snapshot, `dir`/`dbfilename`: making it, and telling a file that this server wrote
 * from one that somebody else put there. A file is ours if its size and its CRC-64 are those recorded for the last copy.
 * The record names a copy before it is made, so that a crash in between leaves nothing that a start would take for foreign.
 */
import { basename, dirname, join } from 'node:path';
import { Crc64 } from '../../core/rdb/crc64.js';
import { readFully, systemErrorCode } from '../../log/local/file-layer.js';
import type { SnapshotFiles } from './snapshot-files.js';
import { decodeChecked, encodeChecked } from './snapshot-manifest.js';
import { readSmall, writeWhole } from './snapshot-store.js';

export const COPIES_NAME = 'copies.json';
const FORMAT = 1;
const READ_BYTES = 1 << 20;
const RDB_CHECKSUM_BYTES = 8;
/** Recorded files: those that may still lie there after a crash, and the one that is being made. */
const RECORDED_MAX = 4;

/** Content of an RDB file, as far as two of them need telling apart. */
export interface RdbContent {
  readonly bytes: number;
  /** CRC-64 of all bytes but the last eight, 16 hexadecimal digits. */
  readonly crc64: string;
}

interface Recorded extends RdbContent {
  /** Of the file when it was last read as a whole or written: while it has it, it need not be read again. */
  readonly identity: string;
}

export class DumpCopy {
  private readonly files: SnapshotFiles;
  private readonly directory: string;

  /** @param directory where the record lies: the directory of snapshots, which must exist for anything but `isOurs`. */
  constructor(files: SnapshotFiles, directory: string) {
    this.files = files;
    this.directory = directory;
  }

  /** Whether this server wrote, or loaded, the file at `path`; undefined where there is no file. */
  isOurs(path: string): boolean | undefined {
    if (!this.files.exists(path)) return undefined;
    const { bytes, text } = this.files.identity(path);
    const recorded = this.read().filter((each) => each.bytes === bytes);
    if (recorded.some(({ identity }) => identity === text)) return true;
    if (recorded.length === 0) return false;
    const { crc64 } = readContent(this.files, path);
    return recorded.some((each) => each.crc64 === crc64);
  }

  /** Records a file that is there as known: what was loaded at the first start, or was found to be ours after a move. */
  adopt(path: string): void {
    const content = readContent(this.files, path);
    this.write([{ ...content, identity: this.files.identity(path).text }, ...this.read()]);
  }

  /**
   * Replaces the file at `path` by a copy of a snapshot's file. A reader finds the old one or the new one.
   * @param source the file of a published snapshot, of this content.
   * @throws a system error; the file that was there stays, and nothing is left of the copy
   */
  replace(path: string, source: string, content: RdbContent): void {
    const { files } = this;
    this.write([{ ...content, identity: '' }, ...this.read()]);
    const temporary = join(dirname(path), temporaryNameOf(path));
    removeIfThere(files, temporary);
    try {
      files.copy(source, temporary);
      const fd = files.open(temporary, 'write');
      try {
        files.fsync(fd, 'copy-write');
      } finally {
        files.close(fd);
      }
      files.rename(temporary, path);
    } catch (error) {
      // Whatever was written takes room from the log, and is never synced again.
      this.clear(path);
      throw error;
    }
    files.syncDirectory(dirname(path), 'copy-enter');
    this.write([{ ...content, identity: files.identity(path).text }]);
  }

  /** Removes what a crash or a failure left of a copy. */
  clear(path: string): void {
    removeIfThere(this.files, join(dirname(path), temporaryNameOf(path)));
  }

  private read(): Recorded[] {
    const path = join(this.directory, COPIES_NAME);
    if (!this.files.exists(path)) return [];
    const value = decodeChecked(readSmall(this.files, path));
    if (typeof value === 'string' || value.format !== FORMAT || !Array.isArray(value.copies)) return [];
    return value.copies as Recorded[];
  }

  private write(copies: readonly Recorded[]): void {
    const distinct: Recorded[] = [];
    for (const each of copies) {
      if (!distinct.some(({ bytes, crc64 }) => bytes === each.bytes && crc64 === each.crc64)) distinct.push(each);
    }
    const bytes = encodeChecked({ format: FORMAT, copies: distinct.slice(0, RECORDED_MAX) });
    writeWhole(this.files, this.directory, COPIES_NAME, bytes, { write: 'manifest-write', enter: 'copy-enter' });
  }
}

/**
 * Reads a whole file.
 * @param behind bytes at its end that the CRC-64 does not cover: an RDB file has its own there.
 */
export function readContent(files: SnapshotFiles, path: string, behind = RDB_CHECKSUM_BYTES): RdbContent {
  const fd = files.open(path, 'read');
  try {
    const bytes = files.size(fd);
    const crc = new Crc64();
    const buffer = new Uint8Array(READ_BYTES);
    const end = Math.max(0, bytes - behind);
    for (let at = 0; at < end; ) {
      const count = readFully(files, fd, buffer, 0, Math.min(buffer.length, end - at), at);
      if (count === 0) break;
      crc.update(buffer, 0, count);
      at += count;
    }
    return { bytes, crc64: crc.text() };
  } finally {
    files.close(fd);
  }
}

function temporaryNameOf(path: string): string {
  return `${basename(path)}.holdfast-tmp`;
}

function removeIfThere(files: SnapshotFiles, path: string): void {
  try {
    files.unlink(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
  }
}

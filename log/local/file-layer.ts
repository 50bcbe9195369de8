/**
 * The only road from the local log to files: synchronous calls behind an interface, so that tests can put a file system
 * under the log that loses what was not synced, or that fails. `nodeFiles` is the real one.
 *
 * Every sync names its site. A test leaves each out in turn and must notice; a site that no test can miss is removed.
 */
import fs from 'node:fs';
import { dirname } from 'node:path';
import { durableOpenFlags, WRITES_SYNC_THEMSELVES } from './direct-io.js';

/** Which promise a sync keeps. */
export const SYNC_SITES = [
  /** A frame is durable before it is acknowledged. */
  'commit',
  /** A new segment's header is durable before the segment has its name. */
  'segment-create',
  /** A new segment has its name durably before a frame is written into it. */
  'segment-enter',
  /** The file's zeroed step has its room on disk before frames count on it: a full disk must show here, not in a commit. */
  'step',
  /** A closed segment ends with its last frame before its successor exists. */
  'roll',
  /** A mark is whole before it replaces the one before. */
  'mark-write',
  /** A replaced mark stays. */
  'mark-enter',
  /** What recovery accepted, and the end that it cut, is durable before it is served. */
  'recovery-tail',
  /** A new log directory has its name durably. */
  'directory-create',
  /** Segments vanish oldest first, never leaving a hole. */
  'segment-remove',
  /** A log that was cut off is whole before its mark is there. */
  'cut-segment',
] as const;
export type SyncSite = (typeof SYNC_SITES)[number];

export type OpenMode = 'read' | 'write' | 'create' | 'durable';

/**
 * Calls throw Node's errors (`code` is `ENOSPC`, `EIO`, ...). Offsets and lengths are bytes. `Site` names the promises that
 * syncs keep; other files than the log's have sites of their own.
 */
export interface FileLayer<Site extends string = SyncSite> {
  /**
   * `create`: read and write, must not exist. `write`: read and write, must exist. `durable`: as `write`, and only for
   * `writeDurable`, `truncate` and `fsync`.
   */
  open(path: string, mode: OpenMode): number;
  close(fd: number): void;
  /** Returns the bytes read; fewer than asked for only at the end of the file. */
  read(fd: number, bytes: Uint8Array, from: number, length: number, offset: number): number;
  /** Returns the bytes written, which may be fewer than asked for. */
  write(fd: number, bytes: Uint8Array, from: number, length: number, offset: number): number;
  /**
   * Writes to a `durable` descriptor; the bytes that it returns as written are on the disk, and so is what it takes to
   * find them. `from`, `length` and `offset` are multiples of 512, and `bytes` begins on one: see `alignedBytes`.
   */
  writeDurable(fd: number, bytes: Uint8Array, from: number, length: number, offset: number, site: Site): number;
  truncate(fd: number, size: number): void;
  size(fd: number): number;
  fsync(fd: number, site: Site): void;
  syncDirectory(path: string, site: Site): void;
  /** Replaces `to`. */
  rename(from: string, to: string): void;
  /** Fails with `EEXIST` where `to` exists. */
  renameExclusive(from: string, to: string): void;
  unlink(path: string): void;
  list(directory: string): string[];
  exists(path: string): boolean;
  /** Creates the directory; its parent must exist. */
  makeDirectory(path: string): void;
  /** Bytes that this process may still allocate on the file system. */
  freeBytes(path: string): number;
}

/** The code of a system error, or an empty string. */
export function systemErrorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return String(error.code);
}

/** Whether an error says that there is no room: the one failure that may pass, where nothing was promised yet. */
export function isNoSpace(error: unknown): boolean {
  const code = systemErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Writes all of bytes[from, from + length), in as many calls as it takes. */
export function writeFully<Site extends string>(
  files: FileLayer<Site>,
  fd: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  offset: number,
): void {
  let done = 0;
  while (done < length) {
    const written = files.write(fd, bytes, from + done, length - done, offset + done);
    if (written <= 0) throw Object.assign(new Error('a write wrote nothing'), { code: 'EIO' });
    done += written;
  }
}

/** Writes all of bytes[from, from + length) durably, in as many calls as it takes; see `FileLayer.writeDurable`. */
export function writeDurably<Site extends string>(
  files: FileLayer<Site>,
  fd: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  offset: number,
  site: Site,
): void {
  let done = 0;
  while (done < length) {
    const written = files.writeDurable(fd, bytes, from + done, length - done, offset + done, site);
    if (written <= 0) throw Object.assign(new Error('a write wrote nothing'), { code: 'EIO' });
    done += written;
  }
}

/** Reads until `length` bytes or the end of the file; returns how many. */
export function readFully<Site extends string>(
  files: FileLayer<Site>,
  fd: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  offset: number,
): number {
  let done = 0;
  while (done < length) {
    const got = files.read(fd, bytes, from + done, length - done, offset + done);
    if (got === 0) break;
    done += got;
  }
  return done;
}

type DirectoryMaker = Pick<FileLayer<'directory-create'>, 'exists' | 'makeDirectory' | 'syncDirectory'>;

/** Makes the directory and whatever above it is missing, each durably in its parent. */
export function makeDirectories(files: DirectoryMaker, path: string): void {
  if (files.exists(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectories(files, parent);
  try {
    files.makeDirectory(path);
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  files.syncDirectory(parent, 'directory-create');
}

const OPEN_FLAGS = { read: 'r', write: 'r+', create: 'wx+' } as const;
const SECTOR_BYTES = 512;

export const nodeFiles: FileLayer<string> = {
  open: (path, mode) => fs.openSync(path, mode === 'durable' ? durableOpenFlags(path) : OPEN_FLAGS[mode], 0o600),
  close: (fd) => fs.closeSync(fd),
  read: (fd, bytes, from, length, offset) => fs.readSync(fd, bytes, from, length, offset),
  write: (fd, bytes, from, length, offset) => fs.writeSync(fd, bytes, from, length, offset),
  writeDurable(fd, bytes, from, length, offset) {
    const written = fs.writeSync(fd, bytes, from, length, offset);
    if (!WRITES_SYNC_THEMSELVES) fs.fdatasyncSync(fd);
    // A short write is gone on with at a sector.
    return written === length ? written : written - (written % SECTOR_BYTES);
  },
  truncate: (fd, size) => fs.ftruncateSync(fd, size),
  size: (fd) => fs.fstatSync(fd).size,
  fsync: (fd) => fs.fsyncSync(fd),
  syncDirectory(path) {
    const fd = fs.openSync(path, 'r');
    try {
      fs.fsyncSync(fd);
    } finally {
      fs.closeSync(fd);
    }
  },
  rename: (from, to) => fs.renameSync(from, to),
  renameExclusive(from, to) {
    try {
      fs.linkSync(from, to);
    } catch (error) {
      // File systems without hard links: the directory lock is then what keeps a second writer from this name.
      const code = systemErrorCode(error);
      if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error;
      if (fs.existsSync(to)) throw Object.assign(new Error(`${to} exists`), { code: 'EEXIST' });
      fs.renameSync(from, to);
      return;
    }
    fs.unlinkSync(from);
  },
  unlink: (path) => fs.unlinkSync(path),
  list: (directory) => fs.readdirSync(directory),
  exists: (path) => fs.existsSync(path),
  makeDirectory: (path) => fs.mkdirSync(path, { mode: 0o700 }),
  freeBytes(path) {
    const { bavail, bsize } = fs.statfsSync(path);
    return bavail * bsize;
  },
};

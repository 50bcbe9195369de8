/**
 * Faults under the log, for tests and benchmarks only: a slow disk, failing writes and syncs, a full disk inside zeroed
 * room, short writes, commits held back. Given as text, so that it reaches the log thread and a real process too.
 * Counters lie in shared memory: the threads count together.
 */
import { existsSync } from 'node:fs';
import { FRAME_ALIGNMENT } from '../frame.js';
import { LogError } from '../log-error.js';
import type { FileLayer, OpenMode, SyncSite } from './file-layer.js';

/** Environment variable that carries the faults of a process; the server refuses it unless tests set it up. */
export const FAULTS_VARIABLE = 'HOLDFAST_TEST_LOG_FAULTS';

export interface LogFaults {
  /** Added to each durable write, fsync and directory sync. */
  readonly syncDelayMs: number;
  /** The n-th commit's write fails with EIO, counting from 1; 0 never. The same of its sync, and of ENOSPC. */
  readonly eioWriteAt: number;
  readonly eioSyncAt: number;
  readonly enospcWriteAt: number;
  /** Writes write at most half of what they are given. */
  readonly shortWrites: boolean;
  /** Commits are held back while this file exists. */
  readonly holdFile: string;
  /** The disk is full, but for what is zeroed already, while this file exists. */
  readonly fullFile: string;
}

const NO_FAULTS: LogFaults = {
  syncDelayMs: 0,
  eioWriteAt: 0,
  eioSyncAt: 0,
  enospcWriteAt: 0,
  shortWrites: false,
  holdFile: '',
  fullFile: '',
};

/**
 * Reads `name=value,name=value` with the names of `LogFaults` (`syncDelayMs=1,eioSyncAt=20,shortWrites=true`).
 * @throws LogError `LOG_MISUSE` for an unknown name or a bad value
 */
export function parseLogFaults(text: string): LogFaults {
  const faults: Record<string, number | boolean | string> = { ...NO_FAULTS };
  for (const pair of text.split(',')) {
    if (pair === '') continue;
    const [name = '', value = ''] = pair.split('=', 2);
    const known = faults[name];
    if (known === undefined) throw new LogError('LOG_MISUSE', `unknown log fault "${name}"`);
    if (typeof known === 'string') faults[name] = value;
    else if (typeof known === 'boolean') faults[name] = value === 'true' || value === '1';
    else faults[name] = Number(value);
    if (Number.isNaN(faults[name])) throw new LogError('LOG_MISUSE', `bad value of log fault "${pair}"`);
  }
  return faults as unknown as LogFaults;
}

/** Bytes of shared memory that the counters need. */
export const FAULT_COUNTER_BYTES = 64;

/** A file layer with faults. `counters` is shared by all threads of one log. */
export class FaultFiles implements FileLayer {
  private readonly inner: FileLayer;
  private readonly faults: LogFaults;
  /** 0: writes of frames, 1: syncs of frames. */
  private readonly counters: Int32Array;
  private readonly pause = new Int32Array(new SharedArrayBuffer(4));

  constructor(inner: FileLayer, faults: LogFaults, counters: SharedArrayBuffer) {
    this.inner = inner;
    this.faults = faults;
    this.counters = new Int32Array(counters);
  }

  /** Whether commits are to be held back now. */
  get held(): boolean {
    return this.faults.holdFile !== '' && existsSync(this.faults.holdFile);
  }

  write(fd: number, bytes: Uint8Array, from: number, length: number, offset: number): number {
    if (this.full && !isFrame(bytes, from)) throw systemError('ENOSPC', 'write');
    const most = this.faults.shortWrites && length > 1 ? Math.ceil(length / 2) : length;
    return this.inner.write(fd, bytes, from, most, offset);
  }

  /** A write that fails leaves nothing; a sync that fails comes when everything may be there. */
  writeDurable(fd: number, bytes: Uint8Array, from: number, length: number, offset: number, site: SyncSite): number {
    if (isFrame(bytes, from)) {
      const count = Atomics.add(this.counters, 0, 1) + 1;
      if (count === this.faults.eioWriteAt) throw systemError('EIO', 'write');
      if (count === this.faults.enospcWriteAt) throw systemError('ENOSPC', 'write');
    } else if (this.full && site !== 'commit') {
      throw systemError('ENOSPC', 'write');
    }
    const half = Math.ceil(length / 2 / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
    const written = this.inner.writeDurable(fd, bytes, from, this.faults.shortWrites ? half : length, offset, site);
    this.sync(site);
    return written;
  }

  fsync(fd: number, site: SyncSite): void {
    this.sync(site);
    this.inner.fsync(fd, site);
  }

  syncDirectory(path: string, site: SyncSite): void {
    this.sync(site);
    this.inner.syncDirectory(path, site);
  }

  open(path: string, mode: OpenMode): number {
    return this.inner.open(path, mode);
  }

  close(fd: number): void {
    this.inner.close(fd);
  }

  read(fd: number, bytes: Uint8Array, from: number, length: number, offset: number): number {
    return this.inner.read(fd, bytes, from, length, offset);
  }

  truncate(fd: number, size: number): void {
    this.inner.truncate(fd, size);
  }

  size(fd: number): number {
    return this.inner.size(fd);
  }

  rename(from: string, to: string): void {
    this.inner.rename(from, to);
  }

  renameExclusive(from: string, to: string): void {
    this.inner.renameExclusive(from, to);
  }

  unlink(path: string): void {
    this.inner.unlink(path);
  }

  list(directory: string): string[] {
    return this.inner.list(directory);
  }

  exists(path: string): boolean {
    return this.inner.exists(path);
  }

  makeDirectory(path: string): void {
    this.inner.makeDirectory(path);
  }

  freeBytes(path: string): number {
    return this.full ? 0 : this.inner.freeBytes(path);
  }

  private get full(): boolean {
    return this.faults.fullFile !== '' && existsSync(this.faults.fullFile);
  }

  private sync(site: SyncSite): void {
    if (this.faults.syncDelayMs > 0) Atomics.wait(this.pause, 0, 0, this.faults.syncDelayMs);
    if (site !== 'commit') return;
    if (Atomics.add(this.counters, 1, 1) + 1 === this.faults.eioSyncAt) throw systemError('EIO', 'sync');
  }
}

/** Frames begin with "HFF1"; zeros, headers, marks and the later halves of short writes do not. */
function isFrame(bytes: Uint8Array, from: number): boolean {
  return bytes[from] === 0x48 && bytes[from + 1] === 0x46 && bytes[from + 2] === 0x46 && bytes[from + 3] === 0x31;
}

function systemError(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: injected fault, ${call}`), { code, syscall: call });
}

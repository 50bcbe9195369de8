/** A segment file seen through a buffer: finds frames at offsets, and looks at what lies behind the last one. */
import { FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FRAME_MAGIC, FrameHeader, type FrameProbe } from '../frame.js';
import { readU32 } from '../little-endian.js';
import { LogError } from '../log-error.js';
import { type FileLayer, readFully } from './file-layer.js';

const WINDOW_BYTES = 1 << 20;
const ZEROS = new Uint8Array(64 * 1024);

/** What lies behind an offset where no acceptable frame starts. */
export interface Remains {
  /** Offset behind the last byte that is not zero; the offset asked for where all are. */
  readonly end: number;
  /** Offset of a sound frame that names as committed what should have been found; undefined where there is none. */
  readonly coveredBy: number | undefined;
}

export class FrameWindow {
  /** The header that the last `probe` read. */
  readonly header = new FrameHeader();
  /** The frame that the last `probe` found sound is bytes[at, at + header.totalBytes). */
  bytes: Uint8Array;
  at = 0;
  readonly file: string;
  /** Bytes of the file when it was opened. */
  readonly size: number;
  private readonly files: FileLayer;
  private readonly fd: number;
  private salt: number;
  /** File range in `bytes`. */
  private from = 0;
  private to = 0;

  constructor(files: FileLayer, fd: number, file: string, salt: number) {
    this.files = files;
    this.fd = fd;
    this.file = file;
    this.salt = salt;
    this.size = files.size(fd);
    this.bytes = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(this.size, FRAME_ALIGNMENT)));
  }

  /** Looks at the file offset; see `FrameHeader.probe`. `blank` at the end of the file. */
  probe(offset: number): FrameProbe {
    this.load(offset, FRAME_HEADER_BYTES);
    this.at = offset - this.from;
    const first = this.header.measure(this.bytes, this.at, this.at + Math.min(this.size - offset, 2 ** 40));
    if (first !== 'sound') return first;
    this.load(offset, this.header.totalBytes);
    this.at = offset - this.from;
    return this.header.probe(this.bytes, this.at, this.to - this.from, this.salt);
  }

  /**
   * Scans from `offset` to the end of the file for bytes that are not zero, and for sound frames whose committed mark
   * lies above (epoch, idx): they prove that what should be at `offset` had been committed.
   */
  remains(offset: number, epoch: number, idx: number): Remains {
    let end = offset;
    let coveredBy: number | undefined;
    for (let block = offset; block < this.size; block += FRAME_ALIGNMENT) {
      const length = Math.min(FRAME_ALIGNMENT, this.size - block);
      this.load(block, length);
      const at = block - this.from;
      const last = lastNonZero(this.bytes, at, at + length);
      if (last < 0) continue;
      end = this.from + last + 1;
      if (coveredBy === undefined && this.covers(block, epoch, idx)) coveredBy = block;
    }
    return { end, coveredBy };
  }

  /** Whether the file holds nothing but zeros in a range of at most one window. */
  blank(offset: number, length: number): boolean {
    this.load(offset, length);
    return lastNonZero(this.bytes, offset - this.from, offset - this.from + length) < 0;
  }

  private covers(offset: number, epoch: number, idx: number): boolean {
    const at = offset - this.from;
    if (this.size - offset < FRAME_HEADER_BYTES || readU32(this.bytes, at) !== FRAME_MAGIC) return false;
    if (this.probe(offset) !== 'sound') return false;
    const header = this.header;
    return header.committedEpoch > epoch || (header.committedEpoch === epoch && header.committedIdx > idx);
  }

  /** Makes `length` bytes at the file offset, as far as the file has them, lie in `bytes`. */
  private load(offset: number, length: number): void {
    const end = Math.min(offset + length, this.size);
    if (offset >= this.from && end <= this.to) return;
    if (length > this.bytes.length) this.bytes = new Uint8Array(length);
    this.from = offset;
    this.to = offset;
    try {
      this.to = offset + readFully(this.files, this.fd, this.bytes, 0, this.bytes.length, offset);
    } catch (cause) {
      const message = `${this.file}: cannot be read at offset ${offset}: ${String(cause)}`;
      throw new LogError('LOG_FAILED', message, { file: this.file, offset, cause });
    }
  }
}

function lastNonZero(bytes: Uint8Array, from: number, to: number): number {
  if (
    to - from === FRAME_ALIGNMENT &&
    Buffer.compare(bytes.subarray(from, to), ZEROS.subarray(0, FRAME_ALIGNMENT)) === 0
  ) {
    return -1;
  }
  for (let i = to - 1; i >= from; i--) if (bytes[i] !== 0) return i;
  return -1;
}

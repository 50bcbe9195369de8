/**
 * Input of one connection that was read and not executed: an incomplete command, or commands that may not run yet. A
 * connection has one only while there is something in it.
 *
 *   front  one contiguous piece; an incomplete command is at its start
 *   chunks what arrived behind it, oldest first, each with room in front for the rest of an incomplete command
 */
import { READ_HEADROOM } from './transport.js';

const CHUNK_BYTES_MIN = 16 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
/** Where it is not known how much an incomplete command lacks, this much is tried. */
const UNKNOWN_BYTES = 4096;
/** Arrays below this size are cheapest in V8's own heap. */
const SMALL_BYTES = 2048;

class InputChunk {
  readonly bytes: Uint8Array;
  start = READ_HEADROOM;
  end = READ_HEADROOM;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(READ_HEADROOM + size);
  }
}

const NONE = new Uint8Array(0);

export class InputQueue {
  /** The front: bytes[start, end). */
  bytes: Uint8Array = NONE;
  start = 0;
  end = 0;
  /** Chunks from firstChunk on. */
  private readonly chunks: InputChunk[] = [];
  private firstChunk = 0;
  /** Bytes in the chunks. */
  private chunkBytes = 0;
  /** Sizes of the chunks' buffers. */
  private chunkMemory = 0;

  /** Bytes waiting. */
  get length(): number {
    return this.end - this.start + this.chunkBytes;
  }

  /** Size of all buffers. */
  get memoryBytes(): number {
    return this.bytes.length + this.chunkMemory;
  }

  /** Bytes in the front. */
  get frontLength(): number {
    return this.end - this.start;
  }

  /** Appends bytes that cannot be looked at yet. */
  append(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      let chunk = this.chunks[this.chunks.length - 1];
      if (chunk === undefined || chunk.end === chunk.bytes.length) chunk = this.addChunk(to - at);
      const take = Math.min(to - at, chunk.bytes.length - chunk.end);
      chunk.bytes.set(bytes.subarray(at, at + take), chunk.end);
      chunk.end += take;
      this.chunkBytes += take;
      at += take;
    }
  }

  private addChunk(needed: number): InputChunk {
    const size = Math.min(Math.max(CHUNK_BYTES_MIN, needed, this.length), CHUNK_BYTES_MAX);
    const chunk = new InputChunk(size);
    this.chunks.push(chunk);
    this.chunkMemory += chunk.bytes.length;
    return chunk;
  }

  /**
   * Appends bytes to the front; only while there are no chunks.
   * @param expected bytes that are still to come for the incomplete command, at least; 0 when not known.
   */
  appendFront(bytes: Uint8Array, from: number, to: number, expected: number): void {
    const length = to - from;
    if (this.end + length > this.bytes.length) this.growFront(length, expected);
    this.bytes.set(bytes.subarray(from, to), this.end);
    this.end += length;
  }

  private growFront(length: number, expected: number): void {
    const kept = this.end - this.start;
    const needed = kept + length;
    // Doubles, so that bytes that come singly are not copied again and again; but never takes a client's word for how
    // much is to come beyond that.
    const size = Math.max(needed, Math.min(needed + expected, Math.max(needed * 2, CHUNK_BYTES_MIN)), kept * 2, 64);
    const grown = size < SMALL_BYTES ? new Uint8Array(size) : Buffer.allocUnsafeSlow(size);
    grown.set(this.bytes.subarray(this.start, this.end));
    this.bytes = grown;
    this.start = 0;
    this.end = kept;
  }

  /**
   * Bytes of bytes[from, to) that should join the front for its command to be completed, when it cannot be moved in
   * front of them.
   */
  static share(missing: number, from: number, to: number): number {
    return Math.min(to - from, missing > 0 ? missing : UNKNOWN_BYTES);
  }

  /**
   * Moves the front to just before `from`, if there is room and it is not the larger part.
   * @returns where it begins now, or -1 when it stays.
   */
  moveBefore(bytes: Uint8Array, from: number, to: number): number {
    const length = this.end - this.start;
    if (length > from || length > to - from || length > READ_HEADROOM) return -1;
    bytes.set(this.bytes.subarray(this.start, this.end), from - length);
    this.clearFront();
    return from - length;
  }

  /** Brings more bytes to the front. Returns false when there are none. */
  pull(missing: number): boolean {
    const chunk = this.chunks[this.firstChunk];
    if (chunk === undefined) return false;
    const start = this.moveBefore(chunk.bytes, chunk.start, chunk.end);
    if (start >= 0) {
      this.chunkBytes -= chunk.end - chunk.start;
      this.bytes = chunk.bytes;
      this.start = start;
      this.end = chunk.end;
      this.dropChunk(chunk);
      return true;
    }
    const take = InputQueue.share(missing, chunk.start, chunk.end);
    this.appendFront(chunk.bytes, chunk.start, chunk.start + take, missing - take);
    chunk.start += take;
    this.chunkBytes -= take;
    if (chunk.start === chunk.end) this.dropChunk(chunk);
    return true;
  }

  private dropChunk(chunk: InputChunk): void {
    this.chunkMemory -= chunk.bytes.length;
    this.firstChunk++;
    if (this.firstChunk < 32 && this.firstChunk < this.chunks.length) return;
    this.chunks.splice(0, this.firstChunk);
    this.firstChunk = 0;
  }

  /** Everything of the front before `position` was executed. */
  consume(position: number): void {
    this.start = position;
    if (position === this.end) this.clearFront();
  }

  private clearFront(): void {
    this.bytes = NONE;
    this.start = 0;
    this.end = 0;
  }
}

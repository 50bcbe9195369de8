/**
 * Input of one connection that was read and not executed: an incomplete command, or commands that may not run yet. A
 * connection has one only while there is something in it.
 *
 *   front   one contiguous range; an incomplete command is at its start
 *   behind  buffers with what arrived later, oldest first, each with room in front for the start of an incomplete command
 */
import { READ_HEADROOM } from './transport.js';

const BUFFER_BYTES_MIN = 16 * 1024;
const BUFFER_BYTES_MAX = 1024 * 1024;
/** Where it is not known how much an incomplete command lacks, this much is tried. */
const UNKNOWN_BYTES = 4096;
/** Arrays below this size are cheapest in V8's own heap. */
const SMALL_BYTES = 2048;

class KeptBuffer {
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
  private readonly behind: KeptBuffer[] = [];
  /** Bytes that wait behind the front. */
  private behindBytes = 0;
  /** Sizes of the buffers behind the front. */
  private behindMemory = 0;

  /** Bytes waiting. */
  get length(): number {
    return this.end - this.start + this.behindBytes;
  }

  /** Size of all buffers. */
  get memoryBytes(): number {
    return this.bytes.length + this.behindMemory;
  }

  /** Bytes in the front. */
  get frontLength(): number {
    return this.end - this.start;
  }

  /** Appends bytes that cannot be looked at yet. */
  append(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      let buffer = this.behind[this.behind.length - 1];
      if (buffer === undefined || buffer.end === buffer.bytes.length) buffer = this.addBuffer(to - at);
      const take = Math.min(to - at, buffer.bytes.length - buffer.end);
      buffer.bytes.set(bytes.subarray(at, at + take), buffer.end);
      buffer.end += take;
      this.behindBytes += take;
      at += take;
    }
  }

  private addBuffer(needed: number): KeptBuffer {
    const size = Math.min(Math.max(BUFFER_BYTES_MIN, needed, this.length), BUFFER_BYTES_MAX);
    const buffer = new KeptBuffer(size);
    this.behind.push(buffer);
    this.behindMemory += buffer.bytes.length;
    return buffer;
  }

  /**
   * Appends bytes to the front; only while nothing waits behind it.
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
    const size = Math.max(needed, Math.min(needed + expected, Math.max(needed * 2, BUFFER_BYTES_MIN)), kept * 2, 64);
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
    const buffer = this.behind[0];
    if (buffer === undefined) return false;
    const start = this.moveBefore(buffer.bytes, buffer.start, buffer.end);
    if (start >= 0) {
      this.behindBytes -= buffer.end - buffer.start;
      this.bytes = buffer.bytes;
      this.start = start;
      this.end = buffer.end;
      this.dropBuffer(buffer);
      return true;
    }
    const take = InputQueue.share(missing, buffer.start, buffer.end);
    this.appendFront(buffer.bytes, buffer.start, buffer.start + take, missing - take);
    buffer.start += take;
    this.behindBytes -= take;
    if (buffer.start === buffer.end) this.dropBuffer(buffer);
    return true;
  }

  private dropBuffer(buffer: KeptBuffer): void {
    this.behindMemory -= buffer.bytes.length;
    this.behind.shift();
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

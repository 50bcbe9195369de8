/**
 * How far a command has been parsed whose end has not arrived. All positions are relative to the command's first byte,
 * so the bytes may move to another buffer before parsing goes on. A connection has one only while it waits for bytes.
 */

const INITIAL_CAPACITY = 8;

/** Length of a line that is still being searched for its end, when its end can never be found. */
export const NEVER_ENDS = -1;

export class PartialRequest {
  /** True for an inline command: a line of words. */
  inline = false;
  /** Arguments that have not been parsed; -1 while the line with their number is incomplete. */
  remaining = -1;
  /** Length of the argument whose bytes are awaited; -1 while the line with its length is incomplete. */
  bulkLength = -1;
  /** Where parsing goes on: first byte of the incomplete line or argument. */
  cursor = 0;
  /** First byte of the incomplete line that was not searched for its end, or NEVER_ENDS. */
  searched = 0;
  /** Arguments parsed so far. */
  count = 0;
  start: Int32Array = new Int32Array(INITIAL_CAPACITY);
  end: Int32Array = new Int32Array(INITIAL_CAPACITY);

  /** Bytes that the parsed arguments' positions take. */
  get memoryBytes(): number {
    return this.start.length * 8;
  }

  /** Bytes of the awaited argument, its line end included, that lie behind `length` bytes of the command; 0: unknown. */
  missing(length: number): number {
    if (this.bulkLength < 0) return 0;
    const end = this.cursor + this.bulkLength + 2;
    return end > length ? end - length : 0;
  }

  reset(): void {
    this.inline = false;
    this.remaining = -1;
    this.bulkLength = -1;
    this.cursor = 0;
    this.searched = 0;
    this.count = 0;
    if (this.start.length > INITIAL_CAPACITY) {
      this.start = new Int32Array(INITIAL_CAPACITY);
      this.end = new Int32Array(INITIAL_CAPACITY);
    }
  }

  /** Makes room for one argument more. */
  grow(capacity: number): void {
    if (capacity <= this.start.length) return;
    const size = Math.max(capacity, this.start.length * 2);
    const start = new Int32Array(size);
    const end = new Int32Array(size);
    start.set(this.start);
    end.set(this.end);
    this.start = start;
    this.end = end;
  }
}

/**
 * The arguments of one command as byte ranges of a read buffer. One object is reused for every command of a server, so
 * parsing allocates nothing. Ranges are valid only until the command has run; whoever keeps bytes copies them.
 */

const NO_BYTES = new Uint8Array(0);
const INITIAL_CAPACITY = 64;

export class Arguments {
  /** The buffer that the ranges point into. */
  bytes: Uint8Array = NO_BYTES;
  /** Number of arguments, the command's name included. */
  count = 0;
  /** First byte of argument i in `bytes`. */
  start: Int32Array = new Int32Array(INITIAL_CAPACITY);
  /** First byte behind argument i in `bytes`. */
  end: Int32Array = new Int32Array(INITIAL_CAPACITY);

  /** Makes room for `capacity` arguments; ranges already set stay. */
  reserve(capacity: number): void {
    if (capacity <= this.start.length) return;
    const size = Math.max(capacity, this.start.length * 2);
    const start = new Int32Array(size);
    const end = new Int32Array(size);
    start.set(this.start);
    end.set(this.end);
    this.start = start;
    this.end = end;
  }

  /** Gives back the memory of an unusually long command. */
  shrink(capacityMax: number): void {
    if (this.start.length <= capacityMax) return;
    this.start = new Int32Array(INITIAL_CAPACITY);
    this.end = new Int32Array(INITIAL_CAPACITY);
    this.count = 0;
  }

  /** Length in bytes of argument i. */
  length(i: number): number {
    return this.end[i]! - this.start[i]!;
  }

  /**
   * True when argument i is this word, whatever its case. As in Redis, whose options are C strings, a NUL ends it.
   * @param word ASCII letters in upper case (digits and '-' allowed).
   */
  is(i: number, word: string): boolean {
    const start = this.start[i]!;
    const length = word.length;
    const bytes = this.bytes;
    const held = this.end[i]! - start;
    if (held !== length && (held < length || bytes[start + length] !== 0)) return false;
    for (let k = 0; k < length; k++) {
      let byte = bytes[start + k]!;
      if (byte >= 97 && byte <= 122) byte -= 32;
      if (byte !== word.charCodeAt(k)) return false;
    }
    return true;
  }

  /** True when arguments i and j are the same bytes. */
  equal(i: number, j: number): boolean {
    const length = this.length(i);
    if (length !== this.length(j)) return false;
    const bytes = this.bytes;
    const first = this.start[i]!;
    const second = this.start[j]!;
    for (let k = 0; k < length; k++) if (bytes[first + k] !== bytes[second + k]) return false;
    return true;
  }

  /** Argument i as C reads it: latin1 text up to the first NUL. Not for hot paths. */
  cText(i: number): string {
    const text = this.latin1(i);
    const nul = text.indexOf('\0');
    return nul < 0 ? text : text.slice(0, nul);
  }

  /** Argument i as text, one character a byte (latin1), at most `lengthMax` characters. Not for hot paths. */
  latin1(i: number, lengthMax = 0x1fffffff): string {
    const start = this.start[i]!;
    const end = Math.min(this.end[i]!, start + lengthMax);
    let text = '';
    for (let at = start; at < end; at += 4096) {
      text += String.fromCharCode(...this.bytes.subarray(at, Math.min(end, at + 4096)));
    }
    return text;
  }

  /** Bytes from the first argument's beginning to the last one's end: at least what all of them have together. */
  span(): number {
    return this.end[this.count - 1]! - this.start[0]!;
  }

  /** Fills this object from an array; for tests, tools and replay of hand-made commands. */
  set(parts: readonly Uint8Array[]): void {
    let total = 0;
    for (const part of parts) total += part.length;
    const bytes = new Uint8Array(total);
    this.reserve(parts.length);
    let at = 0;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      bytes.set(part, at);
      this.start[i] = at;
      at += part.length;
      this.end[i] = at;
    }
    this.bytes = bytes;
    this.count = parts.length;
  }
}

/**
 * Reads effects out of an entry: RESP commands in the one canonical form that EffectWriter writes. Strict: whatever is
 * not exactly that form is refused.
 */
import type { Arguments } from './arguments.js';

const ASTERISK = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;

export class EffectReader {
  /** The range found by `firstArgument`. */
  argumentStart = 0;
  argumentEnd = 0;
  private at = 0;

  /**
   * Reads one effect at `at`; the arguments are ranges of `bytes`.
   * @returns the position behind it, or -1 when the bytes up to `end` do not hold a well-formed effect.
   */
  read(bytes: Uint8Array, at: number, end: number, args: Arguments): number {
    if (bytes[at] !== ASTERISK) return -1;
    this.at = at + 1;
    const count = this.number(bytes, end);
    if (count < 1 || count > (end - at) / 5) return -1;
    args.reserve(count);
    args.bytes = bytes;
    args.count = count;
    const starts = args.start;
    const ends = args.end;
    for (let i = 0; i < count; i++) {
      if (this.at >= end || bytes[this.at] !== DOLLAR) return -1;
      this.at++;
      const length = this.number(bytes, end);
      if (length < 0) return -1;
      const start = this.at;
      const behind = start + length;
      if (behind + 2 > end || bytes[behind] !== CR || bytes[behind + 1] !== LF) return -1;
      starts[i] = start;
      ends[i] = behind;
      this.at = behind + 2;
    }
    return this.at;
  }

  /**
   * Finds the first argument of the effect at `at`, the key of most, without looking at the rest: only a hint.
   * @returns false where there is none.
   */
  firstArgument(bytes: Uint8Array, at: number, end: number): boolean {
    this.at = at + 1;
    if (this.number(bytes, end) < 2) return false;
    for (let i = 0; i < 2; i++) {
      if (bytes[this.at++] !== DOLLAR) return false;
      const length = this.number(bytes, end);
      if (length < 0) return false;
      this.argumentStart = this.at;
      this.argumentEnd = this.at + length;
      this.at = this.argumentEnd + 2;
    }
    return this.argumentEnd <= end;
  }

  /** Decimal digits and CR LF; -1 for anything else. */
  private number(bytes: Uint8Array, end: number): number {
    let at = this.at;
    let value = 0;
    const first = at;
    for (;;) {
      if (at + 1 >= end) return -1;
      const byte = bytes[at]!;
      if (byte === CR) break;
      if (byte < 48 || byte > 57 || at - first > 9) return -1;
      value = value * 10 + (byte - 48);
      at++;
    }
    if (at === first || bytes[at + 1] !== LF) return -1;
    this.at = at + 2;
    return value;
  }
}

/**
 * Signed 64-bit integers as text and arithmetic of commands need them, in two int32 lanes.
 *
 * Here: Redis' strict reading of decimal text (`string2ll`), writing, and addition that tells an overflow. Not here: replies,
 * and which error text an overflow gets. No bigint up to 2^53; beyond, only writing makes one.
 */
import { writeDecimal } from '../reply-writer.js';

/** Longest text of an integer: a sign and 19 digits. */
export const INT64_TEXT_BYTES_MAX = 20;

const TWO_31 = 2 ** 31;
const TWO_32 = 2 ** 32;
const BILLION = 1e9;
const DIGITS_MAX = 19;
/** As many digits are always below 2^53. */
const DIGITS_PLAIN = 15;
const MINUS = 45;
const ZERO = 48;

/** One number, made once and set over and over. `high` and `low` are the lanes of its two's complement, each an int32. */
export class Int64 {
  high = 0;
  low = 0;

  /**
   * Reads `bytes[start, end)` as Redis' `string2ll` does: decimal digits after at most a minus, no leading zero, no plus, no
   * space, no minus zero, in -9223372036854775808..9223372036854775807. Returns false for anything else; the lanes stay then.
   */
  parse(bytes: ArrayLike<number>, start: number, end: number): boolean {
    if (end <= start) return false;
    const negative = bytes[start] === MINUS;
    const first = negative ? start + 1 : start;
    const digits = end - first;
    if (digits === 0 || digits > DIGITS_MAX) return false;
    const lead = bytes[first]! - ZERO;
    if (lead <= 0 || lead > 9) {
      if (lead !== 0 || digits !== 1 || negative) return false;
      this.set(0, 0);
      return true;
    }
    // The leading digits and the last nine are both exact numbers, whatever the length.
    const split = digits > DIGITS_PLAIN ? end - 9 : end;
    let leading = lead;
    for (let at = first + 1; at < split; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) return false;
      leading = leading * 10 + digit;
    }
    if (split === end) {
      this.setNumber(negative ? -leading : leading);
      return true;
    }
    let rest = 0;
    for (let at = split; at < end; at++) {
      const digit = bytes[at]! - ZERO;
      if (digit < 0 || digit > 9) return false;
      rest = rest * 10 + digit;
    }
    return this.setMagnitude(leading, rest, negative);
  }

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  /** Sets an integer of at most 2^53 in magnitude. */
  setNumber(value: number): void {
    this.high = Math.floor(value / TWO_32) | 0;
    this.low = value | 0;
  }

  /** The value as a number: exact when `isExact`, else the nearest double or its neighbour. */
  toNumber(): number {
    return this.high * TWO_32 + (this.low >>> 0);
  }

  /** Whether `toNumber()` is exact: a magnitude of at most 2^53 - 1. */
  get isExact(): boolean {
    return Number.isSafeInteger(this.toNumber());
  }

  toBigInt(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low >>> 0);
  }

  /** Adds another one. Returns false, and changes nothing, where the sum does not fit 64 bits. */
  add(other: Int64): boolean {
    const low = (this.low >>> 0) + (other.low >>> 0);
    const high = this.high + other.high + (low >= TWO_32 ? 1 : 0);
    if (high >= TWO_31 || high < -TWO_31) return false;
    this.high = high;
    this.low = low | 0;
    return true;
  }

  /** Changes the sign. Returns false, and changes nothing, for the smallest integer, which has no opposite. */
  negate(): boolean {
    if (this.high === -TWO_31 && this.low === 0) return false;
    this.high = (this.low === 0 ? -this.high : ~this.high) | 0;
    this.low = -this.low | 0;
    return true;
  }

  /** Negative, 0 or positive as this one is less than, equal to or greater than the other. */
  compare(other: Int64): number {
    if (this.high !== other.high) return this.high - other.high;
    return (this.low >>> 0) - (other.low >>> 0);
  }

  /** Writes the value as text at `at`, INT64_TEXT_BYTES_MAX bytes at most, and returns the position behind it. */
  write(bytes: Uint8Array, at: number): number {
    if (this.isExact) return writeDecimal(bytes, at, this.toNumber());
    const text = this.toBigInt().toString();
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    return at + text.length;
  }

  /** Sets `leading * 10^9 + rest`, negated or not; `leading` is below 10^10. Returns false where it does not fit. */
  private setMagnitude(leading: number, rest: number, negative: boolean): boolean {
    // leading = upper * 2^16 + lower, so that every product below stays under 2^48.
    const upper = Math.floor(leading / 65536) * BILLION;
    const lower = (leading % 65536) * BILLION + rest;
    const low = (upper % 65536) * 65536 + lower;
    const high = Math.floor(upper / 65536) + Math.floor(low / TWO_32);
    const lowLane = low | 0; // modulo 2^32, which is what the conversion does
    if (high >= TWO_31 && !(negative && high === TWO_31 && lowLane === 0)) return false;
    this.set(high, lowLane);
    // 2^63 itself is its own opposite in two's complement, and already set.
    if (negative) this.negate();
    return true;
  }
}

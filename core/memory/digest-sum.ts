/**
 * The dataset digest: a checksum of the logical content that does not depend on order, process or encoding.
 *
 * Here: the digest of one key, fed in pieces, and the sum of all of them. Not here: walking the keys, and how a type feeds its
 * elements (in an order of their own, or by sums of their own).
 *
 * A key's digest is HalfSipHash-2-4 with 64 bits of output, under a fixed key, over 32-bit little-endian words:
 * database, type, length of the key, key bytes, whether there is an expiry and its two lanes, then what the type feeds. The dataset's
 * digest is their sum modulo 2^64, in two 32-bit lanes, so that keys can be added in any order, taken out again, and
 * partial sums joined. It tells datasets apart by accident, not against someone who makes collisions on purpose.
 */

/** Changes whenever the digest of the same dataset would change: digests of different versions say nothing about each other. */
export const DIGEST_VERSION = 1;

/** The fixed key: digits of pi, so that nothing is hidden in it. */
const SEED_0 = 0x243f6a88;
const SEED_1 = 0x85a308d3;
const TWO_32 = 2 ** 32;

export class DigestSum {
  /** The sum's lanes, each an unsigned 32-bit number. */
  high = 0;
  low = 0;
  /** How many keys are in the sum. */
  count = 0;
  private v0 = 0;
  private v1 = 0;
  private v2 = 0;
  private v3 = 0;
  /** Bytes that do not make up a word yet, and how many. */
  private pending = 0;
  private pendingBytes = 0;
  private length = 0;
  private open = false;

  /** Forgets everything. */
  reset(): void {
    this.high = 0;
    this.low = 0;
    this.count = 0;
    this.open = false;
  }

  /**
   * Begins a key. What follows is fed by `bytes()` and `word()` and closed by `end()` or `endTakingOut()`.
   * @param type a number of the type that is frozen with DIGEST_VERSION.
   * @param expiryHigh, expiryLow the expiry in milliseconds in two int32 lanes, anything where there is none.
   */
  begin(
    database: number,
    type: number,
    key: ArrayLike<number>,
    keyStart: number,
    keyEnd: number,
    hasExpiry: boolean,
    expiryHigh: number,
    expiryLow: number,
  ): void {
    if (this.open) throw new Error('digest: the key before was not ended');
    this.open = true;
    this.v0 = SEED_0;
    this.v1 = SEED_1 ^ 0xee;
    this.v2 = 0x6c796765 ^ SEED_0;
    this.v3 = 0x74656462 ^ SEED_1;
    this.pending = 0;
    this.pendingBytes = 0;
    this.length = 0;
    this.word(database);
    this.word(type);
    this.word(keyEnd - keyStart);
    this.bytes(key, keyStart, keyEnd);
    this.word(hasExpiry ? 1 : 0);
    this.word(hasExpiry ? expiryHigh : 0);
    this.word(hasExpiry ? expiryLow : 0);
  }

  /** Feeds a 32-bit number, for example the length of what follows. */
  word(value: number): void {
    if (this.pendingBytes === 0) {
      this.length += 4;
      this.compress(value | 0);
      return;
    }
    this.byte(value & 255);
    this.byte((value >>> 8) & 255);
    this.byte((value >>> 16) & 255);
    this.byte(value >>> 24);
  }

  /** Feeds `source[start, end)`. Pieces may be cut anywhere; where one ends is not part of the digest. */
  bytes(source: ArrayLike<number>, start: number, end: number): void {
    if (!this.open) throw new Error('digest: no key was begun');
    let at = start;
    while (at < end && this.pendingBytes !== 0) this.byte(source[at++]!);
    for (; end - at >= 4; at += 4) {
      this.compress(source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16) | (source[at + 3]! << 24));
      this.length += 4;
    }
    while (at < end) this.byte(source[at++]!);
  }

  /** Ends the key and adds it to the sum. */
  end(): void {
    this.finish();
    const low = this.low + this.itemLow;
    this.high = (this.high + this.itemHigh + (low >= TWO_32 ? 1 : 0)) >>> 0;
    this.low = low >>> 0;
    this.count++;
  }

  /** Ends the key and takes it out of the sum, which it must have been added to. */
  endTakingOut(): void {
    this.finish();
    const low = this.low - this.itemLow;
    this.high = (this.high - this.itemHigh - (low < 0 ? 1 : 0)) >>> 0;
    this.low = low >>> 0;
    this.count--;
  }

  /** Adds the keys of another sum. */
  join(other: DigestSum): void {
    const low = this.low + other.low;
    this.high = (this.high + other.high + (low >= TWO_32 ? 1 : 0)) >>> 0;
    this.low = low >>> 0;
    this.count += other.count;
  }

  /** The sum as 16 hexadecimal digits. */
  text(): string {
    return this.high.toString(16).padStart(8, '0') + this.low.toString(16).padStart(8, '0');
  }

  /** The lanes of the last finished key. */
  private itemHigh = 0;
  private itemLow = 0;

  private byte(value: number): void {
    this.pending |= value << (8 * this.pendingBytes);
    this.length++;
    if (++this.pendingBytes < 4) return;
    this.compress(this.pending);
    this.pending = 0;
    this.pendingBytes = 0;
  }

  private compress(word: number): void {
    this.v3 ^= word;
    this.rounds(2);
    this.v0 ^= word;
  }

  private finish(): void {
    if (!this.open) throw new Error('digest: no key was begun');
    this.open = false;
    this.compress(this.pending | (this.length << 24));
    this.v2 ^= 0xee;
    this.rounds(4);
    this.itemHigh = (this.v1 ^ this.v3) >>> 0;
    this.v1 ^= 0xdd;
    this.rounds(4);
    this.itemLow = (this.v1 ^ this.v3) >>> 0;
  }

  private rounds(count: number): void {
    let { v0, v1, v2, v3 } = this;
    for (let round = 0; round < count; round++) {
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5) | (v1 >>> 27);
      v1 ^= v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8) | (v3 >>> 24);
      v3 ^= v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7) | (v3 >>> 25);
      v3 ^= v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13) | (v1 >>> 19);
      v1 ^= v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.v0 = v0;
    this.v1 = v1;
    this.v2 = v2;
    this.v3 = v3;
  }
}

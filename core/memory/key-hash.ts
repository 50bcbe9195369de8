/**
 * The hash of a key: HalfSipHash-1-3 with a secret seed and 64 bits of output, in two 32-bit lanes.
 *
 * Here: the function over byte ranges, without bigint and without allocation. Not here: where the seed comes from (chance is
 * injected, core has none) and what the hash is used for (`hash-table.ts`, the expiry index, the records of long keys).
 *
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", and the reference `halfsiphash.c` of its authors, with one
 * compression and three finalisation rounds instead of two and four. The short variant resists what a table must resist,
 * chosen keys that collide; it is no message authentication.
 */

/** Hashes byte ranges under one secret seed. The result is left in `high` and `low`, so that no object is made per key. */
export class KeyHash {
  /** First output lane of the last `hash()`, as int32. The hash table is ordered by it, read as unsigned. */
  high = 0;
  private readonly seed0: number;
  private readonly seed1: number;
  /** The state after the first lane, from which `low` goes on. */
  private state0 = 0;
  private state1 = 0;
  private state2 = 0;
  private state3 = 0;

  /**
   * @param seed secret random words, at least two; only the first two are used (HalfSipHash has a 64-bit key).
   * @throws RangeError when there are fewer than two words.
   */
  constructor(seed: Uint32Array) {
    if (seed.length < 2) throw new RangeError(`a key hash needs a seed of two 32-bit words, got ${seed.length}`);
    this.seed0 = seed[0]! | 0;
    this.seed1 = seed[1]! | 0;
  }

  /** Hashes `bytes[start, end)` into `high` and `low`. */
  hash(bytes: ArrayLike<number>, start: number, end: number): void {
    const seed0 = this.seed0;
    const seed1 = this.seed1;
    let v0 = seed0;
    let v1 = seed1 ^ 0xee; // 0xee here and below, and 0xdd between the lanes, select the 64-bit output of the reference
    let v2 = 0x6c796765 ^ seed0;
    let v3 = 0x74656462 ^ seed1;
    const wordsEnd = start + ((end - start) & ~3);
    let word = 0;
    for (let at = start; at < wordsEnd; at += 4) {
      word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
      v3 ^= word;
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
      v0 ^= word;
    }
    word = (end - start) << 24;
    const rest = end - wordsEnd;
    if (rest > 2) word |= bytes[wordsEnd + 2]! << 16;
    if (rest > 1) word |= bytes[wordsEnd + 1]! << 8;
    if (rest > 0) word |= bytes[wordsEnd]!;
    v3 ^= word;
    // One compression round of the last word, then three of finalisation: four of the same, hence the loop.
    for (let round = 0; round < 4; round++) {
      if (round === 1) {
        v0 ^= word;
        v2 ^= 0xee;
      }
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
    this.high = v1 ^ v3;
    this.state0 = v0;
    this.state1 = v1;
    this.state2 = v2;
    this.state3 = v3;
  }

  /**
   * Second output lane of the last `hash()`, as int32. Its three rounds are made when it is asked for: the table needs only `high`.
   */
  get low(): number {
    let v0 = this.state0;
    let v1 = this.state1 ^ 0xdd;
    let v2 = this.state2;
    let v3 = this.state3;
    for (let round = 0; round < 3; round++) {
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
    return v1 ^ v3;
  }
}

/**
 * XXH3, the 64-bit variant with seed 0 and the secret of its authors: what DIGEST answers and IFDEQ compares. Follows the
 * published algorithm (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md). Bytes come in one piece up to
 * XXH3_SHORT_BYTES_MAX, and longer ones block by block, so that a value in parts is hashed without being put together.
 */
import { type Lanes, Word64 } from './word64.js';

/** Longest input of `short`; longer ones go through `begin`, `blocks` and `end`. */
export const XXH3_SHORT_BYTES_MAX = 240;
/** Bytes between two scrambles of the accumulators. */
export const XXH3_BLOCK_BYTES = 1024;
const STRIPE_BYTES = 64;
const LANES = 8;
const TWO_TO_MINUS_32 = 2 ** -32;
/** Words of the secret by which the next stripe's key begins further on. */
const STRIPE_SECRET_WORDS = 2;

// biome-ignore format: a table
const SECRET = Uint8Array.of(
  0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
  0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
  0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
  0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
  0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
  0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
  0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
  0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
  0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
  0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
  0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
  0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
);

/** The primes of the specification, as lanes. */
const PRIME32_1: Lanes = { high: 0, low: 0x9e3779b1 };
const PRIME32_2: Lanes = { high: 0, low: 0x85ebca77 };
const PRIME32_3: Lanes = { high: 0, low: 0xc2b2ae3d };
const PRIME64_1: Lanes = { high: 0x9e3779b1, low: 0x85ebca87 };
const PRIME64_2: Lanes = { high: 0xc2b2ae3d, low: 0x27d4eb4f };
const PRIME64_3: Lanes = { high: 0x165667b1, low: 0x9e3779f9 };
const PRIME64_4: Lanes = { high: 0x85ebca77, low: 0xc2b2ae63 };
const PRIME64_5: Lanes = { high: 0x27d4eb2f, low: 0x165667c5 };
const PRIME_MX1: Lanes = { high: 0x16566791, low: 0x9e3779f9 };
const PRIME_MX2: Lanes = { high: 0x9fb21c65, low: 0x1e98df25 };

/** What the accumulators are before the first stripe. */
const ACCUMULATORS = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1];

/** Little-endian words of the secret from byte `from` on. */
function secretWords(from: number, count: number): Int32Array {
  const view = new DataView(SECRET.buffer);
  return Int32Array.from({ length: count }, (_, i) => view.getInt32(from + i * 4, true));
}

const STRIPE_KEYS = secretWords(0, 48);
const SCRAMBLE_KEYS = secretWords(128, LANES * 2);
const LAST_STRIPE_KEYS = secretWords(121, LANES * 2);

export class Xxh3 {
  /** The last digest, two int32 lanes. */
  high = 0;
  low = 0;
  private readonly sum = new Word64();
  private readonly first = new Word64();
  private readonly second = new Word64();
  private readonly key = new Word64();
  /** Low and high word of each of the 8. */
  private readonly accumulators = new Int32Array(LANES * 2);

  /** Digests `bytes[start, end)`, at most XXH3_SHORT_BYTES_MAX of them. */
  short(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > XXH3_SHORT_BYTES_MAX) throw new RangeError(`${length} bytes are not a short input`);
    if (length > 128) this.upTo240(bytes, start, length);
    else if (length > 16) this.upTo128(bytes, start, length);
    else if (length > 8) this.upTo16(bytes, start, length);
    else if (length > 3) this.upTo8(bytes, start, length);
    else this.upTo3(bytes, start, length);
  }

  private keep(): void {
    this.high = this.sum.high;
    this.low = this.sum.low;
  }

  private upTo3(bytes: Uint8Array, start: number, length: number): void {
    const { key, sum } = this;
    if (length === 0) {
      this.readKey(56, 64);
      sum.copy(key);
    } else {
      const middle = bytes[start + (length >> 1)]!;
      sum.set(0, bytes[start + length - 1]! | (length << 8) | (bytes[start]! << 16) | (middle << 24));
      key.set(0, STRIPE_KEYS[0]! ^ STRIPE_KEYS[1]!);
      sum.xor(key);
    }
    sum.xorShifted(33);
    sum.multiply(PRIME64_2);
    sum.xorShifted(29);
    sum.multiply(PRIME64_3);
    sum.xorShifted(32);
    this.keep();
  }

  private upTo8(bytes: Uint8Array, start: number, length: number): void {
    const { first, second, key, sum } = this;
    this.readKey(8, 16);
    sum.set(read32(bytes, start), read32(bytes, start + length - 4));
    sum.xor(key);
    first.copy(sum);
    first.rotate(49);
    second.copy(sum);
    second.rotate(24);
    sum.xor(first);
    sum.xor(second);
    sum.multiply(PRIME_MX2);
    first.copy(sum);
    first.xorShifted(35);
    first.xor(sum); // What is shifted in alone.
    first.addLanes(0, length);
    sum.xor(first);
    sum.multiply(PRIME_MX2);
    sum.xorShifted(28);
    this.keep();
  }

  private upTo16(bytes: Uint8Array, start: number, length: number): void {
    const { first, second, key, sum } = this;
    first.read(bytes, start);
    this.readKey(24, 32);
    first.xor(key);
    second.read(bytes, start + length - 8);
    this.readKey(40, 48);
    second.xor(key);
    sum.copy(first);
    sum.swapBytes();
    sum.add(second);
    sum.addLanes(0, length);
    first.multiplyFold(second);
    sum.add(first);
    this.avalanche();
  }

  private upTo128(bytes: Uint8Array, start: number, length: number): void {
    this.beginSum(length);
    const end = start + length;
    for (let pair = (length - 1) >> 5; pair >= 0; pair--) {
      this.mix(bytes, start + pair * 16, pair * 32);
      this.mix(bytes, end - pair * 16 - 16, pair * 32 + 16);
    }
    this.avalanche();
  }

  private upTo240(bytes: Uint8Array, start: number, length: number): void {
    this.beginSum(length);
    for (let i = 0; i < 8; i++) this.mix(bytes, start + i * 16, i * 16);
    this.avalanche();
    for (let i = 8; i < length >> 4; i++) this.mix(bytes, start + i * 16, (i - 8) * 16 + 3);
    this.mix(bytes, start + length - 16, 119);
    this.avalanche();
  }

  private beginSum(length: number): void {
    this.sum.set(0, length);
    this.sum.multiply(PRIME64_1);
  }

  /** Adds 16 bytes, keyed with 16 of the secret. */
  private mix(bytes: Uint8Array, at: number, secretAt: number): void {
    const { first, second, key } = this;
    first.read(bytes, at);
    key.read(SECRET, secretAt);
    first.xor(key);
    second.read(bytes, at + 8);
    key.read(SECRET, secretAt + 8);
    second.xor(key);
    first.multiplyFold(second);
    this.sum.add(first);
  }

  /** Two words of the secret combined. */
  private readKey(at: number, other: number): void {
    this.key.read(SECRET, at);
    const { high, low } = this.key;
    this.key.read(SECRET, other);
    this.key.high ^= high;
    this.key.low ^= low;
  }

  private avalanche(): void {
    const { sum } = this;
    sum.xorShifted(37);
    sum.multiply(PRIME_MX1);
    sum.xorShifted(32);
    this.keep();
  }

  // ---- long inputs -------------------------------------------------------------------------------------------------

  /** Begins an input longer than XXH3_SHORT_BYTES_MAX. */
  begin(): void {
    for (let i = 0; i < LANES; i++) {
      this.accumulators[i * 2] = ACCUMULATORS[i]!.low;
      this.accumulators[i * 2 + 1] = ACCUMULATORS[i]!.high;
    }
  }

  /** Takes whole blocks, of which another byte of the input must follow. */
  blocks(bytes: Uint8Array, start: number, count: number): void {
    for (let block = 0; block < count; block++) {
      const from = start + block * XXH3_BLOCK_BYTES;
      this.stripes(bytes, from, XXH3_BLOCK_BYTES / STRIPE_BYTES);
      this.scramble();
    }
  }

  private stripes(bytes: Uint8Array, start: number, count: number): void {
    for (let stripe = 0; stripe < count; stripe++) {
      this.stripe(bytes, start + stripe * STRIPE_BYTES, STRIPE_KEYS, stripe * STRIPE_SECRET_WORDS);
    }
  }

  private stripe(bytes: Uint8Array, start: number, keys: Int32Array, keyAt: number): void {
    const { accumulators } = this;
    for (let lane = 0; lane < LANES * 2; lane += 2) {
      const low = read32(bytes, start + lane * 4);
      const high = read32(bytes, start + lane * 4 + 4);
      const left = low ^ keys[keyAt + lane]!;
      const right = high ^ keys[keyAt + lane + 1]!;
      // The 64-bit product as `multiplyWide` makes it.
      const productLow = Math.imul(left, right);
      const productHigh = Math.floor(((left >>> 0) * (right >>> 0) - (productLow >>> 0)) * TWO_TO_MINUS_32 + 0.5) | 0;
      addTo(accumulators, lane ^ 2, high, low);
      addTo(accumulators, lane, productHigh, productLow);
    }
  }

  private scramble(): void {
    const { accumulators, sum } = this;
    for (let lane = 0; lane < LANES * 2; lane += 2) {
      sum.set(accumulators[lane + 1]!, accumulators[lane]!);
      sum.xorShifted(47);
      sum.set(sum.high ^ SCRAMBLE_KEYS[lane + 1]!, sum.low ^ SCRAMBLE_KEYS[lane]!);
      sum.multiply(PRIME32_1);
      accumulators[lane] = sum.low;
      accumulators[lane + 1] = sum.high;
    }
  }

  /**
   * Ends a long input of `length` bytes in all.
   * @param bytes its last bytes, up to `end`: from the last whole block on, and at least 64 of them.
   */
  end(bytes: Uint8Array, end: number, length: number): void {
    const { accumulators, first, key, second, sum } = this;
    const rest = ((length - 1) % XXH3_BLOCK_BYTES) + 1;
    this.stripes(bytes, end - rest, (rest - 1) >> 6);
    this.stripe(bytes, end - STRIPE_BYTES, LAST_STRIPE_KEYS, 0);
    this.beginSum(length);
    for (let at = 0; at < LANES * 2; at += 4) {
      first.set(accumulators[at + 1]!, accumulators[at]!);
      key.read(SECRET, 11 + at * 4);
      first.xor(key);
      second.set(accumulators[at + 3]!, accumulators[at + 2]!);
      key.read(SECRET, 11 + at * 4 + 8);
      second.xor(key);
      first.multiplyFold(second);
      sum.add(first);
    }
    this.avalanche();
  }
}

/** Adds to the accumulator whose low word is at `at`. */
function addTo(accumulators: Int32Array, at: number, high: number, low: number): void {
  const sum = (accumulators[at]! >>> 0) + (low >>> 0);
  accumulators[at] = sum | 0;
  accumulators[at + 1] = (accumulators[at + 1]! + high + (sum > 0xffffffff ? 1 : 0)) | 0;
}

function read32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

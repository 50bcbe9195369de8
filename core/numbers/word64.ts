/**
 * Unsigned 64-bit arithmetic modulo 2^64 in two int32 lanes, for hashes: what they multiply, rotate and fold. No bigint.
 * Signed numbers as commands read them are in int64.ts.
 */

const TWO_TO_MINUS_32 = 2 ** -32;

/** Lanes of the last `multiplyWide`. */
let wideHigh = 0;
let wideLow = 0;

/**
 * The 64-bit product of two words read as unsigned, into wideHigh and wideLow. The product as a double is off by less than
 * 2^11; without its low word, which is known, it is a multiple of 2^32, so rounding gives the high word exactly.
 */
function multiplyWide(a: number, b: number): void {
  wideLow = Math.imul(a, b);
  wideHigh = Math.floor(((a >>> 0) * (b >>> 0) - (wideLow >>> 0)) * TWO_TO_MINUS_32 + 0.5) | 0;
}

/** A number: its upper and its lower 32 bits, of either sign. */
export interface Lanes {
  readonly high: number;
  readonly low: number;
}

/** One number, made once and set over and over. */
export class Word64 implements Lanes {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high | 0;
    this.low = low | 0;
  }

  copy(other: Lanes): void {
    this.set(other.high, other.low);
  }

  /** Reads 8 bytes, lowest first. */
  read(bytes: ArrayLike<number>, at: number): void {
    this.low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    this.high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
  }

  xor(other: Lanes): void {
    this.high ^= other.high;
    this.low ^= other.low;
  }

  add(other: Lanes): void {
    this.addLanes(other.high, other.low);
  }

  addLanes(high: number, low: number): void {
    const sum = (this.low >>> 0) + (low >>> 0);
    this.low = sum | 0;
    this.high = (this.high + high + (sum > 0xffffffff ? 1 : 0)) | 0;
  }

  /** Multiplies modulo 2^64. */
  multiply(factor: Lanes): void {
    const { high, low } = this;
    multiplyWide(low, factor.low);
    this.low = wideLow;
    this.high = (wideHigh + Math.imul(low, factor.high) + Math.imul(high, factor.low)) | 0;
  }

  /** Becomes the two halves of its 128-bit product with another number, combined by exclusive or. */
  multiplyFold(other: Lanes): void {
    const { high, low } = this;
    multiplyWide(low, other.low);
    const first = wideLow;
    let second = wideHigh >>> 0;
    multiplyWide(low, other.high);
    second += wideLow >>> 0;
    let third = wideHigh >>> 0;
    multiplyWide(high, other.low);
    second += wideLow >>> 0;
    third += wideHigh >>> 0;
    multiplyWide(high, other.high);
    third += (wideLow >>> 0) + Math.floor(second / 0x100000000);
    const fourth = wideHigh + Math.floor(third / 0x100000000);
    this.low = first ^ third;
    this.high = second ^ fourth;
  }

  /** Combines the number with itself shifted right by `bits`, 1 to 63, by exclusive or. */
  xorShifted(bits: number): void {
    const { high, low } = this;
    if (bits >= 32) {
      this.low = low ^ (high >>> (bits - 32));
    } else {
      this.low = low ^ ((low >>> bits) | (high << (32 - bits)));
      this.high = high ^ (high >>> bits);
    }
  }

  /** Rotates left by `bits`, 1 to 63 but not 32. */
  rotate(bits: number): void {
    const swapped = bits > 32;
    const high = swapped ? this.low : this.high;
    const low = swapped ? this.high : this.low;
    const left = bits & 31;
    this.high = (high << left) | (low >>> (32 - left));
    this.low = (low << left) | (high >>> (32 - left));
  }

  /** Reverses the order of the 8 bytes. */
  swapBytes(): void {
    const low = swapped32(this.low);
    this.low = swapped32(this.high);
    this.high = low;
  }
}

/** The four bytes of a word in reverse order. */
function swapped32(word: number): number {
  return (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}

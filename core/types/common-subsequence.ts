/**
 * A longest common subsequence of two byte strings, the one that Redis' LCS finds. Bit-parallel (H. Hyyrö, "Bit-parallel
 * LCS-length computation revisited", 2004): a row of the usual table is a vector with one bit for each byte of the second
 * string, 0 where the length grows by one there. 32 times less time and memory than the table of lengths: that is at most
 * 16 MiB of rows where Redis makes a table of 512 MiB, its limit.
 */

/** A range that both strings have in common. */
export interface CommonRange {
  readonly firstStart: number;
  readonly secondStart: number;
  readonly length: number;
}

export class CommonSubsequence {
  /** Bytes in common. */
  readonly length: number;
  private readonly first: Uint8Array;
  private readonly second: Uint8Array;
  /** Words of a row. */
  private readonly words: number;
  /** Row i is that of the first i + 1 bytes of the first string; only the last one where nobody asks for bytes. */
  private readonly rows: Int32Array;

  /** @param traced whether `bytes` or `matches` will be asked for; without, only the length is there. */
  constructor(first: Uint8Array, second: Uint8Array, traced: boolean) {
    this.first = first;
    this.second = second;
    const empty = first.length === 0 || second.length === 0;
    this.words = empty ? 0 : Math.ceil(second.length / 32);
    this.rows = new Int32Array(this.words * (traced ? first.length : 1));
    if (!empty) this.fill(traced);
    this.length = empty ? 0 : this.countGrowth(this.rows.length - this.words);
  }

  private fill(traced: boolean): void {
    const { first, rows, words } = this;
    const places = new Int32Array(256).fill(-1);
    const masks = this.masks(places);
    let row: Int32Array = new Int32Array(words).fill(-1);
    for (let i = 0; i < first.length; i++) {
      const next = traced ? rows.subarray(i * words, (i + 1) * words) : rows;
      advance(row, next, masks, places[first[i]!]! * words);
      row = next;
    }
  }

  /** By byte of the first string, as `places` numbers them: a vector of where the second string has it. */
  private masks(places: Int32Array): Int32Array {
    const { first, second, words } = this;
    let count = 0;
    for (const byte of first) if (places[byte]! < 0) places[byte] = count++;
    const masks = new Int32Array(count * words);
    for (let j = 0; j < second.length; j++) {
      const place = places[second[j]!]!;
      if (place >= 0) masks[place * words + (j >>> 5)]! |= 1 << (j & 31);
    }
    return masks;
  }

  /** The length that a row stands for: its zeros. */
  private countGrowth(from: number): number {
    let length = 0;
    for (let j = 0; j < this.second.length; j++) if (this.grows(from, j)) length++;
    return length;
  }

  private grows(rowStart: number, j: number): boolean {
    return (this.rows[rowStart + (j >>> 5)]! & (1 << (j & 31))) === 0;
  }

  /** The bytes in common. */
  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length);
    let at = this.length;
    this.trace((i) => {
      bytes[--at] = this.first[i]!;
    });
    return bytes;
  }

  /** The ranges of at least `lengthMin` bytes, from the last to the first. */
  matches(lengthMin: number): CommonRange[] {
    const ranges: CommonRange[] = [];
    let firstStart = 0;
    let secondStart = 0;
    let length = 0;
    const keep = (): void => {
      if (length > 0 && length >= lengthMin) ranges.push({ firstStart, secondStart, length });
    };
    this.trace((i, j) => {
      if (length === 0 || i !== firstStart - 1 || j !== secondStart - 1) {
        keep();
        length = 0;
      }
      firstStart = i;
      secondStart = j;
      length++;
    });
    keep();
    return ranges;
  }

  /**
   * Visits the pairs of equal bytes that make it up, from the last to the first. Where two bytes differ, the way goes to
   * the longer remainder, to the shorter second string where both are equal, as in Redis: a length that grows here with
   * bytes that differ has grown above.
   */
  private trace(visit: (i: number, j: number) => void): void {
    const { first, second, words } = this;
    let i = first.length - 1;
    let j = second.length - 1;
    while (i >= 0 && j >= 0) {
      if (first[i] === second[j]) visit(i--, j--);
      else if (this.grows(i * words, j)) i--;
      else j--;
    }
  }
}

/** Makes the next row from one, given the vector of where the second string has the byte. */
function advance(row: Int32Array, next: Int32Array, masks: Int32Array, mask: number): void {
  let carry = 0;
  for (let word = 0; word < row.length; word++) {
    const held = row[word]!;
    const matching = held & masks[mask + word]!;
    const sum = (held >>> 0) + (matching >>> 0) + carry;
    carry = sum > 0xffffffff ? 1 : 0;
    next[word] = sum | (held & ~matching);
  }
}

/**
 * The directory of a hash table: which table page holds the hashes that begin with given bits.
 *
 *   entry (int32)  | table page 25 | 1 | chained 1 | depth 5 |   (0: not copied yet from the previous directory)
 *
 * A page of depth d owns 2^(bits - d) consecutive entries. The directory doubles or halves by allocating the next one; until
 * all entries are copied, a few with each change of the table, an entry that is 0 stands in the previous one. That stays
 * right: whatever changes an entry writes all entries of its page, and to the new one.
 */

/** Layout of an entry. */
export const DEPTH_MASK = 31;
export const CHAINED = 32;
export const PAGE_SHIFT = 7;
export const PAGES_MAX = 1 << 25;
const VALID = 64;
/** Deepest page. With the 8 bits that a cell keeps, 32 bits of the hash decide a position: the high lane alone. */
export const DEPTH_MAX = 24;
/** Log 2 of the entries that any directory may have, however few pages there are. */
const BITS_FREE = 6;
/** A directory may grow to this many entries per table page (log 2). Good hashes need 1 or 2; only colliding ones reach it. */
const SLACK_BITS = 3;
/** Entries that one change of the table copies while a new directory is being filled. */
const STEP_ENTRIES = 16;
/** Directories up to this many entries are copied at once. */
const SMALL_ENTRIES = 64;

export class TableDirectory {
  entries = new Int32Array(2);
  /** Log 2 of the number of entries. */
  bits = 1;
  /** 32 - bits; at most 31, because `x >>> 32` is `x >>> 0`. */
  shift = 31;
  /** While the directory is not filled: the one of twice or half its length that it is filled from, where it has a 0. */
  private previous: Int32Array | null = null;
  private previousShift = 31;
  /** Entries before this one have been copied. */
  private copied = 0;

  get bytes(): number {
    return this.entries.byteLength + (this.previous?.byteLength ?? 0);
  }

  /** The entry of a hash, from the previous directory where it was not copied yet. */
  entryOf(high: number): number {
    const entry = this.entries[high >>> this.shift]!;
    return entry !== 0 ? entry : this.entryNotCopied(high);
  }

  private entryNotCopied(high: number): number {
    if (this.previous === null) throw new Error('hash table: a directory entry is missing');
    return this.previous[high >>> this.previousShift]!;
  }

  /** Lets all entries of a prefix name its page. */
  point(page: number, depth: number, prefix: number, chained: boolean): void {
    const first = prefix >>> this.shift;
    const entry = (page << PAGE_SHIFT) | VALID | (chained ? CHAINED : 0) | depth;
    this.entries.fill(entry, first, first + 2 ** (this.bits - depth));
  }

  /** Copies so many entries more where they are being copied. */
  step(count = STEP_ENTRIES): void {
    if (this.previous !== null) this.copy(count);
  }

  /** Entries are still being copied. */
  get filling(): boolean {
    return this.previous !== null;
  }

  /** Doubles the directory. @param pages that the table has, or is known to get. @returns false where that would be too many entries. */
  grow(pages: number): boolean {
    const bits = this.bits + 1;
    const entriesMax = Math.max(1 << BITS_FREE, pages * 2 ** SLACK_BITS);
    if (bits > DEPTH_MAX || 2 ** bits > entriesMax) return false;
    this.step(this.entries.length);
    this.begin(bits);
    return true;
  }

  /** Halves the directory, unless it is still being filled or at its smallest; returns whether it did. */
  halve(): boolean {
    if (this.bits === 1 || this.filling) return false;
    this.begin(this.bits - 1);
    return true;
  }

  private begin(bits: number): void {
    this.previous = this.entries;
    this.previousShift = this.shift;
    this.copied = 0;
    this.entries = new Int32Array(2 ** bits);
    this.bits = bits;
    this.shift = 32 - bits;
    if (this.entries.length <= SMALL_ENTRIES) this.copy(SMALL_ENTRIES);
  }

  /** Copies so many entries more from the previous directory, and forgets it behind the last. */
  private copy(count: number): void {
    const { entries, previous } = this;
    const end = Math.min(entries.length, this.copied + count);
    for (let i = this.copied; i < end; i++) {
      if (entries[i] === 0) entries[i] = previous![(i << this.shift) >>> this.previousShift]!;
    }
    this.copied = end;
    if (end === entries.length) this.previous = null;
  }
}

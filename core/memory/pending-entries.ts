/**
 * Entries that wait for a hash table that is made once all of them are known: the hash and reference of each record and
 * its access clock, 12 bytes, less than the table will take.
 *
 * Entering keys one by one into a large table waits for memory three times a key: for the cells, for a record whose hash
 * bits match, for the records of a page that splits. Here a key costs an append. The blocks are sorted by the first bits of
 * the hash as they fill, so that the entries of one part of the table are found in one run of each block.
 */
import type { Reference } from './reference.js';

/** Hashes are sorted by so many of their first bits. */
export const BUCKET_BITS = 12;
const BUCKETS = 2 ** BUCKET_BITS;
const BUCKET_SHIFT = 32 - BUCKET_BITS;
/** Entries of a block: sorting one takes a few milliseconds. */
const BLOCK_ENTRIES = 2 ** 18;
const FIRST_ENTRIES = 1024;

/** Three words of each entry, side by side. */
export class EntryList {
  highs: Int32Array;
  references: Int32Array;
  clocks: Int32Array;

  constructor(length: number) {
    this.highs = new Int32Array(length);
    this.references = new Int32Array(length);
    this.clocks = new Int32Array(length);
  }

  get length(): number {
    return this.highs.length;
  }

  /** A list of that length that begins with this one's entries. */
  grown(length: number): EntryList {
    const list = new EntryList(length);
    list.highs.set(this.highs);
    list.references.set(this.references);
    list.clocks.set(this.clocks);
    return list;
  }

  swap(one: number, other: number): void {
    const { highs, references, clocks } = this;
    const high = highs[one]!;
    const reference = references[one]!;
    const clock = clocks[one]!;
    highs[one] = highs[other]!;
    references[one] = references[other]!;
    clocks[one] = clocks[other]!;
    highs[other] = high;
    references[other] = reference;
    clocks[other] = clock;
  }
}

interface SortedBlock {
  readonly entries: EntryList;
  /** By bucket: where its entries begin; one more at the end. */
  readonly starts: Int32Array;
}

export class PendingEntries {
  /** Number of entries added. */
  count = 0;
  private filling = new EntryList(FIRST_ENTRIES);
  private filled = 0;
  private readonly sorted: SortedBlock[] = [];

  /** @param high first lane of the hash of the record's key. @param clock 24 bits. */
  add(high: number, reference: Reference, clock: number): void {
    if (this.filled === this.filling.length) this.makeRoom();
    const { filling, filled } = this;
    filling.highs[filled] = high;
    filling.references[filled] = reference;
    filling.clocks[filled] = clock;
    this.filled = filled + 1;
    this.count++;
  }

  /** No entry comes any more: `gather` may follow. */
  seal(): void {
    this.sort();
    this.filling = new EntryList(0);
  }

  /** How many entries the buckets [first, end) have. */
  countOf(first: number, end: number): number {
    let count = 0;
    for (const { starts } of this.sorted) count += starts[end]! - starts[first]!;
    return count;
  }

  /** Copies the entries of the buckets [first, end) to `target`, which has room for them. */
  gather(first: number, end: number, target: EntryList): void {
    let at = 0;
    for (const { entries, starts } of this.sorted) {
      const from = starts[first]!;
      const to = starts[end]!;
      target.highs.set(entries.highs.subarray(from, to), at);
      target.references.set(entries.references.subarray(from, to), at);
      target.clocks.set(entries.clocks.subarray(from, to), at);
      at += to - from;
    }
  }

  private makeRoom(): void {
    if (this.filling.length < BLOCK_ENTRIES) this.filling = this.filling.grown(this.filling.length * 4);
    else this.sort();
  }

  private sort(): void {
    const { filling, filled } = this;
    const { highs, references, clocks } = filling;
    const starts = new Int32Array(BUCKETS + 1);
    for (let i = 0; i < filled; i++) starts[(highs[i]! >>> BUCKET_SHIFT) + 1]!++;
    for (let bucket = 0; bucket < BUCKETS; bucket++) starts[bucket + 1]! += starts[bucket]!;
    const next = starts.slice();
    const entries = new EntryList(filled);
    for (let i = 0; i < filled; i++) {
      const high = highs[i]!;
      const at = next[high >>> BUCKET_SHIFT]!++;
      entries.highs[at] = high;
      entries.references[at] = references[i]!;
      entries.clocks[at] = clocks[i]!;
    }
    this.sorted.push({ entries, starts });
    this.filled = 0;
  }
}

/**
 * A hash table that can be made in one go of entries that are all known (`pending-entries.ts`): part by part in the order of
 * the hash. A page is split while it is empty and gets its entries at once, so that no record is read and each page is
 * touched once. The table becomes what it would have grown to.
 */

import { CURSOR_NONE, HashTable, type RecordKeys, TABLE_PAGE_CELLS } from './hash-table.js';
import { BUCKET_BITS, EntryList, type PendingEntries } from './pending-entries.js';
import type { Reference } from './reference.js';
import { DEPTH_MASK, DEPTH_MAX, PAGE_SHIFT } from './table-directory.js';

export type { RecordKeys };

/** What is asked about records that are entered. The keyspace implements it. */
export interface EnteredRecords {
  /** Whether two records have the same key. Asked only where all 32 bits of the first hash lane are equal. */
  sameKey(one: Reference, other: Reference): boolean;
  /** Inserts a record by its key, whatever the table holds. Returns false where the key is there already. */
  insertRecord(reference: Reference, clock: number): boolean;
}

/** Entries that a page has on average where a table has grown. */
const ENTRIES_PER_PAGE = 44;
/** Entries that a page has at least where it was divided for all that are expected: it is half full when it is divided once more. */
const ENTRIES_WHEN_DIVIDED = 28;
/** Pages are merged into one that has as many entries at most: it has room for some more. */
const MERGED_ENTRIES_MAX = TABLE_PAGE_CELLS - 4;
/** Entries that are placed together, at least: many pages of the table, and a fraction of a millisecond. */
const GROUP_ENTRIES = 512;
/** Buckets that are entered at once where the entries go in one by one. */
const ALONE_BUCKETS = 64;

export class LoadableTable extends HashTable {
  /** Where `mergeSparse` goes on, a prefix of hashes below 2^32. */
  private mergedUpTo = 0;
  private group = new EntryList(0);
  /** By the 8 bits kept in an entry: the last entry of the page with them plus 1, and by entry the one before. */
  private readonly lastOfBits = new Uint8Array(256);
  private readonly beforeOf = new Uint8Array(TABLE_PAGE_CELLS + 1);

  /**
   * Enters the entries of the next buckets, from `bucket` on, at least `budget` entries.
   * @param pending sealed; no bucket of it was entered before, and the table held nothing before the first one.
   * @param onDuplicate called with a record whose key is there already; must throw.
   * @returns the bucket where to go on; 2 ** BUCKET_BITS at the end.
   */
  enter(
    pending: PendingEntries,
    bucket: number,
    budget: number,
    records: EnteredRecords,
    onDuplicate: (reference: Reference) => never,
  ): number {
    if (bucket === 0) {
      this.pagesExpected = Math.ceil(pending.count / ENTRIES_PER_PAGE);
      if (this.pages.count === 0 && pending.count > 0) this.begin();
    }
    const groups = Math.max(1, pending.count / GROUP_ENTRIES);
    const depth = Math.min(BUCKET_BITS, Math.floor(Math.log2(groups)));
    const step = 2 ** (BUCKET_BITS - depth);
    let next = bucket;
    for (let left = budget; left > 0 && next < 2 ** BUCKET_BITS; next += step) {
      const count = pending.countOf(next, next + step);
      left -= count;
      if (count === 0) continue;
      if (this.group.length < count) this.group = new EntryList(count * 2);
      pending.gather(next, next + step, this.group);
      this.enterGroup((next << (32 - BUCKET_BITS)) | 0, depth, 0, count, records, onDuplicate);
    }
    if (next < 2 ** BUCKET_BITS) return next;
    this.group = new EntryList(0);
    this.pagesExpected = 0;
    return next;
  }

  /** The same into a table that holds something: the entries of the next buckets, one by one. */
  enterAlone(
    pending: PendingEntries,
    bucket: number,
    records: EnteredRecords,
    onDuplicate: (reference: Reference) => never,
  ): number {
    const end = Math.min(2 ** BUCKET_BITS, bucket + ALONE_BUCKETS);
    const count = pending.countOf(bucket, end);
    this.group = new EntryList(count);
    pending.gather(bucket, end, this.group);
    this.enterOneByOne(0, count, records, onDuplicate);
    this.group = new EntryList(0);
    return end;
  }

  /** Enters entries [from, to) of the group, whose hashes begin with the first `depth` bits of `prefix`. */
  private enterGroup(
    prefix: number,
    depth: number,
    from: number,
    to: number,
    records: EnteredRecords,
    onDuplicate: (reference: Reference) => never,
  ): void {
    let entry = this.directory.entryOf(prefix);
    const few = to - from <= TABLE_PAGE_CELLS;
    // A page above the group holds nothing: it has no other entries than those that come later.
    while ((entry & DEPTH_MASK) < (few ? depth : depth + 1)) {
      if (!this.split(entry)) {
        this.enterOneByOne(from, to, records, onDuplicate);
        return;
      }
      entry = this.directory.entryOf(prefix);
    }
    if (few && (entry & DEPTH_MASK) === depth) {
      this.enterPage(entry >>> PAGE_SHIFT, depth, from, to, records, onDuplicate);
      return;
    }
    const middle = this.partition(depth, from, to);
    this.enterGroup(prefix, depth + 1, from, middle, records, onDuplicate);
    this.enterGroup(prefix | (1 << (31 - depth)), depth + 1, middle, to, records, onDuplicate);
  }

  /**
   * Full pages are divided from now on as so many entries in all will need it: then few records are read twice for it. Where
   * fewer come, `mergeSparse` gives back what was too much.
   * @param count 0: nothing is known any more.
   */
  expectEntries(count: number): void {
    this.pagesExpected = Math.ceil(count / ENTRIES_PER_PAGE);
    this.depthExpected =
      count < TABLE_PAGE_CELLS ? 0 : Math.min(DEPTH_MAX, Math.floor(Math.log2(count / ENTRIES_WHEN_DIVIDED)));
  }

  /**
   * Merges pages that fit into one, as if the table had grown page by page, from where the last call ended: so many at most.
   * Returns true at the end.
   */
  mergeSparse(pages: number): boolean {
    this.cursorState = CURSOR_NONE;
    for (let left = pages; left > 0 && this.pages.count > 0; left--) {
      this.directory.step();
      this.shrink(this.directory.entryOf(this.mergedUpTo) >>> PAGE_SHIFT, MERGED_ENTRIES_MAX);
      const depth = this.directory.entryOf(this.mergedUpTo) & DEPTH_MASK;
      const interval = 2 ** (32 - depth);
      this.mergedUpTo = (Math.floor(this.mergedUpTo / interval) + 1) * interval;
      if (this.mergedUpTo === 2 ** 32) break;
    }
    if (this.pages.count > 0 && this.mergedUpTo < 2 ** 32) return false;
    this.directory.step(pages * TABLE_PAGE_CELLS);
    if (this.directory.filling || this.halveDirectory()) return false;
    this.mergedUpTo = 0;
    return true;
  }

  /** Moves the entries whose hash has a 0 behind its first `depth` bits in front of the others. Returns where these begin. */
  private partition(depth: number, from: number, to: number): number {
    const { group } = this;
    const { highs } = group;
    let low = from;
    let high = to;
    while (low < high) {
      if (highs[low]! << depth >= 0) low++;
      else group.swap(low, --high);
    }
    return low;
  }

  private enterPage(
    page: number,
    depth: number,
    from: number,
    to: number,
    records: EnteredRecords,
    onDuplicate: (reference: Reference) => never,
  ): void {
    const { lastOfBits, beforeOf } = this;
    const { highs, references, clocks } = this.group;
    for (let i = from; i < to; i++) {
      const high = highs[i]!;
      const bits = (high << depth) >>> 24;
      const last = lastOfBits[bits]!;
      for (let other = last; other !== 0; other = beforeOf[other]!) {
        const at = from + other - 1;
        if (highs[at] === high && records.sameKey(references[at]!, references[i]!)) onDuplicate(references[i]!);
      }
      beforeOf[i - from + 1] = last;
      lastOfBits[bits] = i - from + 1;
      this.place(page, bits, references[i]!, (bits << 24) | clocks[i]!);
    }
    this.count += to - from;
    lastOfBits.fill(0);
  }

  private enterOneByOne(
    from: number,
    to: number,
    records: EnteredRecords,
    onDuplicate: (reference: Reference) => never,
  ): void {
    const { references, clocks } = this.group;
    for (let i = from; i < to; i++) {
      if (!records.insertRecord(references[i]!, clocks[i]!)) onDuplicate(references[i]!);
    }
  }
}

/**
 * A hash table that many keys are about to be entered into: pages are split while they are empty, which reads no record,
 * instead of one by one as they fill, which reads them all.
 */

import { HashTable, type RecordKeys } from './hash-table.js';

export type { RecordKeys };

/** Entries that a page of 64 cells is to have on average: few overflow, and the table is as large as it would have grown. */
const ENTRIES_PER_PAGE = 52;
/** Pages are not split ahead beyond this: some 180 million keys. */
const DEPTH_MAX = 22;

export class LoadableTable extends HashTable {
  /** Makes pages for so many keys; the table is empty. */
  makeRoomFor(count: number): void {
    const depth = Math.min(DEPTH_MAX, Math.ceil(Math.log2(count / ENTRIES_PER_PAGE)));
    if (this.count > 0 || depth <= 0) return;
    if (this.pages.count === 0) this.begin();
    for (let level = 0; level < depth; level++) {
      for (let prefix = 0; prefix < 2 ** level; prefix++) this.split(this.entryOf((prefix * 2 ** (32 - level)) | 0));
    }
  }
}

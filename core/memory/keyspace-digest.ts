/**
 * The walk that computes the digest of a keyspace, in slices, over the live arena or over a page image. What the numbers
 * mean and when a digest is asked for is not here. The sum does not depend on the order of the records.
 *
 * The result says something only where the keyspace does not change from the first slice to the last.
 */

import type { DigestSum } from './digest-sum.js';
import type { ReadableArena } from './readable-arena.js';
import { TYPE_STRING } from './record.js';
import { RecordWalk } from './record-walk.js';

const BUFFER_BYTES = 64 * 1024;
/** What a record costs beside its bytes, in bytes. */
const RECORD_COST = 64;

export class KeyspaceDigest {
  private readonly walk: RecordWalk;
  private readonly database: number;
  private readonly sum: DigestSum;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  /** Bytes of the value that the walk is at that were fed; -1 where the next record is not begun. */
  private fed = -1;

  /**
   * @param keyspaceId owner of the keyspace's pages.
   * @param database number that the keyspace has now; part of the digest.
   * @param sum where the keys are added; no other key may be open in it between two slices.
   */
  constructor(arena: ReadableArena, keyspaceId: number, database: number, sum: DigestSum) {
    this.walk = new RecordWalk(arena, keyspaceId);
    this.database = database;
    this.sum = sum;
  }

  /**
   * Adds about `byteBudget` bytes of keys and values to the sum.
   * @returns true when all keys are in it.
   */
  step(byteBudget: number): boolean {
    const { walk, sum } = this;
    let budget = byteBudget;
    while (budget > 0) {
      if (this.fed < 0) {
        if (!walk.next()) return true;
        this.begin();
        this.fed = 0;
        budget -= RECORD_COST + walk.keyLength;
      }
      const count = Math.min(BUFFER_BYTES, walk.valueLength - this.fed);
      walk.copyValue(this.fed, count, this.buffer, 0);
      sum.bytes(this.buffer, 0, count);
      this.fed += count;
      budget -= count;
      if (this.fed === walk.valueLength) {
        sum.end();
        this.fed = -1;
      }
    }
    return false;
  }

  /** Begins a key in the sum; a string feeds its length and its bytes. */
  private begin(): void {
    const { walk } = this;
    const { type, keyLength } = walk;
    if (type !== TYPE_STRING) throw new Error(`record of type ${type} has no digest`);
    const key = keyLength > BUFFER_BYTES ? new Uint8Array(keyLength) : this.buffer;
    walk.copyKey(key, 0);
    this.sum.begin(this.database, type, key, 0, keyLength, walk.hasExpiry, walk.expiryHigh, walk.expiryLow);
    this.sum.word(walk.valueLength);
  }
}

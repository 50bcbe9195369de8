/**
 * The walk that computes the digest of a keyspace, in slices. It goes through the pages in their order, not through the
 * table, so that memory is read once and in sequence; the sum does not depend on order. What the numbers mean and when a
 * digest is asked for is not here.
 *
 * The result says something only where the keyspace does not change from the first slice to the last.
 */

import type { Arena } from './arena.js';
import type { DigestSum } from './digest-sum.js';
import type { Keyspace } from './keyspace.js';
import { TYPE_STRING } from './record.js';
import type { Reference } from './reference.js';

const BUFFER_BYTES = 64 * 1024;
/** Slots of a page or span at most: their number has 8 bits. */
const SLOTS_MAX = 256;
/** What a record costs beside its bytes, in bytes. */
const RECORD_COST = 64;

export class KeyspaceDigest {
  private readonly arena: Arena;
  private readonly keyspace: Keyspace;
  private readonly database: number;
  private readonly sum: DigestSum;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  /** The page or span whose records are being added, and those not added yet. */
  private page = 0;
  private readonly references = new Int32Array(SLOTS_MAX);
  private left = 0;
  /** Bytes of the value of the last of them that were fed; -1 where it was not begun. */
  private fed = -1;
  private readonly collect: (reference: Reference) => void;

  /**
   * @param database number that the keyspace has now; part of the digest.
   * @param sum where the keys are added; no other key may be open in it between two slices.
   */
  constructor(arena: Arena, keyspace: Keyspace, database: number, sum: DigestSum) {
    this.arena = arena;
    this.keyspace = keyspace;
    this.database = database;
    this.sum = sum;
    this.collect = (reference) => {
      this.references[this.left++] = reference;
    };
  }

  /**
   * Adds about `byteBudget` bytes of keys and values to the sum.
   * @returns true when all keys are in it.
   */
  step(byteBudget: number): boolean {
    let budget = byteBudget;
    while (budget > 0) {
      if (this.left === 0) {
        this.page = this.arena.nextPage(this.keyspace.id, this.page);
        if (this.page === 0) return true;
        this.arena.forEachRecordInPage(this.page, this.collect);
        budget -= RECORD_COST;
      } else {
        budget -= this.feed(this.references[this.left - 1]!);
      }
    }
    return false;
  }

  /** Feeds a piece of a record and returns what it cost. */
  private feed(reference: Reference): number {
    const { keyspace, sum } = this;
    const length = keyspace.valueLength(reference);
    let cost = RECORD_COST;
    if (this.fed < 0) {
      cost += this.begin(reference, length);
      this.fed = 0;
    }
    const count = Math.min(BUFFER_BYTES, length - this.fed);
    keyspace.copyValue(reference, this.fed, count, this.buffer, 0);
    sum.bytes(this.buffer, 0, count);
    this.fed += count;
    if (this.fed === length) {
      sum.end();
      this.fed = -1;
      this.left--;
    }
    return cost + count;
  }

  /** Begins a key in the sum; a string feeds its length and its bytes. */
  private begin(reference: Reference, valueLength: number): number {
    const { keyspace } = this;
    const type = keyspace.type(reference);
    if (type !== TYPE_STRING) throw new Error(`record of type ${type} has no digest`);
    const length = keyspace.keyLength(reference);
    const key = length > BUFFER_BYTES ? new Uint8Array(length) : this.buffer;
    keyspace.copyKey(reference, key, 0);
    const has = keyspace.hasExpiry(reference);
    if (has) keyspace.readExpiry(reference);
    this.sum.begin(this.database, type, key, 0, length, has, keyspace.expiryHigh, keyspace.expiryLow);
    this.sum.word(valueLength);
    return length;
  }
}

/**
 * The deadlines of a keyspace's keys: how many keys have one, which records are due, and when the expiry index is built
 * anew. The deadline itself lies in the record; the index only hints at hashes. Removing what is due is the visitor's.
 */

import type { Arena } from './arena.js';
import { tickOf } from './deadline-wheel.js';
import { ExpiryIndex } from './expiry-index.js';
import type { HashTable, RecordKeys } from './hash-table.js';
import { FLAG_EXPIRY, RecordReader } from './record.js';
import type { Reference } from './reference.js';

export class KeyDeadlines {
  /** Keys that have a deadline. */
  count = 0;
  private readonly table: HashTable;
  private readonly keys: RecordKeys;
  private readonly reader: RecordReader;
  private readonly index = new ExpiryIndex();
  /** What `forEachDue` has found under the hash that it is at. */
  private due = new Int32Array(16);
  private dueCount = 0;
  private dueHash = 0;
  private dueNow = 0;
  /** Where the rebuilding of the index goes on. */
  private rebuildCursor = 0;
  private readonly collect: (reference: Reference) => void;
  private readonly refile: (reference: Reference) => void;
  /** The hint that a purge is at, and whether a record needs it. */
  private hintHash = 0;
  private hintTick = 0;
  private hintNeeded = false;
  private readonly askRecord: (reference: Reference) => void;
  private readonly needed: (hash: number, tick: number) => boolean;

  constructor(arena: Arena, table: HashTable, keys: RecordKeys) {
    this.table = table;
    this.keys = keys;
    this.reader = new RecordReader(arena);
    this.collect = (reference) => this.collectDue(reference);
    this.refile = (reference) => this.addRecord(reference);
    this.askRecord = (reference) => this.askForHint(reference);
    this.needed = (hash, tick) => {
      this.hintHash = hash;
      this.hintTick = tick;
      this.hintNeeded = false;
      this.table.forEachByHash(hash, this.askRecord);
      return this.hintNeeded;
    };
  }

  /** Bytes of the index. */
  get bytes(): number {
    return this.index.bytes;
  }

  /** A key, by the high lane of its hash, has got a deadline. */
  begin(hash: number, high: number, low: number): void {
    this.count++;
    this.index.add(hash, high, low);
  }

  /** A key's deadline has changed. */
  change(hash: number, oldHigh: number, oldLow: number, high: number, low: number): void {
    this.index.change(hash, oldHigh, oldLow, high, low);
  }

  /** A key has lost its deadline, or is gone. */
  end(): void {
    this.count--;
  }

  /** See `Keyspace.forEachDue`. */
  forEachDue(nowMs: number, budget: number, visit: (reference: Reference) => void): number {
    this.dueNow = nowMs;
    return this.index.due(nowMs, budget, (hash) => {
      this.dueCount = 0;
      this.dueHash = hash;
      this.table.forEachByHash(hash, this.collect);
      for (let i = 0; i < this.dueCount; i++) visit(this.due[i]!);
    });
  }

  /** Leaves the hash of a random hint in `sampledHash`; false where chance hit an empty place. @param random any 32-bit number. */
  sample(random: number): boolean {
    return this.index.sample(random);
  }

  get sampledHash(): number {
    return this.index.sampledHash;
  }

  /** Takes stale hints out where there are many: looks at `budget` of them at most. Returns whether it is worth going on. */
  purge(budget: number): boolean {
    if (!this.index.purgeNeeded(this.count)) return false;
    this.index.purge(budget, this.needed);
    return this.index.purgeNeeded(this.count);
  }

  /** Cleans the index where too much of it is stale: a slice of about `keyBudget` keys. Returns whether more is left. */
  clean(keyBudget: number): boolean {
    return this.rebuild(keyBudget) || this.purge(keyBudget);
  }

  /** Builds the index anew from the records, where taking stale hints out did not help. */
  private rebuild(keyBudget: number): boolean {
    const { index, table } = this;
    if (!index.rebuilding) {
      if (!index.rebuildNeeded(this.count, table.count)) return false;
      index.beginRebuild();
      this.rebuildCursor = 0;
    }
    this.rebuildCursor = table.scan(this.rebuildCursor, keyBudget, this.refile);
    if (this.rebuildCursor !== 0) return true;
    index.endRebuild();
    return false;
  }

  clear(): void {
    this.count = 0;
    this.index.clear();
  }

  /** Collects a record that is due; one that is not has lost its hint, and gets another. */
  private collectDue(reference: Reference): void {
    const { keys, reader } = this;
    reader.read(reference);
    if ((reader.flags & FLAG_EXPIRY) === 0) return;
    keys.hashOf(reference);
    if (keys.high !== this.dueHash) return;
    const { expiryHigh, expiryLow } = reader;
    if (expiryHigh * 0x100000000 + (expiryLow >>> 0) > this.dueNow) {
      this.index.add(this.dueHash, expiryHigh, expiryLow);
      return;
    }
    if (this.dueCount === this.due.length) {
      const grown = new Int32Array(this.due.length * 2);
      grown.set(this.due);
      this.due = grown;
    }
    this.due[this.dueCount++] = reference;
  }

  /** A hint is needed by a record that is due at its time or later; one that is due earlier has another hint. */
  private askForHint(reference: Reference): void {
    const { keys, reader } = this;
    if (this.hintNeeded) return;
    reader.read(reference);
    if ((reader.flags & FLAG_EXPIRY) === 0) return;
    if (tickOf(reader.expiryHigh, reader.expiryLow) < this.hintTick) return;
    keys.hashOf(reference);
    this.hintNeeded = keys.high === this.hintHash;
  }

  private addRecord(reference: Reference): void {
    const { keys, reader } = this;
    reader.read(reference);
    if ((reader.flags & FLAG_EXPIRY) === 0) return;
    keys.hashOf(reference);
    this.index.add(keys.high, reader.expiryHigh, reader.expiryLow);
  }
}

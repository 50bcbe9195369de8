/**
 * Which keys of a keyspace have a deadline that may have passed: 8 bytes for each, outside the arena.
 *
 * Here: the wheel of deadlines, its purging and rebuilding when too many entries are stale. Not here: records, and removing what has
 * expired. An entry is a hint of a hash and a coarse deadline; the record decides. What must hold:
 *
 *   **for every key with a deadline there is an entry for its hash, not later than the deadline** (rounded up to a tick).
 *
 * So a deadline that moves later needs no new entry (`change()`): the old one is given out at its time, the owner finds that the
 * record is not due yet, and adds it again. That keeps the common case, a lifetime that is extended over and over, at one entry.
 * Entries whose key was deleted, persisted or given an earlier deadline are stale until their time comes, or until `purge()` finds
 * that no key needs them. What it cannot tell from an entry that is needed (its key is there again, with a later deadline) may
 * still pile up; when stale ones outnumber the others, the owner rebuilds the index from the records, in slices.
 */
import { DeadlineWheel, tickOf } from './deadline-wheel.js';

/** Stale entries are looked for from an eighth of the needed ones on, and a few. */
const PURGE_SHIFT = 3;
const PURGE_ENTRIES_FREE = 64;
/** A round that takes out less than this share of the entries (log 2) was in vain: the next waits until there are more. */
const PURGE_WON_SHIFT = 5;
/** Stale entries that are never worth a rebuild. */
const STALE_ENTRIES_FREE = 1024;
/** A rebuild reads all keys of the keyspace: stale entries up to an eighth of them (one byte a key) are cheaper to keep. */
const STALE_KEYS_SHIFT = 3;

export class ExpiryIndex {
  private wheel: DeadlineWheel | null = null;
  /** While a rebuild goes on: the wheel that it fills, with what is added meanwhile. The old one goes on giving out. */
  private rebuilt: DeadlineWheel | null = null;
  /** Entries up to which the last purge, which was in vain, need not be repeated; 0 where it was not. */
  private purgedUpTo = 0;
  /** Entries looked at, and taken out, in this round of the purge. */
  private purgeLooked = 0;
  private purgeTaken = 0;
  /** Hash that `sample` has drawn. */
  sampledHash = 0;

  /** Number of entries, stale ones too. */
  get count(): number {
    return (this.wheel?.count ?? 0) + (this.rebuilt?.count ?? 0);
  }

  /** Bytes of the typed arrays that the index holds. */
  get bytes(): number {
    return (this.wheel?.bytes ?? 0) + (this.rebuilt?.bytes ?? 0);
  }

  /** Whether a rebuild was begun and not ended. */
  get rebuilding(): boolean {
    return this.rebuilt !== null;
  }

  /**
   * Adds an entry for a key that had no deadline, or that `due()` gave out and whose deadline has not passed.
   * @param hash the high lane of the key's hash.
   * @param deadlineHigh, deadlineLow milliseconds since 1970, a signed 64-bit number in two int32 lanes.
   */
  add(hash: number, deadlineHigh: number, deadlineLow: number): void {
    let wheel = this.rebuilt ?? this.wheel;
    if (wheel === null) {
      wheel = new DeadlineWheel();
      this.wheel = wheel;
    }
    wheel.add(hash, deadlineHigh, deadlineLow);
  }

  /** A key's deadline has changed from the old to the new one: adds an entry only where the one there is would come too late. */
  change(hash: number, oldHigh: number, oldLow: number, newHigh: number, newLow: number): void {
    if (tickOf(newHigh, newLow) < tickOf(oldHigh, oldLow)) this.add(hash, newHigh, newLow);
  }

  /**
   * Gives out and forgets the entries whose deadline is at or before `nowMs`, earliest first (by ticks of 64 ms, at most one tick
   * late), and costs one comparison when there are none.
   * @param budget entries to visit at most. Filing entries anew, a step on the way of many to their time, counts too, at 1/16.
   * @param visit called with the hash. It must look at all records of that hash that have a deadline: remove those that are due,
   * and `add()` those that are not. A hash may be given out once for several entries.
   * @returns the budget used, rounded up; less than `budget` only when nothing more is due.
   */
  due(nowMs: number, budget: number, visit: (hash: number) => void): number {
    const used = this.wheel === null ? 0 : this.wheel.due(nowMs, budget, visit);
    if (this.rebuilt === null || used >= budget) return used;
    return used + this.rebuilt.due(nowMs, budget - used, visit);
  }

  /** Leaves the hash of a random entry in `sampledHash`; false where chance hit an empty place. @param random any 32-bit number. */
  sample(random: number): boolean {
    const { rebuilt } = this;
    const wheel = rebuilt !== null && (random & 1) === 1 ? rebuilt : this.wheel;
    if (wheel?.sample(random) !== true) return false;
    this.sampledHash = wheel.sampledHash;
    return true;
  }

  /**
   * Whether so many entries are stale that looking for them pays: one in nine or more, unless the last round found nearly none,
   * because the entries' keys are there, with a deadline for which there is another entry.
   */
  purgeNeeded(keysWithDeadline: number): boolean {
    const { count, rebuilt } = this;
    if (rebuilt !== null || count <= this.purgedUpTo) return false;
    return count > keysWithDeadline + (keysWithDeadline >>> PURGE_SHIFT) + PURGE_ENTRIES_FREE;
  }

  /**
   * Looks at some entries and takes out those that no key needs, in place: a rebuild would hold both indexes for a while.
   * @param budget entries to look at, at most.
   * @param needed whether a key of that hash has a deadline at that tick or a later one. Must change nothing.
   */
  purge(budget: number, needed: (hash: number, tick: number) => boolean): void {
    const { wheel } = this;
    if (wheel === null || this.rebuilt !== null) return;
    const before = wheel.count;
    const looked = wheel.purge(budget, needed);
    this.purgeLooked += looked;
    this.purgeTaken += before - wheel.count;
    if (looked >= budget) return;
    const inVain = this.purgeTaken <= this.purgeLooked >>> PURGE_WON_SHIFT;
    this.purgedUpTo = inVain ? wheel.count + (wheel.count >>> PURGE_SHIFT) : 0;
    this.purgeLooked = 0;
    this.purgeTaken = 0;
  }

  /**
   * Whether more than half of the entries are stale, and enough of them to pay for reading all keys.
   * @param keysWithDeadline how many entries are needed. @param keys how many keys a rebuild has to read.
   */
  rebuildNeeded(keysWithDeadline: number, keys: number): boolean {
    if (this.rebuilt !== null) return false;
    return this.count > 2 * keysWithDeadline + (keys >>> STALE_KEYS_SHIFT) + STALE_ENTRIES_FREE;
  }

  /**
   * Begins a rebuild. The owner then walks all keys, in slices and with SCAN's guarantee, calls `add()` for each one that has a
   * deadline, and `endRebuild()` at the end. Everything else goes on meanwhile as always.
   */
  beginRebuild(): void {
    if (this.rebuilt !== null) throw new Error('expiry index: a rebuild is under way already');
    this.rebuilt = new DeadlineWheel();
  }

  /** Every key with a deadline has been added since `beginRebuild()`: forgets the old entries. */
  endRebuild(): void {
    if (this.rebuilt === null) throw new Error('expiry index: no rebuild was begun');
    this.wheel = this.rebuilt;
    this.rebuilt = null;
    this.beginPurging();
  }

  /** Forgets all entries at once, and a rebuild under way. */
  clear(): void {
    this.wheel = null;
    this.rebuilt = null;
    this.beginPurging();
  }

  private beginPurging(): void {
    this.purgedUpTo = 0;
    this.purgeLooked = 0;
    this.purgeTaken = 0;
  }
}

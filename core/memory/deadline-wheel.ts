/**
 * A queue of (hash, deadline) in 8 bytes each that gives out what is due, earliest first.
 *
 * Here: a timing wheel over absolute time, a radix heap in other words. Not here: what a hash stands for, whether an entry still
 * holds, and when to rebuild (`expiry-index.ts`).
 *
 * A deadline is a *tick* of 64 ms since 1970, 40 bits (until the year 4200; later ones are kept, and never due). The wheel has a
 * current tick. An entry's level is the highest of the five 8-bit digits in which its tick differs from the current one, and its
 * slot is that digit:
 *
 *   level 4 | level 3 | level 2 | level 1 | level 0        what a slot spans: 8.7 years, 12.4 days, 70 min, 16.4 s, 64 ms
 *
 * The current tick moves from one occupied slot to the next. A slot of level 0 is given out; one of a higher level is filed anew
 * into lower levels, some entries at a time, so that an entry is moved four times at most and no step is long however many share
 * a deadline. An entry keeps the low 32 bits of its tick: the fifth digit is its slot at level 4, and the current one's below.
 */
import { DensePages } from './dense-pages.js';

/** Milliseconds of a tick: how much later than its deadline an entry may be given out. */
export const TICK_MS = 64;

const LEVELS = 5;
const LEVEL_SLOTS = 256;
const SLOT_REFILING = LEVELS * LEVEL_SLOTS;
const SLOT_NEVER = SLOT_REFILING + 1;
const SLOTS = SLOT_NEVER + 1;
const TICKS_END = 2 ** 40;
const TWO_32 = 2 ** 32;

const PAGE_WORDS = 64;
const PAGE_ENTRIES = 31;
/** Words behind the entries: the next page of the slot plus 1, and the page before plus 1, or -1 - slot in the first one. */
const PAGE_NEXT = 62;
const PAGE_BEFORE = 63;

/** Entries filed anew for the budget of one visited: moving one takes 20 to 100 ns, a visit looks for a record and removes it. */
const MOVES_PER_VISIT = 16;
const RECENT = 256;

export class DeadlineWheel {
  /** Number of entries. */
  count = 0;
  private readonly pages = new DensePages(PAGE_WORDS);
  /** The first page of each slot plus 1; 0 for an empty slot. All pages but the first are full. */
  private readonly heads = new Int32Array(SLOTS);
  /** Entries in the first page of each slot. */
  private readonly fill = new Uint8Array(SLOTS);
  /** A bit for each occupied slot of the levels. */
  private readonly occupied = new Int32Array((LEVELS * LEVEL_SLOTS) / 32);
  /** Hash that `sample` has drawn. */
  sampledHash = 0;
  private currentHigh = 0;
  private currentLow = 0;
  /** No slot has to be looked at before this tick. */
  private next = Infinity;
  /** Hashes visited by this call of `due()`, by their low bits, so that repeated entries of one key cost one visit. */
  private readonly recentHash = new Int32Array(RECENT);
  private readonly recentCall = new Int32Array(RECENT);
  private call = 0;
  /** Where `purge` goes on: the slot, its page (-1 for the next slot), and the entry before which it has looked at none. */
  private purgeSlot = -1;
  private purgePage = -1;
  private purgeEntry = 0;

  /** Bytes of the typed arrays that the wheel holds. */
  get bytes(): number {
    const fixed = this.heads.byteLength + this.fill.byteLength + this.occupied.byteLength;
    return fixed + this.recentHash.byteLength + this.recentCall.byteLength + this.pages.bytes;
  }

  /** Adds an entry. The deadline is a signed 64-bit number of milliseconds since 1970 in two lanes; one in the past is due at once. */
  add(hash: number, deadlineHigh: number, deadlineLow: number): void {
    const tick = tickOf(deadlineHigh, deadlineLow);
    const current = this.currentHigh * TWO_32 + (this.currentLow >>> 0);
    this.count++;
    if (tick >= TICKS_END) {
      this.push(SLOT_NEVER, hash, 0);
      return;
    }
    const filed = Math.max(tick, current);
    if (filed < this.next) this.next = filed;
    const high = Math.floor(filed / TWO_32);
    if (high !== this.currentHigh) {
      this.push(4 * LEVEL_SLOTS + high, hash, filed | 0);
    } else {
      this.file(hash, filed | 0);
    }
  }

  /** Leaves the hash of a random entry in `sampledHash`; false where chance hit an empty place. @param random any 32-bit number. */
  sample(random: number): boolean {
    const { pages } = this;
    if (pages.count === 0) return false;
    const mixed = Math.imul(random ^ (random >>> 15), random | 1) >>> 0;
    const page = Math.floor(((mixed >>> 8) / 2 ** 24) * pages.count);
    const block = pages.block(page);
    const at = pages.at(page);
    const before = block[at + PAGE_BEFORE]!;
    const entries = before < 0 ? this.fill[-1 - before]! : PAGE_ENTRIES;
    const entry = ((mixed & 255) * PAGE_ENTRIES) >>> 8;
    if (entry >= entries) return false;
    this.sampledHash = block[at + 2 * entry]!;
    return true;
  }

  /**
   * Looks at all entries, some at a time, and takes out the ones that nobody needs. Entries that move meanwhile may be passed
   * over until the next round.
   * @param budget entries to look at, at most.
   * @param needed asked with the hash and the whole tick, 2^40 for one that is never due; must not change the wheel. Not asked
   * of what is due, whose tick may be later than its deadline.
   * @returns entries looked at: below `budget` where the round has ended, and the next call begins another.
   */
  purge(budget: number, needed: (hash: number, tick: number) => boolean): number {
    const { pages } = this;
    let looked = 0;
    while (looked < budget) {
      if (this.purgePage < 0 && !this.nextSlotToPurge()) break;
      const page = this.purgePage;
      const block = pages.block(page);
      const at = pages.at(page);
      const before = block[at + PAGE_BEFORE]!;
      const entries = before < 0 ? this.fill[this.purgeSlot]! : PAGE_ENTRIES;
      const entry = Math.min(this.purgeEntry, entries) - 1;
      if (entry < 0) {
        this.purgePage = block[at + PAGE_NEXT]! - 1;
        this.purgeEntry = PAGE_ENTRIES;
        continue;
      }
      this.purgeEntry = entry;
      looked++;
      const tick = this.wholeTick(this.purgeSlot, block[at + 2 * entry + 1]!);
      if (tick <= this.currentHigh * TWO_32 + (this.currentLow >>> 0)) continue;
      if (!needed(block[at + 2 * entry]!, tick)) this.takeOut(before < 0 && entry === entries - 1);
    }
    return looked;
  }

  /** Goes to the next slot that is occupied; false behind the last one, and then to the first. */
  private nextSlotToPurge(): boolean {
    for (let slot = this.purgeSlot + 1; slot < SLOTS; slot++) {
      if (this.heads[slot] === 0) continue;
      this.purgeSlot = slot;
      this.purgePage = this.heads[slot]! - 1;
      this.purgeEntry = PAGE_ENTRIES;
      return true;
    }
    // Slot 0 is looked at, too: the next round begins before it.
    this.purgeSlot = -1;
    return false;
  }

  /** Takes out the entry that `purge` is at: the last one of its slot, which was looked at before, moves into its place. */
  private takeOut(isLast: boolean): void {
    const { pages } = this;
    this.pop(this.purgeSlot);
    this.count--;
    if (isLast) return;
    const at = pages.at(this.purgePage) + 2 * this.purgeEntry;
    const block = pages.block(this.purgePage);
    block[at] = this.poppedHash;
    block[at + 1] = this.poppedTick;
  }

  private wholeTick(slot: number, tick: number): number {
    if (slot === SLOT_NEVER) return TICKS_END;
    const high = slot >= 4 * LEVEL_SLOTS && slot < SLOT_REFILING ? slot - 4 * LEVEL_SLOTS : this.currentHigh;
    return high * TWO_32 + (tick >>> 0);
  }

  /**
   * Visits the hashes of the entries whose deadline is at or before `nowMs`, tick by tick, and removes them, until `budget` is
   * used up. Returns the budget used, rounded up: less than `budget` only when nothing more is due. `visit` may call `add()`.
   */
  due(nowMs: number, budget: number, visit: (hash: number) => void): number {
    const target = Math.floor(nowMs / TICK_MS);
    if (target < this.next || budget <= 0) return 0;
    const heads = this.heads;
    this.call = (this.call + 1) | 0;
    let left = budget * MOVES_PER_VISIT;
    while (left > 0) {
      const slot = this.currentLow & 255;
      if (heads[SLOT_REFILING] !== 0) {
        this.pop(SLOT_REFILING);
        this.file(this.poppedHash, this.poppedTick);
        left--;
      } else if (heads[slot] !== 0) {
        this.pop(slot);
        this.count--;
        left -= this.visitOnce(this.poppedHash, visit);
      } else if (!this.advance(target)) {
        return budget - Math.floor(left / MOVES_PER_VISIT);
      }
    }
    return budget;
  }

  private visitOnce(hash: number, visit: (hash: number) => void): number {
    const recent = hash & (RECENT - 1);
    if (this.recentHash[recent] === hash && this.recentCall[recent] === this.call) return 1;
    this.recentHash[recent] = hash;
    this.recentCall[recent] = this.call;
    visit(hash);
    return MOVES_PER_VISIT;
  }

  /** Moves the current tick to the next occupied slot that begins at or before `target`, or to `target`; then there is none. */
  private advance(target: number): boolean {
    for (let level = 0; level < LEVELS; level++) {
      const digit = this.nextOccupied(level, this.digit(level) + 1);
      if (digit < 0) continue;
      const start = this.startOf(level, digit);
      if (start > target) {
        this.next = start;
        this.moveTo(target);
        return false;
      }
      this.moveTo(start);
      this.next = start;
      if (level > 0) this.beginRefiling(level * LEVEL_SLOTS + digit);
      return true;
    }
    this.next = Infinity;
    this.moveTo(target);
    return false;
  }

  /** A digit of the current tick. */
  private digit(level: number): number {
    return level === 4 ? this.currentHigh : (this.currentLow >>> (8 * level)) & 255;
  }

  /** The first tick of a slot: the current one's digits above the level, the slot's, zeros below. */
  private startOf(level: number, digit: number): number {
    if (level === 4) return digit * TWO_32;
    const above = level === 3 ? 0 : (this.currentLow >>> (8 * level + 8)) * 2 ** (8 * level + 8);
    return this.currentHigh * TWO_32 + above + digit * 2 ** (8 * level);
  }

  private moveTo(tick: number): void {
    const bounded = Math.min(tick, TICKS_END - 1);
    if (bounded <= this.currentHigh * TWO_32 + (this.currentLow >>> 0)) return;
    this.currentHigh = Math.floor(bounded / TWO_32);
    this.currentLow = bounded | 0;
  }

  /** The first occupied slot of a level from `digit` on, or -1. */
  private nextOccupied(level: number, digit: number): number {
    for (let word = digit >>> 5; word < 8; word++) {
      let bits = this.occupied[level * 8 + word]!;
      if (word === digit >>> 5) bits &= -1 << (digit & 31);
      if (bits !== 0) return word * 32 + 31 - Math.clz32(bits & -bits);
    }
    return -1;
  }

  private beginRefiling(slot: number): void {
    if (slot === this.purgeSlot) this.purgePage = -1;
    const head = this.heads[slot]! - 1;
    this.heads[SLOT_REFILING] = head + 1;
    this.fill[SLOT_REFILING] = this.fill[slot]!;
    this.pages.block(head)[this.pages.at(head) + PAGE_BEFORE] = -1 - SLOT_REFILING;
    this.heads[slot] = 0;
    this.clearOccupied(slot);
  }

  /** Files an entry whose tick has the current fifth digit and is not before the current tick. */
  private file(hash: number, tick: number): void {
    const differing = tick ^ this.currentLow;
    const level = differing === 0 ? 0 : (31 - Math.clz32(differing)) >>> 3;
    this.push(level * LEVEL_SLOTS + ((tick >>> (8 * level)) & 255), hash, tick);
  }

  private push(slot: number, hash: number, tick: number): void {
    const pages = this.pages;
    let page = this.heads[slot]! - 1;
    let fill = this.fill[slot]!;
    if (page < 0 || fill === PAGE_ENTRIES) {
      const before = page;
      page = pages.add();
      const at = pages.at(page);
      pages.block(page)[at + PAGE_NEXT] = before + 1;
      pages.block(page)[at + PAGE_BEFORE] = -1 - slot;
      if (before >= 0) pages.block(before)[pages.at(before) + PAGE_BEFORE] = page + 1;
      else if (slot < SLOT_REFILING) this.occupied[slot >>> 5] = this.occupied[slot >>> 5]! | (1 << (slot & 31));
      this.heads[slot] = page + 1;
      fill = 0;
    }
    const block = pages.block(page);
    const at = pages.at(page) + 2 * fill;
    block[at] = hash;
    block[at + 1] = tick;
    this.fill[slot] = fill + 1;
  }

  private poppedHash = 0;
  private poppedTick = 0;

  /** Takes an entry out of an occupied slot into `poppedHash` and `poppedTick`. */
  private pop(slot: number): void {
    const pages = this.pages;
    const page = this.heads[slot]! - 1;
    const fill = this.fill[slot]! - 1;
    const block = pages.block(page);
    const at = pages.at(page);
    this.poppedHash = block[at + 2 * fill]!;
    this.poppedTick = block[at + 2 * fill + 1]!;
    this.fill[slot] = fill;
    if (fill > 0) return;
    const next = block[at + PAGE_NEXT]!;
    this.heads[slot] = next;
    if (page === this.purgePage) {
      this.purgePage = next - 1;
      this.purgeEntry = PAGE_ENTRIES;
    }
    if (next !== 0) {
      pages.block(next - 1)[pages.at(next - 1) + PAGE_BEFORE] = -1 - slot;
      this.fill[slot] = PAGE_ENTRIES;
    } else if (slot < SLOT_REFILING) {
      this.clearOccupied(slot);
    }
    this.freePage(page);
  }

  private clearOccupied(slot: number): void {
    this.occupied[slot >>> 5] = this.occupied[slot >>> 5]! & ~(1 << (slot & 31));
  }

  /** Frees a page that nothing names any more: the last page moves into its place. */
  private freePage(page: number): void {
    const pages = this.pages;
    const last = pages.count - 1;
    if (page !== last) {
      if (last === this.purgePage) this.purgePage = page;
      pages.copy(last, page);
      const at = pages.at(page);
      const next = pages.block(page)[at + PAGE_NEXT]!;
      const before = pages.block(page)[at + PAGE_BEFORE]!;
      if (next !== 0) pages.block(next - 1)[pages.at(next - 1) + PAGE_BEFORE] = page + 1;
      if (before < 0) this.heads[-1 - before] = page + 1;
      else pages.block(before - 1)[pages.at(before - 1) + PAGE_NEXT] = page + 1;
    }
    pages.removeLast();
  }
}

/** The tick at which a deadline has passed, whichever millisecond of the tick before it names. */
export function tickOf(deadlineHigh: number, deadlineLow: number): number {
  return Math.ceil((deadlineHigh * TWO_32 + (deadlineLow >>> 0)) / TICK_MS);
}

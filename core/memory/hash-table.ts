/**
 * The table that finds a record by the hash of its key: extendible hashing in typed arrays outside the arena.
 *
 * Here: the table pages, the cursor of the last lookup, SCAN's order, sampling, access clocks. Not here: keys and
 * values (`RecordKeys` reads them), hashing (`key-hash.ts`), what an expired key is. `docs/memory.md` draws the layout.
 *
 *   high lane of the hash   | prefix: picks the directory entry | 8 bits: order inside the table page | rest: unused |
 *   directory entry         | names the table page: `table-directory.ts`
 *   table page              | 64 cells of 8 bytes:  reference 32 (0 = empty) | hash bits 8 | access clock 24 |
 *
 * A page of depth d holds all records whose hash begins with the same d bits. Its cells are a Robin Hood table on the next 8
 * bits (home cell = the first 6 of them, probing wraps around): entries lie in the order of their homes, so a miss stops early and an
 * interval of hashes is read without touching a record. A full page splits in two; two halves that emptied merge. Every
 * operation handles a bounded number of pages. The directory takes 4 bytes per table page or a few more.
 */
import { DensePages } from './dense-pages.js';
import type { Reference } from './reference.js';
import { CHAINED, DEPTH_MASK, DEPTH_MAX, PAGE_SHIFT, PAGES_MAX, TableDirectory } from './table-directory.js';

/** What the table needs to know of the records that it refers to. The keyspace implements it. */
export interface RecordKeys {
  /**
   * Reads any byte of the record's key and returns it. A split asks it of all its records before it hashes the first, so that
   * the processor fetches them from memory at the same time instead of one after the other.
   */
  touch(ref: Reference): number;
  /** Leaves the high lane of the hash of the record's key in `high`. Asked only when a table page splits. */
  hashOf(ref: Reference): void;
  readonly high: number;
  /** Whether the record's key equals `bytes[start, end)`. Asked only for records whose hash bits match. */
  keyEquals(ref: Reference, bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * Cells of a table page; a power of two. With 256 a miss reads 0.7 records that are not the one sought, with 64 only 0.2, and 32
 * cost more memory and splits (`docs/memory.md` has the figures).
 */
export const TABLE_PAGE_CELLS = 64;
const CELL_MASK = TABLE_PAGE_CELLS - 1;
/** What is left of the 8 hash bits behind the home cell. */
const HOME_SHIFT = 2;
const WORD_HOME_SHIFT = 24 + HOME_SHIFT;
/** Two sibling pages merge when they hold at most this many entries together: half a page, so that merging and splitting do not alternate. */
const MERGE_ENTRIES_MAX = TABLE_PAGE_CELLS / 2;
const PAGE_WORDS = TABLE_PAGE_CELLS * 2;
const META_ENTRIES = 0;
const META_DEPTH = 1;
const META_PREFIX = 2;
const META_NEXT = 3;
const CLOCK_MASK = 0xffffff;
const SAMPLE_TRIES = 64;
/** Cells that a guess looks at: most keys lie in them, and they share a cache line or two. */
const LIKELY_DISTANCE_MAX = 6;

export const CURSOR_NONE = 0;
const CURSOR_FOUND = 1;
const CURSOR_ABSENT = 2;

const NO_SCRATCH = new Int32Array(0);

export class HashTable {
  /** Number of entries. */
  count = 0;
  private readonly keys: RecordKeys;
  /** Which page holds a hash. */
  protected directory = new TableDirectory();
  /** The cells. Pages are numbered densely: freeing one moves the last one into its place. */
  protected readonly pages = new DensePages(PAGE_WORDS);
  /** Four words for each page, by the same number: how many entries, depth, prefix of its hashes aligned to the top, next of its chain plus 1. */
  private readonly meta = new DensePages(4);
  /** Number of heads of chains (single pages mostly) by depth: tells when the directory can be halved. */
  private readonly headsOfDepth = new Int32Array(DEPTH_MAX + 1);
  /** Entries on their way while a page splits or two merge. */
  private scratch = NO_SCRATCH;
  /** Only so that touching is not optimised away. */
  protected touched = 0;
  /** Pages that the table is about to have, where that is known: how far the directory may grow ahead of them. */
  protected pagesExpected = 0;
  /** Depth that a page is divided to at once when it is full; 0 for one bit more than it has. */
  protected depthExpected = 0;
  /** Entries visited by the last `visitFrom()`. */
  private visited = 0;

  protected cursorState = CURSOR_NONE;
  private cursorPage = 0;
  private cursorCell = 0;
  private cursorHigh = 0;

  constructor(keys: RecordKeys) {
    this.keys = keys;
  }

  /** Bytes of the typed arrays that the table holds. */
  get bytes(): number {
    const words = this.directory.bytes + this.scratch.byteLength + this.headsOfDepth.byteLength;
    return words + this.pages.bytes + this.meta.bytes;
  }

  /**
   * Looks for the key `bytes[start, end)` whose hash has the high lane `high`, and leaves the cursor at its entry, or where it
   * would go. Returns its reference, or 0 where it is absent. The cursor is valid until the table changes.
   */
  find(high: number, bytes: Uint8Array, start: number, end: number): Reference {
    this.cursorHigh = high;
    if (this.count === 0) {
      this.cursorState = CURSOR_ABSENT;
      return 0;
    }
    const entry = this.directory.entryOf(high);
    const page = entry >>> PAGE_SHIFT;
    const bits = (high << (entry & DEPTH_MASK)) >>> 24;
    const home = bits >>> HOME_SHIFT;
    const pages = this.pages;
    const block = pages.block(page);
    const base = pages.at(page);
    for (let distance = 0; distance < TABLE_PAGE_CELLS; distance++) {
      const cell = (home + distance) & CELL_MASK;
      const at = base + (cell << 1);
      const ref = block[at]!;
      if (ref === 0) break;
      const tag = block[at + 1]! >>> 24;
      if (tag === bits) {
        if (this.keys.keyEquals(ref, bytes, start, end)) {
          this.cursorState = CURSOR_FOUND;
          this.cursorPage = page;
          this.cursorCell = cell;
          return ref;
        }
      } else if (((cell - (tag >>> HOME_SHIFT)) & CELL_MASK) < distance) break;
    }
    this.cursorState = CURSOR_ABSENT;
    return (entry & CHAINED) === 0 ? 0 : this.findChained(page, bits, bytes, start, end);
  }

  /**
   * Where lookups of these high lanes will most likely end: writes the first reference near each one's home cell whose hash
   * bits match, else 0. Only to fetch memory ahead of the lookups; the cursor stays.
   */
  likelyReferences(highs: Int32Array, count: number, references: Int32Array): void {
    const { pages, meta } = this;
    const { entries, shift } = this.directory;
    if (this.count === 0) {
      references.fill(0, 0, count);
      return;
    }
    // Each loop asks for memory that depends on nothing else in it, so that all its reads are under way together.
    for (let i = 0; i < count; i++) references[i] = entries[highs[i]! >>> shift]!;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const entry = references[i]!;
      const page = entry >>> PAGE_SHIFT;
      const home = (highs[i]! << (entry & DEPTH_MASK)) >>> WORD_HOME_SHIFT;
      touched ^= pages.block(page)[pages.at(page) + (home << 1)]!;
      // An insertion asks how many entries the page has.
      touched ^= meta.block(page)[meta.at(page)]!;
    }
    for (let i = 0; i < count; i++) {
      const entry = references[i]!;
      const page = entry >>> PAGE_SHIFT;
      const bits = (highs[i]! << (entry & DEPTH_MASK)) >>> 24;
      const block = pages.block(page);
      const base = pages.at(page);
      const home = bits >>> HOME_SHIFT;
      let likely = 0;
      // An entry that is not copied to the new directory yet names no page.
      for (let distance = 0; distance < LIKELY_DISTANCE_MAX && likely === 0 && entry !== 0; distance++) {
        const at = base + (((home + distance) & CELL_MASK) << 1);
        if (block[at + 1]! >>> 24 === bits) likely = block[at]!;
      }
      references[i] = likely;
    }
    this.touched = touched;
  }

  /** Adds the key that the last `find()` missed. The cursor is then at the new entry, whose clock is 0. */
  insert(ref: Reference): void {
    this.expect(CURSOR_ABSENT);
    if (ref === 0) throw new Error('hash table: reference 0 means none and cannot be inserted');
    const high = this.cursorHigh;
    if (this.pages.count === 0) this.begin();
    this.directory.step();
    let entry = this.directory.entryOf(high);
    let page = this.pageWithRoom(entry);
    while (page < 0 && this.split(entry)) {
      entry = this.directory.entryOf(high);
      page = this.pageWithRoom(entry);
    }
    if (page < 0) page = this.chain(entry >>> PAGE_SHIFT);
    const bits = (high << (entry & DEPTH_MASK)) >>> 24;
    this.cursorCell = this.place(page, bits, ref, bits << 24);
    this.cursorPage = page;
    this.cursorState = CURSOR_FOUND;
    this.count++;
  }

  /** Lets the entry at the cursor refer to `ref`; its clock stays. */
  replace(ref: Reference): void {
    this.expect(CURSOR_FOUND);
    if (ref === 0) throw new Error('hash table: reference 0 means none and cannot be stored');
    this.block(this.cursorPage)[this.cellAt(this.cursorPage, this.cursorCell)] = ref;
  }

  /** Removes the entry at the cursor, and gives memory back where pages have emptied. The cursor is then nowhere. */
  remove(): void {
    this.expect(CURSOR_FOUND);
    const page = this.cursorPage;
    this.take(page, this.cursorCell);
    this.count--;
    this.cursorState = CURSOR_NONE;
    this.directory.step();
    if (this.entries(page) <= MERGE_ENTRIES_MAX) this.shrink(page);
  }

  /** The access clock (24 bits) of the entry at the cursor. */
  clock(): number {
    this.expect(CURSOR_FOUND);
    return this.block(this.cursorPage)[this.cellAt(this.cursorPage, this.cursorCell) + 1]! & CLOCK_MASK;
  }

  /** Sets the access clock of the entry at the cursor; only the low 24 bits of `value` are kept. */
  setClock(value: number): void {
    this.expect(CURSOR_FOUND);
    const block = this.block(this.cursorPage);
    const at = this.cellAt(this.cursorPage, this.cursorCell) + 1;
    block[at] = (block[at]! & ~CLOCK_MASK) | (value & CLOCK_MASK);
  }

  /**
   * One step of SCAN. `cursor` is 0 at the start, else what the last step returned: a hash prefix, below 2^32. Visits the
   * entries of the next intervals of hashes until at least `count` are visited, and returns the cursor behind the last interval,
   * 0 at the end. An entry that is in the table from the first step to the last is visited at least once, whatever is inserted
   * and removed between the steps; one may be visited twice when pages merge.
   * `visit` gets each one's access clock as well, and must not change the table.
   */
  scan(cursor: number, count: number, visit: (ref: Reference, clock: number) => void): number {
    if (this.count === 0) return 0;
    let prefix = cursor | 0;
    let visited = 0;
    for (;;) {
      const entry = this.directory.entryOf(prefix);
      const depth = entry & DEPTH_MASK;
      let home = (prefix << depth) >>> WORD_HOME_SHIFT;
      const head = depth === 0 ? 0 : (prefix >>> (32 - depth)) << (32 - depth);
      if ((entry & CHAINED) === 0) {
        home = this.visitFrom(entry >>> PAGE_SHIFT, home, count - visited, visit);
        visited += this.visited;
      } else {
        for (; home < TABLE_PAGE_CELLS && visited < count; home++) {
          const bits = home << HOME_SHIFT;
          visited += this.visitBits(entry >>> PAGE_SHIFT, bits, bits | ((1 << HOME_SHIFT) - 1), visit);
        }
      }
      // 24 - depth is at least 0: DEPTH_MAX. Adding the interval may carry out of 32 bits: that is the end.
      const next = (head >>> 0) + home * 2 ** (WORD_HOME_SHIFT - depth);
      if (next >= 2 ** 32) return 0;
      if (visited >= count) return next;
      prefix = next | 0;
    }
  }

  /**
   * A random entry, each with the same probability as long as the table is not nearly empty, and the cursor at it; 0 in an empty
   * table. `random` is any 32-bit number; the same number gives the same entry.
   */
  sample(random: number): Reference {
    if (this.count === 0) return 0;
    let state = random | 0;
    let page = 0;
    let cell = 0;
    for (let tries = 0; tries < SAMPLE_TRIES; tries++) {
      state = (Math.imul(state, 0x915f77f5) + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      mixed = (mixed ^ (mixed >>> 14)) >>> 0;
      cell = mixed & CELL_MASK;
      page = Math.floor(((mixed >>> 8) / 2 ** 24) * this.pages.count);
      if (this.block(page)[this.cellAt(page, cell)]! !== 0) return this.pointAt(page, cell);
    }
    // Nearly empty: the next entry behind the last try. Bounded by the pages that merging leaves.
    for (;;) {
      if (this.entries(page) > 0) {
        const block = this.block(page);
        for (let step = 0; step < TABLE_PAGE_CELLS; step++) {
          const next = (cell + step) & CELL_MASK;
          if (block[this.cellAt(page, next)]! !== 0) return this.pointAt(page, next);
        }
      }
      page = page + 1 === this.pages.count ? 0 : page + 1;
    }
  }

  /**
   * Some entries, for eviction: those of neighbouring cells from a random one on, which have nothing else in common. Writes
   * references and clocks, and returns how many; the cursor stays. An entry is a little likelier the emptier its page is.
   * @param random as of `sample`. @param count at most so many. @param cellsMax cells looked at, at most.
   */
  sampleMany(random: number, count: number, cellsMax: number, references: Int32Array, clocks: Int32Array): number {
    if (this.count === 0) return 0;
    const mixed = Math.imul(random ^ (random >>> 15), random | 1) >>> 0;
    let cell = mixed & CELL_MASK;
    let page = Math.floor(((mixed >>> 8) / 2 ** 24) * this.pages.count);
    let found = 0;
    for (let looked = 0; looked < cellsMax && found < count; page = page + 1 === this.pages.count ? 0 : page + 1) {
      const block = this.block(page);
      const base = this.cellAt(page, 0);
      for (; cell < TABLE_PAGE_CELLS && looked < cellsMax && found < count; cell++, looked++) {
        const ref = block[base + (cell << 1)]!;
        if (ref === 0) continue;
        references[found] = ref;
        clocks[found++] = block[base + (cell << 1) + 1]! & CLOCK_MASK;
      }
      cell = 0;
    }
    return found;
  }

  /** Puts the cursor at the entry that refers to `ref`, by the high lane of its key's hash; false where there is none. */
  seek(high: number, ref: Reference): boolean {
    if (this.count === 0) return false;
    const entry = this.directory.entryOf(high);
    const bits = (high << (entry & DEPTH_MASK)) >>> 24;
    for (let page = entry >>> PAGE_SHIFT; page >= 0; page = this.next(page) - 1) {
      const block = this.block(page);
      for (let distance = 0; distance < TABLE_PAGE_CELLS; distance++) {
        const cell = ((bits >>> HOME_SHIFT) + distance) & CELL_MASK;
        const at = this.cellAt(page, cell);
        const held = block[at]!;
        if (held === 0) break;
        if (held === ref) {
          this.cursorHigh = high;
          this.pointAt(page, cell);
          return true;
        }
        const tag = block[at + 1]! >>> 24;
        if (tag !== bits && ((cell - (tag >>> HOME_SHIFT)) & CELL_MASK) < distance) break;
      }
    }
    return false;
  }

  /**
   * Visits the entries whose hash can have the high lane `high`: all that have it, and those of the same page that share the
   * bits kept in the entry. The caller decides by the record. `visit` gets the clock as well and must not change the table.
   */
  forEachByHash(high: number, visit: (ref: Reference, clock: number) => void): void {
    if (this.count === 0) return;
    const entry = this.directory.entryOf(high);
    const bits = (high << (entry & DEPTH_MASK)) >>> 24;
    this.visitBits(entry >>> PAGE_SHIFT, bits, bits, visit);
  }

  /** Forgets all entries by dropping the arrays: O(1), whatever the table held. */
  clear(): void {
    this.count = 0;
    this.directory = new TableDirectory();
    this.pages.clear();
    this.meta.clear();
    this.headsOfDepth.fill(0);
    this.scratch = NO_SCRATCH;
    this.cursorState = CURSOR_NONE;
    // What was expected was expected of the entries that are gone.
    this.pagesExpected = this.depthExpected = 0;
  }

  // ---- cells -------------------------------------------------------------------------------------------------------------

  private block(page: number): Int32Array {
    return this.pages.block(page);
  }

  private cellAt(page: number, cell: number): number {
    return this.pages.at(page) + (cell << 1);
  }

  private expect(state: number): void {
    if (this.cursorState !== state) {
      throw new Error(
        state === CURSOR_FOUND
          ? 'hash table: the cursor is not at an entry (find it first; any change of the table ends a cursor)'
          : 'hash table: an insertion must follow the find that missed the key',
      );
    }
  }

  private pointAt(page: number, cell: number): Reference {
    this.cursorState = CURSOR_FOUND;
    this.cursorPage = page;
    this.cursorCell = cell;
    return this.block(page)[this.cellAt(page, cell)]!;
  }

  /** Puts an entry into a page with room: behind all entries of its home and the homes before. Returns its cell. */
  protected place(page: number, bits: number, ref: Reference, tagAndClock: number): number {
    const block = this.pages.block(page);
    const base = this.pages.at(page);
    let cell = bits >>> HOME_SHIFT;
    let distance = 0;
    let at = base + (cell << 1);
    while (block[at]! !== 0 && ((cell - (block[at + 1]! >>> WORD_HOME_SHIFT)) & CELL_MASK) >= distance) {
      distance++;
      cell = (cell + 1) & CELL_MASK;
      at = base + (cell << 1);
    }
    const placed = cell;
    let movingRef = ref;
    let movingTag = tagAndClock;
    for (;;) {
      const heldRef = block[at]!;
      const heldTag = block[at + 1]!;
      block[at] = movingRef;
      block[at + 1] = movingTag;
      if (heldRef === 0) break;
      movingRef = heldRef;
      movingTag = heldTag;
      cell = (cell + 1) & CELL_MASK;
      at = base + (cell << 1);
    }
    this.setEntries(page, this.entries(page) + 1);
    return placed;
  }

  /** Takes the entry of a cell out and moves the ones behind it back by one, up to an empty cell or one at its home. */
  private take(page: number, cell: number): void {
    const block = this.pages.block(page);
    const base = this.pages.at(page);
    let at = base + (cell << 1);
    for (let next = (cell + 1) & CELL_MASK; ; next = (next + 1) & CELL_MASK) {
      const nextAt = base + (next << 1);
      const ref = block[nextAt]!;
      const tagAndClock = block[nextAt + 1]!;
      if (ref === 0 || tagAndClock >>> WORD_HOME_SHIFT === next || next === cell) break;
      block[at] = ref;
      block[at + 1] = tagAndClock;
      at = nextAt;
    }
    block[at] = 0;
    block[at + 1] = 0;
    this.setEntries(page, this.entries(page) - 1);
  }

  /**
   * Visits a page's entries in the order of their homes, from `first` on, whole homes, until `count` are visited. Returns the
   * home where to go on, TABLE_PAGE_CELLS at the page's end.
   *
   * Cells are numbered on past the last into the wrapped ones, so that home = cell - distance is never ambiguous.
   */
  private visitFrom(
    page: number,
    first: number,
    count: number,
    visit: (ref: Reference, clock: number) => void,
  ): number {
    this.visited = 0;
    if (this.entries(page) === 0) return TABLE_PAGE_CELLS;
    const block = this.pages.block(page);
    const base = this.pages.at(page);
    let visited = 0;
    let homeBefore = first;
    for (let cell = first; cell < 2 * TABLE_PAGE_CELLS; cell++) {
      const at = base + ((cell & CELL_MASK) << 1);
      const ref = block[at]!;
      if (ref === 0) {
        if (cell >= TABLE_PAGE_CELLS) break;
        continue;
      }
      const tagAndClock = block[at + 1]!;
      const home = cell - ((cell - (tagAndClock >>> WORD_HOME_SHIFT)) & CELL_MASK);
      if (home < first) continue;
      if (home >= TABLE_PAGE_CELLS) break;
      if (home !== homeBefore && visited >= count) {
        this.visited = visited;
        return home;
      }
      homeBefore = home;
      visit(ref, tagAndClock & CLOCK_MASK);
      visited++;
    }
    this.visited = visited;
    return TABLE_PAGE_CELLS;
  }

  // ---- chains (only of hashes that no bit within reach tells apart) ------------------------------------------------------------

  private findChained(head: number, bits: number, bytes: Uint8Array, start: number, end: number): Reference {
    const home = bits >>> HOME_SHIFT;
    for (let page = this.next(head) - 1; page >= 0; page = this.next(page) - 1) {
      const block = this.block(page);
      for (let distance = 0; distance < TABLE_PAGE_CELLS; distance++) {
        const cell = (home + distance) & CELL_MASK;
        const at = this.cellAt(page, cell);
        const ref = block[at]!;
        if (ref === 0) break;
        const tag = block[at + 1]! >>> 24;
        if (tag === bits) {
          if (this.keys.keyEquals(ref, bytes, start, end)) return this.pointAt(page, cell);
        } else if (((cell - (tag >>> HOME_SHIFT)) & CELL_MASK) < distance) break;
      }
    }
    return 0;
  }

  /** Visits the entries of one home whose bits are in [first, last], in all pages of a chain (or the one page). Returns how many. */
  private visitBits(head: number, first: number, last: number, visit: (ref: Reference, clock: number) => void): number {
    const home = first >>> HOME_SHIFT;
    let visited = 0;
    for (let page = head; page >= 0; page = this.next(page) - 1) {
      const block = this.block(page);
      for (let distance = 0; distance < TABLE_PAGE_CELLS; distance++) {
        const cell = (home + distance) & CELL_MASK;
        const at = this.cellAt(page, cell);
        const ref = block[at]!;
        if (ref === 0) break;
        const tagAndClock = block[at + 1]!;
        const tag = tagAndClock >>> 24;
        if (tag >= first && tag <= last) {
          visit(ref, tagAndClock & CLOCK_MASK);
          visited++;
        } else if (((cell - (tag >>> HOME_SHIFT)) & CELL_MASK) < distance) break;
      }
    }
    return visited;
  }

  /** The first page of the entry's chain with an empty cell, or -1. */
  private pageWithRoom(entry: number): number {
    const page = entry >>> PAGE_SHIFT;
    if (this.entries(page) < TABLE_PAGE_CELLS) return page;
    if ((entry & CHAINED) === 0) return -1;
    let next = this.next(page) - 1;
    while (next >= 0 && this.entries(next) === TABLE_PAGE_CELLS) next = this.next(next) - 1;
    return next;
  }

  /** Adds an empty page behind the head of a chain and returns it. */
  private chain(head: number): number {
    const depth = this.depth(head);
    const page = this.addPage(depth, this.prefix(head));
    this.setNext(page, this.next(head));
    this.setNext(head, page + 1);
    this.directory.point(head, depth, this.prefix(head), true);
    return page;
  }

  // ---- pages and directory -----------------------------------------------------------------------------------------------------

  private entries(page: number): number {
    return this.meta.block(page)[this.meta.at(page) + META_ENTRIES]!;
  }

  private setEntries(page: number, value: number): void {
    this.meta.block(page)[this.meta.at(page) + META_ENTRIES] = value;
  }

  private depth(page: number): number {
    return this.meta.block(page)[this.meta.at(page) + META_DEPTH]!;
  }

  private setDepth(page: number, value: number): void {
    this.meta.block(page)[this.meta.at(page) + META_DEPTH] = value;
  }

  private prefix(page: number): number {
    return this.meta.block(page)[this.meta.at(page) + META_PREFIX]!;
  }

  private setPrefix(page: number, value: number): void {
    this.meta.block(page)[this.meta.at(page) + META_PREFIX] = value;
  }

  private next(page: number): number {
    return this.meta.block(page)[this.meta.at(page) + META_NEXT]!;
  }

  private setNext(page: number, value: number): void {
    this.meta.block(page)[this.meta.at(page) + META_NEXT] = value;
  }

  protected begin(): void {
    this.addPage(0, 0);
    this.headsOfDepth[0] = 1;
    this.directory.point(0, 0, 0, false);
  }

  private addPage(depth: number, prefix: number): number {
    if (this.pages.count === PAGES_MAX) throw new Error(`hash table: more than ${PAGES_MAX} pages`);
    const page = this.pages.add();
    this.meta.add();
    this.setDepth(page, depth);
    this.setPrefix(page, prefix);
    return page;
  }

  /** Frees a page that nothing names any more: the last page moves into its place, so that whole blocks fall free at the end. */
  private freePage(page: number): void {
    const last = this.pages.count - 1;
    if (page !== last) {
      this.pages.copy(last, page);
      this.meta.copy(last, page);
      this.renumber(last, page);
    }
    this.pages.removeLast();
    this.meta.removeLast();
  }

  /** Makes everything that names page `from` name page `to`, whose cells are the same. */
  private renumber(from: number, to: number): void {
    const depth = this.depth(from);
    const prefix = this.prefix(from);
    const entry = this.directory.entryOf(prefix);
    if (entry >>> PAGE_SHIFT === from) {
      this.directory.point(to, depth, prefix, (entry & CHAINED) !== 0);
      return;
    }
    let before = entry >>> PAGE_SHIFT;
    while (this.next(before) !== from + 1) before = this.next(before) - 1;
    this.setNext(before, to + 1);
  }

  /**
   * Splits the full page of a directory entry by the next bit of the hash, or by several where more entries are expected,
   * reading the key of each of its records. Returns false where it may not: at the greatest depth, where the directory
   * would outgrow the pages, and in a chain.
   */
  protected split(entry: number): boolean {
    const depth = entry & DEPTH_MASK;
    const page = entry >>> PAGE_SHIFT;
    if ((entry & CHAINED) !== 0 || !this.mayHaveDepth(depth + 1)) return false;
    const entries = this.collect(page, 0);
    this.divide(page, depth);
    let touched = 0;
    for (let i = 0; i < entries; i++) touched ^= this.keys.touch(this.scratch[2 * i]!);
    this.touched = touched;
    for (let i = 0; i < entries; i++) {
      const ref = this.scratch[2 * i]!;
      const tagAndClock = this.scratch[2 * i + 1]!;
      this.keys.hashOf(ref);
      const { high } = this.keys;
      if ((high << depth) >>> 24 !== tagAndClock >>> 24) {
        throw new Error(`hash table: the key of record ${ref >>> 0} no longer has the hash that it was inserted with`);
      }
      const target = this.directory.entryOf(high);
      const bits = (high << (target & DEPTH_MASK)) >>> 24;
      this.place(target >>> PAGE_SHIFT, bits, ref, (bits << 24) | (tagAndClock & CLOCK_MASK));
    }
    return true;
  }

  /** Whether there may be pages of that depth; the directory grows where that is all they need. */
  private mayHaveDepth(depth: number): boolean {
    if (depth > DEPTH_MAX) return false;
    return depth <= this.directory.bits || this.directory.grow(Math.max(this.pages.count, this.pagesExpected));
  }

  /** Divides an empty page in two, and its halves again as far as entries are expected. */
  private divide(page: number, depth: number): void {
    const prefix = this.prefix(page);
    const siblingPrefix = prefix | (1 << (31 - depth));
    const sibling = this.addPage(depth + 1, siblingPrefix);
    this.setDepth(page, depth + 1);
    this.headsOfDepth[depth] = this.headsOfDepth[depth]! - 1;
    this.headsOfDepth[depth + 1] = this.headsOfDepth[depth + 1]! + 2;
    this.directory.point(page, depth + 1, prefix, false);
    this.directory.point(sibling, depth + 1, siblingPrefix, false);
    if (depth + 1 >= this.depthExpected || !this.mayHaveDepth(depth + 2)) return;
    this.divide(page, depth + 1);
    this.divide(sibling, depth + 1);
  }

  /** Moves a page's entries to `scratch` behind the first `held` ones and leaves the page empty. Returns how many `scratch` holds. */
  private collect(page: number, held: number): number {
    if (this.scratch.length === 0) this.scratch = new Int32Array(PAGE_WORDS);
    const scratch = this.scratch;
    const block = this.block(page);
    const base = this.cellAt(page, 0);
    let entries = held;
    for (let at = base; at < base + PAGE_WORDS; at += 2) {
      const ref = block[at]!;
      if (ref === 0) continue;
      scratch[2 * entries] = ref;
      scratch[2 * entries + 1] = block[at + 1]!;
      entries++;
    }
    block.fill(0, base, base + PAGE_WORDS);
    this.setEntries(page, 0);
    return entries;
  }

  /** After a removal from `page`: frees an empty page of a chain, or merges siblings as long as both have few entries. */
  protected shrink(page: number, entriesMax = MERGE_ENTRIES_MAX): void {
    let kept = page;
    for (;;) {
      const depth = this.depth(kept);
      const prefix = this.prefix(kept);
      const entry = this.directory.entryOf(prefix);
      if ((entry & CHAINED) !== 0) {
        if (this.entries(kept) === 0) this.unchain(kept, entry >>> PAGE_SHIFT);
        return;
      }
      if (depth === 0) break;
      const siblingEntry = this.directory.entryOf(prefix ^ (1 << (32 - depth)));
      const sibling = siblingEntry >>> PAGE_SHIFT;
      if ((siblingEntry & (CHAINED | DEPTH_MASK)) !== depth) break; // deeper, or chained
      if (this.entries(kept) + this.entries(sibling) > entriesMax) break;
      kept = this.merge(kept, sibling, depth);
    }
    this.halveDirectory();
  }

  /** Halves the directory where no page needs its length; returns whether it did. */
  protected halveDirectory(): boolean {
    const { bits } = this.directory;
    return this.headsOfDepth[bits] === 0 && this.headsOfDepth[bits - 1] === 0 && this.directory.halve();
  }

  /** Merges two sibling pages of one depth into the first, whose number after that is returned. No record is read. */
  private merge(page: number, sibling: number, depth: number): number {
    const ofPage = this.collect(page, 0);
    const entries = this.collect(sibling, ofPage);
    const bit = 1 << (32 - depth);
    const pageBits = (this.prefix(page) & bit) === 0 ? 0 : 128;
    const prefix = this.prefix(page) & ~bit;
    this.setDepth(page, depth - 1);
    this.setPrefix(page, prefix);
    this.headsOfDepth[depth] = this.headsOfDepth[depth]! - 2;
    this.headsOfDepth[depth - 1] = this.headsOfDepth[depth - 1]! + 1;
    this.directory.point(page, depth - 1, prefix, false);
    for (let i = 0; i < entries; i++) {
      const tagAndClock = this.scratch[2 * i + 1]!;
      const bits = (i < ofPage ? pageBits : 128 - pageBits) | (tagAndClock >>> 25);
      this.place(page, bits, this.scratch[2 * i]!, (bits << 24) | (tagAndClock & CLOCK_MASK));
    }
    const last = this.pages.count - 1;
    this.freePage(sibling);
    return page === last ? sibling : page;
  }

  /** Takes an empty page out of its chain and frees it. */
  private unchain(page: number, head: number): void {
    const next = this.next(page);
    let newHead = head;
    if (page === head) {
      newHead = next - 1;
    } else {
      let before = head;
      while (this.next(before) !== page + 1) before = this.next(before) - 1;
      this.setNext(before, next);
    }
    this.directory.point(newHead, this.depth(page), this.prefix(page), this.next(newHead) !== 0);
    this.freePage(page);
  }
}

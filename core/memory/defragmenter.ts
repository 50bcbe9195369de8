/**
 * Defragmentation: moves records out of sparsely filled pages and high chunks into lower ones, in slices between commands,
 * so that pages fall free and chunks go back to the system. Copying is `record-mover.ts`'; which pages are free and who
 * owns them, the arena's books say.
 *
 *   sort   all pages, from the highest down: each list of pages with free slots gets its lowest page in front
 *   move   all pages, from the highest down: records of a page move where its list has a lower page
 *   parts  all records, where high chunks hold parts of long values: those move to lower free pages
 *
 * So the two ends meet: what lies high fills the holes that lie low. Always on, once more than a third of what is used is wasted:
 * first the moving out of pages that are at most three quarters full, then the emptying of whole chunks. `activedefrag` says
 * from which waste on chunks are emptied, and how fast; MEMORY PURGE does it at once. While a view is open nothing moves: every
 * move would copy a page for it.
 */

import type { Arena, ArenaTables } from './arena.js';
import type { Keyspace } from './keyspace.js';
import { KEYSPACE_OPEN, partialList } from './page-owners.js';
import { KIND_NODE, KIND_RECORD, KIND_RUN } from './page-table.js';
import type { Reference } from './reference.js';
import {
  CHUNK_PAGES,
  CHUNK_SHIFT,
  CLASS_BYTES,
  CLASS_PAGES,
  CLASS_SLOTS,
  PAGE_BYTES,
  SPAN_PAGES_MAX,
} from './size-classes.js';

const MIB = 1024 ** 2;
/** Always on: from this share of waste on, with this much of it, and with this share of a processor. */
const SPARSE_PERCENT = 34;
const SPARSE_BYTES_MIN = 4 * MIB;
const SPARSE_CPU_PERCENT = 10;
/** Chunks without a page in use that the arena keeps for reuse: no waste. */
const CHUNKS_KEPT = 4;
/** After a pass that won less than this share of the waste there is a rest, twice as long after each of them in a row. */
const WON_SHARE = 8;
const REST_MICROS_MIN = 1_000_000;
const REST_MICROS_MAX = 64_000_000;
/** Pages looked at, or records, between two looks at the clock. */
const PAGES_PER_LOOK = 512;
/** Runs of a long value that are moved at once: 1 MiB. */
const RUNS_AT_ONCE = 16;
/** How far ahead CPU time may be saved up, in microseconds of the clock. */
const SAVED_MICROS_MAX = 200_000;
/** Pages of a list of pages with free slots that are looked at for one that is low enough. */
const LIST_LOOKS = 8;
const SLOTS_MAX = 256;

const IDLE = 0;
const SORT = 1;
const MOVE = 2;
const PARTS = 3;

/** Redis' options, active-defrag-*. */
export interface DefragmentationSettings {
  enabled: boolean;
  ignoreBytes: number;
  lowerPercent: number;
  upperPercent: number;
  cycleMinPercent: number;
  cycleMaxPercent: number;
}

export class Defragmenter {
  readonly settings: DefragmentationSettings = {
    enabled: false,
    ignoreBytes: 100 * MIB,
    lowerPercent: 10,
    upperPercent: 100,
    cycleMinPercent: 1,
    cycleMaxPercent: 25,
  };
  /** Records, runs and nodes moved; records looked at and left; the same counted as keys. */
  hits = 0;
  misses = 0;
  keyHits = 0;
  keyMisses = 0;
  /** Share of a processor that is being used, in percent; 0 while nothing is done. Redis' active_defrag_running. */
  runningPercent = 0;
  /** What the last step took in microseconds; 0 where there was nothing to do. */
  stepMicros = 0;
  private readonly arena: Arena;
  private readonly tables: ArenaTables;
  private readonly keyspaces: readonly Keyspace[];
  private readonly monotonicMicros: () => number;
  private phase = IDLE;
  /** Whether this pass empties chunks, or only sparse pages. */
  private deep = false;
  /** A whole pass was asked for, whatever is wasted. */
  private purging = false;
  private page = 0;
  /** First page of the chunks that are to be empty. */
  private boundary = 0;
  private partsAbove = false;
  /** Waste in bytes that the pass has begun with. */
  private wasteBefore = 0;
  private restMicros = 0;
  private restUntil = Number.NEGATIVE_INFINITY;
  private savedMicros = 0;
  private lastStepAt = -1;
  private spentMicros = 0;
  private runningSince = -1;
  private readonly references = new Int32Array(SLOTS_MAX);
  private referenceCount = 0;
  private readonly collect: (reference: Reference) => void;
  private readonly liesHigh: (reference: Reference) => boolean;

  /**
   * @param keyspaces by database number; a live list.
   * @param monotonicMicros a monotonic clock in microseconds.
   */
  constructor(arena: Arena, keyspaces: readonly Keyspace[], monotonicMicros: () => number) {
    this.arena = arena;
    this.tables = arena.tables;
    this.keyspaces = keyspaces;
    this.monotonicMicros = monotonicMicros;
    this.collect = (reference) => {
      this.references[this.referenceCount++] = reference;
    };
    this.liesHigh = (reference) => this.mayMoveDown(reference >>> 8);
  }

  // ---- what there is to do -----------------------------------------------------------------------------------------

  /** Bytes of pages in use that hold nothing. */
  private get sparseBytes(): number {
    return this.arena.livingPages * PAGE_BYTES - this.arena.usedBytes;
  }

  /** The same, and free pages of chunks in use, which the system cannot have. */
  private get wasteBytes(): number {
    const { freePages } = this.tables;
    const kept = Math.min(CHUNKS_KEPT, freePages.emptyChunks) * CHUNK_PAGES;
    return this.sparseBytes + (freePages.freePages - kept) * PAGE_BYTES;
  }

  /** What this pass is about. */
  private get waste(): number {
    return this.deep ? this.wasteBytes : this.sparseBytes;
  }

  /** Asks for a whole pass now: MEMORY PURGE. */
  requestPurge(): void {
    // A pass under way may be about sparse pages only.
    if (!this.purging) this.stop();
    this.purging = true;
  }

  /** Takes that back; a pass under way goes on as far as its share of the processor allows. */
  cancelPurge(): void {
    this.purging = false;
  }

  /** Whether a pass that was asked for has still to end. */
  get purgeUnderWay(): boolean {
    return this.purging;
  }

  /** The share of a processor that the waste is worth, in percent; 0 for nothing to do. Says in `deep` what is wasted. */
  private worth(): number {
    const { settings } = this;
    const used = Math.max(1, this.arena.usedBytes);
    if (this.purging) {
      this.deep = true;
      return 100;
    }
    if (settings.enabled) {
      const waste = this.wasteBytes;
      const percent = (waste / used) * 100;
      if (waste >= settings.ignoreBytes && percent >= settings.lowerPercent) {
        this.deep = true;
        return this.cpuPercent(percent);
      }
    }
    const sparse = this.sparseBytes;
    const waste = this.wasteBytes;
    if (waste < SPARSE_BYTES_MIN || waste * 100 < used * SPARSE_PERCENT) return 0;
    // Emptying sparse pages comes first: it reads and moves least. What is left then lies between pages in use.
    this.deep = sparse < SPARSE_BYTES_MIN || sparse * 100 < used * SPARSE_PERCENT;
    return SPARSE_CPU_PERCENT;
  }

  /** As Redis: from cycle-min at the lower threshold to cycle-max at the upper one. */
  private cpuPercent(percent: number): number {
    const { lowerPercent, upperPercent, cycleMinPercent, cycleMaxPercent } = this.settings;
    if (percent >= upperPercent || upperPercent <= lowerPercent) return cycleMaxPercent;
    const share = (percent - lowerPercent) / (upperPercent - lowerPercent);
    return Math.max(
      cycleMinPercent,
      Math.min(cycleMaxPercent, cycleMinPercent + share * (cycleMaxPercent - cycleMinPercent)),
    );
  }

  // ---- slices ------------------------------------------------------------------------------------------------------

  /**
   * Goes on until `endMicros` of the monotonic clock, or as far as the share of the processor allows. Called between
   * commands.
   * @returns true while there is work that could be done at once.
   */
  step(endMicros: number): boolean {
    const now = this.monotonicMicros();
    const elapsed = this.lastStepAt < 0 ? 0 : now - this.lastStepAt;
    this.lastStepAt = now;
    this.stepMicros = 0;
    if (this.arena.view !== null) {
      this.stop();
      return false;
    }
    if (this.phase === IDLE && !this.begin(now)) return false;
    this.savedMicros = Math.min(SAVED_MICROS_MAX, this.savedMicros + (elapsed * this.runningPercent) / 100);
    if (this.savedMicros <= 0 && !this.purging) return false;
    let end = now;
    do {
      this.advance();
      end = this.monotonicMicros();
    } while (this.phase !== IDLE && end < endMicros);
    this.stepMicros = end - now;
    this.savedMicros -= this.stepMicros;
    this.spentMicros += this.stepMicros;
    this.lastStepAt = end;
    return this.phase !== IDLE && (this.purging || this.savedMicros > 0);
  }

  private begin(now: number): boolean {
    if (now < this.restUntil && !this.purging) return false;
    const percent = this.worth();
    if (percent === 0) return false;
    this.wasteBefore = this.waste;
    this.runningPercent = percent;
    this.runningSince = now;
    this.phase = SORT;
    this.page = this.pageEnd;
    this.partsAbove = false;
    // What is used, and a little for spans that cannot be full, in whole chunks.
    const needed = Math.ceil((this.arena.usedBytes * 1.05) / PAGE_BYTES / CHUNK_PAGES) + 1;
    this.boundary = needed << CHUNK_SHIFT;
    if (this.savedMicros <= 0) this.savedMicros = 1;
    return true;
  }

  /** Ends a pass, whole or not. */
  private stop(): void {
    if (this.phase === IDLE) return;
    this.phase = IDLE;
    this.runningPercent = 0;
    this.runningSince = -1;
    this.savedMicros = 0;
  }

  private get pageEnd(): number {
    return this.tables.freePages.chunkEnd << CHUNK_SHIFT;
  }

  private advance(): void {
    if (this.phase === SORT) this.sortPages();
    else if (this.phase === MOVE) this.movePages();
    else this.moveParts();
  }

  private sortPages(): void {
    const { owners, pages } = this.tables;
    for (let look = 0; look < PAGES_PER_LOOK; look++) {
      if (--this.page <= 0) {
        this.phase = MOVE;
        this.page = this.pageEnd;
        return;
      }
      const { page } = this;
      const kind = pages.kind[page]!;
      if ((kind !== KIND_RECORD && kind !== KIND_NODE) || !this.isOpen(page) || this.isFull(page)) continue;
      const list = partialList(pages.keyspace[page]!, kind, pages.sizeClass[page]!);
      pages.removePartial(owners.partial, list, page);
      pages.pushPartial(owners.partial, list, page);
    }
  }

  private movePages(): void {
    const { pages } = this.tables;
    for (let look = 0; look < PAGES_PER_LOOK; look++) {
      if (--this.page <= 0) {
        this.endOfMove();
        return;
      }
      const { page } = this;
      const kind = pages.kind[page]!;
      if (kind === KIND_RECORD) {
        if (!this.isOpen(page)) continue;
        if (this.wantsMove(page)) {
          this.empty(page);
          return;
        }
        this.misses += pages.slotsUsed[page]!;
        this.keyMisses += pages.slotsUsed[page]!;
      } else if (page >= this.boundary && (kind === KIND_RUN || kind === KIND_NODE)) {
        this.partsAbove = true;
      }
    }
  }

  private endOfMove(): void {
    if (this.deep && this.partsAbove) {
      this.phase = PARTS;
      this.page = 0;
      return;
    }
    this.endPass();
  }

  private moveParts(): void {
    const { arena } = this;
    const { pages } = this.tables;
    const end = this.pageEnd;
    for (let look = 0; look < PAGES_PER_LOOK; look++) {
      if (++this.page >= end) {
        this.endPass();
        return;
      }
      if (pages.kind[this.page] !== KIND_RECORD || !this.isOpen(this.page)) continue;
      this.referenceCount = 0;
      arena.forEachRecordInPage(this.page, this.collect);
      let moved = 0;
      for (let i = 0; i < this.referenceCount; i++) moved += this.movePartsOf(this.references[i]!);
      if (moved > 0) {
        // What is left of a long value is moved in the next step.
        this.page--;
        return;
      }
    }
  }

  private movePartsOf(reference: Reference): number {
    const keyspaceId = this.tables.pages.keyspace[reference >>> 8]!;
    const keyspace = this.keyspaceOf(keyspaceId);
    if (keyspace === undefined || !keyspace.mover.hasParts(reference)) return 0;
    const moved = keyspace.mover.moveParts(keyspaceId, reference, RUNS_AT_ONCE, this.liesHigh);
    this.hits += moved;
    if (moved > 0) this.keyHits++;
    return moved;
  }

  private endPass(): void {
    const won = this.wasteBefore - this.waste;
    if (won * WON_SHARE >= this.wasteBefore) this.restMicros = 0;
    else this.restMicros = Math.min(REST_MICROS_MAX, Math.max(REST_MICROS_MIN, this.restMicros * 2));
    this.restUntil = this.lastStepAt + this.restMicros;
    this.purging = false;
    this.stop();
  }

  // ---- one page ----------------------------------------------------------------------------------------------------

  private isOpen(page: number): boolean {
    const { owners, pages } = this.tables;
    return owners.state[pages.keyspace[page]!] === KEYSPACE_OPEN;
  }

  private isFull(page: number): boolean {
    const { pages } = this.tables;
    return pages.slotsUsed[page] === CLASS_SLOTS[pages.sizeClass[page]!];
  }

  /** Whether the records of a span are to go: it is sparse, or lies above the boundary, and there is a lower place. */
  private wantsMove(page: number): boolean {
    const { pages } = this.tables;
    const slots = CLASS_SLOTS[pages.sizeClass[page]!]!;
    const used = pages.slotsUsed[page]!;
    const high = this.deep && page >= this.boundary;
    if (used === slots) return high && this.mayMoveDown(page);
    if (!high && used * 4 > slots * 3) return false;
    return this.lowerPartial(page) || (high && this.mayMoveDown(page));
  }

  /** Puts a page of the same list that lies lower in front of it; false where none is near. */
  private lowerPartial(page: number): boolean {
    const { owners, pages } = this.tables;
    const list = partialList(pages.keyspace[page]!, pages.kind[page]!, pages.sizeClass[page]!);
    let candidate = owners.partial[list]!;
    for (let look = 0; look < LIST_LOOKS && candidate !== 0; look++) {
      if (candidate < page) {
        if (candidate !== owners.partial[list]) {
          pages.removePartial(owners.partial, list, candidate);
          pages.pushPartial(owners.partial, list, candidate);
        }
        return true;
      }
      candidate = pages.nextPartial[candidate]!;
    }
    return false;
  }

  /** Whether what lies in a span or run above the boundary would find a place below it, or nearer to it. */
  private mayMoveDown(page: number): boolean {
    const { boundary, tables } = this;
    const { owners, freePages, pages } = tables;
    if (page < boundary) return false;
    const kind = pages.kind[page]!;
    if (kind === KIND_RUN) return this.fits(freePages.lowest(pages.sizeClass[page]!));
    const sizeClass = pages.sizeClass[page]!;
    const head = owners.partial[partialList(pages.keyspace[page]!, kind, sizeClass)]!;
    // A lower page above the boundary is emptied later in the pass; while it has room, nothing goes to a free page.
    if (head !== 0 && head !== page) return head < page;
    // A node alone in its list would move inside of its own page.
    return !(kind === KIND_NODE && head === page) && this.fits(freePages.lowest(CLASS_PAGES[sizeClass]!));
  }

  private fits(page: number): boolean {
    return page !== 0 && page + SPAN_PAGES_MAX <= this.boundary;
  }

  /**
   * Moves all records of a span elsewhere. It is in no list meanwhile, and its slots are freed at the end, so that no record
   * moves inside of it; with the last slot the span falls free.
   */
  private empty(page: number): void {
    const { arena, tables, references } = this;
    const { owners, pages } = tables;
    const keyspaceId = pages.keyspace[page]!;
    const keyspace = this.keyspaceOf(keyspaceId);
    const sizeClass = pages.sizeClass[page]!;
    // More than the records can need, so that nothing fails halfway.
    if (keyspace === undefined || !arena.reserve(CLASS_BYTES[sizeClass]! * pages.slotsUsed[page]!)) return;
    const list = partialList(keyspaceId, KIND_RECORD, sizeClass);
    const partial = !this.isFull(page);
    if (partial) pages.removePartial(owners.partial, list, page);
    this.referenceCount = 0;
    arena.forEachRecordInPage(page, this.collect);
    for (let i = 0; i < this.referenceCount; i++) keyspace.mover.copy(keyspaceId, references[i]!);
    if (partial) pages.pushPartial(owners.partial, list, page);
    for (let i = 0; i < this.referenceCount; i++) arena.free(references[i]!);
    this.hits += this.referenceCount;
    this.keyHits += this.referenceCount;
  }

  private keyspaceOf(id: number): Keyspace | undefined {
    for (const keyspace of this.keyspaces) if (keyspace.id === id) return keyspace;
    return undefined;
  }

  // ---- figures -----------------------------------------------------------------------------------------------------

  /** CPU time spent, in ms. */
  get msTotal(): number {
    return this.spentMicros / 1000;
  }

  /** How long the pass under way has been going on, in ms; 0 without one. */
  get msNow(): number {
    return this.runningSince < 0 ? 0 : (this.monotonicMicros() - this.runningSince) / 1000;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.hits = 0;
    this.misses = 0;
    this.keyHits = 0;
    this.keyMisses = 0;
    this.spentMicros = 0;
  }
}

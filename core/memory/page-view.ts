/**
 * The engine's side of a view: keeps a page as it was at the cut before its first byte changes, and says whether there
 * is room for more copies. When a page changes is the barrier's (`arena.ts`), reading is `view-reader.ts`'.
 *
 *   pending page ─ copy into a cell ─ enter in the queue ─ publish head ─ exchange the state for COPIED ─ write
 *
 * Publishing comes first: a page that the thread sees as COPIED is in the queue already.
 */

import { ArenaError } from './arena-error.js';
import { CHUNK_PAGES, CHUNK_SHIFT, PAGE_BYTES, PAGE_SHIFT } from './size-classes.js';
import {
  BORN,
  COPIED,
  ENTRY_WORDS,
  TAG_BITS,
  VIEW_CLOSED,
  VIEW_HEAD,
  VIEW_TAIL,
  VIEW_WAITED,
  VIEW_WORDS,
  type ViewShare,
} from './view-share.js';

const PAGE_MASK = CHUNK_PAGES - 1;
/** Cells that the memory grows by beyond the ring: 4 MiB. */
const CELLS_STEP = 1024;
/** Cells of the ring: 32 MiB, of which only what is used at once is touched. */
export const RING_CELLS = 8192;

/** What a view needs of the arena that it is cut from. */
export interface ViewedPages {
  readonly viewId: number;
  readonly pageEnd: number;
  readonly chunks: Uint8Array[];
  readonly states: Int32Array[];
  /** Copied. */
  readonly kinds: Uint8Array;
  readonly living: Uint8Array;
}

export class PageView {
  readonly base: number;
  readonly share: ViewShare;
  /** Copies made so far. */
  copied = 0;
  /** Most copies that waited for the thread at once. */
  waitingPeak = 0;
  /** Set when there was no memory for a copy: the view is not whole any more. Writing goes on, the snapshot fails. */
  broken = false;
  private readonly chunks: Uint8Array[];
  private readonly states: Int32Array[];
  private readonly words: Int32Array;
  private readonly entries: Int32Array;
  private readonly ringCells: number;
  private cells: Uint8Array;
  /** Cells to be used again, the last one first: so few cells are touched. */
  private freeCells = new Int32Array(64);
  private freeCount = 0;
  /** Cells that were ever used. */
  private cellsMade = 0;
  /** Entries whose cells were taken back. */
  private reclaimed = 0;

  /** @param ringCells copies that may wait for the thread before writers are parked. */
  constructor(pages: ViewedPages, ringCells: number = RING_CELLS) {
    if (!Number.isInteger(ringCells) || ringCells < 1) {
      throw new ArenaError('ARENA_MISUSE', `a ring has at least 1 cell, not ${ringCells}`);
    }
    const { pageEnd, chunks, states, living } = pages;
    this.base = pages.viewId << TAG_BITS;
    this.chunks = chunks;
    this.states = states;
    this.ringCells = ringCells;
    this.words = new Int32Array(new SharedArrayBuffer(VIEW_WORDS * 4));
    this.entries = new Int32Array(new SharedArrayBuffer(Math.max(1, pageEnd) * ENTRY_WORDS * 4));
    const kinds = new Uint8Array(new SharedArrayBuffer(Math.max(1, pageEnd)));
    kinds.set(pages.kinds.subarray(0, pageEnd));
    const bytes = ringCells * PAGE_BYTES;
    const cells = new SharedArrayBuffer(bytes, { maxByteLength: Math.max(bytes, pageEnd * PAGE_BYTES) });
    this.cells = new Uint8Array(cells, 0, bytes);
    this.share = {
      base: this.base,
      pageEnd,
      chunks: chunks.slice(0, pageEnd >>> CHUNK_SHIFT),
      states: states.slice(0, pageEnd >>> CHUNK_SHIFT),
      kinds,
      living,
      words: this.words,
      entries: this.entries,
      cells,
    };
  }

  /** Whether the page belongs to the view as it is, neither copied nor read yet. */
  isPending(page: number): boolean {
    const states = this.states[page >>> CHUNK_SHIFT];
    // A chunk that was dropped held no such page.
    if (states === undefined || states.length === 0) return false;
    return Atomics.load(states, page & PAGE_MASK) < this.base;
  }

  /** Keeps a page in use as it was at the cut. Called before its first byte changes. */
  preserve(page: number): void {
    const states = this.states[page >>> CHUNK_SHIFT]!;
    const index = page & PAGE_MASK;
    const state = Atomics.load(states, index);
    if (state >= this.base || this.broken) return;
    const cell = this.takeCell();
    if (cell < 0) return;
    const from = index << PAGE_SHIFT;
    this.cells.set(this.chunks[page >>> CHUNK_SHIFT]!.subarray(from, from + PAGE_BYTES), cell * PAGE_BYTES);
    const head = this.copied;
    this.entries[head * ENTRY_WORDS] = page;
    this.entries[head * ENTRY_WORDS + 1] = cell;
    this.copied = head + 1;
    Atomics.store(this.words, VIEW_HEAD, head + 1);
    // Its failure does not matter: the thread has the page and skips the entry.
    Atomics.compareExchange(states, index, state, this.base | COPIED);
    const waiting = head + 1 - this.reclaimed;
    if (waiting > this.waitingPeak) this.waitingPeak = waiting;
  }

  /** A page that was free at the cut is handed out: it never belongs to the view. */
  bear(page: number): void {
    const states = this.states[page >>> CHUNK_SHIFT]!;
    const index = page & PAGE_MASK;
    if (Atomics.load(states, index) < this.base) Atomics.store(states, index, this.base | BORN);
  }

  /**
   * Whether a command that changes at most `pages` pages may begin. One that needs more than the ring has waits only until
   * the ring is empty.
   */
  room(pages: number): boolean {
    if (pages === 0 || this.broken) return true;
    const waiting = this.waiting;
    return waiting + pages <= this.ringCells || waiting === 0;
  }

  /** Copies that the thread has not read yet. */
  get waiting(): number {
    return this.copied - Atomics.load(this.words, VIEW_TAIL);
  }

  /** Bytes of the cells that were ever used. */
  get bytes(): number {
    return this.cellsMade * PAGE_BYTES;
  }

  /**
   * Asks the thread to notify at `VIEW_TAIL` of `share.words` when it has read on.
   * @returns the tail to wait from: wait only where the word is still this.
   */
  awaitTail(): number {
    const tail = Atomics.load(this.words, VIEW_TAIL);
    Atomics.store(this.words, VIEW_WAITED, 1);
    return tail;
  }

  /** Tells the thread to stop. */
  close(): void {
    Atomics.store(this.words, VIEW_CLOSED, 1);
    // Whoever waits for room need not any more.
    Atomics.notify(this.words, VIEW_TAIL);
  }

  /** A cell to copy into; -1, and the view broken, where there is no memory for one. */
  private takeCell(): number {
    this.reclaim();
    if (this.freeCount > 0) return this.freeCells[--this.freeCount]!;
    if ((this.cellsMade + 1) * PAGE_BYTES > this.cells.length && !this.growCells()) {
      this.broken = true;
      this.close();
      return -1;
    }
    return this.cellsMade++;
  }

  /** Takes back the cells of the entries that the thread has read since. */
  private reclaim(): void {
    const tail = Atomics.load(this.words, VIEW_TAIL);
    if (this.reclaimed === tail) return;
    if (this.freeCount + tail - this.reclaimed > this.freeCells.length) {
      const grown = new Int32Array(Math.max(this.freeCells.length * 2, this.cellsMade));
      grown.set(this.freeCells);
      this.freeCells = grown;
    }
    for (let entry = this.reclaimed; entry < tail; entry++) {
      this.freeCells[this.freeCount++] = this.entries[entry * ENTRY_WORDS + 1]!;
    }
    this.reclaimed = tail;
  }

  private growCells(): boolean {
    const { cells } = this.share;
    const bytes = Math.min(cells.maxByteLength, this.cells.length + CELLS_STEP * PAGE_BYTES);
    if (bytes <= this.cells.length) return false;
    try {
      cells.grow(bytes);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.cells = new Uint8Array(cells, 0, bytes);
    return true;
  }
}

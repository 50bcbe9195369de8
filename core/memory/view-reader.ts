/**
 * The reading thread's side of a view: takes every page that was in use at the cut exactly once, as it was then, while
 * the engine goes on writing. Pure steps over shared memory: where they run, what becomes of the pages and how fast is
 * the caller's.
 *
 *   drain the copies ─ claim the next page: copy it, exchange its state for DONE ─┬─ it was pending: the copy is whole
 *                                                                                └─ it was not: the copy is in the queue
 */

import { headerKeyspace, headerPageCount } from './page-header.js';
import { KIND_FREE, KIND_INSIDE } from './page-table.js';
import { CHUNK_PAGES, CHUNK_SHIFT, PAGE_BYTES, PAGE_SHIFT } from './size-classes.js';
import {
  COPIED,
  DONE,
  ENTRY_WORDS,
  VIEW_CLOSED,
  VIEW_HEAD,
  VIEW_TAIL,
  VIEW_WAITED,
  type ViewShare,
} from './view-share.js';

const PAGE_MASK = CHUNK_PAGES - 1;

/** Where pages go, in any order. */
export interface PageSink {
  /** Makes room for a page at `at` of `bytes`, which the thread alone sees. */
  reserve(): void;
  readonly bytes: Uint8Array;
  readonly at: number;
  /** The bytes at `at` are that page as it was at the cut. Without this call the room is given up. */
  commit(page: number): void;
}

export class ViewReader {
  /** Pages taken from the queue, and pages read where they lie. */
  drained = 0;
  claimed = 0;
  /** Pages of keyspaces that did not live at the cut. */
  dead = 0;
  /** Pages that the engine copied while they were being read. */
  contested = 0;
  /** Pages in use at the cut. */
  readonly pagesInUse: number;
  private readonly share: ViewShare;
  private readonly sink: PageSink;
  private cells: Uint8Array;
  private tail = 0;
  private next = 1;
  /** Pages before this one belong to a span of a keyspace that did not live. */
  private deadEnd = 0;

  constructor(share: ViewShare, sink: PageSink) {
    this.share = share;
    this.sink = sink;
    this.cells = cellsNow(share);
    let used = 0;
    for (let page = 1; page < share.pageEnd; page++) if (share.kinds[page] !== KIND_FREE) used++;
    this.pagesInUse = used;
  }

  /** True once the engine has closed the view: nothing read after that means anything. */
  get closed(): boolean {
    return Atomics.load(this.share.words, VIEW_CLOSED) !== 0;
  }

  /** Copies that wait to be drained. */
  get waiting(): number {
    return Atomics.load(this.share.words, VIEW_HEAD) - this.tail;
  }

  /** Every page in use at the cut was taken, or left because its keyspace did not live. */
  get complete(): boolean {
    return this.drained + this.claimed + this.dead === this.pagesInUse;
  }

  /**
   * Reads on: drains, then claims at most `pages` pages, draining before each.
   * @returns true when the whole view is read; `complete` must hold then.
   */
  step(pages: number): boolean {
    const { kinds, pageEnd } = this.share;
    for (let left = pages; left > 0 && this.next < pageEnd; this.next++) {
      if (kinds[this.next] === KIND_FREE) continue;
      this.drain();
      this.claim(this.next);
      left--;
    }
    this.drain();
    return this.next >= pageEnd;
  }

  /** Takes all copies that the engine has published. */
  drain(): void {
    const { sink } = this;
    const { base, entries, words } = this.share;
    const head = Atomics.load(words, VIEW_HEAD);
    while (this.tail < head) {
      const page = entries[this.tail * ENTRY_WORDS]!;
      const cell = entries[this.tail * ENTRY_WORDS + 1]!;
      if (this.takeOver(page, base)) {
        sink.reserve();
        sink.bytes.set(this.cell(cell), sink.at);
        sink.commit(page);
        this.drained++;
      }
      this.tail++;
      Atomics.store(words, VIEW_TAIL, this.tail);
      if (Atomics.load(words, VIEW_WAITED) !== 0) {
        Atomics.store(words, VIEW_WAITED, 0);
        Atomics.notify(words, VIEW_TAIL);
      }
    }
  }

  /** Whether the copy of a page is to be used: always but where the page was read in place. */
  private takeOver(page: number, base: number): boolean {
    const states = this.share.states[page >>> CHUNK_SHIFT]!;
    const index = page & PAGE_MASK;
    const state = Atomics.load(states, index);
    if (state === (base | DONE)) return false;
    // The engine has published and is about to say so; whoever comes first, the copy is right.
    if (state !== (base | COPIED)) Atomics.compareExchange(states, index, state, base | DONE);
    return true;
  }

  private claim(page: number): void {
    const { base, chunks, kinds, living } = this.share;
    const states = this.share.states[page >>> CHUNK_SHIFT]!;
    const index = page & PAGE_MASK;
    const state = Atomics.load(states, index);
    if (state >= base) return;
    const chunk = chunks[page >>> CHUNK_SHIFT]!;
    const from = index << PAGE_SHIFT;
    let deadEnd = this.deadEnd;
    if (kinds[page] !== KIND_INSIDE) {
      deadEnd = living[headerKeyspace(chunk, from)] === 1 ? 0 : page + headerPageCount(chunk, from);
    }
    if (page < deadEnd) {
      // Only the exchange proves that the header was this page's.
      if (Atomics.compareExchange(states, index, state, base | DONE) !== state) return;
      this.deadEnd = deadEnd;
      this.dead++;
      return;
    }
    const { sink } = this;
    sink.reserve();
    sink.bytes.set(chunk.subarray(from, from + PAGE_BYTES), sink.at);
    if (Atomics.compareExchange(states, index, state, base | DONE) === state) {
      sink.commit(page);
      this.claimed++;
    } else {
      this.contested++;
    }
  }

  private cell(cell: number): Uint8Array {
    const end = (cell + 1) * PAGE_BYTES;
    if (end > this.cells.length) this.cells = cellsNow(this.share);
    return this.cells.subarray(cell * PAGE_BYTES, end);
  }
}

/** An array of fixed length: one that tracks the length of its buffer is slow. */
function cellsNow(share: ViewShare): Uint8Array {
  return new Uint8Array(share.cells, 0, share.cells.byteLength);
}

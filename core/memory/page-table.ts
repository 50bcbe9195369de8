/**
 * What the allocator knows of every page, kept outside the pages (linking one page must not dirty its neighbours):
 * kind, class, owner, slots in use, and the lists of pages. Free slots are bitmaps, one per chunk, in `arena.ts`.
 *
 * All are typed arrays by page number, so that nothing here costs a JavaScript object per page. They double while small,
 * then go to the limit at once: a zeroed array takes memory only where it is touched, and no growth copies much.
 */

import { CHUNK_PAGES, CHUNK_SHIFT } from './size-classes.js';

/** Kinds of a page, the same in the page's header. A page inside a span or run is `KIND_INSIDE`: it has no header. */
export const KIND_FREE = 0;
export const KIND_RECORD = 1;
export const KIND_NODE = 2;
export const KIND_RUN = 3;
export const KIND_INSIDE = 4;
export const KIND_COUNT = 5;

/** Above this many pages (256 MiB) the arrays go to the limit. */
const DOUBLING_PAGES_MAX = 65_536;

export class PageTable {
  kind: Uint8Array;
  /** Size class of a record or node page's first page; pages of a run's first page. */
  sizeClass: Uint8Array;
  /** Bytes of a slot, or the bytes that a run carries: what resolves a reference. */
  slotBytes: Uint16Array;
  /** Slots in use; 1 for a run. */
  slotsUsed: Uint8Array;
  keyspace: Uint16Array;
  /** The page was announced for the view `base`: the engine's private side of the barrier. */
  mine: Int32Array;
  /** Pages of one keyspace, kind and class with a free slot; 0 ends the list. */
  nextPartial: Int32Array;
  previousPartial: Int32Array;
  /** First pages of all spans and runs of a keyspace. */
  nextOwned: Int32Array;
  previousOwned: Int32Array;

  private readonly pagesMax: number;
  private length = CHUNK_PAGES;

  constructor(pagesMax: number) {
    this.pagesMax = pagesMax;
    this.kind = new Uint8Array(CHUNK_PAGES);
    this.sizeClass = new Uint8Array(CHUNK_PAGES);
    this.slotBytes = new Uint16Array(CHUNK_PAGES);
    this.slotsUsed = new Uint8Array(CHUNK_PAGES);
    this.keyspace = new Uint16Array(CHUNK_PAGES);
    this.mine = new Int32Array(CHUNK_PAGES);
    this.nextPartial = new Int32Array(CHUNK_PAGES);
    this.previousPartial = new Int32Array(CHUNK_PAGES);
    this.nextOwned = new Int32Array(CHUNK_PAGES);
    this.previousOwned = new Int32Array(CHUNK_PAGES);
  }

  /** Makes room for the pages of a chunk. Throws a RangeError where the system refuses, and is then unchanged. */
  ensureChunk(chunk: number): void {
    const pages = (chunk + 1) << CHUNK_SHIFT;
    if (pages <= this.length) return;
    const limit = ((this.pagesMax >>> CHUNK_SHIFT) + 1) << CHUNK_SHIFT;
    const doubled = Math.max(pages, this.length * 2);
    const length = doubled > DOUBLING_PAGES_MAX ? limit : Math.min(doubled, limit);
    const kind = grown(new Uint8Array(length), this.kind);
    const sizeClass = grown(new Uint8Array(length), this.sizeClass);
    const slotBytes = grown(new Uint16Array(length), this.slotBytes);
    const slotsUsed = grown(new Uint8Array(length), this.slotsUsed);
    const keyspace = grown(new Uint16Array(length), this.keyspace);
    const mine = grown(new Int32Array(length), this.mine);
    const nextPartial = grown(new Int32Array(length), this.nextPartial);
    const previousPartial = grown(new Int32Array(length), this.previousPartial);
    const nextOwned = grown(new Int32Array(length), this.nextOwned);
    const previousOwned = grown(new Int32Array(length), this.previousOwned);
    this.kind = kind;
    this.sizeClass = sizeClass;
    this.slotBytes = slotBytes;
    this.slotsUsed = slotsUsed;
    this.keyspace = keyspace;
    this.mine = mine;
    this.nextPartial = nextPartial;
    this.previousPartial = previousPartial;
    this.nextOwned = nextOwned;
    this.previousOwned = previousOwned;
    this.length = length;
  }

  /** Puts a page in front of the list whose head lies in `heads[at]`. */
  pushPartial(heads: Int32Array, at: number, page: number): void {
    const next = heads[at]!;
    this.nextPartial[page] = next;
    this.previousPartial[page] = 0;
    if (next !== 0) this.previousPartial[next] = page;
    heads[at] = page;
  }

  removePartial(heads: Int32Array, at: number, page: number): void {
    const next = this.nextPartial[page]!;
    const previous = this.previousPartial[page]!;
    if (previous === 0) heads[at] = next;
    else this.nextPartial[previous] = next;
    if (next !== 0) this.previousPartial[next] = previous;
  }

  pushOwned(heads: Int32Array, at: number, page: number): void {
    const next = heads[at]!;
    this.nextOwned[page] = next;
    this.previousOwned[page] = 0;
    if (next !== 0) this.previousOwned[next] = page;
    heads[at] = page;
  }

  removeOwned(heads: Int32Array, at: number, page: number): void {
    const next = this.nextOwned[page]!;
    const previous = this.previousOwned[page]!;
    if (previous === 0) heads[at] = next;
    else this.nextOwned[previous] = next;
    if (next !== 0) this.previousOwned[next] = previous;
  }
}

interface Settable<T> {
  set(source: T): void;
}

function grown<T extends Settable<T>>(target: T, source: T): T {
  target.set(source);
  return target;
}

/**
 * What the allocator knows of every page, kept outside the pages (linking one page must not dirty its neighbours):
 * kind, class, owner, slots in use, and the lists of pages. Free slots are bitmaps, one per chunk, in `arena.ts`.
 *
 * All are typed arrays by page number, so that nothing here costs a JavaScript object per page. Their buffers reserve
 * addresses for all pages at once and grow in place: no growth copies anything, however large the dataset. (Arrays of
 * fixed length over a buffer that grows are as fast as any; they are made anew after each growth.)
 */

import { CHUNK_SHIFT } from './size-classes.js';

/** Kinds of a page, the same in the page's header. A page inside a span or run is `KIND_INSIDE`: it has no header. */
export const KIND_FREE = 0;
export const KIND_RECORD = 1;
export const KIND_NODE = 2;
export const KIND_RUN = 3;
export const KIND_INSIDE = 4;
export const KIND_COUNT = 5;

/** The arrays grow by so many pages, 256 MiB of dataset. Memory is taken only where they are touched. */
const GROWTH_PAGES = 65_536;
/** Bytes of an entry in each of the arrays, in the order of their fields. */
const ENTRY_BYTES = [1, 1, 2, 1, 2, 4, 4, 4, 4, 4] as const;

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

  private readonly buffers: SharedArrayBuffer[];
  private readonly lengthMax: number;
  private length: number;

  constructor(pagesMax: number) {
    this.lengthMax = ((pagesMax >>> CHUNK_SHIFT) + 1) << CHUNK_SHIFT;
    this.length = Math.min(GROWTH_PAGES, this.lengthMax);
    this.buffers = ENTRY_BYTES.map(
      (bytes) => new SharedArrayBuffer(this.length * bytes, { maxByteLength: this.lengthMax * bytes }),
    );
    const [
      kind,
      sizeClass,
      slotBytes,
      slotsUsed,
      keyspace,
      mine,
      nextPartial,
      previousPartial,
      nextOwned,
      previousOwned,
    ] = this.arrays();
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
  }

  /** Makes room for the pages of a chunk. Throws a RangeError where the system refuses, and is then unchanged. */
  ensureChunk(chunk: number): void {
    const pages = (chunk + 1) << CHUNK_SHIFT;
    if (pages <= this.length) return;
    const length = Math.min(this.lengthMax, Math.ceil(pages / GROWTH_PAGES) * GROWTH_PAGES);
    for (let i = 0; i < ENTRY_BYTES.length; i++) this.buffers[i]!.grow(length * ENTRY_BYTES[i]!);
    this.length = length;
    [
      this.kind,
      this.sizeClass,
      this.slotBytes,
      this.slotsUsed,
      this.keyspace,
      this.mine,
      this.nextPartial,
      this.previousPartial,
      this.nextOwned,
      this.previousOwned,
    ] = this.arrays();
  }

  private arrays() {
    const [kind, sizeClass, slotBytes, slotsUsed, keyspace, mine, ...links] = this.buffers;
    const length = this.length;
    return [
      new Uint8Array(kind!, 0, length),
      new Uint8Array(sizeClass!, 0, length),
      new Uint16Array(slotBytes!, 0, length),
      new Uint8Array(slotsUsed!, 0, length),
      new Uint16Array(keyspace!, 0, length),
      new Int32Array(mine!, 0, length),
      new Int32Array(links[0]!, 0, length),
      new Int32Array(links[1]!, 0, length),
      new Int32Array(links[2]!, 0, length),
      new Int32Array(links[3]!, 0, length),
    ] as const;
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

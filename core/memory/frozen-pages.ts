/**
 * The arena's frozen pages: the view that is open, if any, and the pages that are free but for it. Copying is
 * `page-view.ts`; which bytes change, and when, is the arena's.
 */

import { ArenaError } from './arena-error.js';
import type { FreePages } from './free-pages.js';
import { LimboPages } from './limbo-pages.js';
import type { PageTable } from './page-table.js';
import { PageView } from './page-view.js';
import { CHUNK_SHIFT, PAGE_BYTES } from './size-classes.js';
import { VIEW_ID_MAX } from './view-share.js';

export class FrozenPages {
  /** The open view, or null. */
  view: PageView | null = null;
  private viewId = 0;
  private readonly pages: PageTable;
  private readonly freePages: FreePages;
  private readonly limbo: LimboPages;

  constructor(pages: PageTable, freePages: FreePages) {
    this.pages = pages;
    this.freePages = freePages;
    this.limbo = new LimboPages(pages);
  }

  /** Pages that are free but for the view. */
  get limboPages(): number {
    return this.limbo.count;
  }

  /** Bytes of copies, and of pages in limbo. */
  get bytes(): number {
    return (this.view?.bytes ?? 0) + this.limbo.count * PAGE_BYTES;
  }

  /**
   * @param living by keyspace id: 1 where it lives.
   * @throws ArenaError `ARENA_MISUSE` while a view is open; RangeError where there is no memory for it.
   */
  cut(chunks: Uint8Array[], states: Int32Array[], living: Uint8Array, ringCells: number | undefined): PageView {
    if (this.view !== null) throw new ArenaError('ARENA_MISUSE', 'a view is open already');
    if (this.viewId === VIEW_ID_MAX) throw new ArenaError('ARENA_MISUSE', 'no more views of this arena');
    this.releaseLimbo(this.limbo.count);
    const pageEnd = this.freePages.chunkEnd << CHUNK_SHIFT;
    const viewed = { viewId: this.viewId + 1, pageEnd, chunks, states, kinds: this.pages.kind, living };
    this.view = new PageView(viewed, ringCells);
    this.viewId++;
    return this.view;
  }

  close(): void {
    this.view?.close();
    this.view = null;
  }

  /** Before the first byte of a page in use changes. */
  preserve(page: number): void {
    const { view } = this;
    if (view === null) return;
    view.preserve(page);
    if (view.broken) this.close();
  }

  /** Before the first byte of a page that was free changes. */
  bear(page: number): void {
    this.view?.bear(page);
  }

  isFrozen(page: number): boolean {
    return this.view?.isPending(page) ?? false;
  }

  /** Whether the view has one of the pages still to read. */
  anyFrozen(first: number, pageCount: number): boolean {
    if (this.view === null) return false;
    for (let page = first; page < first + pageCount; page++) if (this.view.isPending(page)) return true;
    return false;
  }

  /**
   * Gives contiguous pages back. Those that the view has not read yet keep their bytes, in limbo, until it has.
   * @returns whether a chunk is wholly free now.
   */
  release(first: number, pageCount: number): boolean {
    const { view, freePages } = this;
    if (view === null) return freePages.give(first, pageCount);
    let emptied = false;
    for (let page = first; page < first + pageCount; page++) {
      if (view.isPending(page)) this.limbo.push(page);
      else if (freePages.give(page, 1)) emptied = true;
    }
    return emptied;
  }

  /** Looks at pages in limbo, at most `budget`, and gives back those that no view needs. Returns how many. */
  releaseLimbo(budget: number): number {
    const { limbo, view } = this;
    let freed = 0;
    for (let left = Math.min(budget, limbo.count); left > 0; left--) {
      const page = limbo.shift();
      if (view?.isPending(page) === true) {
        limbo.push(page);
      } else {
        this.freePages.give(page, 1);
        freed++;
      }
    }
    return freed;
  }
}

/**
 * Pages that are free but for a view, which has not read them yet: their bytes stay as they were. A queue through the
 * page table's links, which free pages do not need. When a page may go on is the arena's to say.
 */

import type { PageTable } from './page-table.js';

export class LimboPages {
  count = 0;
  private readonly pages: PageTable;
  private first = 0;
  private last = 0;

  constructor(pages: PageTable) {
    this.pages = pages;
  }

  push(page: number): void {
    const { pages } = this;
    pages.nextPartial[page] = 0;
    if (this.last === 0) this.first = page;
    else pages.nextPartial[this.last] = page;
    this.last = page;
    this.count++;
  }

  /** The page that has waited longest, which is taken out; 0 where there is none. */
  shift(): number {
    const page = this.first;
    if (page === 0) return 0;
    this.first = this.pages.nextPartial[page]!;
    if (this.first === 0) this.last = 0;
    this.count--;
    return page;
  }
}

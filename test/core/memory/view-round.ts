/**
 * One view against a model: what every page of the living keyspaces held at the cut, copied then, and what a reader of
 * the view has taken since. Used in one thread and in two.
 */
import { expect } from 'vitest';
import type { Arena } from '../../../core/memory/arena.js';
import { PAGE_BYTES, PAGE_SHIFT } from '../../../core/memory/size-classes.js';
import type { PageSink } from '../../../core/memory/view-reader.js';
import type { ViewShare } from '../../../core/memory/view-share.js';

/** Keeps the pages that it is given. */
export class KeepingSink implements PageSink {
  readonly pages = new Map<number, Uint8Array>();
  bytes = new Uint8Array(PAGE_BYTES);
  readonly at = 0;
  /** Pages that were given twice. */
  twice = 0;

  reserve(): void {}

  commit(page: number): void {
    if (this.pages.has(page)) this.twice++;
    this.pages.set(page, this.bytes);
    this.bytes = new Uint8Array(PAGE_BYTES);
  }
}

/** Copies what the view must give, right after the cut. */
export function pagesAtCut(share: ViewShare): Map<number, Uint8Array> {
  const pages = new Map<number, Uint8Array>();
  let living = false;
  for (let page = 1; page < share.pageEnd; page++) {
    const kind = share.kinds[page]!;
    if (kind === 0) continue;
    const chunk = share.chunks[page >>> 10]!;
    const at = (page & 1023) << PAGE_SHIFT;
    if (kind !== 4) living = share.living[new DataView(chunk.buffer).getUint32(at + 4, true)] === 1;
    if (living) pages.set(page, chunk.slice(at, at + PAGE_BYTES));
  }
  return pages;
}

/** What is wrong with the pages taken, '' for nothing. */
export function difference(expected: Map<number, Uint8Array>, taken: Map<number, Uint8Array>): string {
  for (const [page, bytes] of expected) {
    const found = taken.get(page);
    if (found === undefined) return `page ${page} is missing`;
    if (Buffer.compare(bytes, found) !== 0) return `page ${page} is not as it was at the cut`;
  }
  for (const page of taken.keys()) if (!expected.has(page)) return `page ${page} does not belong to the view`;
  return '';
}

/** Closes the view and sees that nothing stays behind: all that waited for it is free after a sweep. */
export function closeAndSweep(arena: Arena): void {
  arena.closeView();
  while (arena.sweep(1000) > 0);
  expect(arena.viewBytes).toBe(0);
  expect(arena.stats.limboBytes).toBe(0);
}

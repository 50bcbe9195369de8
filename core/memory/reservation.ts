/**
 * How many pages allocations of so many bytes can need at most, in any mix: what `Arena.reserve` makes sure of before a
 * command's first mutation. A pure function of the size classes.
 */

import { CLASS_BYTES, CLASS_COUNT, CLASS_PAGES, CLASS_SLOTS, PAGE_BYTES, SLOT_BYTES_MIN } from './size-classes.js';

/** A command allocates records and nodes, in at most two keyspaces: so many lists of each class. */
const LISTS_PER_CLASS = 4;
const STEP_SHIFT = 8;

/** The fewest bytes that can be asked of a class, as `reserve` counts them. */
function bytesMin(sizeClass: number): number {
  return sizeClass === 0 ? SLOT_BYTES_MIN : CLASS_BYTES[sizeClass - 1]! + 1;
}

/** Bytes of pages that a full span needs per byte asked for, in the worst class. */
function worstShare(): number {
  let worst = 1;
  for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
    const pageBytesPerSlot = (CLASS_PAGES[sizeClass]! * PAGE_BYTES) / CLASS_SLOTS[sizeClass]!;
    worst = Math.max(worst, pageBytesPerSlot / bytesMin(sizeClass));
  }
  return worst;
}

/**
 * By bytes in steps of 256: most pages of spans that can be begun with so many. Classes that give most pages for the
 * bytes are taken first, the last one whole, which no choice of whole spans exceeds.
 */
function begunPages(): Uint16Array {
  const order = Array.from({ length: CLASS_COUNT }, (_, index) => index);
  order.sort((left, right) => bytesMin(left) / CLASS_PAGES[left]! - bytesMin(right) / CLASS_PAGES[right]!);
  const table: number[] = [0];
  let bytes = 0;
  let pages = 0;
  for (const sizeClass of order) {
    for (let list = 0; list < LISTS_PER_CLASS; list++) {
      bytes += bytesMin(sizeClass);
      pages += CLASS_PAGES[sizeClass]!;
      while (table.length << STEP_SHIFT <= bytes) table.push(pages);
    }
  }
  table.push(pages);
  return Uint16Array.from(table);
}

const WORST_SHARE = worstShare();
const BEGUN_PAGES = begunPages();

/** Pages that allocations of `bytes` need at most; each counts as at least 16, a run as all bytes of its pages. */
export function pagesToReserve(bytes: number): number {
  if (bytes <= 0) return 0;
  const step = Math.min(Math.ceil(bytes / (1 << STEP_SHIFT)), BEGUN_PAGES.length - 1);
  return BEGUN_PAGES[step]! + Math.ceil((bytes * WORST_SHARE) / PAGE_BYTES);
}

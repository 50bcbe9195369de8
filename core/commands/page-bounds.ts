/**
 * Upper bounds of the pages in use that a command changes, for its declaration. New pages do not count: nothing that a
 * view shows is in them. A test runs every command under the debug arena, which fails one that exceeds its bound.
 *
 * A record lies in one slot of at most 16 KiB, which crosses 5 pages. Freeing a slot writes its live mark: one page, for
 * a value in parts too, because parts are freed in slices later. Parts are new pages, but the nodes above them may lie in
 * pages that are in use.
 */
import type { Execution } from '../execution.js';
import { nodesAbove, STRING_BYTES_MAX } from '../types/string.js';

const PAGE_BYTES = 4096;
/** A part of a long value: a run of 16 pages. */
const PART_PAGES = 16;
const SLOT_PAGES_MAX = 5;
/** Nodes above the parts of a value: the one that gets an entry, the one it moves from, and the one above. */
const NODE_PAGES_MAX = 4;

/** Pages that so many bytes cross, wherever they begin. */
function pagesAcross(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES) + 1;
}

/** Nodes above the parts of a key and a value that have so many bytes together. */
function nodesOfBoth(bytes: number): number {
  const nodes = nodesAbove(bytes);
  return nodes === 0 ? 0 : nodes + 2;
}

/** Nodes above the parts of the key that argument i names, where it is longer than a record holds. */
function nodesOfKey(x: Execution, i: number): number {
  return x.args.count > i ? nodesAbove(x.args.length(i)) : 0;
}

/** Commands that look keys up and change nothing else: a key whose time is up goes. One key an argument. */
export function pagesToLook(x: Execution): number {
  return x.args.count - 1;
}

/** The same for commands whose only key is argument 1. */
export const PAGES_TO_LOOK_ONCE = 1;

/** The same for commands whose keys are arguments 1 and 2. */
export const PAGES_TO_LOOK_TWICE = 2;

/**
 * Commands that store values with `step` arguments a key from argument `first` on: the slot written, the one left, and
 * that of an expired key.
 */
function pagesToStoreEach(x: Execution, first: number, step: number): number {
  const { args } = x;
  let pages = 0;
  for (let i = first; i < args.count; i += step) {
    let bytes = 0;
    for (let k = i; k < i + step && k < args.count; k++) bytes += args.length(k);
    pages += Math.min(SLOT_PAGES_MAX, pagesAcross(bytes + 64)) + 2 + nodesOfBoth(bytes);
  }
  return pages;
}

/** SET and its kin: one key, whatever the other arguments are. */
export function pagesToStore(x: Execution): number {
  return pagesToStoreEach(x, 1, x.args.count);
}

/** MSET and MSETNX. */
export function pagesToStorePairs(x: Execution): number {
  return pagesToStoreEach(x, 1, 2);
}

/** MSETEX: pairs behind their number, and options that count as if they were pairs. */
export function pagesToStoreCounted(x: Execution): number {
  return pagesToStoreEach(x, 2, 2);
}

/** Storing a short value at argument 1: numbers. The key may be long. */
export function pagesToCount(x: Execution): number {
  return SLOT_PAGES_MAX + 2 + nodesOfKey(x, 1);
}

/** Slots of a copy, the one that it leaves and two expired keys, and the nodes of the longest value. */
const PAGES_TO_COPY = SLOT_PAGES_MAX + 3 + nodesAbove(STRING_BYTES_MAX);

export function pagesToCopy(x: Execution): number {
  return PAGES_TO_COPY + nodesOfKey(x, 2);
}

/** MOVE: a copy, and the slot that the key leaves. */
export function pagesToMoveAway(x: Execution): number {
  return PAGES_TO_COPY + nodesOfKey(x, 1) + 1;
}

/** RESTORE: a value of any length, whatever the length of its payload. */
export function pagesToRestore(x: Execution): number {
  return PAGES_TO_COPY + nodesOfKey(x, 1);
}

/** Moving a record to another slot, as a deadline may: also frees the slot left and an expired key. */
export const PAGES_TO_MOVE = SLOT_PAGES_MAX + 2;

/** RENAME: the record moves, and what had the name goes. */
export function pagesToRename(x: Execution): number {
  return SLOT_PAGES_MAX + 4 + nodesOfKey(x, 2);
}

/** APPEND: the record, or the end of the last part and the nodes above it and the new ones. */
export function pagesToAppend(x: Execution): number {
  const bytes = x.args.count > 2 ? x.args.length(2) : 0;
  const nodes = NODE_PAGES_MAX + nodesAbove(bytes) + nodesOfKey(x, 1);
  return SLOT_PAGES_MAX + 2 + nodes + Math.min(PART_PAGES, pagesAcross(bytes));
}

/**
 * SETRANGE: parts that are covered whole are replaced; those at both ends, and zeros behind the old end, are written. The
 * nodes are those above all that is written or lies between.
 */
export function pagesToSetRange(x: Execution): number {
  const bytes = x.args.count > 3 ? x.args.length(3) : 0;
  const end = x.args.count > 3 ? bytes + 10 ** x.args.length(2) : 0;
  const nodes = NODE_PAGES_MAX + nodesAbove(Math.min(STRING_BYTES_MAX, end)) + nodesOfKey(x, 1);
  return SLOT_PAGES_MAX + 2 + nodes + PART_PAGES + Math.min(2 * PART_PAGES, pagesAcross(bytes) + 1);
}

/** SCAN: every key with a deadline among those that a step visits may have to go. */
export function pagesToScan(x: Execution): number {
  return x.database.keysWithDeadline;
}

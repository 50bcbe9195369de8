/**
 * What reading records takes: the live arena has it, and so has the read-only arena over a page image, so that the code
 * that reads records, parts and types is the same for both. Nothing here writes or finds a key by name.
 */

import type { ReadableBytes, Reference } from './reference.js';

export interface ReadableArena {
  /**
   * Bytes that hold the whole slot or run, at `offset(reference)`. Of a live arena they are good until the next change,
   * of an image until seven other pages, spans or runs were resolved.
   */
  bytes(reference: Reference): ReadableBytes;

  /** Where the slot, or what a run carries, begins in `bytes(reference)`, which must have been the last one asked for. */
  offset(reference: Reference): number;

  /** Bytes of the slot, or that the run carries. */
  capacity(reference: Reference): number;

  /** Copies `length` bytes from `at` in the slot to `target`. */
  copyOut(reference: Reference, at: number, length: number, target: Uint8Array, targetAt: number): void;

  /** The first page of the keyspace's next span or run behind `page` (0 to begin), or 0. */
  nextPage(keyspaceId: number, page: number): number;

  /** Visits the live records that begin in a span, given by its first page; none where it holds no records. */
  forEachRecordInPage(page: number, visit: (reference: Reference) => void): void;
}

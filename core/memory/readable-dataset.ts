/**
 * A whole dataset as its readers see it: the engine (`arena`, `keyspaces`) is one, and so is an opened page image. Each
 * database is walked by a `RecordWalk`:
 *
 *   for (const [database, { id }] of dataset.keyspaces.entries()) new RecordWalk(dataset.arena, id)
 */

import type { ReadableArena } from './readable-arena.js';

/** A keyspace and the counters that its write path keeps: what a walk over it must find. */
export interface KeyspaceCounters {
  /** Owner of its pages. */
  readonly id: number;
  /** Number of keys. */
  readonly count: number;
  /** Keys that have a deadline. */
  readonly keysWithExpiry: number;
  /** Sum of the lengths of all keys and values. */
  readonly contentBytes: number;
}

export interface ReadableDataset {
  readonly arena: ReadableArena;
  /** By database number. */
  readonly keyspaces: readonly KeyspaceCounters[];
}

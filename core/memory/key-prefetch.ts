/**
 * Fetches from memory, at the same time, what the lookups of the next keys will need one after the other: table cells and
 * records. A lookup in a large dataset waits for two or three reads of memory that depend on each other; over several keys
 * they do not, and the processor makes them side by side, if the loads stand close together. Hence one pass for the hashes,
 * one for the cells, one for the records.
 */
import type { HashTable, RecordKeys } from './hash-table.js';
import type { KeyHash } from './key-hash.js';

/** Keys that are fetched together: about as many reads as a core keeps under way. */
export const PREFETCH_KEYS_MAX = 16;

export class KeyPrefetch {
  private readonly hash: KeyHash;
  private readonly table: HashTable;
  private readonly keys: RecordKeys;
  /** High lanes of the hashes of the keys added; the first `count` are set. */
  readonly highs = new Int32Array(PREFETCH_KEYS_MAX);
  count = 0;
  private readonly references = new Int32Array(PREFETCH_KEYS_MAX);
  /** Only so that touching is not optimised away. */
  protected touched = 0;

  constructor(hash: KeyHash, table: HashTable, keys: RecordKeys) {
    this.hash = hash;
    this.table = table;
    this.keys = keys;
  }

  /** Adds the key `bytes[start, end)`, below PREFETCH_KEYS_MAX of them. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (this.count === PREFETCH_KEYS_MAX) return;
    this.hash.hash(bytes, start, end);
    this.highs[this.count++] = this.hash.high;
  }

  /** Fetches what the keys added since the last time need, and forgets them. Changes nothing. */
  fetch(): void {
    const { count, references, keys } = this;
    this.count = 0;
    this.table.likelyReferences(this.highs, count, references);
    let touched = 0;
    for (let i = 0; i < count; i++) if (references[i] !== 0) touched ^= keys.touch(references[i]!);
    this.touched = touched;
  }
}

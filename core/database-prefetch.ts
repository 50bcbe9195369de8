/**
 * Fetches ahead what lookups in one database will read: the keyspace's part (`memory/key-prefetch.ts`), and the cells of the
 * dependency table, which every lookup asks too.
 */
import type { DependencyTable } from './dependency-table.js';
import type { Keyspace } from './memory/keyspace.js';

export class DatabasePrefetch {
  /** The database that the keys added are of. */
  number = 0;
  private readonly keyspaces: readonly Keyspace[];
  private readonly dependencies: DependencyTable;

  constructor(keyspaces: readonly Keyspace[], dependencies: DependencyTable) {
    this.keyspaces = keyspaces;
    this.dependencies = dependencies;
  }

  /** Adds the key `bytes[start, end)`; those beyond PREFETCH_KEYS_MAX are passed over. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.keyspaces[this.number]!.prefetch.add(bytes, start, end);
  }

  /** Fetches for the keys added since the last time, and forgets them. Changes nothing. */
  fetch(): void {
    const { prefetch } = this.keyspaces[this.number]!;
    this.dependencies.touch(this.number, prefetch.highs, prefetch.count);
    prefetch.fetch();
  }
}

/** How many keys a database has: what a walk, a reading and the counters of the write path are compared by. */

export interface DatabaseCounts {
  keys: number;
  keysWithDeadline: number;
  /** Sum of the lengths of all keys and values. */
  contentBytes: number;
}

/** Counts by database number, made as databases turn up. */
export class DatasetCounts {
  readonly databases: DatabaseCounts[] = [];

  of(database: number): DatabaseCounts {
    while (this.databases.length <= database) {
      this.databases.push({ keys: 0, keysWithDeadline: 0, contentBytes: 0 });
    }
    return this.databases[database]!;
  }

  /** Whether these are the counts that keyspaces have, by database number; a missing database is an empty one. */
  equals(keyspaces: readonly { count: number; keysWithExpiry: number; contentBytes: number }[]): boolean {
    const length = Math.max(keyspaces.length, this.databases.length);
    for (let i = 0; i < length; i++) {
      const kept = keyspaces[i];
      const counted = this.databases[i];
      if ((kept?.count ?? 0) !== (counted?.keys ?? 0)) return false;
      if ((kept?.keysWithExpiry ?? 0) !== (counted?.keysWithDeadline ?? 0)) return false;
      if ((kept?.contentBytes ?? 0) !== (counted?.contentBytes ?? 0)) return false;
    }
    return true;
  }
}

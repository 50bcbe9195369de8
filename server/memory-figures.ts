/** What INFO memory and MEMORY STATS show, computed once so that both say the same. Bytes, unless the name says otherwise. */
import type { ServerContext } from './server-context.js';

export interface MemoryFigures {
  /** What counts against maxmemory. */
  readonly used: number;
  readonly peak: number;
  readonly startup: number;
  /** Of `used`, what is not keys and values: indexes, buffers, copies for a view. */
  readonly overhead: number;
  /** Slots and pages of keys and values. */
  readonly dataset: number;
  /** `dataset` and `used` without what was used at the start, of which shares are taken, as in Redis. */
  readonly datasetPercent: number;
  readonly index: number;
  readonly clients: number;
  readonly uncommitted: number;
  readonly keys: number;
  /** Slots and runs in use; their pages; all chunks held. */
  readonly allocated: number;
  readonly active: number;
  readonly resident: number;
  /** The whole process. */
  readonly rss: number;
}

export function memoryFigures(server: ServerContext): MemoryFigures {
  const { commit, connections, engine } = server;
  const { arena, database } = engine;
  const used = engine.usedBytes();
  const { detachedBytes, freeBytes, limboBytes, pageBytes, usedBytes } = arena.stats;
  let index = 0;
  let keys = 0;
  for (const keyspace of engine.keyspaces) {
    index += keyspace.indexBytes;
    keys += keyspace.count;
  }
  const clients = connections.parkedBytes + connections.unsentBytes + connections.queryBufferBytes;
  const uncommitted = commit.uncommittedBytes;
  const overhead = Math.min(used, index + clients + uncommitted + database.taskBytes + arena.viewBytes);
  const dataset = used - overhead;
  return {
    ...{
      used,
      peak: Math.max(used, engine.peakBytes),
      startup: engine.startupBytes,
      overhead,
      dataset,
      index,
      clients,
    },
    datasetPercent: (dataset / Math.max(1, used - engine.startupBytes)) * 100,
    ...{ uncommitted, keys, allocated: usedBytes, active: pageBytes },
    resident: pageBytes + freeBytes + detachedBytes + limboBytes,
    rss: process.memoryUsage.rss(),
  };
}

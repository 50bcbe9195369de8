/** That memory really goes back to the system, whatever malloc and the garbage collector would rather do. */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';

const CHUNK_BYTES = 4 << 20;
const CHUNKS = 40;
const ROUNDS_MAX = 50;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Resident memory, once `enough` says so or it stays. */
async function residentBytes(enough: (bytes: number) => boolean): Promise<number> {
  let bytes = process.memoryUsage.rss();
  for (let round = 0; round < ROUNDS_MAX && !enough(bytes); round++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
    bytes = process.memoryUsage.rss();
  }
  return bytes;
}

describe('memory of chunks', () => {
  it('goes back to the system chunk by chunk, also the second time', async () => {
    const arena = new Arena();
    for (let round = 0; round < 2; round++) {
      const runs: number[] = [];
      while (arena.stats.chunkCount < CHUNKS || arena.stats.freeBytes > 16 * 4096) {
        const run = arena.allocRun(1, 16);
        arena.fill(arena.write(run, 0, 65_520), 7, 65_520);
        runs.push(run);
      }
      const full = await residentBytes(() => true);
      const kept = runs.filter((run) => (run >>> 18) % 2 === 1);
      for (const run of runs) if ((run >>> 18) % 2 === 0) arena.free(run);
      arena.purge();
      expect(arena.stats.chunkCount).toBe(CHUNKS / 2);
      const least = (CHUNKS / 2 - 5) * CHUNK_BYTES;
      const half = await residentBytes((bytes) => full - bytes >= least);
      expect(full - half).toBeGreaterThanOrEqual(least);
      for (const run of kept) arena.free(run);
      arena.purge();
      expect(arena.stats.chunkCount).toBe(0);
      await residentBytes((bytes) => full - bytes >= 2 * least);
    }
  });
});

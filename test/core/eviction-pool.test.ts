import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EvictionPool, POOL_SIZE } from '../../core/eviction-pool.js';

/** Redis' evictionPoolPopulate and its walk from the best to the worst, entry by entry as in evict.c. */
class RedisPool {
  readonly pool: ({ idle: number; key: number } | undefined)[] = Array.from({ length: POOL_SIZE }, () => undefined);

  add(idle: number, key: number): void {
    const { pool } = this;
    let k = 0;
    while (k < POOL_SIZE && pool[k] !== undefined && pool[k]!.idle < idle) k++;
    if (k === 0 && pool[POOL_SIZE - 1] !== undefined) return;
    if (k < POOL_SIZE && pool[k] === undefined) {
      pool[k] = { idle, key };
    } else if (pool[POOL_SIZE - 1] === undefined) {
      pool.splice(k, 0, { idle, key });
      pool.pop();
    } else {
      k--;
      pool.shift();
      pool.splice(k, 0, { idle, key });
    }
  }

  take(): number {
    for (let k = POOL_SIZE - 1; k >= 0; k--) {
      const entry = this.pool[k];
      if (entry === undefined) continue;
      this.pool[k] = undefined;
      return entry.key;
    }
    return -1;
  }
}

describe('the pool of candidates', () => {
  test("keeps and gives out what Redis' pool does", () => {
    const step = fc.option(fc.integer({ min: 0, max: 40 }), { nil: -1, freq: 3 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const ours = new EvictionPool();
        const theirs = new RedisPool();
        steps.forEach((score, key) => {
          if (score >= 0) {
            ours.add(score, key & 15, key * 3, key);
            theirs.add(score, key);
            return;
          }
          const taken = ours.takeBest();
          const expected = theirs.take();
          expect(taken ? ours.reference : -1).toBe(expected);
          if (taken) expect([ours.database, ours.hash]).toEqual([expected & 15, expected * 3]);
        });
      }),
    );
  });

  test('says beforehand whether it would keep a score', () => {
    const pool = new EvictionPool();
    for (let i = 0; i < POOL_SIZE; i++) {
      expect(pool.admits(0)).toBe(true);
      pool.add(10 + i, 0, 0, i + 1);
    }
    expect(pool.admits(10)).toBe(false);
    expect(pool.admits(11)).toBe(true);
    pool.clear();
    expect(pool.takeBest()).toBe(false);
  });
});

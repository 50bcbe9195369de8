import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TICK_MS, tickOf } from '../../../core/memory/deadline-wheel.js';
import { ExpiryIndex } from '../../../core/memory/expiry-index.js';
import { SeededRandom } from '../../support/seeded-random.js';

const TWO_32 = 2 ** 32;

function add(index: ExpiryIndex, hash: number, deadlineMs: number): void {
  index.add(hash | 0, Math.floor(deadlineMs / TWO_32), deadlineMs | 0);
}

function change(index: ExpiryIndex, hash: number, held: number, deadlineMs: number): void {
  index.change(hash, Math.floor(held / TWO_32), held | 0, Math.floor(deadlineMs / TWO_32), deadlineMs | 0);
}

function tick(deadlineMs: number): number {
  return tickOf(Math.floor(deadlineMs / TWO_32), deadlineMs | 0);
}

/** Everything that is due at `nowMs`, in slices of `budget`. */
function drain(index: ExpiryIndex, nowMs: number, budget: number): number[] {
  const hashes: number[] = [];
  while (index.due(nowMs, budget, (hash) => hashes.push(hash)) >= budget);
  return hashes;
}

/** Deadlines near and far, with many equal ones and ones at the borders of all levels. */
const deadlines = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.maxSafeInteger().map((value) => Math.abs(value)),
  fc.integer({ min: 6, max: 52 }).chain((bits) => fc.integer({ min: -130, max: 130 }).map((by) => 2 ** bits + by)),
);

const purgeStep = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'late', 'delete', 'purge', 'purge', 'wait'),
  hash: fc.integer({ min: 0, max: 400 }),
  after: deadlines,
  budget: fc.integer({ min: 1, max: 70 }),
});

describe('ExpiryIndex', () => {
  it('gives out every entry once, not before its deadline, at most a tick late, in the order of ticks', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('add' as const), after: deadlines }) },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('wait' as const),
          after: deadlines,
          budget: fc.integer({ min: 1, max: 40 }),
        }),
      },
    );
    fc.assert(
      fc.property(fc.constantFrom(0, 1000, 1_770_000_000_123), fc.array(step, { maxLength: 150 }), (start, steps) => {
        const index = new ExpiryIndex();
        const waiting = new Map<number, number>(); // hash -> deadline; every hash is used once
        let now: number = start;
        let hashes = 0;
        for (const { kind, after, ...rest } of steps) {
          if (kind === 'add') {
            hashes++;
            waiting.set(hashes, now + after);
            add(index, hashes, now + after);
          } else {
            now = Math.min(now + after, 2 ** 46 - 1);
            let before = -1;
            for (const hash of drain(index, now, 'budget' in rest ? rest.budget : 1)) {
              const deadline = waiting.get(hash)!;
              expect(deadline).toBeDefined();
              expect(deadline).toBeLessThanOrEqual(now);
              expect(tick(deadline)).toBeGreaterThanOrEqual(before);
              before = tick(deadline);
              waiting.delete(hash);
            }
            for (const deadline of waiting.values()) expect(deadline).toBeGreaterThan(now - TICK_MS);
          }
          expect(index.count).toBe(waiting.size);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('keeps the key of a deadline that moves later at one entry, which its owner adds again', () => {
    const index = new ExpiryIndex();
    let deadline = 10_000;
    add(index, 7, deadline);
    for (let now = 0; now < 100_000; now += 500) {
      index.change(7, 0, deadline, 0, now + 10_000);
      deadline = now + 10_000;
      index.due(now, 10, (hash) => add(index, hash, deadline));
      expect(index.count).toBe(1);
    }
    index.due(deadline - 1, 10, (hash) => add(index, hash, deadline));
    expect(drain(index, deadline - 1, 10)).toEqual([]);
    expect(drain(index, deadline + TICK_MS, 10)).toEqual([7]);
  });

  it('adds an entry for a deadline that moves earlier, and drops the stale one at its time', () => {
    const index = new ExpiryIndex();
    add(index, 7, 100_000);
    index.change(7, 0, 100_000, 0, 5_000);
    expect(index.count).toBe(2);
    expect(drain(index, 5_000 + TICK_MS, 10)).toEqual([7]);
    expect(drain(index, 100_000 + TICK_MS, 10)).toEqual([7]);
    expect(index.count).toBe(0);
  });

  it('gives the entries of one hash out once a call', () => {
    const index = new ExpiryIndex();
    for (let i = 0; i < 1000; i++) add(index, 7, 5_000 + i);
    expect(drain(index, 10_000, 5_000)).toEqual([7]);
    expect(index.count).toBe(0);
  });

  it('never gives out what is due after the year 4200, and accepts any signed 64-bit deadline', () => {
    const index = new ExpiryIndex();
    index.add(1, 0x7fffffff, -1);
    index.add(2, -0x80000000, 0);
    index.add(3, -1, -1);
    expect(drain(index, 1, 10)).toEqual(expect.arrayContaining([2, 3]));
    expect(drain(index, 2 ** 46 - 1, 10)).toEqual([]);
    expect(index.count).toBe(1);
  });

  it('survives a clock that goes back', () => {
    const index = new ExpiryIndex();
    add(index, 1, 50_000);
    expect(drain(index, 100_000, 10)).toEqual([1]);
    add(index, 2, 60_000);
    add(index, 3, 200_000);
    expect(drain(index, 20_000, 10)).toEqual([]);
    expect(drain(index, 100_000, 10)).toEqual([2]);
    expect(drain(index, 200_064, 10)).toEqual([3]);
  });

  it('handles a million equal deadlines in bounded steps and memory, and gives the memory back', () => {
    const index = new ExpiryIndex();
    const now = 1_770_000_000_000;
    index.due(now, 1, () => {});
    for (let i = 0; i < 1_000_000; i++) add(index, i, now + 100_000);
    expect(index.bytes / index.count).toBeLessThan(8.8);
    let visited = 0;
    let before = 0;
    for (let used = 1000; used >= 1000; ) {
      used = index.due(now + 100_064, 1000, () => visited++);
      expect(visited - before).toBeLessThanOrEqual(1000);
      before = visited;
    }
    expect(visited).toBe(1_000_000);
    expect(index.bytes).toBeLessThan(200_000);
  });

  it('costs no visit and no step when nothing is due', () => {
    const index = new ExpiryIndex();
    for (let i = 0; i < 1000; i++) add(index, i, 1_770_000_100_000 + i);
    expect(index.due(1_770_000_000_000, 10_000, () => {})).toBeLessThan(1000 / 16 + 1);
    for (let i = 0; i < 1000; i++) expect(index.due(1_770_000_000_000 + i * 99, 100, () => {})).toBe(0);
  });

  it('keeps expired entries low at a steady load', () => {
    const random = new SeededRandom(20_251_123);
    const index = new ExpiryIndex();
    const waiting = new Map<number, number>();
    let hash = 0;
    for (let now = 1_770_000_000_000; now < 1_770_000_060_000; now += 100) {
      for (let i = 0; i < 200; i++) {
        const deadline = now + 500 + random.below(10_000);
        waiting.set(++hash, deadline);
        add(index, hash, deadline);
      }
      index.due(now, 1000, (due) => waiting.delete(due));
      let expired = 0;
      for (const deadline of waiting.values()) if (deadline <= now) expired++;
      expect(expired).toBeLessThan(waiting.size / 20 + 1);
    }
  });

  it('rebuilds from the records while it goes on giving out', () => {
    const index = new ExpiryIndex();
    const random = new SeededRandom(5);
    const deadline = new Map<number, number>();
    let now = 1_770_000_000_000;
    const expire = (hash: number) => {
      const at = deadline.get(hash);
      if (at === undefined) return;
      if (at <= now) deadline.delete(hash);
      else add(index, hash, at);
    };
    for (let round = 0; round < 30; round++) {
      for (let i = 0; i < 2000; i++) {
        const hash = random.below(1000);
        deadline.set(hash, now + 1000 + random.below(100_000));
        add(index, hash, deadline.get(hash)!); // as if deleted and created anew: stale entries gather
      }
      if (index.rebuildNeeded(deadline.size, deadline.size)) {
        index.beginRebuild();
        for (const [hash, at] of deadline) {
          if (random.below(10) === 0) {
            now += 5;
            while (index.due(now, 50, expire) >= 50);
          }
          if (deadline.has(hash)) add(index, hash, at);
        }
        index.endRebuild();
        expect(index.count).toBeLessThan(3 * deadline.size);
      }
      expect(index.count).toBeLessThan(2 * 1000 + 125 + 1024 + 2000);
      now += 300;
      while (index.due(now, 50, expire) >= 50);
      for (const at of deadline.values()) expect(at).toBeGreaterThan(now - TICK_MS);
    }
  });

  it('takes out what no key needs while everything goes on, and never what one needs', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1_770_000_000_123),
        fc.integer({ min: 0, max: 800 }),
        fc.array(purgeStep, { maxLength: 300 }),
        (start, spread, steps) => {
          const index = new ExpiryIndex();
          const deadline = new Map<number, number>();
          let now: number = start;
          const expire = (hash: number) => {
            const at = deadline.get(hash);
            if (at === undefined) return;
            if (at <= now) deadline.delete(hash);
            else add(index, hash, at);
          };
          const needed = (hash: number, at: number) => tick(deadline.get(hash) ?? -1) >= at;
          // Enough with a common slot that chains of pages are purged.
          for (let hash = 1000; hash < 1000 + spread; hash++) {
            add(index, hash, now + 10_000_000 + hash);
            if (hash % 3 === 0) deadline.set(hash, now + 10_000_000 + hash);
          }
          for (const { kind, hash, after, budget } of steps) {
            if (kind === 'set') {
              const held = deadline.get(hash);
              deadline.set(hash, now + after);
              if (held === undefined) add(index, hash, now + after);
              else change(index, hash, held, now + after);
            } else if (kind === 'late' && !deadline.has(hash)) {
              // In the past: filed as due now.
              deadline.set(hash, Math.max(0, now - (after % 100_000)));
              add(index, hash, deadline.get(hash)!);
            } else if (kind === 'delete') {
              deadline.delete(hash);
            } else if (kind === 'purge') {
              index.purge(budget, needed);
            } else {
              now = Math.min(now + after, 2 ** 46 - 1);
              while (index.due(now, budget, expire) >= budget);
              for (const at of deadline.values()) expect(at).toBeGreaterThan(now - TICK_MS);
            }
            expect(index.count).toBeGreaterThanOrEqual(deadline.size);
          }
          const { count } = index;
          let left = 0;
          for (let budget = count + 1; left !== index.count; ) {
            left = index.count;
            // The first call may end a round that has begun.
            for (let call = 0; call < 2; call++) index.purge(budget, needed);
          }
          now = 2 ** 46 - 1;
          while (index.due(now, 1000, expire) >= 1000);
          for (const at of deadline.values()) expect(at).toBeGreaterThan(now - TICK_MS);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('a purge leaves one entry for each key, and gives the memory back', () => {
    const index = new ExpiryIndex();
    for (let i = 0; i < 100_000; i++) add(index, i, 1_770_000_000_000 + 1000 * (i % 5000));
    const full = index.bytes;
    expect(index.purgeNeeded(100_000)).toBe(false);
    expect(index.purgeNeeded(10_000)).toBe(true);
    for (let calls = 0; index.purgeNeeded(10_000); calls++) {
      expect(calls).toBeLessThan(1000);
      index.purge(1000, (hash) => hash % 10 === 0);
    }
    expect(index.count).toBeGreaterThanOrEqual(10_000);
    expect(index.count).toBeLessThan(11_500);
    expect(index.bytes).toBeLessThan(full / 5);
  });

  it('a purge in vain is not repeated before there are more entries', () => {
    const index = new ExpiryIndex();
    for (let i = 0; i < 3000; i++) add(index, i % 1000, 1_770_000_000_000 + i);
    expect(index.purgeNeeded(1000)).toBe(true);
    while (index.purgeNeeded(1000)) index.purge(100, () => true);
    expect(index.count).toBe(3000);
    for (let i = 0; i < 400; i++) add(index, i, 1_770_000_000_000 + i);
    expect(index.purgeNeeded(1000)).toBe(true);
  });

  it('refuses to end a rebuild that was not begun', () => {
    const index = new ExpiryIndex();
    expect(() => index.endRebuild()).toThrow(/no rebuild/);
    index.beginRebuild();
    expect(() => index.beginRebuild()).toThrow(/under way/);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Defragmenter } from '../../../core/memory/defragmenter.js';
import { datasetDigest } from '../../support/dataset-digest.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { TestEngine } from '../../support/test-engine.js';

const SMALL = { ignoreBytes: 1, lowerPercent: 0, upperPercent: 100, cycleMinPercent: 99, cycleMaxPercent: 99 };

/** Slices until nothing is left. `between` runs between them. */
function defragment(test: TestEngine, between: () => void = () => {}): void {
  const { defragmenter } = test.engine;
  defragmenter.requestPurge();
  for (let slice = 0; defragmenter.purgeUnderWay; slice++) {
    if (slice > 100_000) throw new Error('the pass does not end');
    test.background(500);
    between();
  }
}

function fill(test: TestEngine, count: number, size: (i: number) => number): void {
  for (let i = 0; i < count; i++) test.run('SET', `key:${i}`, 'v'.repeat(size(i)));
}

function checkAll(test: TestEngine, count: number, size: (i: number) => number, kept: (i: number) => boolean): void {
  for (let i = 0; i < count; i++) {
    const length = kept(i) ? size(i) : 0;
    if (test.run('STRLEN', `key:${i}`) !== `:${length}\r\n`) throw new Error(`key:${i} has not ${length} bytes`);
  }
}

describe('a whole pass', () => {
  test('moves the records of sparse pages together, and chunks go back', () => {
    const test = new TestEngine({ capture: false });
    const { engine, arena } = test;
    const size = (i: number): number => 40 + (i % 60);
    const kept = (i: number): boolean => i % 10 === 0;
    fill(test, 100_000, size);
    const full = arena.stats;
    for (let i = 0; i < 100_000; i++) if (!kept(i)) test.run('DEL', `key:${i}`);
    const before = datasetDigest(test);
    expect(arena.stats.chunkCount).toBeGreaterThanOrEqual(full.chunkCount - 4);
    test.clock.microsPerReading = 100;
    defragment(test);
    expect(datasetDigest(test)).toBe(before);
    const { chunkCount, fragmentation, usedBytes } = arena.stats;
    expect(fragmentation).toBeLessThan(1.15);
    expect(chunkCount).toBeLessThanOrEqual(Math.ceil(usedBytes / 2 ** 22) + 6);
    expect(engine.defragmenter.hits).toBeGreaterThan(5000);
    expect(engine.defragmenter.keyHits).toBe(engine.defragmenter.hits);
    checkAll(test, 100_000, size, kept);
  });

  test('moves long keys and values out of high chunks', () => {
    const test = new TestEngine({ capture: false });
    const { arena } = test;
    // Low chunks are filled with what goes, high ones with what stays.
    const gone = (i: number): string => `gone:${i}`;
    for (let i = 0; i < 200; i++) test.run('SET', gone(i), 'g'.repeat(200_000));
    const long = 'k'.repeat(70_000);
    const huge = 'h'.repeat(17_000_000);
    test.run('SET', long, 'value of a long key');
    test.run('SET', 'huge', huge);
    for (let i = 0; i < 50; i++) test.run('SET', `medium:${i}`, 'm'.repeat(90_000));
    fill(test, 2000, () => 1500);
    for (let i = 0; i < 200; i++) test.run('DEL', gone(i));
    while (test.engine.keyspaces[0]!.sweep(4096) > 0);
    const before = datasetDigest(test);
    const chunksInUse = (): number => arena.stats.chunkCount - arena.stats.emptyChunkCount;
    const needed = Math.ceil(arena.usedBytes / 2 ** 22) + 1;
    expect(chunksInUse()).toBeGreaterThan(needed);
    test.clock.microsPerReading = 100;
    defragment(test);
    expect(datasetDigest(test)).toBe(before);
    expect(chunksInUse()).toBeLessThanOrEqual(needed);
    expect(test.run('GET', long)).toBe('$19\r\nvalue of a long key\r\n');
    expect(test.run('STRLEN', 'huge')).toBe(`:${huge.length}\r\n`);
  });

  test('is whole though a pass about sparse pages was under way', () => {
    const test = new TestEngine({ capture: false });
    const { arena, clock, engine } = test;
    fill(test, 60_000, () => 1000);
    for (let i = 0; i < 60_000; i++) if (i % 20 !== 0) test.run('DEL', `key:${i}`);
    clock.microsPerReading = 300;
    for (let slices = 0; engine.defragmenter.hits === 0; slices++) {
      if (slices > 10_000) throw new Error('no pass has begun');
      clock.micros += 10_000;
      test.background(500);
    }
    expect(engine.defragmenter.runningPercent).toBeGreaterThan(0);
    defragment(test);
    expect(arena.stats.chunkCount - arena.stats.emptyChunkCount).toBeLessThanOrEqual(2);
  });

  test('leaves what let-go values wait for alone', () => {
    const test = new TestEngine({ capture: false, debug: true });
    for (let i = 0; i < 4; i++) test.run('SET', `big:${i}`, 'b'.repeat(2_000_000));
    test.run('SET', 'stays', 's'.repeat(300_000));
    test.run('DEL', 'big:0', 'big:2');
    test.run('FLUSHDB');
    test.run('SET', 'stays', 's'.repeat(300_000));
    const before = datasetDigest(test);
    defragment(test);
    while (test.background());
    expect(datasetDigest(test)).toBe(before);
  });
});

describe('by itself', () => {
  test.each([1, 2, 3, 24])('a purge is whole, whatever went on by itself while keys were deleted (seed %i)', (seed) => {
    const test = new TestEngine({ debug: false, capture: false });
    const { arena, defragmenter } = test.engine;
    const random = new SeededRandom(seed);
    const count = 60_000;
    fill(test, count, () => 1000);
    for (let first = 0; first < count; first += 1000) {
      for (let i = first; i < first + 1000; i++) if (i % 20 !== 0) test.run('DEL', `key:${i}`);
      test.clock.microsPerReading = random.between(1, 100);
      tick(test, random.between(0, 3));
    }
    test.clock.microsPerReading = 0;
    defragmenter.requestPurge();
    while (defragmenter.purgeUnderWay) defragmenter.step(Number.POSITIVE_INFINITY);
    const needed = Math.ceil((arena.usedBytes * 1.05) / 2 ** 22) + 1;
    expect(arena.stats.chunkCount - arena.stats.emptyChunkCount).toBeLessThanOrEqual(needed);
  });

  /** Deletes all but one in `keptShare` of so many keys. */
  function thinOut(test: TestEngine, count: number, keptShare = 10): void {
    fill(test, count, () => 60);
    for (let i = 0; i < count; i++) if (i % keptShare !== 0) test.run('DEL', `key:${i}`);
  }

  /** Background ticks with time passing, as a server has them. */
  function tick(test: TestEngine, ticks: number): void {
    for (let i = 0; i < ticks; i++) {
      test.clock.micros += 100_000;
      while (test.background(1000));
    }
  }

  test('sparse pages are emptied without activedefrag, at a share of the processor', () => {
    const test = new TestEngine({ capture: false });
    const { defragmenter } = test.engine;
    thinOut(test, 80_000);
    expect(test.arena.stats.fragmentation).toBeGreaterThan(5);
    test.clock.microsPerReading = 100;
    const started = test.clock.micros;
    tick(test, 400);
    const share = (defragmenter.msTotal * 1000) / (test.clock.micros - started);
    expect(test.arena.stats.fragmentation).toBeLessThan(1.35);
    expect(share).toBeLessThan(0.15);
    expect(defragmenter.runningPercent).toBe(0);
    expect(defragmenter.msNow).toBe(0);
    // Nothing more is done for nothing.
    const { hits, misses } = defragmenter;
    tick(test, 20);
    expect([defragmenter.hits, defragmenter.misses]).toEqual([hits, misses]);
    defragmenter.resetStatistics();
    expect([defragmenter.hits, defragmenter.keyMisses, defragmenter.msTotal]).toEqual([0, 0, 0]);
  });

  test('chunks that hold little between free pages are emptied without activedefrag, and then nothing more is done', () => {
    const test = new TestEngine({ capture: false });
    const { arena } = test;
    // Whole pages fall free all over the chunks: no page is sparse.
    for (let i = 0; i < 40_000; i++) test.run('SET', `key:${i}`, 'v'.repeat(2000));
    for (let i = 0; i < 40_000; i++) if (i % 20 > 1) test.run('DEL', `key:${i}`);
    const before = datasetDigest(test);
    const needed = Math.ceil(arena.usedBytes / 2 ** 22) + 1;
    expect(arena.stats.fragmentation).toBeLessThan(1.1);
    expect(arena.stats.chunkCount - arena.stats.emptyChunkCount).toBeGreaterThan(2 * needed);
    test.clock.microsPerReading = 100;
    tick(test, 400);
    expect(arena.stats.chunkCount - arena.stats.emptyChunkCount).toBeLessThanOrEqual(needed + 1);
    expect(datasetDigest(test)).toBe(before);
    const { hits, misses } = test.engine.defragmenter;
    tick(test, 20);
    expect([test.engine.defragmenter.hits, test.engine.defragmenter.misses]).toEqual([hits, misses]);
  });

  test('little waste is left as it is', () => {
    const test = new TestEngine({ capture: false });
    thinOut(test, 5000);
    tick(test, 20);
    expect(test.engine.defragmenter.hits).toBe(0);
  });

  test('activedefrag follows its thresholds', () => {
    const test = new TestEngine({ capture: false });
    const { settings } = test.engine.defragmenter;
    Object.assign(settings, SMALL, { enabled: true, ignoreBytes: 2 ** 30 });
    thinOut(test, 40_000, 2);
    tick(test, 5);
    expect(test.engine.defragmenter.hits).toBe(0);
    settings.ignoreBytes = 1;
    settings.lowerPercent = 1000;
    tick(test, 5);
    expect(test.engine.defragmenter.hits).toBe(0);
    settings.lowerPercent = 10;
    tick(test, 50);
    expect(test.engine.defragmenter.hits).toBeGreaterThan(500);
  });

  test('nothing moves while a view is open', () => {
    const test = new TestEngine({ capture: false });
    const { defragmenter } = test.engine;
    thinOut(test, 80_000);
    test.arena.cut();
    tick(test, 20);
    expect(defragmenter.hits).toBe(0);
    test.arena.closeView();
    tick(test, 20);
    expect(defragmenter.hits).toBeGreaterThan(1000);
  });
});

describe('under the debug arena', () => {
  test('whatever commands run between the slices, the dataset is what the log folds to', () => {
    const operation = fc.record({
      kind: fc.integer({ min: 0, max: 9 }),
      key: fc.integer({ min: 0, max: 200 }),
      size: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 0, max: 600 }) },
        { weight: 1, arbitrary: fc.integer({ min: 15_000, max: 400_000 }) },
      ),
    });
    fc.assert(
      fc.property(fc.array(operation, { minLength: 100, maxLength: 300 }), fc.integer(), (operations, seed) => {
        const test = new TestEngine({ debug: true, databases: 2 });
        const random = new SeededRandom(seed >>> 0);
        test.clock.microsPerReading = 300;
        const name = (key: number): string => (key % 17 === 0 ? `${'k'.repeat(600)}${key}` : `key:${key}`);
        for (const { kind, key, size } of operations) {
          if (kind < 5) test.run('SET', name(key), 'v'.repeat(size));
          else if (kind === 5) test.run('APPEND', name(key), 'a'.repeat(size >>> 3));
          else if (kind === 6) test.run('PEXPIREAT', name(key), test.clock.ms + 1_000_000);
          else if (kind === 7) test.run('RENAME', name(key), name((key * 7) % 201));
          else test.run('DEL', name(key), name((key + 1) % 201), name((key + 2) % 201));
          if (random.chance(0.5)) {
            test.engine.defragmenter.requestPurge();
            test.background(random.below(2000));
          }
        }
        defragment(test);
        const folded = new TestEngine({ debug: true, databases: 2 });
        folded.fold(test.sink.entries);
        expect(datasetDigest(test)).toBe(datasetDigest(folded));
      }),
      { numRuns: 12 },
    );
  });

  test('SCAN returns every key that stays, however many records move between its steps', () => {
    const test = new TestEngine({ debug: false, capture: false });
    const count = 20_000;
    fill(test, count, (i) => 40 + (i % 60));
    for (let i = 0; i < count; i++) if (i % 3 !== 0) test.run('DEL', `key:${i}`);
    test.clock.microsPerReading = 200;
    const seen = new Set<string>();
    const { defragmenter }: { defragmenter: Defragmenter } = test.engine;
    defragmenter.requestPurge();
    let cursor = '0';
    let passes = 0;
    do {
      const reply = test.run('SCAN', cursor, 'COUNT', 50);
      const words = reply.split('\r\n').filter((word) => word !== '' && !/^[$*]/.test(word));
      cursor = words[0]!;
      for (const key of words.slice(1)) seen.add(key);
      test.background(1000);
      if (!defragmenter.purgeUnderWay) {
        passes++;
        defragmenter.requestPurge();
      }
    } while (cursor !== '0');
    expect(passes).toBeGreaterThan(1);
    expect(defragmenter.hits).toBeGreaterThan(1000);
    for (let i = 0; i < count; i += 3) expect(seen.has(`key:${i}`)).toBe(true);
  });
});

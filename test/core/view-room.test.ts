/** Commands under an open view: what waits for room, and that the view stays what it was. */
import { describe, expect, it } from 'vitest';
import { datasetDigest } from '../../core/dataset-digest.js';
import { ViewReader } from '../../core/memory/view-reader.js';
import { SeededRandom } from '../support/seeded-random.js';
import { TestEngine } from '../support/test-engine.js';
import { difference, KeepingSink, pagesAtCut } from './memory/view-round.js';

/** Whether the command may begin; counts who was told that it may not. */
function mayBegin(engine: TestEngine, ...words: string[]): boolean {
  engine.engine.args.set(words.map((word) => Buffer.from(word)));
  return engine.engine.hasRoom();
}

describe('room for a view', () => {
  it('is there without a view, whatever a command may change', () => {
    const engine = new TestEngine();
    const pairs = Array.from({ length: 20_000 }, (_, i) => [`key:${i}`, 'v']).flat();
    expect(mayBegin(engine, 'MSET', ...pairs)).toBe(true);
  });

  it('is asked for by what the command declares, and told where there is none', () => {
    const engine = new TestEngine();
    // A page for each value.
    for (let i = 0; i < 20; i++) engine.run('SET', `key:${i}`, 'x'.repeat(3900));
    let told = 0;
    engine.engine.onCrowded = () => told++;
    const view = engine.arena.cut(8);
    const reader = new ViewReader(view.share, new KeepingSink());
    const pairs = Array.from({ length: 20 }, (_, i) => [`key:${i}`, 'y'.repeat(3900)]).flat();
    // More than the ring has, and nothing waits: it may begin, and once it has, it does not wait.
    expect(mayBegin(engine, 'MSET', ...pairs)).toBe(true);
    expect(engine.run('MSET', ...pairs)).toBe('+OK\r\n');
    expect(view.waiting).toBe(20);
    expect(told).toBe(0);
    expect(mayBegin(engine, 'SET', 'key:1', 'z')).toBe(false);
    expect(mayBegin(engine, 'GET', 'key:1')).toBe(false);
    expect(told).toBe(2);
    // What changes nothing, and what is refused anyway, need not wait.
    expect(mayBegin(engine, 'PING')).toBe(true);
    expect(mayBegin(engine, 'SET', 'key:1')).toBe(true);
    expect(mayBegin(engine, 'NOSUCHCOMMAND')).toBe(true);
    reader.drain();
    expect(mayBegin(engine, 'SET', 'key:1', 'z')).toBe(true);
    engine.run('MSET', ...pairs);
    engine.arena.closeView();
    expect(mayBegin(engine, 'MSET', ...pairs)).toBe(true);
  });

  it('stops the expiry between commands, too', () => {
    const engine = new TestEngine();
    for (let i = 0; i < 200; i++) engine.run('SET', `key:${i}`, 'x'.repeat(3900), 'PX', '10');
    const view = engine.arena.cut(4);
    engine.run('MSET', ...Array.from({ length: 10 }, (_, i) => [`key:${i}`, 'y']).flat());
    engine.clock.ms += 1000;
    engine.background();
    expect(engine.run('DBSIZE')).toBe(':200\r\n');
    new ViewReader(view.share, new KeepingSink()).drain();
    engine.arena.closeView();
    engine.background();
    expect(engine.run('DBSIZE')).toBe(':10\r\n');
  });

  it('counts as used memory, and eviction does not go by it', () => {
    const engine = new TestEngine();
    for (let i = 0; i < 100; i++) engine.run('SET', `key:${i}`, 'x'.repeat(3900));
    const used = engine.engine.usedBytes();
    engine.arena.cut(200);
    for (let i = 0; i < 100; i++) engine.run('SET', `key:${i}`, 'y'.repeat(3900));
    expect(engine.engine.usedBytes()).toBe(used + engine.arena.viewBytes);
    expect(engine.arena.viewBytes).toBeGreaterThanOrEqual(100 * 4096);
  });
});

describe('commands under views', () => {
  for (const seed of [1, 2, 3]) {
    it(`leave them as they were at the cut, and the dataset right, seed ${seed}`, () => {
      const random = new SeededRandom(seed);
      const engine = new TestEngine({ debug: true, databases: 3 });
      const plain = new TestEngine({ databases: 3 });
      const key = (): string => `k${random.below(30)}`;
      const value = (): string => 'v'.repeat(random.pick([1, 50, 900, 5000, 16_000, 70_000]));
      const step = (): void => {
        const words = random.pick<() => string[]>([
          () => ['SET', key(), value()],
          () => ['SET', key(), value()],
          () => ['APPEND', key(), value()],
          () => ['SETRANGE', key(), String(random.below(70_000)), value()],
          () => ['DEL', key(), key()],
          () => ['RENAME', key(), key()],
          () => ['COPY', key(), key(), 'REPLACE'],
          () => ['MOVE', key(), String(random.below(3))],
          () => ['INCR', `n${random.below(5)}`],
          () => ['PEXPIRE', key(), '1000000'],
          () => ['SELECT', String(random.below(3))],
          () => [random.below(10) === 0 ? 'FLUSHALL' : 'PING'],
          () => ['SWAPDB', String(random.below(3)), String(random.below(3))],
        ])();
        expect(engine.run(...words)).toBe(plain.run(...words));
        if (random.below(10) === 0) {
          engine.background();
          plain.background();
        }
      };
      for (let i = 0; i < 100; i++) step();
      for (let round = 0; round < 8; round++) {
        const view = engine.arena.cut(1 + random.below(10));
        const expected = pagesAtCut(view.share);
        const sink = new KeepingSink();
        const reader = new ViewReader(view.share, sink);
        for (let i = 0; i < 40; i++) {
          step();
          if (random.below(4) === 0) reader.step(random.below(10));
        }
        while (!reader.step(10));
        expect(reader.complete).toBe(true);
        expect(difference(expected, sink.pages)).toBe('');
        engine.arena.closeView();
        expect(datasetDigest(engine.arena, engine.engine.keyspaces)).toBe(
          datasetDigest(plain.arena, plain.engine.keyspaces),
        );
      }
    });
  }
});

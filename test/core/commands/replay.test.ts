/**
 * State is the fold of the log: what random commands logged, folded by an engine with another hash seed and another clock,
 * is the same dataset, at every point. And each of these commands keeps the rules of the debug arena and its page bound.
 */
import { expect, test } from 'vitest';
import { Arguments } from '../../../core/arguments.js';
import { EffectReader } from '../../../core/effect-reader.js';
import { datasetDigest } from '../../support/dataset-digest.js';
import { TestEngine } from '../../support/test-engine.js';
import { CommandGenerator } from '../differential/command-generator.js';
import { SeededRandom } from '../differential/random.js';

const SEED = Number(process.env.HOLDFAST_TEST_SEED ?? 4711);

/** Runs random commands; keys with short deadlines expire meanwhile, by lookups and by the engine. */
function runRandom(engine: TestEngine, seed: number, commands: number, each: (done: number) => void): void {
  const generator = new CommandGenerator(seed, true);
  const random = new SeededRandom(seed);
  for (let done = 1; done <= commands; done++) {
    engine.runBytes(engine.session, generator.next());
    if (random.chance(0.2)) engine.run('PEXPIRE', `key:${random.below(40)}`, 1 + random.below(100));
    if (random.chance(0.1)) engine.run('SET', `n${random.below(10)}`, '1', 'PX', 1 + random.below(100));
    if (random.chance(0.1)) engine.clock.ms += random.below(50);
    if (random.chance(0.02)) while (engine.background());
    each(done);
  }
}

test(`the fold of the log has the same digest, seed ${SEED}`, () => {
  const live = new TestEngine();
  const points: { entries: number; digest: string }[] = [];
  runRandom(live, SEED, 12_000, (done) => {
    if (done % 500 === 0) points.push({ entries: live.sink.entries.length, digest: datasetDigest(live) });
  });
  expect(live.engine.database.statistics.expiredKeys).toBeGreaterThan(100);

  const folded = new TestEngine({ hashSeed: Uint32Array.of(77, 78, 79, 80), capture: false });
  folded.clock.ms = 1;
  let from = 0;
  for (const { entries, digest } of points) {
    folded.fold(live.sink.entries.slice(from, entries));
    from = entries;
    expect(datasetDigest(folded), `after ${entries} entries`).toBe(digest);
  }
  expect(new Set(points.map(({ digest }) => digest)).size).toBeGreaterThan(points.length - 3);
  expect(folded.engine.effects.sequence).toBe(live.engine.effects.sequence);
});

test('the fold of a fold logs nothing and needs no clock', () => {
  const live = new TestEngine();
  runRandom(live, SEED + 1, 1000, () => {});
  const folded = new TestEngine();
  folded.fold(live.sink.entries);
  expect(folded.sink.entries).toEqual([]);
});

test(`random commands under the debug arena, seed ${SEED}`, () => {
  const engine = new TestEngine({ debug: true });
  // A SETRANGE far out would make every later look at all pages one at 512 MB.
  engine.engine.database.stringBytesMax = 1 << 20;
  runRandom(engine, SEED + 2, 2000, () => {});
  const folded = new TestEngine({ debug: true });
  folded.fold(engine.sink.entries);
  expect(datasetDigest(folded)).toBe(datasetDigest(engine));
});

test(`long values under the debug arena, seed ${SEED}`, () => {
  const engine = new TestEngine({ debug: true });
  const random = new SeededRandom(SEED + 3);
  const lengths = [1, 100, 5000, 15_850, 15_860, 60_000, 65_519, 65_520, 65_521, 131_040, 200_000];
  for (let i = 0; i < 300; i++) {
    const key = `long:${random.below(4)}`;
    const value = Buffer.alloc(random.pick(lengths) + random.below(3), 97 + (i % 26));
    const offset = random.below(random.chance(0.2) ? 1_000_000 : 200_000);
    engine.run(
      ...random.pick([
        ['APPEND', key, value],
        ['APPEND', key, value],
        ['SETRANGE', key, offset, value],
        ['SETRANGE', key, offset, value.subarray(0, 10)],
        ['SET', key, value],
        ['SET', key, value, 'KEEPTTL'],
        ['MSET', key, value, 'short', 'v'],
        ['EXPIRE', key, '1000'],
        ['PERSIST', key],
        ['RENAME', key, `long:${random.below(4)}`],
        ['COPY', key, `long:${random.below(4)}`, 'REPLACE'],
        ['COPY', key, key, 'DB', '1', 'REPLACE'],
        ['MOVE', key, '2'],
        ['DEL', key],
      ]),
    );
    if (random.chance(0.05)) engine.background();
  }
  const folded = new TestEngine({ debug: true });
  folded.fold(engine.sink.entries);
  expect(datasetDigest(folded)).toBe(datasetDigest(engine));
});

/** The effects of feature level 1: what the first release can fold. Another one needs another level. */
const LEVEL_1 = [
  ...['APPEND', 'DECR', 'DECRBY', 'DEL', 'FLUSHALL', 'FLUSHDB', 'INCR', 'INCRBY', 'MSET', 'PERSIST', 'PEXPIREAT'],
  ...['RENAME', 'SELECT', 'SET', 'SETRANGE', 'SWAPDB', 'UNLINK'],
];

test('no command logs an effect that feature level 1 does not know', () => {
  const engine = new TestEngine();
  runRandom(engine, SEED + 4, 8000, () => {});
  const names = new Set<string>();
  const args = new Arguments();
  const reader = new EffectReader();
  for (const entry of engine.sink.entries) {
    for (let at = 0; at < entry.length; ) {
      at = reader.read(entry, at, entry.length, args);
      const name = args.latin1(0);
      names.add(name);
      // Of SET, level 1 logs no other options.
      if (name === 'SET' && args.count > 3) expect(args.latin1(3)).toBe(args.count === 4 ? 'KEEPTTL' : 'PXAT');
    }
  }
  expect([...names].filter((name) => !LEVEL_1.includes(name))).toEqual([]);
  expect(names.size).toBeGreaterThan(12);
});

test('a log with an unknown, malformed or failing effect is refused', () => {
  const entry = (text: string): Uint8Array => Buffer.from(text.replaceAll('|', '\r\n'), 'latin1');
  const fold = (text: string) => () => new TestEngine().fold([entry(text)]);
  expect(fold('*3|$3|SET|$1|a|$1|b|')).not.toThrow();
  expect(fold('*2|$6|NOSUCH|$1|a|')).toThrow("unknown effect 'NOSUCH'");
  expect(fold('*3|$3|SET|$1|a|$2|b|')).toThrow('malformed effect');
  expect(fold('*3|$3|SET|$1|a|$1|b')).toThrow('malformed effect');
  expect(fold('*3|$3|SET|$1|a|$1|x|*2|$4|INCR|$1|a|')).toThrow("effect 'INCR' failed");
  expect(fold('*3|$6|RENAME|$1|a|$1|b|')).toThrow("effect 'RENAME' failed");
});

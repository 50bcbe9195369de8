/** RANDOMKEY. Every command runs under the debug arena. */
import { expect, test } from 'vitest';
import { ERROR_NO_SPACE } from '../../../core/engine.js';
import { TestEngine } from '../../support/test-engine.js';
import { SeededRandom } from '../differential/random.js';

function engineWithRandom(debug: boolean): TestEngine {
  const random = new SeededRandom(5);
  return new TestEngine({ debug, random: () => random.next() });
}

test('an empty database has none', () => {
  const engine = engineWithRandom(true);
  expect(engine.run('RANDOMKEY')).toBe('$-1\r\n');
  engine.run('SET', 'a', '1');
  engine.run('SELECT', '1');
  expect(engine.run('RANDOMKEY')).toBe('$-1\r\n');
});

test('every key comes up about as often', () => {
  const engine = engineWithRandom(false);
  const keys = 500;
  const draws = 50_000;
  for (let i = 0; i < keys; i++) engine.run('SET', `key:${i}`, '1');
  const counts = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const key = engine.run('RANDOMKEY');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(keys);
  // Chi-squared with 499 degrees of freedom: below 640 in all but 2 of 100,000 cases of uniform draws.
  const mean = draws / keys;
  const squares = [...counts.values()].reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
  expect(squares).toBeLessThan(640);
});

test('expired keys that it meets go, and are logged', () => {
  const engine = engineWithRandom(true);
  engine.run('SET', 'kept', '1');
  for (let i = 0; i < 20; i++) engine.run('SET', `brief:${i}`, '1', 'PX', '5');
  engine.clock.ms += 5;
  engine.logged();
  for (let i = 0; i < 40; i++) expect(engine.run('RANDOMKEY')).toBe('$4\r\nkept\r\n');
  const removals = engine.logged().flat();
  expect(removals.length).toBeGreaterThan(5);
  for (const effect of removals) expect(effect).toMatch(/^UNLINK brief:\d+$/);
});

test('thousands of expired keys are removed in slices', () => {
  const engine = engineWithRandom(true);
  for (let i = 0; i < 300; i++) engine.run('SET', `brief:${i}`, '1', 'PX', '5');
  engine.clock.ms += 5;
  engine.reply.position = 0;
  engine.engine.args.set([Buffer.from('RANDOMKEY')]);
  engine.debugArena!.commandBegin('randomkey', 64);
  engine.engine.execute(engine.session);
  engine.debugArena!.commandEnd();
  expect(engine.session.task).toBeDefined();
  engine.clock.microsPerReading = 1000;
  let slices = 0;
  while (engine.session.task !== undefined) {
    engine.slice(engine.session);
    slices++;
  }
  expect(slices).toBeGreaterThan(2);
  expect(Buffer.from(engine.reply.bytes.slice(0, engine.reply.position)).toString('latin1')).toBe('$-1\r\n');
  expect(engine.run('DBSIZE')).toBe(':0\r\n');
});

test('where the log cannot take a removal, the reply is the error of the disk', () => {
  const engine = engineWithRandom(false);
  for (let i = 0; i < 100; i++) engine.run('SET', `brief:${i}`, '1', 'PX', '5');
  engine.clock.ms += 5;
  engine.engine.args.set([Buffer.from('RANDOMKEY')]);
  engine.engine.execute(engine.session);
  expect(engine.session.task).toBeDefined();
  engine.engine.database.engineWritesRefused = true;
  engine.reply.position = 0;
  expect(engine.slice(engine.session)).toBe(true);
  expect(Buffer.from(engine.reply.bytes.slice(0, engine.reply.position)).toString()).toBe(`-${ERROR_NO_SPACE}\r\n`);
});

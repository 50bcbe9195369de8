/** Deadlines. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const NOW = 1_700_000_000_000;
const MAX = '9223372036854775807';
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
  engine.clock.ms = NOW;
  engine.run('SET', 'a', 'v');
  engine.logged();
});

describe('setting', () => {
  test.each([
    ['EXPIRE', '100', `${NOW + 100_000}`],
    ['PEXPIRE', '100', `${NOW + 100}`],
    ['EXPIREAT', '1800000000', '1800000000000'],
    ['PEXPIREAT', '1800000000001', '1800000000001'],
    ['PEXPIREAT', '281474976710655', '281474976710655'],
    ['PEXPIREAT', '281474976710656', '281474976710656'],
    ['PEXPIREAT', '9007199254740993', '9007199254740993'],
    ['PEXPIREAT', MAX, MAX],
    ['EXPIREAT', '9223372036854775', '9223372036854775000'],
    ['EXPIRE', '9223370336854775', '9223372036854775000'],
  ])('%s %s', (name, time, deadline) => {
    expect(engine.run(name, 'a', time)).toBe(':1\r\n');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(`:${deadline}\r\n`);
    expect(engine.logged()).toEqual([[`PEXPIREAT a ${deadline}`]]);
  });

  test.each([
    ['EXPIRE', '9223372036854775'],
    ['EXPIRE', MAX],
    ['EXPIRE', '-9223372036854776'],
    ['EXPIREAT', '9223372036854776'],
    ['PEXPIRE', MAX],
  ])('%s %s is out of range', (name, time) => {
    expect(engine.run(name, 'a', time)).toBe(`-ERR invalid expire time in '${name.toLowerCase()}' command\r\n`);
    expect(engine.run(name, 'none', time)).toBe(`-ERR invalid expire time in '${name.toLowerCase()}' command\r\n`);
    expect(engine.run('TTL', 'a')).toBe(':-1\r\n');
  });

  test.each([
    ['EXPIRE', '0'],
    ['EXPIRE', '-1'],
    ['PEXPIRE', '-9223372036854775808'],
    ['EXPIREAT', '0'],
    ['PEXPIREAT', `${NOW}`],
    ['EXPIREAT', '-9223372036854775'],
  ])('%s %s removes the key', (name, time) => {
    expect(engine.run(name, 'a', time)).toBe(':1\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['UNLINK a']]);
  });

  test('an absent key', () => {
    expect(engine.run('EXPIRE', 'none', '10')).toBe(':0\r\n');
    expect(engine.run('EXPIRE', 'none', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(engine.run('EXPIRE', 'none', 'x', 'foo')).toBe('-ERR Unsupported option foo\r\n');
    expect(engine.run('EXPIRE', 'none', 'x', 'a\nb\r\n\n')).toBe('-ERR Unsupported option a b\r\n');
  });
});

describe('conditions', () => {
  const set = (time: number, ...conditions: string[]): string =>
    engine.run('PEXPIREAT', 'a', NOW + time, ...conditions);

  test('NX and XX', () => {
    expect(set(100, 'XX')).toBe(':0\r\n');
    expect(set(100, 'NX')).toBe(':1\r\n');
    expect(set(200, 'NX')).toBe(':0\r\n');
    expect(set(200, 'xx')).toBe(':1\r\n');
  });

  test('GT and LT', () => {
    expect(set(100, 'GT')).toBe(':0\r\n');
    expect(set(100, 'LT')).toBe(':1\r\n');
    expect(set(100, 'GT')).toBe(':0\r\n');
    expect(set(100, 'LT')).toBe(':0\r\n');
    expect(set(101, 'GT', 'XX')).toBe(':1\r\n');
    expect(set(99, 'LT', 'XX')).toBe(':1\r\n');
  });

  test('compare all 63 bits', () => {
    engine.run('PEXPIREAT', 'a', '9223372036854775806');
    expect(engine.run('PEXPIREAT', 'a', '9223372036854775805', 'GT')).toBe(':0\r\n');
    expect(engine.run('PEXPIREAT', 'a', MAX, 'GT')).toBe(':1\r\n');
    expect(engine.run('PEXPIREAT', 'a', '9223372036854775806', 'LT')).toBe(':1\r\n');
  });

  test('LT with a time that is past removes a key without deadline', () => {
    expect(set(-1, 'LT')).toBe(':1\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
  });

  test('that do not go together', () => {
    const error = '-ERR NX and XX, GT or LT options at the same time are not compatible\r\n';
    for (const other of ['XX', 'GT', 'LT']) expect(set(100, 'NX', other)).toBe(error);
    expect(set(100, 'GT', 'LT')).toBe('-ERR GT and LT options at the same time are not compatible\r\n');
    expect(set(100, 'NX', 'NX')).toBe(':1\r\n');
    expect(set(100, 'XX', 'later')).toBe('-ERR Unsupported option later\r\n');
  });
});

describe('asking', () => {
  test('without key, without deadline', () => {
    for (const name of ['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']) {
      expect(engine.run(name, 'none')).toBe(':-2\r\n');
      expect(engine.run(name, 'a')).toBe(':-1\r\n');
    }
  });

  test('rounds seconds to the nearest', () => {
    engine.run('PEXPIRE', 'a', '1499');
    expect(engine.run('TTL', 'a')).toBe(':1\r\n');
    engine.run('PEXPIRE', 'a', '1500');
    expect(engine.run('TTL', 'a')).toBe(':2\r\n');
    expect(engine.run('PTTL', 'a')).toBe(':1500\r\n');
    engine.clock.ms += 1200;
    expect(engine.run('PTTL', 'a')).toBe(':300\r\n');
    expect(engine.run('TTL', 'a')).toBe(':0\r\n');
  });

  test('the largest deadline', () => {
    engine.run('PEXPIREAT', 'a', MAX);
    expect(engine.run('EXPIRETIME', 'a')).toBe(':9223372036854776\r\n');
    expect(engine.run('PTTL', 'a')).toBe(`:${BigInt(MAX) - BigInt(NOW)}\r\n`);
    expect(engine.run('TTL', 'a')).toBe(`:${(BigInt(MAX) - BigInt(NOW) + 500n) / 1000n}\r\n`);
  });
});

test('PERSIST', () => {
  expect(engine.run('PERSIST', 'a')).toBe(':0\r\n');
  expect(engine.run('PERSIST', 'none')).toBe(':0\r\n');
  engine.run('EXPIRE', 'a', '100');
  engine.logged();
  expect(engine.run('PERSIST', 'a')).toBe(':1\r\n');
  expect(engine.run('TTL', 'a')).toBe(':-1\r\n');
  expect(engine.logged()).toEqual([['PERSIST a']]);
});

test('a deadline given and taken again and again', () => {
  for (let i = 0; i < 200; i++) {
    engine.run('SET', `k${i}`, 'x'.repeat(i * 90));
    expect(engine.run('PEXPIRE', `k${i}`, '1000')).toBe(':1\r\n');
    expect(engine.run('STRLEN', `k${i}`)).toBe(`:${i * 90}\r\n`);
    expect(engine.run('PERSIST', `k${i}`)).toBe(':1\r\n');
    expect(engine.run('GET', `k${i}`)).toBe(`$${i * 90}\r\n${'x'.repeat(i * 90)}\r\n`);
  }
});

describe('expiry', () => {
  test('by a lookup: logged, and the engine is its origin', () => {
    engine.run('PEXPIRE', 'a', '10');
    engine.clock.ms += 9;
    expect(engine.run('GET', 'a')).toBe('$1\r\nv\r\n');
    engine.clock.ms += 1;
    engine.logged();
    expect(engine.run('GET', 'a')).toBe('$-1\r\n');
    expect(engine.sink.origins).toEqual([0]);
    expect(engine.logged()).toEqual([['UNLINK a']]);
    expect(engine.engine.database.statistics.expiredKeys).toBe(1);
  });

  test('by the engine between commands, a few keys an entry', () => {
    for (let i = 0; i < 300; i++) engine.run('SET', `k${i}`, 'v', 'PX', 10 + i);
    engine.clock.ms += 100_000;
    engine.logged();
    while (engine.background());
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
    const effects = engine.logged();
    expect(effects.length).toBeGreaterThan(3);
    expect(new Set(effects.flat()).size).toBe(300);
  });

  test('not while the log cannot take it: the lookup gets the disk error, nothing is removed', () => {
    engine.run('PEXPIRE', 'a', '10');
    engine.clock.ms += 10;
    engine.logged();
    const { database } = engine.engine;
    database.engineWritesRefused = true;
    engine.engine.writeRefusal = 'MISCONF no room';
    expect(engine.background()).toBe(false);
    let thrown: unknown;
    try {
      engine.run('GET', 'a');
    } catch (error) {
      thrown = error;
    }
    engine.reply.position = 0;
    expect(engine.engine.recoverFrom(thrown)).toBe('replied');
    expect(Buffer.from(engine.reply.bytes.subarray(0, engine.reply.position)).toString()).toBe('-MISCONF no room\r\n');
    expect(engine.logged()).toEqual([]);
    expect(database.size(0)).toBe(1);
  });

  test('never in replay', () => {
    engine.run('SET', 'b', 'v', 'PX', '10');
    engine.run('APPEND', 'b', 'w');
    engine.clock.ms += 1_000_000;
    const other = new TestEngine({ debug: true });
    other.clock.ms = engine.clock.ms;
    other.fold(engine.sink.entries);
    expect(other.engine.database.size(0)).toBe(1);
    expect(other.run('GET', 'b')).toBe('$-1\r\n');
  });
});

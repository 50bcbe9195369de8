/** Commands about keys. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

describe.each(['DEL', 'UNLINK'])('%s', (name) => {
  test('counts and logs the keys that were there, each once', () => {
    engine.run('MSET', 'a', '1', 'b', '2', 'c', 'x'.repeat(100_000));
    engine.logged();
    expect(engine.run(name, 'a', 'none', 'c', 'a')).toBe(':2\r\n');
    expect(engine.run(name, 'a', 'none')).toBe(':0\r\n');
    expect(engine.run('EXISTS', 'a', 'b', 'c')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([[`${name} a c`]]);
  });

  test('of an expired key is the removal by the engine alone', () => {
    engine.run('SET', 'a', '1', 'PX', '5');
    engine.clock.ms += 5;
    engine.logged();
    expect(engine.run(name, 'a')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['UNLINK a']]);
  });

  test('of thousands of keys', () => {
    const keys = Array.from({ length: 5000 }, (_, i) => `key:${i}`);
    engine.run('MSET', ...keys.flatMap((key) => [key, 'v']));
    expect(engine.run(name, ...keys)).toBe(':5000\r\n');
    expect(engine.run('DBSIZE')).toBe(':0\r\n');
  });
});

test('EXISTS counts a key as often as it is named', () => {
  engine.run('SET', 'a', '1');
  expect(engine.run('EXISTS', 'a', 'a', 'none')).toBe(':2\r\n');
});

test('TYPE', () => {
  engine.run('SET', 'a', '1');
  expect(engine.run('TYPE', 'a')).toBe('+string\r\n');
  expect(engine.run('TYPE', 'none')).toBe('+none\r\n');
});

describe('RENAME', () => {
  test('moves value and deadline and replaces what is there', () => {
    engine.run('SET', 'a', 'x'.repeat(100_000), 'PXAT', '9223372036854775807');
    engine.run('SET', 'b', '2');
    engine.logged();
    expect(engine.run('RENAME', 'a', 'b')).toBe('+OK\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
    expect(engine.run('STRLEN', 'b')).toBe(':100000\r\n');
    expect(engine.run('PEXPIRETIME', 'b')).toBe(':9223372036854775807\r\n');
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([['RENAME a b']]);
  });

  test('takes the deadline of the replaced key away', () => {
    engine.run('SET', 'a', '1');
    engine.run('SET', 'b', '2', 'EX', '100');
    engine.run('RENAME', 'a', 'b');
    expect(engine.run('TTL', 'b')).toBe(':-1\r\n');
  });

  test('of an absent key, and to its own name', () => {
    expect(engine.run('RENAME', 'a', 'b')).toBe('-ERR no such key\r\n');
    expect(engine.run('RENAME', 'a', 'a')).toBe('-ERR no such key\r\n');
    engine.run('SET', 'a', '1');
    engine.logged();
    expect(engine.run('RENAME', 'a', 'a')).toBe('+OK\r\n');
    expect(engine.run('RENAMENX', 'a', 'a')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([]);
  });

  test('between short and long names', () => {
    const names = ['a', 'b'.repeat(512), 'c'.repeat(513), 'd'.repeat(20_000), 'e'];
    engine.run('SET', names[0]!, 'value', 'EX', '100');
    for (let i = 1; i < names.length; i++) {
      expect(engine.run('RENAME', names[i - 1]!, names[i]!)).toBe('+OK\r\n');
      expect(engine.run('GET', names[i]!)).toBe('$5\r\nvalue\r\n');
      expect(engine.run('TTL', names[i]!)).toBe(':100\r\n');
      expect(engine.run('DBSIZE')).toBe(':1\r\n');
    }
  });

  test('to a name whose key has expired', () => {
    engine.run('SET', 'a', '1');
    engine.run('SET', 'b', '2', 'PX', '5');
    engine.clock.ms += 5;
    engine.logged();
    expect(engine.run('RENAMENX', 'a', 'b')).toBe(':1\r\n');
    expect(engine.run('TTL', 'b')).toBe(':-1\r\n');
    expect(engine.logged()).toEqual([['UNLINK b', 'RENAME a b']]);
  });

  test('RENAMENX', () => {
    engine.run('MSET', 'a', '1', 'b', '2');
    engine.logged();
    expect(engine.run('RENAMENX', 'a', 'b')).toBe(':0\r\n');
    expect(engine.run('RENAMENX', 'a', 'c')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([['RENAME a c']]);
  });
});

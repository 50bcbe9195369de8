/** Commands that count. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';
const NOT_INTEGER = '-ERR value is not an integer or out of range\r\n';
const OVERFLOW = '-ERR increment or decrement would overflow\r\n';
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

describe('integers', () => {
  test('create from nothing, count, and log themselves', () => {
    expect(engine.run('INCR', 'a')).toBe(':1\r\n');
    expect(engine.run('INCRBY', 'a', '41')).toBe(':42\r\n');
    expect(engine.run('DECR', 'a')).toBe(':41\r\n');
    expect(engine.run('DECRBY', 'a', '100')).toBe(':-59\r\n');
    expect(engine.run('GET', 'a')).toBe('$3\r\n-59\r\n');
    expect(engine.logged()).toEqual([['INCR a'], ['INCRBY a 41'], ['DECR a'], ['DECRBY a 100']]);
  });

  test('keep the deadline', () => {
    engine.run('SET', 'a', '9', 'EX', '100');
    engine.run('INCR', 'a');
    expect(engine.run('TTL', 'a')).toBe(':100\r\n');
  });

  test.each([
    ['9007199254740991', '1', '9007199254740992'],
    ['9007199254740992', '1', '9007199254740993'],
    ['9007199254740993', '-2', '9007199254740991'],
    [MAX, MIN, '-1'],
    [MIN, MAX, '-1'],
    ['9223372036854775806', '1', MAX],
    ['-9223372036854775807', '-1', MIN],
    ['4294967295', '1', '4294967296'],
    ['-1', '1', '0'],
  ])('%s + %s', (value, increment, sum) => {
    engine.run('SET', 'a', value);
    expect(engine.run('INCRBY', 'a', increment)).toBe(`:${sum}\r\n`);
    expect(engine.run('GET', 'a')).toBe(`$${sum.length}\r\n${sum}\r\n`);
  });

  test('overflow changes nothing', () => {
    engine.run('MSET', 'max', MAX, 'min', MIN);
    engine.logged();
    expect(engine.run('INCR', 'max')).toBe(OVERFLOW);
    expect(engine.run('DECR', 'min')).toBe(OVERFLOW);
    expect(engine.run('INCRBY', 'max', MAX)).toBe(OVERFLOW);
    expect(engine.run('DECRBY', 'min', '1')).toBe(OVERFLOW);
    expect(engine.run('DECRBY', 'none', MIN)).toBe('-ERR decrement would overflow\r\n');
    expect(engine.logged()).toEqual([]);
  });

  test.each(['', ' 1', '1 ', '+1', '01', '-0', '1.0', 'abc', '9223372036854775808', '1\0', '1'.repeat(30)])(
    'a value that is no integer: %j',
    (value) => {
      engine.run('SET', 'a', value);
      expect(engine.run('INCR', 'a')).toBe(NOT_INTEGER);
      expect(engine.run('INCRBY', 'b', value)).toBe(NOT_INTEGER);
      expect(engine.run('EXISTS', 'b')).toBe(':0\r\n');
    },
  );

  test('adding 0 creates a key and else changes nothing', () => {
    expect(engine.run('INCRBY', 'a', '0')).toBe(':0\r\n');
    expect(engine.run('DECRBY', 'a', '0')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['INCRBY a 0']]);
  });

  test('adding 0 gives the encoding that any other sum has, as in Redis', () => {
    const encoding = () => engine.run('OBJECT', 'ENCODING', 'a').split('\r\n')[1];
    engine.run('SET', 'a', '12');
    expect(engine.run('INCRBYFLOAT', 'a', '0')).toBe('$2\r\n12\r\n');
    expect(encoding()).toBe('embstr');
    expect(engine.run('DECRBY', 'a', '0')).toBe(':12\r\n');
    expect(encoding()).toBe('int');
    engine.run('SETRANGE', 'a', '0', '1');
    engine.run('INCRBYFLOAT', 'a', '0');
    engine.run('INCRBYFLOAT', 'a', '0');
    expect(encoding()).toBe('embstr');
    expect(engine.logged().flat()).toEqual([
      ...['SET a 12', 'SET a 12 KEEPTTL', 'DECRBY a 0', 'SETRANGE a 0 1', 'SET a 12 KEEPTTL'],
    ]);
  });
});

describe('INCRBYFLOAT', () => {
  test.each([
    ['10.50', '0.1', '10.6'],
    ['5.0e3', '2.0e2', '5200'],
    ['3', '-3', '0'],
    ['0.1', '0.2', '0.3'],
    ['1', '3.14159265358979323846', '4.14159265358979324'],
  ])('%s + %s', (value, increment, sum) => {
    engine.run('SET', 'a', value);
    engine.logged();
    expect(engine.run('INCRBYFLOAT', 'a', increment)).toBe(`$${sum.length}\r\n${sum}\r\n`);
    expect(engine.run('GET', 'a')).toBe(`$${sum.length}\r\n${sum}\r\n`);
    expect(engine.logged()).toEqual([[`SET a ${sum} KEEPTTL`]]);
  });

  test('creates, keeps the deadline, and logs its result', () => {
    expect(engine.run('INCRBYFLOAT', 'a', '1.5')).toBe('$3\r\n1.5\r\n');
    engine.run('EXPIRE', 'a', '100');
    engine.run('INCRBYFLOAT', 'a', '1');
    expect(engine.run('TTL', 'a')).toBe(':100\r\n');
  });

  test('errors change nothing', () => {
    engine.run('MSET', 'a', 'abc', 'b', '1e4932', 'c', 'x'.repeat(6000));
    engine.logged();
    for (const [key, increment] of [
      ['a', '1'],
      ['b', 'x'],
      ['b', ''],
      ['c', '1'],
      ['none', ' 1'],
    ] as const) {
      expect(engine.run('INCRBYFLOAT', key, increment)).toBe('-ERR value is not a valid float\r\n');
    }
    expect(engine.run('INCRBYFLOAT', 'b', '1e4932')).toBe('-ERR increment would produce NaN or Infinity\r\n');
    expect(engine.run('INCRBYFLOAT', 'none', 'inf')).toBe('-ERR increment would produce NaN or Infinity\r\n');
    expect(engine.logged()).toEqual([]);
  });
});

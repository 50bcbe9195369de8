/** SET and its kin: what they answer, what they leave, what they log. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const NOW = 1_700_000_000_000;
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
  engine.clock.ms = NOW;
});

describe('SET', () => {
  test('stores, overwrites and logs what it stored', () => {
    expect(engine.run('SET', 'a', '1')).toBe('+OK\r\n');
    expect(engine.run('set', 'a', 'two')).toBe('+OK\r\n');
    expect(engine.run('GET', 'a')).toBe('$3\r\ntwo\r\n');
    expect(engine.logged()).toEqual([['SET a 1'], ['SET a two']]);
  });

  test('takes a deadline away', () => {
    engine.run('SET', 'a', '1', 'EX', '100');
    engine.run('SET', 'a', '2');
    expect(engine.run('TTL', 'a')).toBe(':-1\r\n');
  });

  test('NX and XX', () => {
    expect(engine.run('SET', 'a', '1', 'XX')).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '1', 'nx')).toBe('+OK\r\n');
    expect(engine.run('SET', 'a', '2', 'NX')).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '3', 'Xx')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([['SET a 1'], ['SET a 3']]);
  });

  test('GET answers with what was there, and with NX too', () => {
    expect(engine.run('SET', 'a', '1', 'GET')).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '2', 'GET', 'NX')).toBe('$1\r\n1\r\n');
    expect(engine.run('SET', 'a', '3', 'GET')).toBe('$1\r\n1\r\n');
    expect(engine.run('SET', 'b', '1', 'XX', 'GET')).toBe('$-1\r\n');
    expect(engine.logged()).toEqual([['SET a 1'], ['SET a 3']]);
  });

  test.each([
    ['EX', '100', NOW + 100_000],
    ['PX', '100', NOW + 100],
    ['EXAT', '1800000000', 1_800_000_000_000],
    ['PXAT', '1800000000001', 1_800_000_000_001],
  ])('%s %s', (word, time, deadline) => {
    expect(engine.run('SET', 'a', 'v', word, time)).toBe('+OK\r\n');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(`:${deadline}\r\n`);
    expect(engine.logged()).toEqual([[`SET a v PXAT ${deadline}`]]);
  });

  test('KEEPTTL keeps the deadline, and is logged only where there is one', () => {
    engine.run('SET', 'a', '1', 'PXAT', '9223372036854775807');
    engine.run('SET', 'a', '2', 'KEEPTTL');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(':9223372036854775807\r\n');
    engine.run('SET', 'b', '1', 'keepttl');
    expect(engine.logged()).toEqual([['SET a 1 PXAT 9223372036854775807'], ['SET a 2 KEEPTTL'], ['SET b 1']]);
  });

  test('a deadline in the past is stored, and the key is gone for every lookup', () => {
    expect(engine.run('SET', 'a', '1', 'EXAT', '1')).toBe('+OK\r\n');
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
    expect(engine.run('GET', 'a')).toBe('$-1\r\n');
    expect(engine.run('DBSIZE')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['SET a 1 PXAT 1000'], ['UNLINK a']]);
  });

  test('a key that has expired counts as absent, and its removal is logged first', () => {
    engine.run('SET', 'a', '1', 'PX', '10');
    engine.clock.ms += 10;
    engine.logged();
    expect(engine.run('SET', 'a', '2', 'NX', 'GET')).toBe('$-1\r\n');
    expect(engine.logged()).toEqual([['UNLINK a', 'SET a 2']]);
  });

  test.each([
    [['NX', 'XX']],
    [['XX', 'NX']],
    [['EX']],
    [['EX', '1', 'PX', '1']],
    [['EX', '1', 'KEEPTTL']],
    [['KEEPTTL', 'PXAT', '1']],
    [['PERSIST']],
    [['foo']],
    [['']],
  ])('syntax error: %j', (options) => {
    expect(engine.run('SET', 'a', 'v', ...options)).toBe('-ERR syntax error\r\n');
    expect(engine.logged()).toEqual([]);
  });

  test.each([
    ['0', 'invalid expire time in'],
    ['-1', 'invalid expire time in'],
    ['9223372036854775807', 'invalid expire time in'],
    ['9223372036854775', 'invalid expire time in'],
    ['9223372036854775808', 'not an integer'],
    ['1.5', 'not an integer'],
    ['', 'not an integer'],
  ])('EX %s', (time, error) => {
    expect(engine.run('SET', 'a', 'v', 'EX', time)).toContain(
      error === 'not an integer'
        ? '-ERR value is not an integer or out of range\r\n'
        : "-ERR invalid expire time in 'set' command\r\n",
    );
  });

  test('the same deadline word twice: the last one counts', () => {
    expect(engine.run('SET', 'a', 'v', 'EX', 'nonsense', 'EX', '10')).toBe('+OK\r\n');
    expect(engine.run('TTL', 'a')).toBe(':10\r\n');
  });
});

describe('older forms', () => {
  test('SETNX', () => {
    expect(engine.run('SETNX', 'a', '1')).toBe(':1\r\n');
    expect(engine.run('SETNX', 'a', '2')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['SET a 1']]);
  });

  test('SETEX and PSETEX', () => {
    expect(engine.run('SETEX', 'a', '10', 'v')).toBe('+OK\r\n');
    expect(engine.run('PSETEX', 'b', '10', 'v')).toBe('+OK\r\n');
    expect(engine.run('SETEX', 'a', '0', 'v')).toBe("-ERR invalid expire time in 'setex' command\r\n");
    expect(engine.run('PSETEX', 'a', '-5', 'v')).toBe("-ERR invalid expire time in 'psetex' command\r\n");
    expect(engine.logged()).toEqual([[`SET a v PXAT ${NOW + 10_000}`], [`SET b v PXAT ${NOW + 10}`]]);
  });

  test('GETSET', () => {
    expect(engine.run('GETSET', 'a', '1')).toBe('$-1\r\n');
    engine.run('EXPIRE', 'a', '10');
    expect(engine.run('GETSET', 'a', '2')).toBe('$1\r\n1\r\n');
    expect(engine.run('TTL', 'a')).toBe(':-1\r\n');
  });
});

describe('several keys', () => {
  test('MSET takes the last of two values for one key', () => {
    expect(engine.run('MSET', 'a', '1', 'b', '2', 'a', '3')).toBe('+OK\r\n');
    expect(engine.run('MGET', 'a', 'b')).toBe('*2\r\n$1\r\n3\r\n$1\r\n2\r\n');
    expect(engine.logged()).toEqual([['MSET a 1 b 2 a 3']]);
  });

  test('MSETNX sets all or nothing', () => {
    expect(engine.run('MSETNX', 'a', '1', 'b', '2')).toBe(':1\r\n');
    expect(engine.run('MSETNX', 'c', '1', 'b', '3')).toBe(':0\r\n');
    expect(engine.run('EXISTS', 'c')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['MSET a 1 b 2']]);
  });

  test('a key without a value', () => {
    expect(engine.run('MSET', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'mset' command\r\n");
    expect(engine.run('MSETNX', 'a', '1', 'b')).toBe("-ERR wrong number of arguments for 'msetnx' command\r\n");
    expect(engine.run('DBSIZE')).toBe(':0\r\n');
  });
});

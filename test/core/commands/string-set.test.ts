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

describe('MSETEX', () => {
  test('without options is a MSET', () => {
    engine.run('SET', 'a', '0', 'EX', '100');
    engine.logged();
    expect(engine.run('MSETEX', '2', 'a', '1', 'b', '2')).toBe(':1\r\n');
    expect(engine.run('TTL', 'a')).toBe(':-1\r\n');
    expect(engine.logged()).toEqual([['MSET a 1 b 2']]);
  });

  test('gives all keys one absolute deadline', () => {
    expect(engine.run('MSETEX', '2', 'a', '1', 'b', '2', 'EX', '100')).toBe(':1\r\n');
    expect(engine.run('PEXPIRETIME', 'b')).toBe(`:${NOW + 100_000}\r\n`);
    expect(engine.logged()).toEqual([[`SET a 1 PXAT ${NOW + 100_000}`, `SET b 2 PXAT ${NOW + 100_000}`]]);
  });

  test('KEEPTTL keeps the deadlines that there are', () => {
    engine.run('SET', 'a', '0', 'PXAT', '1800000000000');
    engine.logged();
    expect(engine.run('MSETEX', '3', 'a', '1', 'b', '2', 'a', '3', 'KEEPTTL', 'NX')).toBe(':0\r\n');
    expect(engine.run('MSETEX', '3', 'a', '1', 'b', '2', 'a', '3', 'KEEPTTL')).toBe(':1\r\n');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(':1800000000000\r\n');
    expect(engine.run('GET', 'a')).toBe('$1\r\n3\r\n');
    expect(engine.logged()).toEqual([['SET a 1 KEEPTTL', 'SET b 2', 'SET a 3 KEEPTTL']]);
  });

  test('NX and XX are about all keys', () => {
    engine.run('SET', 'a', '0');
    expect(engine.run('MSETEX', '2', 'a', '1', 'b', '1', 'NX', 'EX', '5')).toBe(':0\r\n');
    expect(engine.run('MSETEX', '2', 'a', '1', 'b', '1', 'EX', '5', 'XX')).toBe(':0\r\n');
    expect(engine.run('EXISTS', 'b')).toBe(':0\r\n');
    expect(engine.run('MSETEX', '2', 'c', '1', 'b', '1', 'NX')).toBe(':1\r\n');
    expect(engine.run('MSETEX', '2', 'a', '1', 'b', '1', 'XX')).toBe(':1\r\n');
  });

  test('a key and its expired self', () => {
    engine.run('SET', 'a', '0', 'PX', '5');
    engine.clock.ms += 5;
    engine.logged();
    expect(engine.run('MSETEX', '2', 'b', '1', 'a', '1', 'PXAT', '1800000000000')).toBe(':1\r\n');
    const until = 'PXAT 1800000000000';
    expect(engine.logged()).toEqual([[`SET b 1 ${until}`, 'UNLINK a', `SET a 1 ${until}`]]);
  });

  test.each([
    [['0', 'a', '1'], '-ERR invalid numkeys value\r\n'],
    [['-1', 'a', '1'], '-ERR invalid numkeys value\r\n'],
    [['x', 'a', '1'], '-ERR invalid numkeys value\r\n'],
    [['99999999999999999999', 'a', '1'], '-ERR invalid numkeys value\r\n'],
    [['2147483648', 'a', '1'], '-ERR invalid numkeys value\r\n'],
    [['2', 'a', '1'], '-ERR wrong number of key-value pairs\r\n'],
    [['2147483647', 'a', '1'], '-ERR wrong number of key-value pairs\r\n'],
    [['1', 'a', '1', 'b', '2'], '-ERR syntax error\r\n'],
    [['1', 'a', '1', 'NX', 'XX'], '-ERR syntax error\r\n'],
    [['1', 'a', '1', 'EX'], '-ERR syntax error\r\n'],
    [['1', 'a', '1', 'EX', '5', 'KEEPTTL'], '-ERR syntax error\r\n'],
    [['1', 'a', '1', 'GET'], '-ERR syntax error\r\n'],
    [['1', 'a', '1', 'EX', 'x'], '-ERR value is not an integer or out of range\r\n'],
    [['1', 'a', '1', 'EX', '0'], "-ERR invalid expire time in 'msetex' command\r\n"],
    [['1', 'a'], "-ERR wrong number of arguments for 'msetex' command\r\n"],
  ])('%j is refused', (words, error) => {
    expect(engine.run('MSETEX', ...words)).toBe(error);
    expect(engine.logged()).toEqual([]);
  });

  test('asks for room in the log for what is longer there than its arguments', () => {
    const asked: number[] = [];
    engine.engine.logAdmits = (bytes) => {
      asked.push(bytes);
      return false;
    };
    const pairs = Array.from({ length: 4000 }, (_, i) => [`key:${i}`, 'v']).flat();
    const error = '-MISCONF Errors writing to the AOF file: No space left on device\r\n';
    expect(engine.run('MSETEX', '4000', ...pairs, 'EX', '100')).toBe(error);
    expect(engine.run('DBSIZE')).toBe(':0\r\n');
    engine.engine.logAdmits = () => true;
    expect(engine.run('MSETEX', '4000', ...pairs, 'EX', '100')).toBe(':1\r\n');
    expect(asked[0]).toBeGreaterThan(engine.sink.entries[0]!.length);
  });
});

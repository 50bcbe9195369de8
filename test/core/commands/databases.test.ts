/** Commands about whole databases. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const RANGE = '-ERR DB index is out of range\r\n';
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

describe('SELECT', () => {
  test('chooses for its session alone, and effects name the database', () => {
    const other = engine.newSession();
    expect(engine.run('SELECT', '3')).toBe('+OK\r\n');
    engine.run('SET', 'a', '1');
    expect(engine.runIn(other, 'GET', 'a')).toBe('$-1\r\n');
    engine.runIn(other, 'SET', 'b', '2');
    expect(engine.logged()).toEqual([['SELECT 3', 'SET a 1'], ['SET b 2']]);
  });

  test.each([
    ['16', RANGE],
    ['-1', RANGE],
    ['2147483648', '-ERR value is out of range, value must between -2147483648 and 2147483647\r\n'],
    ['x', '-ERR value is not an integer or out of range\r\n'],
  ])('%s', (index, error) => {
    expect(engine.run('SELECT', index)).toBe(error);
    expect(engine.session.database).toBe(0);
  });
});

describe('SWAPDB', () => {
  test('swaps for everyone, also for sessions that have selected one', () => {
    engine.run('SET', 'a', '1');
    expect(engine.run('SWAPDB', '0', '5')).toBe('+OK\r\n');
    expect(engine.run('GET', 'a')).toBe('$-1\r\n');
    engine.run('SELECT', '5');
    expect(engine.run('GET', 'a')).toBe('$1\r\n1\r\n');
    expect(engine.logged()).toEqual([['SET a 1'], ['SWAPDB 0 5']]);
  });

  test('with itself changes nothing', () => {
    expect(engine.run('SWAPDB', '5', '5')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([]);
  });

  test.each([
    ['x', '0', '-ERR invalid first DB index\r\n'],
    ['0', 'x', '-ERR invalid second DB index\r\n'],
    ['0', '2147483648', '-ERR invalid second DB index\r\n'],
    ['0', '16', RANGE],
    ['-1', '0', RANGE],
  ])('%s %s', (first, second, error) => {
    expect(engine.run('SWAPDB', first, second)).toBe(error);
  });
});

describe('FLUSHDB and FLUSHALL', () => {
  beforeEach(() => {
    engine.run('SET', 'a', '1');
    engine.run('SELECT', '2');
    engine.run('SET', 'b', 'x'.repeat(100_000));
    engine.logged();
  });

  test('FLUSHDB empties the selected database', () => {
    expect(engine.run('FLUSHDB')).toBe('+OK\r\n');
    expect(engine.run('DBSIZE')).toBe(':0\r\n');
    expect(engine.run('FLUSHDB', 'async')).toBe('+OK\r\n');
    engine.run('SELECT', '0');
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([['SELECT 2', 'FLUSHDB']]);
  });

  test('FLUSHALL empties them all, and the memory is freed in slices', () => {
    expect(engine.run('FLUSHALL', 'SYNC')).toBe('+OK\r\n');
    expect(engine.engine.database.size(0) + engine.engine.database.size(2)).toBe(0);
    expect(engine.run('FLUSHALL')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([['FLUSHALL']]);
    while (engine.background());
    expect(engine.arena.stats.detachedBytes).toBe(0);
    expect(engine.arena.usedBytes).toBe(0);
  });

  test('goes on after it', () => {
    for (let i = 0; i < 20; i++) {
      engine.run('FLUSHALL');
      expect(engine.run('SET', 'c', 'x'.repeat(10_000))).toBe('+OK\r\n');
      expect(engine.run('DBSIZE')).toBe(':1\r\n');
    }
  });

  test.each([[['later']], [['ASYNC', 'SYNC']], [['']]])('syntax error: %j', (words) => {
    expect(engine.run('FLUSHALL', ...words)).toBe('-ERR syntax error\r\n');
    expect(engine.run('FLUSHDB', ...words)).toBe('-ERR syntax error\r\n');
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
  });
});

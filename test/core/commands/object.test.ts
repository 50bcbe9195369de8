/** OBJECT and TOUCH. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { EVICTION_POLICIES } from '../../../core/eviction-policy.js';
import { TestEngine } from '../../support/test-engine.js';

let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

describe('OBJECT', () => {
  test.each([
    ['int', ['SET', 'a', '12']],
    ['int', ['SET', 'a', '-9223372036854775808']],
    ['embstr', ['SET', 'a', '9223372036854775808']],
    ['embstr', ['SET', 'a', 'x'.repeat(44)]],
    ['raw', ['SET', 'a', 'x'.repeat(45)]],
    ['int', ['APPEND', 'a', '12']],
    ['raw', ['SETRANGE', 'a', '0', '12']],
    ['embstr', ['INCRBYFLOAT', 'a', '12']],
    ['int', ['INCR', 'a']],
    ['int', ['MSETEX', '1', 'a', '7', 'EX', '100']],
  ])('ENCODING %s after %j', (encoding, words) => {
    engine.run(...words);
    expect(engine.run('OBJECT', 'encoding', 'a')).toBe(`$${encoding.length}\r\n${encoding}\r\n`);
  });

  test('ENCODING outlives deadlines and names', () => {
    engine.run('SET', 'a', '12');
    engine.run('SETRANGE', 'a', '0', '3');
    engine.run('EXPIRE', 'a', '100');
    engine.run('RENAME', 'a', 'b');
    engine.run('PERSIST', 'b');
    expect(engine.run('OBJECT', 'ENCODING', 'b')).toBe('$3\r\nraw\r\n');
  });

  test('IDLETIME counts from the last use, and asking is none', () => {
    engine.run('SET', 'a', '1');
    engine.clock.ms += 9_999;
    for (const words of [
      ['TTL', 'a'],
      ['EXISTS', 'a'],
      ['TYPE', 'a'],
      ['OBJECT', 'ENCODING', 'a'],
    ])
      engine.run(...words);
    expect(engine.run('OBJECT', 'IDLETIME', 'a')).toBe(':9\r\n');
    expect(engine.run('TOUCH', 'a', 'none', 'a')).toBe(':2\r\n');
    expect(engine.run('OBJECT', 'IDLETIME', 'a')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['SET a 1']]);
  });

  test('FREQ and IDLETIME go by the policy', () => {
    engine.run('SET', 'a', '1');
    const switching =
      'Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';
    expect(engine.run('OBJECT', 'FREQ', 'a')).toBe(
      `-ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${switching}\r\n`,
    );
    engine.engine.accessClock.setByFrequency(true);
    engine.run('SET', 'b', '1');
    expect(engine.run('OBJECT', 'FREQ', 'b')).toBe(':5\r\n');
    expect(engine.run('OBJECT', 'IDLETIME', 'b')).toBe(
      `-ERR An LFU maxmemory policy is selected, idle time not tracked. ${switching}\r\n`,
    );
  });

  test('REFCOUNT says what Redis says', () => {
    engine.run('MSET', 'a', '9999', 'b', '10000', 'c', 'text', 'd', '-1', 'e', '0');
    const counts = ['a', 'b', 'c', 'd', 'e'].map((key) => engine.run('OBJECT', 'REFCOUNT', key).trim());
    expect(counts).toEqual([':2147483647', ':1', ':1', ':1', ':2147483647']);
    engine.engine.setEvictionPolicy(EVICTION_POLICIES['allkeys-lru']);
    expect(engine.run('OBJECT', 'REFCOUNT', 'a')).toBe(':2147483647\r\n');
    engine.engine.setMaxmemory(1 << 30);
    expect(engine.run('OBJECT', 'REFCOUNT', 'a')).toBe(':1\r\n');
  });

  test('a key that is missing is nil, whatever is asked', () => {
    for (const word of ['ENCODING', 'IDLETIME', 'FREQ', 'REFCOUNT']) {
      expect(engine.run('OBJECT', word, 'none')).toBe('$-1\r\n');
    }
  });

  test('counts hits and misses, as Redis does', () => {
    engine.run('SET', 'a', '1');
    engine.run('OBJECT', 'ENCODING', 'a');
    engine.run('OBJECT', 'ENCODING', 'none');
    const { keyspaceHits, keyspaceMisses } = engine.engine.database.statistics;
    expect([keyspaceHits, keyspaceMisses]).toEqual([1, 1]);
  });

  test('an unknown question', () => {
    expect(engine.run('OBJECT', 'nosuch')).toBe("-ERR unknown subcommand 'nosuch'. Try OBJECT HELP.\r\n");
    expect(engine.run('OBJECT')).toBe("-ERR wrong number of arguments for 'object' command\r\n");
    expect(engine.run('OBJECT', 'ENCODING')).toBe("-ERR wrong number of arguments for 'object|encoding' command\r\n");
  });
});

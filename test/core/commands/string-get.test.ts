/** Commands that read strings. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const NOW = 1_700_000_000_000;
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
  engine.clock.ms = NOW;
});

test('GET of what is there, is empty, is long, is not there, in both protocols', () => {
  const long = 'x'.repeat(200_000);
  engine.run('MSET', 'a', 'value', 'empty', '', 'long', long);
  expect(engine.run('GET', 'a')).toBe('$5\r\nvalue\r\n');
  expect(engine.run('GET', 'empty')).toBe('$0\r\n\r\n');
  expect(engine.run('GET', 'long')).toBe(`$200000\r\n${long}\r\n`);
  expect(engine.run('GET', 'none')).toBe('$-1\r\n');
  engine.session.protocol = 3;
  expect(engine.run('GET', 'none')).toBe('_\r\n');
});

test('GETDEL', () => {
  engine.run('SET', 'a', 'v');
  engine.logged();
  expect(engine.run('GETDEL', 'a')).toBe('$1\r\nv\r\n');
  expect(engine.run('GETDEL', 'a')).toBe('$-1\r\n');
  expect(engine.logged()).toEqual([['UNLINK a']]);
});

describe('GETEX', () => {
  beforeEach(() => {
    engine.run('SET', 'a', 'v');
    engine.logged();
  });

  test('without options changes nothing', () => {
    expect(engine.run('GETEX', 'a')).toBe('$1\r\nv\r\n');
    expect(engine.logged()).toEqual([]);
  });

  test.each([
    ['EX', '10', NOW + 10_000],
    ['PX', '10', NOW + 10],
    ['EXAT', '1800000000', 1_800_000_000_000],
    ['PXAT', '9223372036854775807', '9223372036854775807'],
  ])('%s %s', (word, time, deadline) => {
    expect(engine.run('GETEX', 'a', word, time)).toBe('$1\r\nv\r\n');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(`:${deadline}\r\n`);
    expect(engine.logged()).toEqual([[`PEXPIREAT a ${deadline}`]]);
  });

  test('a time that is past removes the key', () => {
    expect(engine.run('GETEX', 'a', 'PXAT', '1')).toBe('$1\r\nv\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['UNLINK a']]);
  });

  test('PERSIST', () => {
    expect(engine.run('GETEX', 'a', 'PERSIST')).toBe('$1\r\nv\r\n');
    engine.run('EXPIRE', 'a', '10');
    engine.logged();
    engine.run('GETEX', 'a', 'persist');
    expect(engine.run('TTL', 'a')).toBe(':-1\r\n');
    expect(engine.logged()).toEqual([['PERSIST a']]);
  });

  test('errors, in the order of Redis: syntax, absent key, time', () => {
    expect(engine.run('GETEX', 'none', 'KEEPTTL')).toBe('-ERR syntax error\r\n');
    expect(engine.run('GETEX', 'a', 'EX', '1', 'PERSIST')).toBe('-ERR syntax error\r\n');
    expect(engine.run('GETEX', 'none', 'EX', '0')).toBe('$-1\r\n');
    expect(engine.run('GETEX', 'a', 'EX', '0')).toBe("-ERR invalid expire time in 'getex' command\r\n");
    expect(engine.run('GETEX', 'a', 'EX', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(engine.logged()).toEqual([]);
  });
});

test('MGET', () => {
  engine.run('MSET', 'a', '1', 'b', '2');
  expect(engine.run('MGET', 'a', 'none', 'b', 'a')).toBe('*4\r\n$1\r\n1\r\n$-1\r\n$1\r\n2\r\n$1\r\n1\r\n');
});

test('STRLEN', () => {
  engine.run('SET', 'a', 'x'.repeat(70_000));
  expect(engine.run('STRLEN', 'a')).toBe(':70000\r\n');
  expect(engine.run('STRLEN', 'none')).toBe(':0\r\n');
});

test.each([
  ['0', '3', 'This'],
  ['-3', '-1', 'ing'],
  ['0', '-1', 'This is a string'],
  ['10', '100', 'string'],
  ['5', '3', ''],
  ['-1', '-5', ''],
  ['-100', '2', 'Thi'],
  ['-9223372036854775808', '9223372036854775807', 'This is a string'],
  ['-9223372036854775807', '-9223372036854775808', ''],
  ['-9223372036854775808', '-9223372036854775807', 'T'],
])('GETRANGE %s %s', (first, last, expected) => {
  engine.run('SET', 'a', 'This is a string');
  expect(engine.run('GETRANGE', 'a', first, last)).toBe(`$${expected.length}\r\n${expected}\r\n`);
});

test('GETRANGE of nothing, and of parts', () => {
  expect(engine.run('GETRANGE', 'none', '0', '-1')).toBe('$0\r\n\r\n');
  expect(engine.run('GETRANGE', 'none', 'x', '-1')).toBe('-ERR value is not an integer or out of range\r\n');
  engine.run('SETRANGE', 'long', '100000', 'end');
  expect(engine.run('GETRANGE', 'long', '99999', '-1')).toBe('$4\r\n\0end\r\n');
  engine.run('SET', 'empty', '');
  expect(engine.run('GETRANGE', 'empty', '0', '-1')).toBe('$0\r\n\r\n');
});

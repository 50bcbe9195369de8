/** APPEND and SETRANGE. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const TOO_LONG = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n';
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

describe('APPEND', () => {
  test('creates, grows, keeps the deadline, and logs itself', () => {
    expect(engine.run('APPEND', 'a', '12')).toBe(':2\r\n');
    engine.run('EXPIRE', 'a', '100');
    engine.logged();
    expect(engine.run('APPEND', 'a', '3')).toBe(':3\r\n');
    expect(engine.run('GET', 'a')).toBe('$3\r\n123\r\n');
    expect(engine.run('TTL', 'a')).toBe(':100\r\n');
    expect(engine.logged()).toEqual([['APPEND a 3']]);
  });

  test('of nothing creates an empty key', () => {
    expect(engine.run('APPEND', 'a', '')).toBe(':0\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([['APPEND a ']]);
  });

  test('of nothing makes a value raw, as in Redis, and is logged only where that changes something', () => {
    engine.run('SET', 'a', '12');
    expect(engine.run('OBJECT', 'ENCODING', 'a')).toBe('$3\r\nint\r\n');
    engine.logged();
    expect(engine.run('APPEND', 'a', '')).toBe(':2\r\n');
    expect(engine.run('OBJECT', 'ENCODING', 'a')).toBe('$3\r\nraw\r\n');
    expect(engine.run('APPEND', 'a', '')).toBe(':2\r\n');
    expect(engine.run('INCR', 'a')).toBe(':13\r\n');
    expect(engine.run('OBJECT', 'ENCODING', 'a')).toBe('$3\r\nint\r\n');
    expect(engine.logged()).toEqual([['APPEND a '], ['INCR a']]);
  });

  test('grows from a slot into parts and across them', () => {
    let expected = '';
    for (let i = 0; i < 30; i++) {
      const piece = String.fromCharCode(97 + (i % 26)).repeat(1 + i * 500);
      expected += piece;
      expect(engine.run('APPEND', 'a', piece)).toBe(`:${expected.length}\r\n`);
    }
    expect(engine.run('GET', 'a')).toBe(`$${expected.length}\r\n${expected}\r\n`);
  });

  test('refuses to grow beyond the limit, and then has changed nothing', () => {
    engine.engine.database.stringBytesMax = 10;
    engine.run('SET', 'a', '1234567');
    engine.logged();
    expect(engine.run('APPEND', 'a', '8901')).toBe(TOO_LONG);
    expect(engine.run('APPEND', 'a', '890')).toBe(':10\r\n');
    expect(engine.logged()).toEqual([['APPEND a 890']]);
  });
});

describe('SETRANGE', () => {
  test('overwrites, pads with zeros, creates', () => {
    engine.run('SET', 'a', 'Hello World');
    expect(engine.run('SETRANGE', 'a', '6', 'Redis')).toBe(':11\r\n');
    expect(engine.run('GET', 'a')).toBe('$11\r\nHello Redis\r\n');
    expect(engine.run('SETRANGE', 'a', '13', '!')).toBe(':14\r\n');
    expect(engine.run('GET', 'a')).toBe('$14\r\nHello Redis\0\0!\r\n');
    expect(engine.run('SETRANGE', 'b', '2', 'x')).toBe(':3\r\n');
    expect(engine.run('GET', 'b')).toBe('$3\r\n\0\0x\r\n');
    expect(engine.logged().slice(1)).toEqual([['SETRANGE a 6 Redis'], ['SETRANGE a 13 !'], ['SETRANGE b 2 x']]);
  });

  test('of nothing answers with the length and changes nothing', () => {
    expect(engine.run('SETRANGE', 'a', '5', '')).toBe(':0\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
    engine.run('SET', 'a', 'abc');
    engine.logged();
    expect(engine.run('SETRANGE', 'a', '600000000', '')).toBe(':3\r\n');
    expect(engine.logged()).toEqual([]);
  });

  test('errors', () => {
    expect(engine.run('SETRANGE', 'a', '-1', 'x')).toBe('-ERR offset is out of range\r\n');
    expect(engine.run('SETRANGE', 'a', 'x', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(engine.run('SETRANGE', 'a', '536870912', 'x')).toBe(TOO_LONG);
    expect(engine.run('SETRANGE', 'a', '9223372036854775807', 'x')).toBe(TOO_LONG);
    engine.run('SET', 'a', 'abc');
    expect(engine.run('SETRANGE', 'a', '536870912', 'x')).toBe(TOO_LONG);
    expect(engine.run('GET', 'a')).toBe('$3\r\nabc\r\n');
  });

  test('inside parts and far behind the end', () => {
    const model = Buffer.alloc(300_000);
    let length = 0;
    for (const [offset, size, letter] of [
      [0, 70_000, 97],
      [200_000, 1_000, 98],
      [65_000, 66_000, 99],
      [10, 5, 100],
      [131_000, 65_536, 101],
      [0, 201_000, 102],
    ] as const) {
      model.fill(letter, offset, offset + size);
      length = Math.max(length, offset + size);
      expect(engine.run('SETRANGE', 'a', offset, Buffer.alloc(size, letter))).toBe(`:${length}\r\n`);
      expect(engine.run('GET', 'a')).toBe(`$${length}\r\n${model.toString('latin1', 0, length)}\r\n`);
    }
  });
});

test('replay knows no limit', () => {
  engine.run('SET', 'a', '12345678');
  engine.run('APPEND', 'a', '90');
  const other = new TestEngine({ debug: true });
  other.engine.database.stringBytesMax = 5;
  other.fold(engine.sink.entries);
  expect(other.run('GET', 'a')).toBe('$10\r\n1234567890\r\n');
});

import { expect, test } from 'vitest';
import { humanBytes, parseMemory } from '../../../server/config/memory-units.js';

test.each([
  ['0', 0],
  ['100', 100],
  ['5b', 5],
  ['1k', 1000],
  ['1K', 1000],
  ['1kb', 1024],
  ['1KB', 1024],
  ['3mb', 3 * 1024 ** 2],
  ['3m', 3_000_000],
  ['2gb', 2 * 1024 ** 3],
  ['2G', 2_000_000_000],
  ['', 0],
])('%j is %d bytes', (text, bytes) => {
  expect(parseMemory(text)).toBe(bytes);
});

test.each(['1x', '-1', '1.5gb', '1 kb', ' 1', '1kb ', 'one', '99999999999999999999', '10000000gb'])(
  '%j is no amount of memory',
  (text) => {
    expect(parseMemory(text)).toBe(-1);
  },
);

test('bytes for people have two digits and the next smaller unit', () => {
  expect(humanBytes(0)).toBe('0B');
  expect(humanBytes(1023)).toBe('1023B');
  expect(humanBytes(1024)).toBe('1.00K');
  expect(humanBytes(1485928)).toBe('1.42M');
  expect(humanBytes(25276502016)).toBe('23.54G');
});

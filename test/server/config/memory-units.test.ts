import { expect, test } from 'vitest';
import { humanBytes, memoryText, parseMemory } from '../../../server/config/memory-units.js';

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
  expect(parseMemory(text)).toBe(BigInt(bytes));
});

test.each([
  '1x',
  '-1',
  '1.5gb',
  '1 kb',
  ' 1',
  '1kb ',
  'one',
  '99999999999999999999',
  '18446744073709551616',
  '17179869184gb',
])('%j is no amount of memory', (text) => {
  expect(parseMemory(text)).toBeUndefined();
});

test('an amount up to 64 bits is exact', () => {
  expect(parseMemory('18446744073709551615')).toBe(2n ** 64n - 1n);
  expect(parseMemory('17179869183gb')).toBe(17179869183n * 1024n ** 3n);
});

test.each([
  [0, '0'],
  [1, '1'],
  [1000, '1000'],
  [1024, '1kb'],
  [3 * 1024 ** 2, '3mb'],
  [1025 * 1024 ** 2, '1025mb'],
  [2n ** 64n - 1n, '18446744073709551615'],
])('a file has %d bytes as %s', (bytes, text) => {
  expect(memoryText(bytes)).toBe(text);
  expect(parseMemory(text)).toBe(BigInt(bytes));
});

test('bytes for people have two digits and the next smaller unit', () => {
  expect(humanBytes(0)).toBe('0B');
  expect(humanBytes(1023)).toBe('1023B');
  expect(humanBytes(1024)).toBe('1.00K');
  expect(humanBytes(1485928)).toBe('1.42M');
  expect(humanBytes(25276502016)).toBe('23.54G');
});

/** XXH3 against another implementation, and against digests that were published. */
import { xxhash3 } from 'hash-wasm';
import { expect, test } from 'vitest';
import { XXH3_BLOCK_BYTES, XXH3_SHORT_BYTES_MAX, Xxh3 } from '../../../core/numbers/xxh3.js';

const hash = new Xxh3();

function digest(bytes: Uint8Array): string {
  if (bytes.length <= XXH3_SHORT_BYTES_MAX) {
    hash.short(bytes, 0, bytes.length);
  } else {
    const blocks = Math.floor((bytes.length - 1) / XXH3_BLOCK_BYTES);
    hash.begin();
    hash.blocks(bytes, 0, blocks);
    hash.end(bytes, bytes.length, bytes.length);
  }
  return [hash.high, hash.low].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => Math.imul(i + seed, 2654435761) >>> 23);
}

test('published digests', () => {
  // https://redis.io/docs/latest/commands/digest/ and https://www.dragonflydb.io/docs/command-reference/strings/digest
  expect(digest(Buffer.from('Hello world'))).toBe('b6acb9d84a38ff74');
  expect(digest(Buffer.from('test'))).toBe('9ec9f7918d7dfc40');
  expect(digest(Buffer.from('hello'))).toBe('9555e8555c62dcfd');
  expect(digest(Buffer.from(''))).toBe('2d06800538d394c2');
});

test('every length up to 2,100, and longer ones around blocks, as hash-wasm digests them', async () => {
  const lengths = Array.from({ length: 2100 }, (_, i) => i);
  for (const blocks of [3, 16, 64, 100]) for (let i = -2; i < 3; i++) lengths.push(blocks * XXH3_BLOCK_BYTES + i);
  for (const length of lengths) {
    const bytes = pattern(length, length * 7);
    expect(digest(bytes), `${length} bytes`).toBe(await xxhash3(bytes));
  }
});

test('bytes at their limits', async () => {
  for (const byte of [0, 0x7f, 0x80, 0xff]) {
    for (const length of [1, 4, 9, 17, 129, 241, 5000]) {
      const bytes = new Uint8Array(length).fill(byte);
      expect(digest(bytes), `${length} times ${byte}`).toBe(await xxhash3(bytes));
    }
  }
});

test('a long input is refused where a short one is expected', () => {
  expect(() => hash.short(new Uint8Array(241), 0, 241)).toThrow(RangeError);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decompressLzf, LZF_RATIO_MAX, LzfCompressor, lzfBytesMax } from '../../../core/rdb/lzf.js';
import { LzfStream } from '../../../core/rdb/lzf-stream.js';
import { SeededRandom } from '../../support/seeded-random.js';

const compressor = new LzfCompressor();

function compress(bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(lzfBytesMax(bytes.length));
  return target.slice(0, compressor.compress(bytes, 0, bytes.length, target, 0, target.length));
}

function decompress(compressed: Uint8Array, length: number): Uint8Array | undefined {
  const target = new Uint8Array(length);
  return decompressLzf(compressed, 0, compressed.length, target, 0, length) ? target : undefined;
}

/** The same through the stream, in pieces of `step` bytes. */
function stream(compressed: Uint8Array, length: number, step: number): Uint8Array | undefined {
  const pieces: Buffer[] = [];
  const lzf = new LzfStream((bytes, start, end) => pieces.push(Buffer.from(bytes.slice(start, end))));
  lzf.begin(length);
  for (let at = 0; at < compressed.length; at += step) {
    if (!lzf.write(compressed, at, Math.min(compressed.length, at + step))) return undefined;
  }
  return lzf.end() ? Buffer.concat(pieces) : undefined;
}

/** Text with repetitions near and far, so that every kind of reference turns up. */
function repetitive(random: SeededRandom, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const run = Math.min(length - at, 1 + random.below(random.chance(0.1) ? 700 : 40));
    const back = random.chance(0.3) ? 0 : Math.min(at, 1 + random.below(random.chance(0.2) ? 20_000 : 300));
    for (const end = at + run; at < end; at++) bytes[at] = back === 0 ? random.below(256) : bytes[at - back]!;
  }
  return bytes;
}

describe('round trips', () => {
  test('of repetitive bytes of every kind', () => {
    const random = new SeededRandom(1);
    for (let i = 0; i < 300; i++) {
      const bytes = repetitive(random, random.below(random.chance(0.1) ? 200_000 : 3000));
      const compressed = compress(bytes);
      if (bytes.length === 0) continue;
      expect(Buffer.compare(decompress(compressed, bytes.length)!, bytes)).toBe(0);
      expect(Buffer.compare(stream(compressed, bytes.length, 1 + random.below(5000))!, bytes)).toBe(0);
    }
  });

  test('of any bytes, one compressor for all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        const compressed = compress(bytes);
        expect(decompress(compressed, bytes.length)).toEqual(bytes);
        expect(stream(compressed, bytes.length, 1)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  test('nothing is written beyond the limit, and 0 says that it was too small', () => {
    const random = new SeededRandom(2);
    for (let i = 0; i < 2000; i++) {
      const bytes = repetitive(random, 1 + random.below(200));
      const whole = compress(bytes).length;
      const limit = random.below(whole + 8);
      const target = new Uint8Array(limit + 300).fill(0xee);
      const count = compressor.compress(bytes, 0, bytes.length, target, 0, limit);
      expect(count).toBeLessThanOrEqual(limit);
      expect(target.subarray(limit).every((byte) => byte === 0xee)).toBe(true);
      if (count > 0) expect(decompress(target.slice(0, count), bytes.length)).toEqual(bytes);
    }
  });

  test('the highest ratio is what a reference of three bytes gives', () => {
    const compressed = compress(new Uint8Array(1 << 20));
    expect((1 << 20) / compressed.length).toBeLessThan(LZF_RATIO_MAX);
    expect((1 << 20) / compressed.length).toBeGreaterThan(LZF_RATIO_MAX * 0.9);
  });

  test('pieces joined are well-formed', () => {
    const text = Buffer.from('a value that says the same thing again and again and again. '.repeat(100));
    const joined = Buffer.concat([compress(text.subarray(0, 2500)), compress(text.subarray(2500))]);
    expect(Buffer.compare(decompress(joined, text.length)!, text)).toBe(0);
  });

  test('positions that have run out start anew', () => {
    const worn = new LzfCompressor();
    (worn as unknown as { base: number }).base = 0x5fffff00;
    const text = Buffer.from('again and again and again and again and again '.repeat(20));
    const target = new Uint8Array(lzfBytesMax(text.length));
    for (let i = 0; i < 3; i++) {
      const count = worn.compress(text, 0, text.length, target, 0, target.length);
      expect(count).toBeLessThan(100);
      expect(Buffer.compare(decompress(target.slice(0, count), text.length)!, text)).toBe(0);
    }
  });
});

test('any bytes are decompressed or refused, the same by both ways', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(400),
      fc.integer({ min: 1, max: 7 }),
      (bytes, length, step) => {
        const target = new Uint8Array(length + 300).fill(0xee);
        const well = decompressLzf(bytes, 0, bytes.length, target, 0, length);
        expect(target.subarray(length).every((byte) => byte === 0xee)).toBe(true);
        const streamed = stream(bytes, length, step);
        expect(streamed === undefined).toBe(!well);
        if (well) expect(streamed).toEqual(Buffer.from(target.subarray(0, length)));
      },
    ),
    { numRuns: 2000 },
  );
});

test('a reference to before the beginning is refused', () => {
  expect(decompress(Uint8Array.of(0, 65, 0x20, 1), 4)).toBeUndefined();
  expect(decompress(Uint8Array.of(0, 65, 0x20, 0), 4)).toEqual(Uint8Array.of(65, 65, 65, 65));
});

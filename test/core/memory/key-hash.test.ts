import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyHash } from '../../../core/memory/key-hash.js';
import { halfSipHash64 } from './half-sip-hash.js';

describe('KeyHash', () => {
  it('is compared with an implementation that gives the published vector of HalfSipHash-2-4', () => {
    // vectors_hsip64[0] of the reference implementation: key 00..07, no input.
    const { high, low } = halfSipHash64(2, 4, 0x03020100, 0x07060504, new Uint8Array(0));
    expect([high >>> 0, low >>> 0]).toEqual([0x591f8d21, 0xc83cb8b9]);
  });

  it('is HalfSipHash-1-3 with 64 bits of output', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer(),
        fc.uint8Array({ maxLength: 70 }),
        fc.nat(9),
        (seed0, seed1, bytes, before) => {
          const hash = new KeyHash(new Uint32Array([seed0, seed1]));
          const shifted = new Uint8Array(bytes.length + before + 3).fill(0xa5);
          shifted.set(bytes, before);
          hash.hash(shifted, before, before + bytes.length);
          expect({ high: hash.high, low: hash.low }).toEqual(halfSipHash64(1, 3, seed0 | 0, seed1 | 0, bytes));
        },
      ),
    );
  });

  it('depends on the seed and refuses one of a single word', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const hashes = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const hash = new KeyHash(new Uint32Array([seed, 0]));
      hash.hash(bytes, 0, 3);
      hashes.add(hash.high);
    }
    expect(hashes.size).toBe(100);
    expect(() => new KeyHash(new Uint32Array(1))).toThrow(RangeError);
  });
});

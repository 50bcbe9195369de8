import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIGEST_VERSION, DigestSum } from '../../../core/memory/digest-sum.js';
import { halfSipHash64 } from './half-sip-hash.js';

interface Item {
  database: number;
  type: number;
  key: Uint8Array;
  value: Uint8Array;
  expiry: [number, number] | null;
}

const items: fc.Arbitrary<Item> = fc.record({
  database: fc.nat(15),
  type: fc.nat(6),
  key: fc.uint8Array({ maxLength: 30 }),
  value: fc.uint8Array({ maxLength: 300 }),
  expiry: fc.option(fc.tuple(fc.integer({ min: 0 }), fc.integer())),
});

function begin(sum: DigestSum, item: Item): void {
  const [high, low] = item.expiry ?? [0, 0];
  sum.begin(item.database, item.type, item.key, 0, item.key.length, item.expiry !== null, high, low);
}

function add(sum: DigestSum, item: Item): void {
  begin(sum, item);
  sum.bytes(item.value, 0, item.value.length);
  sum.end();
}

function digestOf(all: Item[]): string {
  const sum = new DigestSum();
  for (const item of all) add(sum, item);
  return sum.text();
}

/** The definition of the documentation, with bigint. */
function expectedDigest(all: Item[]): string {
  let total = 0n;
  for (const { database, type, key, value, expiry } of all) {
    const [high, low] = expiry ?? [0, 0];
    const words = (...numbers: number[]) => new Uint8Array(new Uint32Array(numbers).buffer);
    const pieces = [words(database, type, key.length), key, words(expiry === null ? 0 : 1, high, low), value];
    const lanes = halfSipHash64(
      2,
      4,
      0x243f6a88,
      0x85a308d3 | 0,
      Uint8Array.from(pieces.flatMap((piece) => [...piece])),
    );
    total += (BigInt(lanes.high >>> 0) << 32n) | BigInt(lanes.low >>> 0);
  }
  return BigInt.asUintN(64, total).toString(16).padStart(16, '0');
}

const EXAMPLE: Item[] = [
  { database: 0, type: 0, key: Uint8Array.of(107), value: Uint8Array.of(118), expiry: null },
  { database: 9, type: 0, key: new Uint8Array(0), value: new Uint8Array(1000).fill(7), expiry: [403, -5] },
];

describe('DigestSum', () => {
  it('never changes within a version', () => {
    expect(DIGEST_VERSION).toBe(1);
    expect(digestOf([])).toBe('0000000000000000');
    expect(digestOf(EXAMPLE.slice(0, 1))).toBe('be1182606d47ea7c');
    expect(digestOf(EXAMPLE)).toBe('80ccd7d162fcf951');
  });

  it('is the sum of HalfSipHash-2-4 over the fields', () => {
    fc.assert(fc.property(fc.array(items, { maxLength: 8 }), (all) => digestOf(all) === expectedDigest(all)));
  });

  it('does not depend on order, nor on where the pieces are cut', () => {
    fc.assert(
      fc.property(
        fc.array(items, { maxLength: 8 }),
        fc.array(fc.nat(7), { minLength: 1, maxLength: 9 }),
        (all, cuts) => {
          const sum = new DigestSum();
          for (const item of [...all].reverse()) {
            begin(sum, item);
            let at = 0;
            for (let i = 0; at < item.value.length; i++) {
              const end = Math.min(item.value.length, at + cuts[i % cuts.length]! + (i % cuts.length === 0 ? 1 : 0));
              sum.bytes(item.value, at, end);
              at = end;
            }
            sum.end();
          }
          expect(sum.text()).toBe(digestOf(all));
        },
      ),
    );
  });

  it('feeds words as their bytes, wherever they begin', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(5), (word, before) => {
        const byWord = new DigestSum();
        const byBytes = new DigestSum();
        for (const sum of [byWord, byBytes]) {
          begin(sum, EXAMPLE[0]!);
          sum.bytes(new Uint8Array(before), 0, before);
        }
        byWord.word(word);
        byBytes.bytes(new Uint8Array(new Int32Array([word]).buffer), 0, 4);
        byWord.end();
        byBytes.end();
        expect(byWord.text()).toBe(byBytes.text());
      }),
    );
  });

  it('joins partial sums and takes keys out again', () => {
    fc.assert(
      fc.property(fc.array(items, { maxLength: 8 }), fc.array(items, { maxLength: 8 }), (some, others) => {
        const sum = new DigestSum();
        for (const item of some) add(sum, item);
        const rest = new DigestSum();
        for (const item of others) add(rest, item);
        sum.join(rest);
        expect(sum.text()).toBe(digestOf([...some, ...others]));
        expect(sum.count).toBe(some.length + others.length);
        for (const item of some) {
          begin(sum, item);
          sum.bytes(item.value, 0, item.value.length);
          sum.endTakingOut();
        }
        expect(sum.text()).toBe(rest.text());
        expect(sum.count).toBe(others.length);
        sum.reset();
        expect(sum.text()).toBe(digestOf([]));
      }),
    );
  });

  it('differs when any field differs', () => {
    const item = EXAMPLE[1]!;
    const changed: Item[] = [
      { ...item, database: 8 },
      { ...item, type: 1 },
      { ...item, key: Uint8Array.of(0) },
      { ...item, value: item.value.subarray(1) },
      { ...item, value: new Uint8Array(1000).fill(8) },
      { ...item, expiry: [403, -4] },
      { ...item, expiry: [402, -5] },
      { ...item, expiry: null },
      { ...item, expiry: [0, 0] },
      { ...item, key: item.value.subarray(0, 1), value: item.value.subarray(1) },
    ];
    const digests = new Set([item, ...changed].map((one) => digestOf([one])));
    expect(digests.size).toBe(changed.length + 1);
  });

  it('asserts that keys are begun and ended', () => {
    const sum = new DigestSum();
    expect(() => sum.end()).toThrow(/no key was begun/);
    expect(() => sum.bytes(new Uint8Array(1), 0, 1)).toThrow(/no key was begun/);
    begin(sum, EXAMPLE[0]!);
    expect(() => begin(sum, EXAMPLE[0]!)).toThrow(/was not ended/);
  });
});

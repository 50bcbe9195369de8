import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INT64_TEXT_BYTES_MAX, Int64 } from '../../../core/numbers/int64.js';

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parse(text: string): Int64 | undefined {
  const value = new Int64();
  const bytes = bytesOf(`9${text}9`);
  return value.parse(bytes, 1, bytes.length - 1) ? value : undefined;
}

function of(value: bigint): Int64 {
  return parse(String(value))!;
}

function written(value: Int64): string {
  const bytes = new Uint8Array(INT64_TEXT_BYTES_MAX + 1);
  const end = value.write(bytes, 1);
  return String.fromCharCode(...bytes.subarray(1, end));
}

/** Any 64-bit integer, those around powers of two and ten more often. */
const integers = fc.oneof(
  fc.bigInt({ min: MIN, max: MAX }),
  fc.bigInt({ min: -100n, max: 100n }),
  fc
    .tuple(fc.constantFrom(2n, 10n), fc.integer({ min: 0, max: 63 }), fc.bigInt({ min: -3n, max: 3n }), fc.boolean())
    .map(([base, exponent, by, negative]) => (base ** BigInt(exponent) + by) * (negative ? -1n : 1n))
    .filter((value) => value >= MIN && value <= MAX),
);

describe('Int64', () => {
  it('reads and writes every 64-bit integer', () => {
    fc.assert(
      fc.property(integers, (value) => {
        const parsed = of(value);
        expect(parsed.toBigInt()).toBe(value);
        expect(written(parsed)).toBe(String(value));
        expect(parsed.isExact).toBe(value > -(2n ** 53n) && value < 2n ** 53n);
        if (parsed.isExact) expect(parsed.toNumber()).toBe(Number(value));
        const lanes = BigInt.asUintN(64, value);
        expect(parsed.low).toBe(Number(BigInt.asIntN(32, lanes)));
        expect(parsed.high).toBe(Number(BigInt.asIntN(32, lanes >> 32n)));
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses what string2ll refuses', () => {
    const refused = [
      '',
      '-',
      '+',
      '+1',
      '01',
      '-01',
      '-0',
      '00',
      ' 1',
      '1 ',
      '1.0',
      '1e3',
      '0x1',
      'a',
      '1a',
      '--1',
      '1-',
      '/',
      ':',
    ];
    refused.push(
      '9223372036854775808',
      '-9223372036854775809',
      '9999999999999999999',
      '10000000000000000000',
      '1\0',
      '１',
    );
    for (const text of refused) expect([text, parse(text)]).toEqual([text, undefined]);
  });

  it('agrees with the rule for any text near a number', () => {
    const rule = /^(?:0|-?[1-9][0-9]*)$/;
    const texts = fc.stringMatching(/^[-+ 0-9a]{0,22}$/);
    fc.assert(
      fc.property(texts, (text) => {
        const accepted = rule.test(text) && BigInt(text) >= MIN && BigInt(text) <= MAX;
        expect(parse(text)?.toBigInt()).toBe(accepted ? BigInt(text) : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves the number as it was when the text is none', () => {
    const value = of(MIN + 5n);
    expect(value.parse(bytesOf('12345678901234567890'), 0, 20)).toBe(false);
    expect(value.parse(bytesOf('9223372036854775808'), 0, 19)).toBe(false);
    expect(value.toBigInt()).toBe(MIN + 5n);
  });

  it('adds, telling an overflow and changing nothing then', () => {
    fc.assert(
      fc.property(integers, integers, (a, b) => {
        const sum = of(a);
        const fits = a + b >= MIN && a + b <= MAX;
        expect(sum.add(of(b))).toBe(fits);
        expect(sum.toBigInt()).toBe(fits ? a + b : a);
      }),
      { numRuns: 2000 },
    );
  });

  it('negates all but the smallest, and compares', () => {
    fc.assert(
      fc.property(integers, integers, (a, b) => {
        const negated = of(a);
        expect(negated.negate()).toBe(a !== MIN);
        expect(negated.toBigInt()).toBe(a === MIN ? MIN : -a);
        expect(Math.sign(of(a).compare(of(b)))).toBe(a < b ? -1 : a > b ? 1 : 0);
      }),
      { numRuns: 1000 },
    );
  });

  it('takes lanes and exact numbers', () => {
    const value = new Int64();
    for (const number of [0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 32, -(2 ** 32), 2 ** 53 - 1, 1 - 2 ** 53]) {
      value.setNumber(number);
      expect(value.toBigInt()).toBe(BigInt(number));
    }
    value.set(0xffffffff, 0xffffffff);
    expect(value.toBigInt()).toBe(-1n);
  });
});

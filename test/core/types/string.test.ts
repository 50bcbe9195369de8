import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { Keyspace } from '../../../core/memory/keyspace.js';
import { PART_BYTES } from '../../../core/memory/parts.js';
import type { Reference } from '../../../core/memory/reference.js';
import {
  append,
  bytesNeededToAppend,
  bytesNeededToSetRange,
  copyRange,
  ENCODING_EMBSTR,
  ENCODING_INT,
  ENCODING_RAW,
  encodingOf,
  encodingOfText,
  isInteger,
  setInteger,
  setRange,
} from '../../../core/types/string.js';
import { TEST_SEED } from '../memory/keyspace-model.js';

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

function integer(text: string): boolean {
  const bytes = bytesOf(`xx${text}yy`);
  return isInteger(bytes, 2, bytes.length - 2);
}

const KEY = bytesOf('key');

function keyspaceWith(value: Uint8Array): Keyspace {
  const keyspace = new Keyspace(1, new Arena(), TEST_SEED);
  keyspace.find(KEY, 0, 3);
  keyspace.store(KEY, 0, 3, value, 0, value.length, encodingOf(value, 0, value.length), false, 0, 0);
  return keyspace;
}

function found(keyspace: Keyspace): Reference {
  return keyspace.find(KEY, 0, 3);
}

function contentOf(keyspace: Keyspace): Uint8Array {
  const reference = found(keyspace);
  const value = new Uint8Array(keyspace.valueLength(reference));
  keyspace.copyValue(reference, 0, value.length, value, 0);
  return value;
}

describe('the encoding of an argument', () => {
  it('knows integers as Redis does', () => {
    const are = ['0', '1', '-1', '9', '10', '-10', '999999999999999999', '9223372036854775807', '-9223372036854775808'];
    const not = ['', '-', '-0', '00', '01', '+1', ' 1', '1 ', '1.0', '1e3', '--1', '9223372036854775808', 'a', '1a'];
    expect(are.filter((text) => !integer(text))).toEqual([]);
    expect(not.filter(integer)).toEqual([]);
    expect(['-9223372036854775809', '10000000000000000000', '9999999999999999999'].filter(integer)).toEqual([]);
  });

  it('accepts exactly what prints the same as int64', () => {
    const digits = fc.stringMatching(/^-?[0-9]{1,20}$/);
    const near = fc.bigInt({ min: -(2n ** 63n) - 5n, max: 2n ** 63n + 5n }).map(String);
    fc.assert(
      fc.property(fc.oneof(digits, near), (text) => {
        const value = BigInt(text);
        expect(integer(text)).toBe(BigInt.asIntN(64, value) === value && String(value) === text);
      }),
      { numRuns: 2000 },
    );
  });

  it('is int, embstr up to 44 bytes, or raw', () => {
    const encoding = (text: string): number => encodingOf(bytesOf(text), 0, text.length);
    expect(encoding('12')).toBe(ENCODING_INT);
    expect(encoding('')).toBe(ENCODING_EMBSTR);
    expect(encoding('x'.repeat(44))).toBe(ENCODING_EMBSTR);
    expect(encoding('x'.repeat(45))).toBe(ENCODING_RAW);
    expect([0, 44, 45].map(encodingOfText)).toEqual([ENCODING_EMBSTR, ENCODING_EMBSTR, ENCODING_RAW]);
  });
});

describe('changing a string', () => {
  it('replaces an integer in its slot', () => {
    const keyspace = keyspaceWith(bytesOf('99'));
    const before = found(keyspace);
    setInteger(keyspace, bytesOf('100'), 0, 3);
    expect(found(keyspace)).toBe(before);
    expect(contentOf(keyspace)).toEqual(bytesOf('100'));
    expect(keyspace.encoding(before)).toBe(ENCODING_INT);
    keyspace.setExpiry(1, 2);
    const moved = found(keyspace);
    setInteger(keyspace, bytesOf('-1'), 0, 2);
    expect(found(keyspace)).toBe(moved);
    keyspace.readExpiry(moved);
    expect([keyspace.expiryHigh, keyspace.expiryLow]).toEqual([1, 2]);
    expect(contentOf(keyspace)).toEqual(bytesOf('-1'));
  });

  it('appends and sets ranges as an array does, over all limits', () => {
    const lengths = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 15_800, max: 15_900 }),
      fc.integer({ min: PART_BYTES - 20, max: PART_BYTES + 20 }),
      fc.constant(3 * PART_BYTES),
    );
    const change = fc.record({ at: fc.option(lengths, { nil: -1 }), length: lengths, fill: fc.nat(255) });
    fc.assert(
      fc.property(lengths, fc.array(change, { maxLength: 6 }), (first, changes) => {
        let model = new Uint8Array(first).fill(1);
        const keyspace = keyspaceWith(model);
        for (const { at, length, fill } of changes) {
          const bytes = new Uint8Array(length).fill(fill);
          const offset = at < 0 ? model.length : at;
          const longer = new Uint8Array(Math.max(model.length, offset + length));
          longer.set(model);
          longer.set(bytes, offset);
          model = longer;
          const reference = found(keyspace);
          const before = keyspace.usedBytes;
          const needed =
            at < 0
              ? bytesNeededToAppend(keyspace, reference, length)
              : bytesNeededToSetRange(keyspace, reference, offset, length);
          const result =
            at < 0
              ? append(keyspace, reference, bytes, 0, length)
              : setRange(keyspace, reference, offset, bytes, 0, length);
          expect(result).toBe(model.length);
          expect(keyspace.usedBytes - before).toBeLessThanOrEqual(needed);
          expect(keyspace.encoding(found(keyspace))).toBe(ENCODING_RAW);
        }
        expect(Buffer.compare(contentOf(keyspace), model)).toBe(0);
        expect(keyspace.contentBytes).toBe(3 + model.length);
        found(keyspace);
        keyspace.remove();
        while (keyspace.sweep(100) > 0);
        expect(keyspace.usedBytes).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('pads with zeros where memory was used before', () => {
    const keyspace = keyspaceWith(new Uint8Array(200_000).fill(255));
    found(keyspace);
    keyspace.remove();
    keyspace.find(KEY, 0, 3);
    keyspace.store(KEY, 0, 3, KEY, 0, 0, ENCODING_RAW, false, 0, 0);
    setRange(keyspace, found(keyspace), 150_000, bytesOf('end'), 0, 3);
    const expected = new Uint8Array(150_003);
    expected.set(bytesOf('end'), 150_000);
    expect(Buffer.compare(contentOf(keyspace), expected)).toBe(0);
  });

  it('copies ranges part by part to a target that hands its buffers on', () => {
    const value = new Uint8Array(3 * PART_BYTES).map((_, i) => i * 7);
    const keyspace = keyspaceWith(value);
    const sent: Uint8Array[] = [];
    const target = {
      bytes: new Uint8Array(PART_BYTES + 10),
      position: 0,
      ensure(needed: number): void {
        if (this.position + needed <= this.bytes.length) return;
        sent.push(this.bytes.slice(0, this.position));
        this.bytes = new Uint8Array(PART_BYTES + 10);
        this.position = 0;
      },
    };
    copyRange(keyspace, found(keyspace), 5, value.length - 9, target);
    sent.push(target.bytes.slice(0, target.position));
    expect(sent.length).toBe(3);
    expect(Buffer.compare(Buffer.concat(sent), value.subarray(5, value.length - 4))).toBe(0);
  });
});

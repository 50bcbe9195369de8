import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { Keyspace } from '../../../core/memory/keyspace.js';
import {
  expiryBytes,
  expiryFlag,
  FLAG_EXPIRY_48,
  FLAG_EXPIRY_64,
  FLAG_LONG_KEY,
  FLAG_PARTS,
  KEY_INLINE_BYTES_MAX,
  RecordReader,
  recordBytes,
  recordHeaderBytes,
  VALUE_INLINE_BYTES_MAX,
  varintBytes,
} from '../../../core/memory/record.js';
import { SLOT_BYTES_MAX, slotBytesOf } from '../../../core/memory/size-classes.js';
import { encodingOf } from '../../../core/types/string.js';
import { TEST_SEED } from './keyspace-model.js';

interface Golden {
  readonly line: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly expiry: bigint | null;
  /** Bytes in hex, `hh`, `rr` and `..`. */
  readonly bytes: string[];
}

function text(words: string): Uint8Array {
  if (words === '(empty)') return new Uint8Array(0);
  const repeated = /^(.) \* (\d+)$/.exec(words);
  return Buffer.from(repeated === null ? words : repeated[1]!.repeat(Number(repeated[2])), 'latin1');
}

/** The examples of the documentation. */
function golden(): Golden[] {
  const page = readFileSync(new URL('../../../docs/memory-records.md', import.meta.url), 'utf8');
  const block = /```golden\n([^`]+)```/.exec(page)![1]!;
  return block
    .trimEnd()
    .split('\n')
    .map((line) => {
      const found = /^(.+?) = (.+?)(?:, at (\d+))? {2,}(.+)$/.exec(line)!;
      return {
        line,
        key: text(found[1]!),
        value: text(found[2]!),
        expiry: found[3] === undefined ? null : BigInt(found[3]),
        bytes: found[4]!.split(' '),
      };
    });
}

/** Compares a slot with the documented bytes; `..` repeats the byte in front of it up to what follows. */
function matches(slot: Uint8Array, bytes: string[], line: string): void {
  let at = 0;
  bytes.forEach((word, i) => {
    if (word === '..') {
      const until = slot.length - (bytes.length - 1 - i);
      for (; at < until && slot[at] === slot[at - 1]; at++);
      expect(at, line).toBe(until);
    } else {
      if (word !== 'hh' && word !== 'rr')
        expect(slot[at]!.toString(16).padStart(2, '0'), `${line}: byte ${at}`).toBe(word);
      at++;
    }
  });
  expect(at, line).toBe(slot.length);
}

describe('the layout of a record', () => {
  const cases = golden();

  it('has examples in the documentation', () => {
    expect(cases.length).toBeGreaterThan(10);
  });

  it.each(cases)('$line', ({ line, key, value, expiry, bytes }) => {
    const arena = new Arena({ pagesMax: 4096 });
    const keyspace = new Keyspace(1, arena, TEST_SEED);
    keyspace.find(key, 0, key.length);
    const high = expiry === null ? 0 : Number(expiry >> 32n);
    const low = expiry === null ? 0 : Number(BigInt.asIntN(32, expiry));
    const encoding = encodingOf(value, 0, value.length);
    keyspace.store(key, 0, key.length, value, 0, value.length, encoding, expiry !== null, high, low);
    const reference = keyspace.find(key, 0, key.length);
    const flags = arena.bytes(reference)[arena.offset(reference) + 1]!;
    const slot = new Uint8Array(recordBytes(flags, key.length, value.length));
    arena.copyOut(reference, 0, slot.length, slot, 0);
    matches(slot, bytes, line);

    const reader = new RecordReader(arena);
    reader.read(reference);
    expect(reader.type).toBe(0);
    expect(reader.encoding).toBe(encoding);
    expect(reader.keyLength).toBe(key.length);
    expect(reader.valueLength).toBe(value.length);
    expect((reader.flags & FLAG_LONG_KEY) !== 0).toBe(key.length > KEY_INLINE_BYTES_MAX);
    expect((reader.flags & FLAG_PARTS) !== 0).toBe(value.length > VALUE_INLINE_BYTES_MAX);
    if ((reader.flags & FLAG_LONG_KEY) !== 0) {
      expect(reader.keyHashHigh).toBe(keyspace.hashHigh);
      expect(reader.keyHashLow).toBe(keyspace.hashLow);
      const copy = new Uint8Array(key.length);
      arena.copyOut(reader.keyRoot, 0, key.length, copy, 0);
      expect(Buffer.compare(copy, key)).toBe(0);
    }
  });

  it('has a header of 4 bytes for a 16-byte key and a 64-byte value, in a slot of 88', () => {
    expect(recordHeaderBytes(0, 16, 64)).toBe(4);
    expect(recordBytes(0, 16, 64)).toBe(84);
    expect(slotBytesOf(84)).toBe(88);
  });

  it('takes the width of a deadline from its size', () => {
    expect(expiryFlag(0)).toBe(FLAG_EXPIRY_48);
    expect(expiryFlag(0xffff)).toBe(FLAG_EXPIRY_48);
    expect(expiryFlag(0x10000)).toBe(FLAG_EXPIRY_64);
    expect(expiryFlag(-1)).toBe(FLAG_EXPIRY_64);
    expect([0, FLAG_EXPIRY_48, FLAG_EXPIRY_64].map(expiryBytes)).toEqual([0, 6, 8]);
  });

  it('fits the longest inline record into a slot', () => {
    expect(recordBytes(FLAG_EXPIRY_64, KEY_INLINE_BYTES_MAX, VALUE_INLINE_BYTES_MAX)).toBeLessThanOrEqual(
      SLOT_BYTES_MAX,
    );
  });

  it('takes as many bytes for a varint as it says', () => {
    const borders = [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455, 268_435_456, 536_870_912];
    expect(borders.map(varintBytes)).toEqual([1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
  });
});

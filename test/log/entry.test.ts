import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ITEM_HEADER_BYTES,
  ItemKind,
  ItemReader,
  ORIGIN_ITEM_BYTES_MAX,
  ORIGIN_TEXT_BYTES_MAX,
  type Origin,
  readOriginItem,
  writeItemHeader,
  writeOriginItem,
} from '../../log/entry.js';
import { LogError } from '../../log/log-error.js';

const origin = fc.record({
  number: fc.integer({ min: 1, max: 0xffffffff }),
  address: fc.string({ maxLength: 40 }),
  user: fc.string({ unit: 'grapheme', maxLength: 20 }),
  clientName: fc.string({ maxLength: 60 }),
  connectedAtMs: fc.integer({ min: 0, max: 2 ** 48 }),
});

type Item = { entry: Uint8Array; by: number } | { origin: Origin };

function encode(items: readonly Item[]): Uint8Array {
  const bytes = new Uint8Array(items.length * 4096);
  let at = 0;
  for (const item of items) {
    if ('origin' in item) {
      at = writeOriginItem(bytes, at, item.origin);
    } else {
      at = writeItemHeader(bytes, at, ItemKind.entry, item.entry.length, item.by);
      bytes.set(item.entry, at);
      at += item.entry.length;
    }
  }
  return bytes.subarray(0, at);
}

function decode(bytes: Uint8Array): Item[] {
  const reader = new ItemReader();
  reader.reset(bytes, 0, bytes.length);
  const items: Item[] = [];
  while (reader.next()) {
    if (reader.kind === ItemKind.origin) {
      items.push({ origin: readOriginItem(bytes, reader.start, reader.end, reader.origin) });
    } else {
      items.push({ entry: bytes.slice(reader.start, reader.end), by: reader.origin });
    }
  }
  return items;
}

describe('a body', () => {
  const item: fc.Arbitrary<Item> = fc.oneof(
    fc.record({ entry: fc.uint8Array({ maxLength: 600 }), by: fc.integer({ min: 0, max: 0xffffffff }) }),
    fc.record({ origin }),
  );

  test('reads back as it was written', () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        expect(decode(encode(items))).toEqual(items);
      }),
    );
  });

  test('cut off anywhere, or of any bytes, ends with items or with a typed error', () => {
    const read = (bytes: Uint8Array): void => {
      try {
        decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(LogError);
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), read), { numRuns: 1000 });
    fc.assert(
      fc.property(fc.array(item, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(), (items, cut, bit) => {
        const bytes = encode(items);
        read(bytes.slice(0, cut % bytes.length));
        bytes[(bit >> 3) % bytes.length]! ^= 1 << (bit & 7);
        read(bytes);
      }),
    );
  });

  test('an entry has the header that the engine writes: u32 length, u32 origin', () => {
    const bytes = encode([{ entry: new Uint8Array(300), by: 258 }]);
    expect([...bytes.subarray(0, ITEM_HEADER_BYTES)]).toEqual([44, 1, 0, 0, 2, 1, 0, 0]);
  });

  test('an origin item has bit 31 of its length set', () => {
    const bytes = encode([{ origin: { number: 5, address: 'a', user: 'u', clientName: '', connectedAtMs: 3 } }]);
    expect([...bytes]).toEqual([16, 0, 0, 128, 5, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 97, 1, 0, 117, 0, 0]);
  });

  test('an item kind that is not known is refused', () => {
    const bytes = new Uint8Array(8);
    bytes[3] = 0xc0;
    expect(() => decode(bytes)).toThrowError(expect.objectContaining({ code: 'LOG_FORMAT_UNKNOWN' }));
  });

  test('texts of an origin are cut at whole characters, so that the item is bounded', () => {
    const long = 'ä'.repeat(500);
    const written: Origin = { number: 1, address: long, user: `x${long}`, clientName: long, connectedAtMs: 1 };
    const bytes = encode([{ origin: written }]);
    expect(bytes.length).toBeLessThanOrEqual(ORIGIN_ITEM_BYTES_MAX);
    const [read] = decode(bytes);
    const half = ORIGIN_TEXT_BYTES_MAX / 2;
    expect(read).toEqual({
      origin: { ...written, address: 'ä'.repeat(half), user: `x${'ä'.repeat(half - 1)}`, clientName: 'ä'.repeat(half) },
    });
  });
});

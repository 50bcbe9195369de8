import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RdbError } from '../../../core/rdb/rdb-error.js';
import { RdbReader } from '../../../core/rdb/rdb-reader.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { RecordedFile, readFile, type WrittenKey, writeFile } from './recorded-file.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

function key(name: string, value: string | Buffer, more: Partial<WrittenKey> = {}): WrittenKey {
  return { database: 0, key: bytes(name), value: typeof value === 'string' ? bytes(value) : value, ...more };
}

/** One of everything that a file may hold. */
const EVERYTHING: readonly WrittenKey[] = [
  key('', ''),
  key('k', 'v'),
  ...[
    '0',
    '-1',
    '127',
    '-128',
    '128',
    '32767',
    '-32768',
    '32768',
    '2147483647',
    '-2147483648',
    '2147483648',
    '007',
  ].map((number) => key(number, number)),
  key('long text', 'the same again and '.repeat(20)),
  key('a key that is long and says the same as before, the same as before, the same as before', 'x'),
  key('deadline', 'v', { deadline: 1_900_000_000_123n }),
  key('far deadline', 'v', { deadline: 0x7fffffffffffffffn }),
  key('past deadline', 'v', { deadline: 5n }),
  key('idle', 'v', { idleSeconds: 100_000, deadline: 77n }),
  key('often', 'v', { frequency: 255 }),
  key('k', 'other', { database: 3 }),
  key('14 bits', 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(3).slice(0, 100), { database: 15 }),
];

function complete(keys: readonly WrittenKey[]): object[] {
  return keys.map((written) => ({ deadline: null, idleSeconds: -1, frequency: -1, ...written }));
}

function error(file: Uint8Array): RdbError {
  try {
    readFile(file);
  } catch (thrown) {
    if (thrown instanceof RdbError) return thrown;
    throw thrown;
  }
  throw new Error('the file was read');
}

/** A file of these bytes behind a header, with the checksum that says that there is none. */
function fileOf(...items: number[]): Buffer {
  return Buffer.concat([bytes('REDIS0011'), Buffer.from(items), Buffer.alloc(9, 0).fill(255, 0, 1)]);
}

describe('round trips', () => {
  test('of one of everything', () => {
    for (const options of [{}, { compress: false }, { checksum: false }, { version: 12 }]) {
      const read = readFile(writeFile(EVERYTHING, options));
      expect(read.keys).toEqual(complete(EVERYTHING));
      expect(read.fields).toEqual([['redis-ver', '7.0.15']]);
      expect(read.hints.length).toBe(3);
    }
  });

  test('of any keys, cut anywhere', () => {
    const written = fc.record({
      database: fc.nat(20),
      key: fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)),
      value: fc
        .oneof(
          fc.uint8Array({ maxLength: 700 }),
          fc.string().map(bytes),
          fc.integer().map((n) => bytes(String(n))),
        )
        .map((array) => Buffer.from(array)),
      deadline: fc.option(fc.bigInt({ min: 0n, max: (1n << 63n) - 1n })),
      idleSeconds: fc.integer({ min: -1, max: 2 ** 40 }),
      frequency: fc.integer({ min: -1, max: 255 }),
    });
    fc.assert(
      fc.property(fc.array(written, { maxLength: 20 }), fc.array(fc.nat(5000), { maxLength: 8 }), (keys, cuts) => {
        const file = writeFile(keys);
        const sorted = cuts.sort((a, b) => a - b).filter((cut) => cut < file.length);
        expect(readFile(file, { wholeBytesMax: 100 }, sorted).keys).toEqual(complete(keys));
      }),
      { numRuns: 300 },
    );
  });

  test('byte by byte', () => {
    const file = writeFile(EVERYTHING);
    const cuts = Array.from(file, (_, i) => i);
    expect(readFile(file, {}, cuts).keys).toEqual(complete(EVERYTHING));
    expect(readFile(file, { wholeBytesMax: 2 }, cuts).keys).toEqual(complete(EVERYTHING));
  });

  test('of long values, in pieces that stay small', () => {
    const random = new SeededRandom(5);
    const noise = Buffer.alloc(300_000);
    for (let i = 0; i < noise.length; i++) noise[i] = random.below(256);
    const keys = [
      key('noise', noise),
      key('text', Buffer.alloc(1_500_000, 'all work and no play makes a dull value; ')),
      // Compressed it is longer than what is kept, so it is compressed twice.
      key(
        'both',
        Buffer.concat(
          Array.from({ length: 40 }, (_, i) => Buffer.concat([noise.subarray(i * 99, 30_000), Buffer.alloc(9000, i)])),
        ),
      ),
      // Begins as noise and is worth compressing all the same; and the other way round, where it is not.
      key('late', Buffer.concat([noise.subarray(0, 70_000), Buffer.alloc(200_000)])),
      key('early', Buffer.concat([Buffer.alloc(50), noise])),
    ];
    for (const options of [{}, { compress: false }]) {
      const file = writeFile(keys, options);
      for (const size of [10_000, 65_536, 1 << 20]) {
        const cuts = Array.from({ length: Math.ceil(file.length / size) }, (_, i) => i * size);
        const read = readFile(file, {}, cuts);
        expect(read.keys.map(({ value }, i) => value.equals(keys[i]!.value))).toEqual(keys.map(() => true));
        expect(read.longest).toBeLessThanOrEqual(Math.max(size, 80_000));
      }
    }
  });
});

describe('damage', () => {
  test('a file cut at any byte is truncated', () => {
    const file = writeFile(EVERYTHING);
    for (let length = 0; length < file.length; length++) {
      expect(error(file.subarray(0, length)).code, `${length} bytes`).toBe('RDB_TRUNCATED');
    }
  });

  test('any bit that is turned is noticed', () => {
    const file = writeFile(EVERYTHING);
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = Buffer.from(file);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      const { code } = error(damaged);
      expect(code, `bit ${bit}`).toMatch(/^RDB_(FORMAT|CHECKSUM|TRUNCATED|VERSION|SIGNATURE|UNSUPPORTED)$/);
    }
  });

  test('any bit that is turned, without checksum: an error or a file, nothing else', () => {
    const file = writeFile(EVERYTHING, { checksum: false });
    for (let bit = 0; bit < file.length * 8; bit++) {
      const damaged = Buffer.from(file);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      try {
        readFile(damaged, { wholeBytesMax: 40 });
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(RdbError);
      }
    }
  });

  test('any bytes behind a header: an error or a file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(200), { maxLength: 4 }), (noise, cuts) => {
        const file = Buffer.concat([bytes('REDIS0009'), noise]);
        try {
          readFile(
            file,
            { wholeBytesMax: 20 },
            cuts.sort((a, b) => a - b).filter((cut) => cut < file.length),
          );
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(RdbError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  test('lengths that the bytes do not stand for allocate nothing', () => {
    const long = [0x80, 0x1f, 0xff, 0xff, 0xff];
    expect(error(fileOf(0, ...long, 1, 2, 3)).code).toBe('RDB_TRUNCATED');
    expect(error(fileOf(0, 0x80, 0x20, 0, 0, 1)).message).toContain('longer than 512 MB');
    expect(error(fileOf(0, 0x81, 1, 0, 0, 0, 0, 0, 0, 0)).code).toBe('RDB_FORMAT');
    expect(error(fileOf(0, 1, 65, 0xc3, 3, ...long, 0, 65, 0xe0)).message).toContain('cannot stand for');
    expect(error(fileOf(0, 0x82, 1)).message).toContain('cannot begin with the byte 130');
    expect(error(fileOf(0, 0xc4, 1)).message).toContain('unknown encoding 4');
    expect(error(fileOf(254, 0xc0, 1)).message).toContain('an encoded string stands where a length must be');
  });
});

describe('what is not read is named', () => {
  test('data types', () => {
    expect(error(fileOf(4, 1, 65, 0))).toMatchObject({ code: 'RDB_UNSUPPORTED', offset: 9 });
    expect(error(fileOf(4, 1, 65, 0)).message).toContain(
      "key 'A' of database 0 is a hash (type 4), which is not supported",
    );
    expect(error(fileOf(0, 1, 65, 1, 66, 21, 1, 65)).message).toBe(
      "RDB, at byte 14: key 'A' of database 0 is a stream (version 3) (type 21), which is not supported",
    );
    expect(error(fileOf(254, 3, 4, 1, 65, 0)).message).toContain("key 'A' of database 3");
    expect(error(fileOf(99)).message).toContain('unknown type or opcode 99');
  });

  test('functions and modules', () => {
    expect(error(fileOf(245, 1, 65)).message).toContain('functions (opcode 245)');
    expect(error(fileOf(246, 1, 65)).message).toContain('functions (opcode 246)');
    expect(error(fileOf(247, 1, 65)).message).toContain('data of a module');
  });

  test('versions and other files', () => {
    expect(error(bytes('REDIS0013\xff')).message).toContain("version '0013' is not one of 1 to 12");
    expect(error(bytes('REDIS00x1\xff')).code).toBe('RDB_VERSION');
    expect(error(bytes('*3\r\n$3\r\nSET\r\n')).code).toBe('RDB_SIGNATURE');
  });
});

describe('older files', () => {
  test('deadlines in seconds; no checksum before version 5', () => {
    const file = Buffer.concat([
      bytes('REDIS0002'),
      Buffer.from([
        254, 0, 253, 0x00, 0x2f, 0x68, 0x59, 0, 1, 65, 0xc0, 7, 253, 0xff, 0xff, 0xff, 0xff, 0, 1, 66, 1, 67, 255,
      ]),
    ]);
    const read = readFile(file).keys;
    expect(read.map(({ deadline }) => deadline)).toEqual([0x59682f00n * 1000n, -1000n]);
    expect(read[0]!.value.toString()).toBe('7');
  });

  test('a deadline of -1 is none', () => {
    const file = fileOf(252, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, 65, 1, 66);
    expect(readFile(file).keys[0]!.deadline).toBeNull();
  });

  test('hints about cluster slots are passed over', () => {
    expect(readFile(fileOf(244, 1, 2, 3, 0, 1, 65, 1, 66)).keys.length).toBe(1);
  });
});

test('bytes behind the end are left to the caller', () => {
  const file = writeFile(EVERYTHING);
  const both = Buffer.concat([file, bytes('*1\r\n$4\r\nPING\r\n')]);
  for (const cut of [0, 1, 100, file.length - 3, file.length]) {
    const reader = new RdbReader(new RecordedFile());
    const at = cut > 0 ? reader.push(both.subarray(0, cut), 0, cut) : 0;
    expect(at).toBe(cut);
    const rest = both.subarray(cut);
    expect(cut + reader.push(rest, 0, rest.length)).toBe(file.length);
    expect([reader.done, reader.offset]).toEqual([true, file.length]);
  }
});

test('a checksum of 0 says that there is none; one that is wrong is refused, or ignored on demand', () => {
  const file = writeFile(EVERYTHING);
  file.fill(0, file.length - 8);
  expect(readFile(file).keys.length).toBe(EVERYTHING.length);
  file[file.length - 1] = 1;
  expect(error(file).code).toBe('RDB_CHECKSUM');
  expect(readFile(file, { checksum: false }).keys.length).toBe(EVERYTHING.length);
});

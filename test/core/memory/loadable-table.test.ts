import { describe, expect, it } from 'vitest';
import { HashTable } from '../../../core/memory/hash-table.js';
import { KeyHash } from '../../../core/memory/key-hash.js';
import { type EnteredRecords, LoadableTable } from '../../../core/memory/loadable-table.js';
import { BUCKET_BITS, PendingEntries } from '../../../core/memory/pending-entries.js';
import { FakeRecordKeys, type Hash } from './fake-record-keys.js';

const SEED = new Uint32Array([0x12345678, 0x9abcdef0]);

class MaskedHash implements Hash {
  high = 0;
  private readonly good = new KeyHash(SEED);
  constructor(private readonly mask: number) {}
  hash(bytes: ArrayLike<number>, start: number, end: number): void {
    this.good.hash(bytes, start, end);
    this.high = this.good.high & this.mask;
  }
}

const keyOf = (number: number): Uint8Array => new TextEncoder().encode(`key:${number}`);

class Duplicate extends Error {}

class Loaded implements EnteredRecords {
  readonly keys: FakeRecordKeys;
  readonly table: LoadableTable;
  readonly pending = new PendingEntries();
  steps = 0;

  constructor(hash: Hash) {
    this.keys = new FakeRecordKeys(hash);
    this.table = new LoadableTable(this.keys);
  }

  add(number: number): void {
    const key = keyOf(number);
    this.keys.hash(key);
    this.pending.add(this.keys.high, this.keys.add(key), number & 0xffffff);
  }

  enter(budget: number): void {
    this.pending.seal();
    const refuse = (reference: number): never => {
      throw new Duplicate(this.keys.text(reference));
    };
    for (let bucket = 0; bucket < 2 ** BUCKET_BITS; this.steps++) {
      bucket = this.table.enter(this.pending, bucket, budget, this, refuse);
    }
  }

  sameKey(one: number, other: number): boolean {
    return this.keys.text(one) === this.keys.text(other);
  }

  insertRecord(reference: number, clock: number): boolean {
    const key = this.keys.key(reference);
    this.keys.hash(key);
    if (this.table.find(this.keys.high, key, 0, key.length) !== 0) return false;
    this.table.insert(reference);
    this.table.setClock(clock);
    return true;
  }
}

function grown(hash: Hash, count: number): { keys: FakeRecordKeys; table: HashTable } {
  const keys = new FakeRecordKeys(hash);
  const table = new HashTable(keys);
  for (let number = 0; number < count; number++) {
    const key = keyOf(number);
    keys.hash(key);
    table.find(keys.high, key, 0, key.length);
    table.insert(keys.add(key));
  }
  return { keys, table };
}

/** How many of the first `count` keys are not found, or not with the reference and clock that they were entered with. */
function wrongKeys({ table, keys }: Loaded, count: number): number {
  let wrong = 0;
  for (let number = 0; number < count; number++) {
    const key = keyOf(number);
    keys.hash(key);
    if (table.find(keys.high, key, 0, key.length) !== number + 1 || table.clock() !== number) wrong++;
  }
  return wrong;
}

/** All keys, as a whole SCAN visits them. */
function scanned({ table, keys }: { table: HashTable; keys: FakeRecordKeys }): string[] {
  const seen: string[] = [];
  let cursor = 0;
  do cursor = table.scan(cursor, 1000, (reference) => seen.push(keys.text(reference)));
  while (cursor !== 0);
  return seen;
}

const HASHES: { name: string; make: () => Hash; counts: number[] }[] = [
  { name: 'a good hash', make: () => new KeyHash(SEED), counts: [0, 1, 64, 65, 3000, 40_000, 300_000] },
  { name: 'a hash of one value', make: () => new MaskedHash(0), counts: [64, 400] },
  { name: 'a hash of 16 values', make: () => new MaskedHash(0xf0000000 | 0), counts: [1500] },
  { name: 'a hash told apart by the last bits', make: () => new MaskedHash(0xfff), counts: [3000] },
];

for (const { name, make, counts } of HASHES) {
  describe(`a table made in one go, ${name}`, () => {
    for (const count of counts) {
      it(`of ${count} keys finds them all, has the size of a grown one and goes on like it`, () => {
        const loaded = new Loaded(make());
        for (let number = 0; number < count; number++) loaded.add(number);
        loaded.enter(1000);
        const { table, keys } = loaded;
        expect(table.count).toBe(count);
        expect(wrongKeys(loaded, count)).toBe(0);
        const other = grown(make(), count);
        expect(table.bytes).toBeLessThanOrEqual(other.table.bytes * 1.1 + 4096);
        expect(scanned(loaded).sort()).toEqual(scanned(other).sort());
        for (let number = count; number < count + 500; number++) {
          const key = keyOf(number);
          keys.hash(key);
          table.find(keys.high, key, 0, key.length);
          table.insert(keys.add(key));
        }
        let wrong = 0;
        for (let number = 0; number < count; number++) {
          const key = keyOf(number);
          keys.hash(key);
          if (table.find(keys.high, key, 0, key.length) === 0) wrong++;
          else table.remove();
        }
        expect(wrong).toBe(0);
        expect(table.count).toBe(500);
      });
    }
  });
}

it('is made in steps, and reads no record of a good hash', () => {
  const loaded = new Loaded(new KeyHash(SEED));
  for (let number = 0; number < 100_000; number++) loaded.add(number);
  loaded.enter(1000);
  expect(loaded.steps).toBeGreaterThan(50);
  expect(loaded.keys.hashed).toBe(0);
});

for (const [name, hash] of [
  ['a good hash', new KeyHash(SEED)],
  ['a hash of one value', new MaskedHash(0)],
] as const) {
  it(`refuses a key that comes twice, ${name}`, () => {
    for (const count of [1, 100, 5000]) {
      const loaded = new Loaded(hash);
      for (let number = 0; number < count; number++) loaded.add(number);
      loaded.add(count >>> 1);
      expect(() => loaded.enter(1000)).toThrow(`key:${count >>> 1}`);
    }
  });
}

function insert(loaded: Loaded, number: number): void {
  const key = keyOf(number);
  loaded.keys.hash(key);
  loaded.table.find(loaded.keys.high, key, 0, key.length);
  loaded.table.insert(loaded.keys.add(key));
  loaded.table.setClock(number);
}

/** A block of pages is given back when half of another one is free, too. */
const KEPT_BYTES = 3 * 128 * 1024;

function mergeAll(table: LoadableTable): void {
  table.expectEntries(0);
  while (!table.mergeSparse(7));
}

for (const { name, make, counts } of HASHES) {
  describe(`a table that makes room ahead, ${name}`, () => {
    for (const count of counts) {
      for (const factor of [1, 8]) {
        it(`of ${count} keys where ${factor} times as many were expected has the size of a grown one in the end`, () => {
          const loaded = new Loaded(make());
          const { table } = loaded;
          for (let number = 0; number < count; number++) {
            if (number % 1000 === 100) table.expectEntries(Math.min(count, number * 8) * factor);
            insert(loaded, number);
          }
          mergeAll(table);
          expect(wrongKeys(loaded, count)).toBe(0);
          const other = grown(make(), count);
          expect(table.count).toBe(count);
          // Pages of equal hashes are chained where the directory ended, which may lie deeper.
          const share = factor === 1 || name === 'a good hash' ? 1.15 : 2;
          expect(table.bytes).toBeLessThanOrEqual(other.table.bytes * share + (factor === 1 ? 4096 : KEPT_BYTES));
          expect(scanned(loaded).sort()).toEqual(scanned(other).sort());
        });
      }
    }
  });
}

it('reads few records again where it knew how many keys come', () => {
  const count = 100_000;
  const loaded = new Loaded(new KeyHash(SEED));
  for (let number = 0; number < count; number++) {
    if (number === 1000) loaded.table.expectEntries(count);
    insert(loaded, number);
  }
  expect(loaded.keys.hashed).toBeLessThan(count / 5);
  expect(grown(new KeyHash(SEED), count).keys.hashed).toBeGreaterThan(count);
});

it('expects nothing any more once it is cleared', () => {
  const loaded = new Loaded(new KeyHash(SEED));
  for (let number = 0; number < 100; number++) insert(loaded, number);
  loaded.table.expectEntries(1_000_000);
  loaded.table.clear();
  for (let number = 100; number < 300; number++) insert(loaded, number);
  expect(loaded.table.bytes).toBeLessThan(16_384);
});

it('gives back all that it expected in vain when its keys are removed', () => {
  const loaded = new Loaded(new KeyHash(SEED));
  const { table, keys } = loaded;
  for (let number = 0; number < 5000; number++) {
    if (number === 100) table.expectEntries(1_000_000);
    insert(loaded, number);
  }
  for (let number = 0; number < 5000; number++) {
    const key = keyOf(number);
    keys.hash(key);
    table.find(keys.high, key, 0, key.length);
    table.remove();
  }
  mergeAll(table);
  expect(scanned(loaded)).toEqual([]);
  expect(table.bytes).toBeLessThan(4096);
  // An empty table, and one without pages, end at once.
  expect(new LoadableTable(keys).mergeSparse(1)).toBe(true);
});

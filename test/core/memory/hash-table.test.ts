import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashTable, TABLE_PAGE_CELLS } from '../../../core/memory/hash-table.js';
import { KeyHash } from '../../../core/memory/key-hash.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { FakeRecordKeys, type Hash } from './fake-record-keys.js';

const SEED = new Uint32Array([0x12345678, 0x9abcdef0]);

/** A good hash of which only some bits are left: keys collide on purpose. */
class MaskedHash implements Hash {
  high = 0;
  private readonly good = new KeyHash(SEED);
  private readonly mask: number;
  constructor(mask: number) {
    this.mask = mask;
  }
  hash(bytes: ArrayLike<number>, start: number, end: number): void {
    this.good.hash(bytes, start, end);
    this.high = this.good.high & this.mask;
  }
}

const HASHES: { name: string; make: () => Hash; keys: number }[] = [
  { name: 'a good hash', make: () => new KeyHash(SEED), keys: 5000 },
  { name: 'a hash of one value', make: () => new MaskedHash(0), keys: 400 },
  { name: 'a hash of 16 values, told apart by the last bits', make: () => new MaskedHash(0xf), keys: 1500 },
  { name: 'a hash of 16 values, told apart by the first bits', make: () => new MaskedHash(0xf0000000 | 0), keys: 1500 },
  { name: 'a hash whose first 20 bits are equal', make: () => new MaskedHash(0xfff), keys: 1500 },
  { name: 'a hash whose last bits are equal', make: () => new MaskedHash(0xfff00000 | 0), keys: 5000 },
];

const keysOfNumbers: Uint8Array[] = [];

function keyOf(number: number): Uint8Array {
  let key = keysOfNumbers[number];
  if (key === undefined) {
    key = new TextEncoder().encode(`key:${number}`);
    keysOfNumbers[number] = key;
  }
  return key;
}

/** As expect(actual).toBe(expected), which is too slow for the millions of checks here. */
function same(actual: number, expected: number): void {
  if (actual !== expected) expect(actual).toBe(expected);
}

/** A table, and a Map from key number to reference and clock that says what the table should hold. */
class Model {
  readonly keys: FakeRecordKeys;
  readonly table: HashTable;
  readonly held = new Map<number, { ref: number; clock: number }>();

  constructor(hash: Hash) {
    this.keys = new FakeRecordKeys(hash);
    this.table = new HashTable(this.keys);
  }

  find(number: number): number {
    const key = keyOf(number);
    this.keys.hash(key);
    return this.table.find(this.keys.high, key, 0, key.length);
  }

  check(number: number): void {
    const held = this.held.get(number);
    same(this.find(number), held?.ref ?? 0);
    if (held !== undefined) same(this.table.clock(), held.clock);
  }

  put(number: number, clock: number): void {
    const found = this.find(number);
    const ref = this.keys.add(keyOf(number));
    if (found === 0) {
      this.table.insert(ref);
      same(this.table.clock(), 0);
      this.table.setClock(clock);
    } else {
      this.table.replace(ref);
      same(this.table.clock(), this.held.get(number)!.clock);
      this.table.setClock(clock);
    }
    this.held.set(number, { ref, clock });
  }

  remove(number: number): void {
    if (this.find(number) === 0) return;
    this.table.remove();
    this.held.delete(number);
  }

  checkAll(range: number): void {
    expect(this.table.count).toBe(this.held.size);
    for (let number = 0; number < range; number++) this.check(number);
    expect(this.scanAll(7)).toEqual(new Set([...this.held.values()].map(({ ref }) => ref)));
  }

  scanAll(count: number): Set<number> {
    const seen = new Set<number>();
    let visits = 0;
    let cursor = 0;
    do {
      cursor = this.table.scan(cursor, count, (ref) => {
        seen.add(ref);
        visits++;
      });
    } while (cursor !== 0);
    expect(visits).toBe(seen.size); // nothing twice while nothing changes
    return seen;
  }
}

describe('HashTable', () => {
  for (const { name, make, keys } of HASHES) {
    it(`agrees with a Map under ${name}, growing and shrinking`, () => {
      const random = new SeededRandom(7);
      const model = new Model(make());
      for (const target of [keys, keys / 10, keys / 2, 1, keys / 3, 0]) {
        for (let step = 0; step < 4 * keys; step++) {
          const number = random.below(keys);
          const grow = model.held.size < target ? 0.75 : 0.25;
          if (random.chance(0.3)) model.check(number);
          else if (random.chance(grow)) model.put(number, random.below(2 ** 24));
          else model.remove(number);
        }
        if (target === 0) for (let number = 0; number < keys; number++) model.remove(number);
        model.checkAll(keys);
      }
      model.put(1, 2);
      model.table.clear();
      model.held.clear();
      model.checkAll(10);
      model.put(3, 4);
      model.checkAll(10);
    });
  }

  it('agrees with a Map in short random histories', () => {
    const step = fc.tuple(fc.nat(2), fc.nat(99), fc.nat(2 ** 24 - 1));
    fc.assert(
      fc.property(fc.constantFrom(-1, 0, 3, 0xff, -0x10000), fc.array(step, { maxLength: 400 }), (mask, steps) => {
        const model = new Model(new MaskedHash(mask));
        for (const [kind, number, clock] of steps) {
          if (kind === 0) model.remove(number);
          else model.put(number, clock);
        }
        model.checkAll(100);
      }),
    );
  });

  for (const { name, make, keys } of HASHES) {
    it(`finds an entry by hash and reference under ${name}, and draws entries that are there`, () => {
      const random = new SeededRandom(11);
      const model = new Model(make());
      const { table } = model;
      for (let number = 0; number < keys; number++) model.put(number, random.below(2 ** 24));
      for (let number = 0; number < keys; number += 3) model.remove(number);
      for (let number = 0; number < keys; number++) {
        const held = model.held.get(number);
        model.keys.hash(keyOf(number));
        const { high } = model.keys;
        expect(table.seek(high, held?.ref ?? 0x7fffffff)).toBe(held !== undefined);
        if (held !== undefined) same(table.clock(), held.clock);
      }
      const clocks = new Map([...model.held.values()].map(({ ref, clock }) => [ref, clock]));
      const drawn = { refs: new Int32Array(20), clocks: new Int32Array(20) };
      const seen = new Set<number>();
      for (let draw = 0; draw < 20 * keys; draw++) {
        const count = table.sampleMany(random.below(2 ** 32), 5, 200, drawn.refs, drawn.clocks);
        for (let i = 0; i < count; i++) {
          seen.add(drawn.refs[i]!);
          same(drawn.clocks[i]!, clocks.get(drawn.refs[i]!)!);
        }
      }
      expect(seen).toEqual(new Set(clocks.keys()));
      expect(table.sampleMany(1, 20, 0, drawn.refs, drawn.clocks)).toBe(0);
      table.clear();
      expect(table.sampleMany(1, 20, 64, drawn.refs, drawn.clocks)).toBe(0);
      expect(table.seek(0, 1)).toBe(false);
    });
  }

  it('accepts every reference but 0', () => {
    const refs = [-1, 1, -0x80000000, 0x7fffffff, 256];
    const table = new HashTable({
      high: 0,
      hashOf: () => {},
      touch: () => 0,
      keyEquals: (ref, bytes) => ref === refs[bytes[0]!],
    });
    for (const [number, ref] of refs.entries()) {
      expect(table.find(number, Uint8Array.of(number), 0, 1)).toBe(0);
      table.insert(ref);
    }
    for (const [number, ref] of refs.entries()) expect(table.find(number, Uint8Array.of(number), 0, 1)).toBe(ref);
    const seen = new Set<number>();
    table.scan(0, 100, (ref) => seen.add(ref));
    expect(seen).toEqual(new Set(refs));
    table.find(99, Uint8Array.of(99), 0, 1);
    expect(() => table.insert(0)).toThrow(/reference 0/);
  });

  it('asserts that the cursor is where the operation needs it', () => {
    const model = new Model(new KeyHash(SEED));
    const { table } = model;
    expect(() => table.insert(1)).toThrow(/must follow the find/);
    model.put(1, 0);
    model.find(2);
    expect(() => table.replace(5)).toThrow(/not at an entry/);
    expect(() => table.remove()).toThrow(/not at an entry/);
    expect(() => table.clock()).toThrow(/not at an entry/);
    expect(() => table.setClock(1)).toThrow(/not at an entry/);
    model.find(1);
    expect(() => table.insert(5)).toThrow(/must follow the find/);
    table.remove();
    expect(() => table.remove()).toThrow(/not at an entry/);
  });

  it('notices a record whose key no longer has the hash it was inserted with', () => {
    const model = new Model(new KeyHash(SEED));
    model.find(1);
    model.table.insert(model.keys.add(keyOf(2)));
    expect(() => {
      for (let number = 10; number < 10 + 20 * TABLE_PAGE_CELLS; number++) model.put(number, 0);
    }).toThrow(/no longer has the hash/);
  });
});

describe('HashTable.scan', () => {
  for (const count of [1, 2, 3, 10, 63, 100, 1000]) {
    it(`returns every key that is there throughout, with COUNT ${count}, whatever is inserted and removed between`, () => {
      for (const { make, keys } of HASHES) {
        const random = new SeededRandom(count);
        const model = new Model(make());
        const stay = Math.floor(keys / 4);
        for (let number = 0; number < stay; number++) model.put(number, 0);
        for (const direction of ['grow', 'shrink', 'both']) {
          const seen = new Set<string>();
          let cursor = 0;
          let steps = 0;
          if (direction === 'shrink') for (let number = stay; number < keys; number++) model.put(number, 0);
          do {
            cursor = model.table.scan(cursor, count, (ref) => seen.add(model.keys.text(ref)));
            for (let change = 0; change < Math.max(5, count); change++) {
              const number = stay + random.below(keys - stay);
              const insert = direction === 'grow' ? 0.9 : direction === 'shrink' ? 0.1 : 0.5;
              if (random.chance(insert)) model.put(number, 0);
              else model.remove(number);
            }
            if (++steps > 100 * keys) expect.fail('the scan does not end');
          } while (cursor !== 0);
          for (let number = 0; number < stay; number++)
            if (!seen.has(`key:${number}`)) expect(seen).toContain(`key:${number}`);
        }
      }
    });
  }

  it('returns at least COUNT keys a step, and no more than the last interval adds', () => {
    const model = new Model(new KeyHash(SEED));
    for (let number = 0; number < 20_000; number++) model.put(number, 0);
    for (const count of [1, 10, 500]) {
      let cursor = 0;
      do {
        let visited = 0;
        cursor = model.table.scan(cursor, count, () => visited++);
        if (cursor !== 0) expect(visited).toBeGreaterThanOrEqual(count);
        expect(visited).toBeLessThan(count + 12);
      } while (cursor !== 0);
    }
  });

  it('gives cursors below 2^32 and takes any of them', () => {
    const model = new Model(new KeyHash(SEED));
    for (let number = 0; number < 3000; number++) model.put(number, 0);
    const random = new SeededRandom(3);
    for (let i = 0; i < 2000; i++) {
      const next = model.table.scan(random.uint32(), 1 + random.below(50), () => {});
      expect(next).toBeGreaterThanOrEqual(0);
      expect(next).toBeLessThan(2 ** 32);
    }
    expect(model.table.scan(2 ** 32 - 1, 1_000_000, () => {})).toBe(0);
  });

  it('ends at once in an empty table', () => {
    const { table } = new Model(new KeyHash(SEED));
    expect(table.scan(0, 10, () => expect.unreachable())).toBe(0);
    expect(table.scan(12_345, 10, () => expect.unreachable())).toBe(0);
  });
});

describe('HashTable.sample', () => {
  it('picks every entry about equally often, and points the cursor at it', () => {
    const model = new Model(new KeyHash(SEED));
    for (let number = 0; number < 1000; number++) model.put(number, number);
    for (let number = 100; number < 1000; number += 3) model.remove(number);
    const random = new SeededRandom(9);
    const picked = new Map<number, number>();
    const rounds = 200 * model.held.size;
    for (let i = 0; i < rounds; i++) {
      const ref = model.table.sample(random.uint32());
      same(model.table.clock(), Number(model.keys.text(ref).slice(4)));
      picked.set(ref, (picked.get(ref) ?? 0) + 1);
    }
    expect(picked.size).toBe(model.held.size);
    for (const times of picked.values()) {
      expect(times).toBeGreaterThan(110);
      expect(times).toBeLessThan(300);
    }
  });

  it('finds the last entry, and none in an empty table', () => {
    const model = new Model(new KeyHash(SEED));
    expect(model.table.sample(1)).toBe(0);
    for (let number = 0; number < 3000; number++) model.put(number, 0);
    for (let number = 1; number < 3000; number++) model.remove(number);
    for (let random = 0; random < 50; random++) {
      const ref = model.table.sample(Math.imul(random, 0x9e3779b9));
      expect(model.keys.text(ref)).toBe('key:0');
    }
  });
});

describe('HashTable.forEachByHash', () => {
  it('visits all entries of a hash', () => {
    for (const { make, keys } of HASHES) {
      const model = new Model(make());
      for (let number = 0; number < keys; number++) model.put(number, 0);
      const random = new SeededRandom(4);
      for (let i = 0; i < 100; i++) {
        model.keys.hash(keyOf(random.below(keys)));
        const sought = model.keys.high;
        const expected = new Set<number>();
        for (const { ref } of model.held.values()) {
          model.keys.hashOf(ref);
          if (model.keys.high === sought) expected.add(ref);
        }
        const visited = new Set<number>();
        model.table.forEachByHash(sought, (ref) => visited.add(ref));
        for (const ref of expected) if (!visited.has(ref)) expect(visited).toContain(ref);
      }
    }
  });

  it('visits few others', () => {
    const model = new Model(new KeyHash(SEED));
    for (let number = 0; number < 20_000; number++) model.put(number, 0);
    let visited = 0;
    for (let number = 0; number < 20_000; number++) {
      model.keys.hash(keyOf(number));
      model.table.forEachByHash(model.keys.high, () => visited++);
    }
    expect(visited / 20_000).toBeLessThan(1.5);
  });
});

describe('HashTable: bounds', () => {
  it('takes 8 to 16 bytes a key while it grows, and gives them back while it shrinks', () => {
    const model = new Model(new KeyHash(SEED));
    const numbers = 150_000;
    for (let number = 0; number < numbers; number++) {
      model.put(number, 0);
      if (number > 20_000 && number % 1000 === 0) {
        const perKey = model.table.bytes / model.table.count;
        expect(perKey).toBeGreaterThan(8);
        expect(perKey).toBeLessThan(16 + (2 * 256 * 1024) / number); // two blocks that are partly used
      }
    }
    for (let number = 0; number < numbers; number++) {
      model.remove(number);
      const left = numbers - number - 1;
      if (left % 1000 === 0) expect(model.table.bytes).toBeLessThan(36 * left + 3 * 256 * 1024);
    }
    expect(model.table.bytes).toBeLessThan(4096);
  });

  it('gives back the memory of chains', () => {
    const model = new Model(new MaskedHash(0));
    for (let number = 0; number < 2000; number++) model.put(number, 0);
    expect(model.table.bytes).toBeGreaterThan(2000 * 8);
    for (let number = 0; number < 1990; number++) model.remove(number);
    expect(model.table.bytes).toBeLessThan(4 * 1024);
    expect(model.scanAll(3).size).toBe(10);
  });

  it('reads the records of a page or two for an insertion, and none for a removal', () => {
    const model = new Model(new KeyHash(SEED));
    for (let number = 0; number < 50_000; number++) {
      model.keys.hashed = 0;
      model.put(number, 0);
      if (model.keys.hashed > 3 * TABLE_PAGE_CELLS) expect.fail(`${model.keys.hashed} records read`);
    }
    model.keys.hashed = 0;
    for (let number = 0; number < 50_000; number++) model.remove(number);
    expect(model.keys.hashed).toBe(0);
  });

  it('compares few keys that are not the one sought', () => {
    const model = new Model(new KeyHash(SEED));
    for (let number = 0; number < 50_000; number++) model.put(number, 0);
    model.keys.comparisons = 0;
    for (let number = 0; number < 50_000; number++) model.find(number);
    expect(model.keys.comparisons / 50_000).toBeLessThan(1.2);
    model.keys.comparisons = 0;
    for (let number = 50_000; number < 100_000; number++) model.find(number);
    expect(model.keys.comparisons / 50_000).toBeLessThan(0.3);
  });

  it('does not let a directory outgrow its pages when hashes collide', () => {
    const model = new Model(new MaskedHash(0xff));
    for (let number = 0; number < 5_000; number++) model.put(number, 0);
    expect(model.table.bytes / model.table.count).toBeLessThan(24);
  });
});

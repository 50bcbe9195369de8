import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { DigestSum } from '../../../core/memory/digest-sum.js';
import { Keyspace } from '../../../core/memory/keyspace.js';
import { KeyspaceDigest } from '../../../core/memory/keyspace-digest.js';
import { ENCODING_RAW } from '../../../core/types/string.js';
import { SeededRandom } from './keyspace-model.js';

interface Item {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly expiry: number;
}

function items(seed: number): Item[] {
  const random = new SeededRandom(seed);
  const lengths = [0, 1, 7, 64, 1000, 16_000, 70_000, 200_000];
  return Array.from({ length: 120 }, (_, i) => {
    const key = random.bytes(4 + random.oneOf([0, 1, 12, 508, 509, 3000]));
    new DataView(key.buffer).setUint32(0, i);
    return { key, value: random.bytes(random.oneOf(lengths)), expiry: random.below(2) * (1e12 + random.word()) };
  });
}

function set(keyspace: Keyspace, { key, value, expiry }: Item, encoding = ENCODING_RAW): void {
  keyspace.find(key, 0, key.length);
  const high = Math.floor(expiry / 2 ** 32);
  keyspace.store(key, 0, key.length, value, 0, value.length, encoding, expiry > 0, high, expiry | 0);
}

function digestOf(arena: Arena, keyspace: Keyspace, budget: number, database = 0): DigestSum {
  const sum = new DigestSum();
  const walk = new KeyspaceDigest(arena, keyspace.id, database, sum);
  while (!walk.step(budget));
  return sum;
}

describe('KeyspaceDigest', () => {
  it('is the sum over all keys, whatever the slices', () => {
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, Uint32Array.of(1, 2));
    const other = new Keyspace(2, arena, Uint32Array.of(1, 2));
    const expected = new DigestSum();
    for (const item of items(1)) {
      const { key, value, expiry } = item;
      set(keyspace, item);
      set(other, { key, value: key, expiry: 0 });
      expected.begin(5, 0, key, 0, key.length, expiry > 0, Math.floor(expiry / 2 ** 32), expiry | 0);
      expected.word(value.length);
      expected.bytes(value, 0, value.length);
      expected.end();
    }
    for (const budget of [1, 1000, 1e5, Infinity]) {
      const sum = digestOf(arena, keyspace, budget, 5);
      expect(sum.count).toBe(120);
      expect(sum.text()).toBe(expected.text());
    }
  });

  it('does not depend on order, process or encoding', () => {
    const first = new Arena();
    const keyspace = new Keyspace(1, first, Uint32Array.of(1, 2));
    const second = new Arena();
    const again = new Keyspace(7, second, Uint32Array.of(3, 4));
    const all = items(2);
    for (const item of all) set(keyspace, item);
    for (const item of [...all].reverse()) set(again, { ...item, value: item.key }, 2);
    for (const item of all) set(again, item, 2);
    expect(digestOf(second, again, 1e6).text()).toBe(digestOf(first, keyspace, 1e6).text());
    set(again, { ...all[3]!, expiry: all[3]!.expiry + 1 });
    expect(digestOf(second, again, 1e6).text()).not.toBe(digestOf(first, keyspace, 1e6).text());
    set(again, all[3]!);
    expect(digestOf(second, again, 1e6).text()).toBe(digestOf(first, keyspace, 1e6).text());
    expect(digestOf(second, again, 1e6, 1).text()).not.toBe(digestOf(first, keyspace, 1e6).text());
  });

  it('is zero of an empty keyspace', () => {
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, Uint32Array.of(1, 2));
    set(keyspace, items(3)[0]!);
    keyspace.detach();
    const sum = digestOf(arena, keyspace, 100);
    expect([sum.text(), sum.count]).toEqual(['0000000000000000', 0]);
  });
});

import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { Keyspace } from '../../../core/memory/keyspace.js';
import { PART_BYTES } from '../../../core/memory/parts.js';
import { bytesNeededToStore } from '../../../core/memory/record-needs.js';
import { NO_REFERENCE, type Reference } from '../../../core/memory/reference.js';
import { ENCODING_RAW, encodingOf } from '../../../core/types/string.js';
import { KeyspaceModel, SeededRandom, TEST_SEED } from './keyspace-model.js';

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

function set(keyspace: Keyspace, key: Uint8Array, value: Uint8Array, expiry = 0): Reference {
  keyspace.find(key, 0, key.length);
  const encoding = encodingOf(value, 0, value.length);
  const high = Math.floor(expiry / 2 ** 32);
  keyspace.store(key, 0, key.length, value, 0, value.length, encoding, expiry > 0, high, expiry | 0);
  return keyspace.find(key, 0, key.length);
}

function get(keyspace: Keyspace, key: Uint8Array): Uint8Array | null {
  const reference = keyspace.find(key, 0, key.length);
  if (reference === NO_REFERENCE) return null;
  const value = new Uint8Array(keyspace.valueLength(reference));
  keyspace.copyValue(reference, 0, value.length, value, 0);
  return value;
}

function remove(keyspace: Keyspace, key: Uint8Array): void {
  keyspace.find(key, 0, key.length);
  keyspace.remove();
}

const direct = (_name: string, _pages: number, run: () => void) => run();

describe('Keyspace', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`answers as a Map does, seed ${seed}`, () => {
      const arena = new Arena();
      const model = new KeyspaceModel(arena, 3, seed, seed % 3 === 0 ? 12 : 200, 12e6, direct);
      for (let i = 0; i < 2500; i++) {
        model.step();
        if (i % 700 === 699) model.checkAll();
      }
      model.checkAll();
      if (seed % 4 === 0) {
        model.detach();
        for (let i = 0; i < 300; i++) model.step();
        model.checkAll();
      }
      model.removeAll();
      expect(model.keyspace.usedBytes).toBe(0);
      expect(arena.usedBytes).toBe(0);
      while (arena.sweep(1000) > 0);
      expect(arena.stats.pagesByKind.slice(1)).toEqual([0, 0, 0]);
    });
  }

  it('keeps keyspaces of one arena apart', () => {
    const arena = new Arena();
    const models = [1, 2, 3].map((id) => new KeyspaceModel(arena, id, 77 + id, 100, 3e6, direct));
    const random = new SeededRandom(5);
    for (let i = 0; i < 3000; i++) {
      models[random.below(3)]!.step();
      if (i % 500 === 250) random.oneOf(models).detach();
    }
    for (const model of models) model.checkAll();
    expect(new Set(models.map((model) => model.keyspace.id)).size).toBe(3);
    models[0]!.detach();
    models[1]!.checkAll();
    for (const model of models) model.removeAll();
    expect(arena.usedBytes).toBe(0);
  });

  it('overwrites in the same slot where it fits, and elsewhere where it does not', () => {
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, TEST_SEED);
    const key = bytesOf('0123456789abcdef');
    const first = set(keyspace, key, new Uint8Array(64).fill(1));
    expect(arena.capacity(first)).toBe(88);
    expect(set(keyspace, key, new Uint8Array(64).fill(2))).toBe(first);
    expect(set(keyspace, key, new Uint8Array(68).fill(3))).toBe(first);
    expect(set(keyspace, key, new Uint8Array(60).fill(4))).toBe(first);
    const second = set(keyspace, key, new Uint8Array(69).fill(5));
    expect(second).not.toBe(first);
    expect(arena.capacity(second)).toBe(96);
    expect(arena.usedBytes).toBe(96);
    expect(arena.capacity(set(keyspace, key, bytesOf('1')))).toBe(24);
    expect(arena.usedBytes).toBe(24);
    expect(get(keyspace, key)).toEqual(bytesOf('1'));
  });

  it('puts a value that was in parts back inline, and frees the parts', () => {
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, TEST_SEED);
    const key = bytesOf('k');
    set(keyspace, key, new Uint8Array(300_000).fill(7));
    expect(arena.usedBytes).toBeGreaterThan(300_000);
    set(keyspace, key, bytesOf('small'));
    expect(arena.usedBytes).toBe(16);
    expect(get(keyspace, key)).toEqual(bytesOf('small'));
  });

  it('frees a large value in slices and counts it as used until then', () => {
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, TEST_SEED);
    const key = bytesOf('k');
    const parts = 300;
    set(keyspace, key, new Uint8Array(PART_BYTES * parts));
    const used = arena.usedBytes;
    remove(keyspace, key);
    expect(keyspace.contentBytes).toBe(0);
    expect(arena.usedBytes).toBe(used - 16);
    let before = arena.usedBytes;
    let slices = 0;
    while (keyspace.sweep(16) > 0) {
      expect(before - arena.usedBytes).toBeLessThanOrEqual(16 * 65_536 + 2048);
      expect(before - arena.usedBytes).toBeGreaterThanOrEqual(16 * 65_536);
      before = arena.usedBytes;
      slices++;
    }
    expect(slices).toBe(Math.floor(parts / 16));
    expect(arena.usedBytes).toBe(0);
  });

  it('renames without copying parts', () => {
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, TEST_SEED);
    const value = new SeededRandom(1).bytes(400_000);
    const reference = set(keyspace, bytesOf('from'), value);
    const used = arena.usedBytes;
    keyspace.setClock(1234);
    keyspace.setExpiry(1, 2);
    expect(keyspace.bytesNeededToRename(reference, 3)).toBeLessThan(100);
    keyspace.rename(bytesOf('to'), 0, 2);
    expect(arena.usedBytes).toBeLessThan(used + 100);
    expect(get(keyspace, bytesOf('from'))).toBeNull();
    expect(Buffer.compare(get(keyspace, bytesOf('to'))!, value)).toBe(0);
    expect(keyspace.clock()).toBe(1234);
    keyspace.readExpiry(keyspace.find(bytesOf('to'), 0, 2));
    expect([keyspace.expiryHigh, keyspace.expiryLow]).toEqual([1, 2]);
  });

  it('stores again under a key that was just removed, without another find', () => {
    const keyspace = new Keyspace(1, new Arena(), TEST_SEED);
    const key = bytesOf('k');
    for (let i = 0; i < 300; i++) set(keyspace, bytesOf(`other ${i}`), key);
    set(keyspace, key, bytesOf('old'));
    keyspace.remove();
    keyspace.store(key, 0, 1, bytesOf('new'), 0, 3, ENCODING_RAW, false, 0, 0);
    expect(get(keyspace, key)).toEqual(bytesOf('new'));
    expect(keyspace.count).toBe(301);
  });

  it('refuses changes without a key at the cursor, and ranges outside a value', () => {
    const keyspace = new Keyspace(1, new Arena(), TEST_SEED);
    const key = bytesOf('key');
    const misuse = expect.objectContaining({ code: 'ARENA_MISUSE' });
    expect(() => keyspace.store(key, 0, 3, key, 0, 3, 0, false, 0, 0)).toThrow(misuse);
    keyspace.find(key, 0, 3);
    expect(() => keyspace.remove()).toThrow(misuse);
    expect(() => keyspace.setExpiry(0, 1)).toThrow(misuse);
    expect(() => keyspace.store(key, 0, 2, key, 0, 3, 0, false, 0, 0)).toThrow(misuse);
    const reference = set(keyspace, key, key);
    expect(() => keyspace.putValue(1, key, 0, 3)).toThrow(misuse);
    expect(() => keyspace.copyValue(reference, 2, 2, new Uint8Array(9), 0)).toThrow(misuse);
    expect(() => keyspace.growValue(2, 0)).toThrow(misuse);
    expect(get(keyspace, key)).toEqual(key);
  });

  it('visits the keys that are due, and only those', () => {
    const keyspace = new Keyspace(1, new Arena(), TEST_SEED);
    const now = 1_700_000_000_000;
    const random = new SeededRandom(9);
    const due = new Set<string>();
    for (let i = 0; i < 5000; i++) {
      const past = random.below(2) === 0;
      const expiry = past ? now - random.below(1_000_000) : now + 100_000 + random.below(1_000_000);
      set(keyspace, bytesOf(`key ${i}`), bytesOf('v'), expiry);
      if (i % 5 === 0) keyspace.clearExpiry();
      else if (i % 5 === 1) keyspace.setExpiry(Math.floor((now + 100_000) / 2 ** 32), (now + 100_000) | 0);
      else if (past) due.add(`key ${i}`);
    }
    const expire = (at: number, expected: Set<string>): void => {
      for (;;) {
        const looked = keyspace.forEachDue(at, 50, (reference) => {
          const key = new Uint8Array(keyspace.keyLength(reference));
          keyspace.copyKey(reference, key, 0);
          expect(expected.delete(Buffer.from(key).toString('latin1'))).toBe(true);
          remove(keyspace, key);
        });
        if (looked === 0) break;
      }
    };
    const withExpiry = keyspace.keysWithExpiry;
    const dueCount = due.size;
    expect(dueCount).toBeGreaterThan(1000);
    // The index is coarse: it may name a key a little late, but no key is visited early.
    expire(now, due);
    expire(now + 50_000, due);
    expect(due.size).toBe(0);
    expect(keyspace.keysWithExpiry).toBe(withExpiry - dueCount);
  });

  it('keeps the expiry index bounded however often deadlines come and go', () => {
    const keyspace = new Keyspace(1, new Arena(), TEST_SEED);
    const keys = Array.from({ length: 500 }, (_, i) => bytesOf(`key ${i}`));
    const now = 1_700_000_000_000;
    let most = 0;
    for (let round = 0; round < 60; round++) {
      for (const key of keys) set(keyspace, key, key, now + 1e9 - round * 1e6);
      for (const key of keys) {
        keyspace.find(key, 0, key.length);
        keyspace.clearExpiry();
      }
      for (const key of keys) set(keyspace, key, key, now + 1e8 + round);
      while (keyspace.sweep(1) > 0);
      if (round === 9) most = keyspace.indexBytes;
    }
    expect(keyspace.indexBytes).toBeLessThanOrEqual(most * 1.5);
    expect(keyspace.keysWithExpiry).toBe(500);
    while (
      keyspace.forEachDue(now + 1e8 + 1e5, 10_000, (reference) => {
        const key = new Uint8Array(keyspace.keyLength(reference));
        keyspace.copyKey(reference, key, 0);
        remove(keyspace, key);
      }) === 10_000
    );
    expect(keyspace.count).toBe(0);
  });

  it('says before how many bytes it needs', () => {
    const random = new SeededRandom(3);
    for (let i = 0; i < 300; i++) {
      const arena = new Arena();
      const keyspace = new Keyspace(1, arena, TEST_SEED);
      const key = random.bytes(random.oneOf([0, 10, 512, 513, 100_000]));
      const value = random.bytes(random.oneOf([0, 30, 15_856, 15_857, 65_520, 65_521, 1_000_000]));
      const needed = bytesNeededToStore(key.length, value.length);
      set(keyspace, key, value, random.oneOf([0, 1, 2 ** 50]));
      expect(arena.usedBytes).toBeLessThanOrEqual(needed);
      expect(needed).toBeLessThan(arena.usedBytes * 1.25 + 9000);
    }
  });
});

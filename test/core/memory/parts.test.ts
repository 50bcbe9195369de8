import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { bytesNeededForParts, NODE_REFERENCES_MAX, PART_BYTES, Parts, partCount } from '../../../core/memory/parts.js';
import type { Reference } from '../../../core/memory/reference.js';
import { SeededRandom } from './keyspace-model.js';

/** A byte string in parts beside the same in one array. */
class Pair {
  readonly arena = new Arena();
  readonly parts = new Parts(this.arena);
  model = new Uint8Array(0);
  root: Reference = 0;

  allocate(bytes: Uint8Array): void {
    this.root = this.parts.allocate(1, bytes.length);
    this.parts.put(this.root, bytes.length, 0, bytes, 0, bytes.length);
    this.model = bytes.slice();
  }

  grow(bytes: Uint8Array): void {
    const { length } = this.model;
    const longer = new Uint8Array(length + bytes.length);
    longer.set(this.model);
    longer.set(bytes, length);
    const before = this.arena.usedBytes;
    const needed = this.parts.bytesNeededToGrow(this.root, length, longer.length);
    this.root = this.parts.grow(1, this.root, length, longer.length);
    expect(this.arena.usedBytes - before).toBeLessThanOrEqual(needed);
    this.parts.put(this.root, longer.length, length, bytes, 0, bytes.length);
    this.model = longer;
  }

  overwrite(at: number, bytes: Uint8Array): void {
    const { length } = this.model;
    this.root = this.parts.overwrite(1, this.root, length, at, bytes, 0, bytes.length);
    this.model.set(bytes, at);
  }

  check(at: number, count: number): void {
    const copy = new Uint8Array(count + 2);
    this.parts.copyOut(this.root, this.model.length, at, count, copy, 1);
    expect(Buffer.compare(copy.subarray(1, 1 + count), this.model.subarray(at, at + count))).toBe(0);
  }

  free(): void {
    const { length } = this.model;
    let left = partCount(length);
    while (left > 0) {
      const after = this.parts.freeSlice(this.root, length, left, 3);
      expect(left - after).toBe(Math.min(3, left));
      left = after;
    }
    expect(this.arena.usedBytes).toBe(0);
  }
}

describe('Parts', () => {
  for (let seed = 1; seed <= 6; seed++) {
    it(`holds what one array holds, seed ${seed}`, () => {
      const random = new SeededRandom(seed);
      const pair = new Pair();
      const lengths = [1, 100, 5000, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 3];
      pair.allocate(random.bytes(random.oneOf(lengths)));
      for (let i = 0; i < 120; i++) {
        const { length } = pair.model;
        if (random.below(2) === 0 && length < 4e6) {
          pair.grow(random.bytes(random.oneOf(lengths)));
        } else {
          const at = random.below(3) === 0 ? 0 : random.below(length);
          pair.overwrite(at, random.bytes(Math.min(length - at, random.oneOf(lengths))));
        }
        const at = random.below(pair.model.length);
        pair.check(at, random.below(pair.model.length - at + 1));
      }
      pair.check(0, pair.model.length);
      pair.free();
    });
  }

  it('has a tree of nodes above 254 parts, made at once or by growing', () => {
    const bytes = new SeededRandom(7).bytes((NODE_REFERENCES_MAX + 3) * PART_BYTES + 77);
    const pair = new Pair();
    pair.allocate(bytes);
    pair.check(0, bytes.length);
    expect(pair.arena.usedBytes).toBeLessThanOrEqual(bytesNeededForParts(bytes.length));
    pair.free();

    const grown = new Pair();
    grown.allocate(bytes.subarray(0, 10));
    for (let at = 10; at < bytes.length; ) {
      const next = Math.min(bytes.length, at + 3 * PART_BYTES - 5);
      grown.grow(bytes.subarray(at, next));
      at = next;
    }
    grown.check(0, bytes.length);
    grown.overwrite(NODE_REFERENCES_MAX * PART_BYTES - 9, new Uint8Array(2 * PART_BYTES).fill(1));
    grown.check(0, bytes.length);
    grown.free();
  });

  it('replaces a part that is covered whole, and keeps the others', () => {
    const pair = new Pair();
    pair.allocate(new Uint8Array(3 * PART_BYTES + 10));
    const runs = (): Reference[] => [0, 1, 2, 3].map((index) => pair.parts.part(pair.root, 4, index));
    const before = runs();
    pair.overwrite(PART_BYTES - 1, new Uint8Array(PART_BYTES + 2).fill(5));
    const after = runs();
    expect(after[1]).not.toBe(before[1]);
    expect([after[0], after[2], after[3]]).toEqual([before[0], before[2], before[3]]);
    pair.overwrite(3 * PART_BYTES, new Uint8Array(10).fill(6));
    expect(runs()[3]).not.toBe(before[3]);
    pair.check(0, pair.model.length);
    pair.free();
  });

  it('appends a little many times with few copies', () => {
    const pair = new Pair();
    pair.allocate(new Uint8Array(16_000));
    let moved = 0;
    for (let length = 16_000; length < PART_BYTES - 100; length += 100) {
      const { root } = pair;
      pair.grow(new Uint8Array(100).fill(length));
      if (pair.root !== root) moved++;
    }
    expect(moved).toBeLessThanOrEqual(4);
    pair.check(0, pair.model.length);
    pair.free();
  });

  it('fills, copies from a slot and compares', () => {
    const pair = new Pair();
    const length = 2 * PART_BYTES + 100;
    pair.allocate(new SeededRandom(8).bytes(length));
    pair.parts.fill(pair.root, length, PART_BYTES - 50, 9, PART_BYTES + 60);
    pair.model.fill(9, PART_BYTES - 50, 2 * PART_BYTES + 10);
    pair.check(0, length);
    const slot = pair.arena.allocNode(1, 5000);
    pair.arena.put(pair.arena.write(slot, 0, 5000), new SeededRandom(9).bytes(5000), 0, 5000);
    pair.parts.putFrom(pair.root, length, PART_BYTES - 1000, slot, 10, 3000);
    pair.model.set(new SeededRandom(9).bytes(5000).subarray(10, 3010), PART_BYTES - 1000);
    pair.check(0, length);
    pair.arena.free(slot);

    expect(pair.parts.equals(pair.root, pair.model, 0, length)).toBe(true);
    for (const at of [0, PART_BYTES, length - 1]) {
      const other = pair.model.slice();
      other[at]!++;
      expect(pair.parts.equals(pair.root, other, 0, length)).toBe(false);
    }
    pair.free();
  });
});

import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { PART_BYTES, Parts } from '../../../core/memory/parts.js';
import { ReleaseQueue } from '../../../core/memory/release-queue.js';

describe('ReleaseQueue', () => {
  it('frees small values at once and large ones in slices, in order', () => {
    const arena = new Arena();
    const parts = new Parts(arena);
    const queue = new ReleaseQueue(parts);
    queue.release(parts.allocate(1, 8 * PART_BYTES), 8 * PART_BYTES);
    expect(arena.usedBytes).toBe(0);
    for (const count of [9, 20, 10]) queue.release(parts.allocate(1, count * PART_BYTES), count * PART_BYTES);
    expect(queue.waiting).toBe(39);
    expect(queue.sweep(7)).toBe(32);
    expect(queue.sweep(20)).toBe(12);
    expect(queue.sweep(0)).toBe(12);
    expect(queue.sweep(100)).toBe(0);
    expect(arena.usedBytes).toBe(0);
    expect(queue.sweep(1)).toBe(0);
  });

  it('is bounded: full, it frees as many parts as it is given', () => {
    const arena = new Arena();
    const parts = new Parts(arena);
    const queue = new ReleaseQueue(parts);
    const length = 8 * PART_BYTES + 1;
    let most = 0;
    for (let i = 0; i < 1500; i++) {
      queue.release(parts.allocate(1, length), length);
      most = Math.max(most, queue.waiting);
    }
    expect(most).toBe(1024 * 9);
    while (queue.sweep(50) > 0);
    expect(arena.usedBytes).toBe(0);
  });

  it('forgets what was let go of with its keyspace', () => {
    const arena = new Arena();
    const parts = new Parts(arena);
    const queue = new ReleaseQueue(parts);
    queue.release(parts.allocate(1, 20 * PART_BYTES), 20 * PART_BYTES);
    arena.detach(1);
    queue.clear();
    expect(queue.sweep(100)).toBe(0);
    expect(arena.usedBytes).toBe(0);
  });
});

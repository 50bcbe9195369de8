import { expect, test } from 'vitest';
import { MemoryReturn, v8Collect } from '../../server/memory-return.js';

function make() {
  const arena = { chunksDropped: 0, chunkCount: 10 };
  const counted = { collections: 0 };
  const load = { rate: 0, heap: 0, commandsPerSecond: () => load.rate, heapBytes: () => load.heap };
  const memoryReturn = new MemoryReturn(
    arena,
    () => {
      counted.collections++;
      load.heap = Math.min(load.heap, 15e6);
    },
    load,
  );
  return { arena, counted, load, memoryReturn };
}

test('many chunks are given back at once, but not in every tick', () => {
  const { arena, counted, memoryReturn } = make();
  memoryReturn.check(0);
  expect(counted.collections).toBe(0);
  arena.chunksDropped = 8;
  memoryReturn.check(100);
  expect(counted.collections).toBe(1);
  arena.chunksDropped = 16;
  memoryReturn.check(200);
  expect(counted.collections).toBe(1);
  memoryReturn.check(2100);
  expect(counted.collections).toBe(2);
  memoryReturn.check(100_000);
  expect(counted.collections).toBe(2);
});

test('few chunks are given back once no more follow', () => {
  const { arena, counted, memoryReturn } = make();
  arena.chunksDropped = 1;
  memoryReturn.check(1000);
  arena.chunksDropped = 2;
  memoryReturn.check(5000);
  memoryReturn.check(9900);
  expect(counted.collections).toBe(0);
  memoryReturn.check(10_000);
  expect(counted.collections).toBe(1);
});

test('of a large arena a larger number is many', () => {
  const { arena, counted, memoryReturn } = make();
  arena.chunkCount = 3200;
  arena.chunksDropped = 99;
  memoryReturn.check(0);
  expect(counted.collections).toBe(0);
  arena.chunksDropped = 100;
  memoryReturn.check(1);
  expect(counted.collections).toBe(1);
});

test('a heap that has grown is collected in a quiet time', () => {
  const { counted, load, memoryReturn } = make();
  load.heap = 30e6;
  load.rate = 5000;
  memoryReturn.check(0);
  memoryReturn.check(6000);
  expect(counted.collections).toBe(0);
  load.rate = 50;
  memoryReturn.check(7000);
  expect(counted.collections).toBe(0);
  memoryReturn.check(11_000);
  expect(counted.collections).toBe(1);
  load.heap = 22e6;
  memoryReturn.check(60_000);
  expect(counted.collections).toBe(1);
  load.heap = 24e6;
  memoryReturn.check(70_000);
  expect(counted.collections).toBe(2);
});

test('V8 collects what nothing refers to', () => {
  const collect = v8Collect();
  const kept: { reference: WeakRef<object> | undefined } = { reference: undefined };
  (() => {
    kept.reference = new WeakRef(new SharedArrayBuffer(1 << 20));
  })();
  return new Promise<void>((resolve) => {
    setTimeout(() => {
      collect();
      expect(kept.reference?.deref()).toBeUndefined();
      resolve();
    }, 0);
  });
});

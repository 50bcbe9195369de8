import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { PREFETCH_KEYS_MAX } from '../../../core/memory/key-prefetch.js';
import { Keyspace } from '../../../core/memory/keyspace.js';

function keyOf(i: number): Buffer {
  return Buffer.from(`key:${i}`);
}

/** A keyspace with keys 0 to count - 1, and a record of which records were touched. */
class WatchedKeyspace extends Keyspace {
  readonly touchedReferences: number[] = [];

  override touch(reference: number): number {
    this.touchedReferences.push(reference);
    return super.touch(reference);
  }
}

function filled(count: number): WatchedKeyspace {
  const keyspace = new WatchedKeyspace(1, new Arena(), new Uint32Array([1, 2]));
  for (let i = 0; i < count; i++) {
    const key = keyOf(i);
    keyspace.find(key, 0, key.length);
    keyspace.store(key, 0, key.length, key, 0, key.length, 0, false, 0, 0);
  }
  keyspace.touchedReferences.length = 0;
  return keyspace;
}

describe('fetching ahead', () => {
  it('touches the records of most keys that are there', () => {
    const keyspace = filled(10_000);
    let hits = 0;
    for (let i = 0; i < 10_000; i += 10) {
      for (let k = i; k < i + 10; k++) keyspace.prefetch.add(keyOf(k), 0, keyOf(k).length);
      keyspace.touchedReferences.length = 0;
      keyspace.prefetch.fetch();
      const touched = new Set(keyspace.touchedReferences);
      for (let k = i; k < i + 10; k++) if (touched.has(keyspace.find(keyOf(k), 0, keyOf(k).length))) hits++;
    }
    // Whoever sits far from its home cell is missed.
    expect(hits).toBeGreaterThan(8000);
  });

  it('works on an empty keyspace, and takes no more keys than it has room for', () => {
    const keyspace = filled(0);
    for (let i = 0; i < PREFETCH_KEYS_MAX + 5; i++) keyspace.prefetch.add(keyOf(i), 0, keyOf(i).length);
    keyspace.prefetch.fetch();
    expect(keyspace.touchedReferences).toEqual([]);
  });

  it('leaves the cursor where it was', () => {
    const keyspace = filled(100);
    const reference = keyspace.find(keyOf(7), 0, keyOf(7).length);
    keyspace.prefetch.add(keyOf(8), 0, keyOf(8).length);
    keyspace.prefetch.fetch();
    keyspace.setClock(123);
    expect(keyspace.find(keyOf(7), 0, keyOf(7).length)).toBe(reference);
    expect(keyspace.clock()).toBe(123);
  });
});

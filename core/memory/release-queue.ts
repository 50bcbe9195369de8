/**
 * Values that no record refers to any more and that are too large to free at once. They count as used until `sweep` has
 * freed them. Bounded: a full queue frees as many parts as it is given, so that it costs the giver what it brings.
 */

import { type Parts, partCount } from './parts.js';
import type { Reference } from './reference.js';

/** Values waiting at most; a power of two. */
const VALUES_MAX = 1024;
/** Parts that are freed at once: 512 KiB, some microseconds. */
const PARTS_AT_ONCE_MAX = 8;

export class ReleaseQueue {
  /** Parts waiting to be freed. */
  waiting = 0;
  /** Values waiting, and values freed since the beginning. */
  size = 0;
  freed = 0;
  private readonly parts: Parts;
  private readonly roots = new Int32Array(VALUES_MAX);
  private readonly lengths = new Float64Array(VALUES_MAX);
  private first = 0;
  /** Parts of the first value not freed yet. */
  private left = 0;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  /** Takes over parts of `length` bytes: frees them now where they are few. */
  release(root: Reference, length: number): void {
    const count = partCount(length);
    if (count <= PARTS_AT_ONCE_MAX) {
      this.parts.freeSlice(root, length, count, count);
      return;
    }
    while (this.size === VALUES_MAX) this.sweep(count);
    const at = (this.first + this.size) & (VALUES_MAX - 1);
    this.roots[at] = root;
    this.lengths[at] = length;
    if (this.size === 0) this.left = count;
    this.size++;
    this.waiting += count;
  }

  /** Frees at most `budget` parts and returns how many still wait. */
  sweep(budget: number): number {
    let allowed = budget;
    while (allowed > 0 && this.size > 0) {
      const at = this.first;
      const before = this.left;
      this.left = this.parts.freeSlice(this.roots[at]!, this.lengths[at]!, before, allowed);
      const freed = before - this.left;
      allowed -= freed;
      this.waiting -= freed;
      if (this.left === 0) {
        this.first = (at + 1) & (VALUES_MAX - 1);
        this.size--;
        this.freed++;
        if (this.size > 0) this.left = partCount(this.lengths[this.first]!);
      }
    }
    return this.waiting;
  }

  /** Forgets all of it: its pages were let go of with their keyspace. */
  clear(): void {
    this.first = 0;
    this.size = 0;
    this.left = 0;
    this.waiting = 0;
  }
}

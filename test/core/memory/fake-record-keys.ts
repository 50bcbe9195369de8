/** RecordKeys over plain arrays, for tests of the hash table without an arena: reference n (from 1) is the n-th key. */
import type { RecordKeys } from '../../../core/memory/hash-table.js';
import type { KeyHash } from '../../../core/memory/key-hash.js';

/** What the fake asks of a hash: `KeyHash`, or a bad one that collides on purpose. */
export interface Hash {
  readonly high: number;
  hash(bytes: ArrayLike<number>, start: number, end: number): void;
}

export class FakeRecordKeys implements RecordKeys {
  high = 0;
  comparisons = 0;
  hashed = 0;
  private readonly hashFunction: Hash;
  private readonly keys: Uint8Array[] = [new Uint8Array(0)];

  constructor(hash: KeyHash | Hash) {
    this.hashFunction = hash;
  }

  /** A new reference for a key; the same key may have several. */
  add(key: Uint8Array): number {
    this.keys.push(key);
    return this.keys.length - 1;
  }

  key(ref: number): Uint8Array {
    return this.keys[ref]!;
  }

  text(ref: number): string {
    return String.fromCharCode(...this.key(ref));
  }

  /** Hashes a key into `high`. */
  hash(key: Uint8Array): void {
    this.hashFunction.hash(key, 0, key.length);
    this.high = this.hashFunction.high;
  }

  touch(ref: number): number {
    return this.key(ref)[0] ?? 0;
  }

  hashOf(ref: number): void {
    this.hashed++;
    this.hash(this.key(ref));
  }

  keyEquals(ref: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.comparisons++;
    const key = this.key(ref);
    if (key.length !== end - start) return false;
    for (let i = 0; i < key.length; i++) if (key[i] !== bytes[start + i]) return false;
    return true;
  }
}

/**
 * A keyspace and a plain Map side by side: every operation runs on both, and every answer is compared. The operations
 * come from a seeded generator, so that a failure can be run again.
 */
import { expect } from 'vitest';
import type { Arena } from '../../../core/memory/arena.js';
import { Keyspace } from '../../../core/memory/keyspace.js';
import { NODE_REFERENCES_MAX, PART_BYTES } from '../../../core/memory/parts.js';
import { bytesNeededToStore } from '../../../core/memory/record-needs.js';
import { NO_REFERENCE, type Reference } from '../../../core/memory/reference.js';
import {
  append,
  bytesNeededToAppend,
  bytesNeededToSetRange,
  copyRange,
  ENCODING_RAW,
  encodingOf,
  setInteger,
  setRange,
} from '../../../core/types/string.js';

/** Numbers below a bound from a seed (mulberry32). */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  word(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  below(bound: number): number {
    return Math.floor((this.word() / 2 ** 32) * bound);
  }

  oneOf<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    const first = this.below(256);
    // A pattern with a period that divides no part and no page, cheap for megabytes.
    for (let i = 0; i < length; i++) bytes[i] = first + ((i * 131) >>> 3);
    return bytes;
  }
}

interface Entry {
  key: Uint8Array;
  value: Uint8Array;
  encoding: number;
  expiry: bigint | null;
  clock: number;
}

export const TEST_SEED = Uint32Array.of(0x03020100, 0x07060504);
const LENGTHS = [0, 1, 5, 19, 20, 43, 44, 45, 64, 127, 128, 200, 1000, 4000, 5000, 15_855, 15_856, 15_857, 20_000];
const LENGTHS_LONG = [65_519, 65_520, 65_521, 131_040, 200_000, 1_000_000];
const KEY_LENGTHS = [0, 1, 2, 3, 8, 16, 16, 16, 40, 127, 128, 500, 511, 512, 513, 600, 2000];
const EXPIRIES = [1n, 1000n, 1_700_000_000_000n, 2n ** 48n - 1n, 2n ** 48n, 2n ** 53n + 1n, 2n ** 63n - 1n];

function concatenated(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

/** Runs one change; the debug arena's tests wrap it with the bound of pages. */
export type CommandRunner = (name: string, pageBound: number, run: () => void) => void;

export class KeyspaceModel {
  readonly keyspace: Keyspace;
  readonly entries = new Map<string, Entry>();
  readonly random: SeededRandom;
  private readonly arena: Arena;
  private readonly keys: Uint8Array[] = [];
  private readonly runner: CommandRunner;
  private longBytesLeft: number;

  constructor(arena: Arena, id: number, seed: number, keyCount: number, longBytes: number, runner: CommandRunner) {
    this.arena = arena;
    this.keyspace = new Keyspace(id, arena, TEST_SEED);
    this.random = new SeededRandom(seed);
    this.runner = runner;
    this.longBytesLeft = longBytes;
    for (let i = 0; i < keyCount; i++) {
      const key = this.random.bytes(this.random.oneOf(KEY_LENGTHS));
      if (key.length > 1) new DataView(key.buffer).setUint16(key.length > 40 && i % 2 === 0 ? key.length - 2 : 0, i);
      this.keys.push(key);
    }
  }

  /** One random operation on both. */
  step(): void {
    const key = this.random.oneOf(this.keys);
    const what = this.random.below(100);
    if (what < 30) this.set(key);
    else if (what < 42) this.append(key);
    else if (what < 52) this.setRange(key);
    else if (what < 58) this.setInteger(key);
    else if (what < 66) this.setExpiry(key);
    else if (what < 70) this.clearExpiry(key);
    else if (what < 82) this.remove(key);
    else if (what < 90) this.rename(key, this.random.oneOf(this.keys));
    else if (what < 96) this.check(key);
    else if (what < 98) this.sweep();
    else this.sample();
    this.checkCounters();
  }

  removeAll(): void {
    for (const entry of [...this.entries.values()]) this.remove(entry.key);
    this.checkCounters();
    this.runner('sweep', 0, () => {
      while (this.keyspace.sweep(100) > 0);
    });
  }

  detach(): void {
    this.runner('flushdb', 0, () => this.keyspace.detach());
    this.entries.clear();
    this.checkCounters();
  }

  checkAll(): void {
    for (const key of this.keys) this.check(key);
    const seen = new Set<string>();
    let cursor = 0;
    do {
      cursor = this.keyspace.scan(cursor, 10, (reference) => {
        seen.add(this.nameOf(this.keyOf(reference)));
      });
    } while (cursor !== 0);
    expect([...seen].sort()).toEqual([...this.entries.keys()].sort());
  }

  private nameOf(key: Uint8Array): string {
    return Buffer.from(key).toString('latin1');
  }

  private keyOf(reference: Reference): Uint8Array {
    const key = new Uint8Array(this.keyspace.keyLength(reference));
    this.keyspace.copyKey(reference, key, 0);
    return key;
  }

  private find(key: Uint8Array): Reference {
    // Somewhere in a larger buffer, as arguments are.
    const buffer = new Uint8Array(key.length + 7);
    buffer.set(key, 3);
    const reference = this.keyspace.find(buffer, 3, 3 + key.length);
    expect(reference !== NO_REFERENCE).toBe(this.entries.has(this.nameOf(key)));
    return reference;
  }

  private valueBytes(): Uint8Array {
    const random = this.random;
    let length = random.oneOf(LENGTHS);
    if (random.below(20) === 0) {
      const long = random.oneOf(LENGTHS_LONG) + random.below(3);
      if (long <= this.longBytesLeft) {
        this.longBytesLeft -= long;
        length = long;
      }
    }
    if (random.below(8) === 0) return Buffer.from(String(random.word() - 2 ** 31), 'latin1');
    return random.bytes(length);
  }

  private reserve(bytes: number): void {
    expect(this.arena.reserve(bytes)).toBe(true);
  }

  private set(key: Uint8Array): void {
    const value = this.valueBytes();
    const expiry = this.random.below(3) === 0 ? this.random.oneOf(EXPIRIES) : null;
    const encoding = encodingOf(value, 0, value.length);
    const clock = this.random.below(2 ** 24);
    this.reserve(bytesNeededToStore(key.length, value.length));
    this.runner('set', SLOT_PAGES + 1 + nodePages(value.length) + nodePages(key.length), () => {
      this.find(key);
      const high = expiry === null ? 0 : Number(expiry >> 32n);
      const low = expiry === null ? 0 : Number(BigInt.asIntN(32, expiry));
      this.keyspace.store(key, 0, key.length, value, 0, value.length, encoding, expiry !== null, high, low);
      this.keyspace.setClock(clock);
    });
    this.entries.set(this.nameOf(key), { key, value, encoding, expiry, clock });
  }

  private append(key: Uint8Array): void {
    const reference = this.find(key);
    if (reference === NO_REFERENCE) return;
    const entry = this.entries.get(this.nameOf(key))!;
    const more = this.valueBytes();
    this.reserve(bytesNeededToAppend(this.keyspace, reference, more.length));
    this.runner(
      'append',
      SLOT_PAGES + 1 + 2 * nodePages(entry.value.length + more.length) + Math.min(17, across(more.length)),
      () => {
        this.find(key);
        expect(append(this.keyspace, reference, more, 0, more.length)).toBe(entry.value.length + more.length);
      },
    );
    entry.value = concatenated(entry.value, more);
    entry.encoding = ENCODING_RAW;
  }

  private setRange(key: Uint8Array): void {
    const reference = this.find(key);
    if (reference === NO_REFERENCE) return;
    const entry = this.entries.get(this.nameOf(key))!;
    const bytes = this.valueBytes();
    const offset = this.random.below(Math.min(entry.value.length * 1.2 + 20, 300_000));
    const longer = new Uint8Array(Math.max(entry.value.length, offset + bytes.length));
    longer.set(entry.value);
    longer.set(bytes, offset);
    this.reserve(bytesNeededToSetRange(this.keyspace, reference, offset, bytes.length));
    const runs = Math.min(17, across(longer.length - entry.value.length)) + Math.min(34, across(bytes.length));
    this.runner('setrange', SLOT_PAGES + 1 + 2 * nodePages(longer.length) + runs, () => {
      this.find(key);
      expect(setRange(this.keyspace, reference, offset, bytes, 0, bytes.length)).toBe(longer.length);
    });
    entry.value = longer;
    entry.encoding = ENCODING_RAW;
  }

  private setInteger(key: Uint8Array): void {
    const reference = this.find(key);
    if (reference === NO_REFERENCE) return;
    const entry = this.entries.get(this.nameOf(key))!;
    const text = Buffer.from(String(this.random.word() >>> this.random.below(30)), 'latin1');
    this.reserve(bytesNeededToStore(key.length, text.length));
    this.runner('incr', SLOT_PAGES + 1, () => {
      this.find(key);
      setInteger(this.keyspace, text, 0, text.length);
    });
    entry.value = new Uint8Array(text);
    entry.encoding = encodingOf(text, 0, text.length);
  }

  private setExpiry(key: Uint8Array): void {
    const reference = this.find(key);
    if (reference === NO_REFERENCE) return;
    const expiry = this.random.oneOf(EXPIRIES);
    this.reserve(this.keyspace.bytesNeededToSetExpiry(reference));
    this.runner('pexpireat', SLOT_PAGES + 1, () => {
      this.find(key);
      this.keyspace.setExpiry(Number(expiry >> 32n), Number(BigInt.asIntN(32, expiry)));
    });
    this.entries.get(this.nameOf(key))!.expiry = expiry;
  }

  private clearExpiry(key: Uint8Array): void {
    if (this.find(key) === NO_REFERENCE) return;
    this.runner('persist', SLOT_PAGES, () => {
      this.find(key);
      this.keyspace.clearExpiry();
    });
    this.entries.get(this.nameOf(key))!.expiry = null;
  }

  private remove(key: Uint8Array): void {
    if (this.find(key) === NO_REFERENCE) return;
    this.runner('del', 1, () => {
      this.find(key);
      this.keyspace.remove();
    });
    this.entries.delete(this.nameOf(key));
  }

  private rename(from: Uint8Array, to: Uint8Array): void {
    const reference = this.find(from);
    if (reference === NO_REFERENCE || from === to) return;
    this.reserve(this.keyspace.bytesNeededToRename(reference, to.length));
    this.runner('rename', SLOT_PAGES + 2 + nodePages(to.length), () => {
      this.find(from);
      this.keyspace.rename(to, 0, to.length);
    });
    const entry = this.entries.get(this.nameOf(from))!;
    this.entries.delete(this.nameOf(from));
    this.entries.set(this.nameOf(to), { ...entry, key: to });
  }

  private sweep(): void {
    this.runner('sweep', 0, () => {
      this.keyspace.sweep(1 + this.random.below(20));
      this.arena.sweep(10);
    });
  }

  private sample(): void {
    const reference = this.keyspace.sample(this.random.word());
    expect(reference === NO_REFERENCE).toBe(this.entries.size === 0);
    if (reference === NO_REFERENCE) return;
    const key = this.keyOf(reference);
    expect(this.entries.has(this.nameOf(key))).toBe(true);
    expect(this.keyspace.clock()).toBe(this.entries.get(this.nameOf(key))!.clock);
    this.runner('persist', SLOT_PAGES, () => this.keyspace.clearExpiry()); // the cursor is at the record
    this.entries.get(this.nameOf(key))!.expiry = null;
  }

  private check(key: Uint8Array): void {
    const { keyspace } = this;
    const reference = this.find(key);
    if (reference === NO_REFERENCE) return;
    const entry = this.entries.get(this.nameOf(key))!;
    expect(this.nameOf(this.keyOf(reference))).toBe(this.nameOf(key));
    expect(keyspace.valueLength(reference)).toBe(entry.value.length);
    expect(keyspace.encoding(reference)).toBe(entry.encoding);
    expect(keyspace.type(reference)).toBe(0);
    expect(keyspace.clock()).toBe(entry.clock);
    expect(keyspace.hasExpiry(reference)).toBe(entry.expiry !== null);
    if (entry.expiry !== null) {
      keyspace.readExpiry(reference);
      const high = BigInt(keyspace.expiryHigh) << 32n;
      expect(high | BigInt(keyspace.expiryLow >>> 0)).toBe(entry.expiry);
    }
    const from = this.random.below(entry.value.length + 1);
    const length = this.random.below(2) === 0 ? entry.value.length - from : Math.min(10, entry.value.length - from);
    const target = { bytes: new Uint8Array(length + 5), position: 5, ensure: () => {} };
    copyRange(keyspace, reference, from, length, target);
    expect(target.position).toBe(5 + length);
    expect(Buffer.compare(target.bytes.subarray(5), entry.value.subarray(from, from + length))).toBe(0);
  }

  private checkCounters(): void {
    const { keyspace } = this;
    let withExpiry = 0;
    let bytes = 0;
    for (const entry of this.entries.values()) {
      if (entry.expiry !== null) withExpiry++;
      bytes += entry.key.length + entry.value.length;
    }
    expect(keyspace.count).toBe(this.entries.size);
    expect(keyspace.keysWithExpiry).toBe(withExpiry);
    expect(keyspace.contentBytes).toBe(bytes);
  }
}

/** Pages that a slot of 16 KiB can cross. */
const SLOT_PAGES = 5;

/** Pages of the nodes above parts: each may lie in a page in use. */
function nodePages(bytes: number): number {
  return bytes <= PART_BYTES ? 0 : 1 + Math.ceil(bytes / (PART_BYTES * NODE_REFERENCES_MAX));
}

/** Pages that so many bytes cross, wherever they begin. */
function across(bytes: number): number {
  return Math.ceil(bytes / 4096) + 1;
}

/**
 * An arena and a plain Map side by side: random allocations, writes, copies and frees of every class and kind run on
 * both, and every byte and every sum is compared.
 */

import { expect } from 'vitest';
import type { Arena } from '../../../core/memory/arena.js';
import type { Reference } from '../../../core/memory/reference.js';
import { PAGE_BYTES, SLOT_BYTES_MAX, slotBytesOf } from '../../../core/memory/size-classes.js';
import type { SeededRandom } from '../differential/random.js';

export type Kind = 'record' | 'node' | 'run';

interface Held {
  readonly keyspace: number;
  readonly kind: Kind;
  /** Of the slot, or of the pages of the run. */
  readonly slotBytes: number;
  readonly content: Uint8Array;
}

/** Runs one operation; a debug arena brackets it as a command. */
export type Bracket = (name: string, operation: () => void) => void;

const LENGTHS_COMMON = [1, 16, 17, 84, 88, 100, 128, 500, 1016, 1017, 4000, 4064, 4096, 8192, SLOT_BYTES_MAX];
const RUN_PAGES_MAX = 16;

export class ArenaModel {
  readonly held = new Map<Reference, Held>();
  private readonly references: Reference[] = [];
  private readonly keyspaces: number[] = [];
  private readonly source = new Uint8Array(RUN_PAGES_MAX * PAGE_BYTES);

  constructor(
    private readonly arena: Arena,
    private readonly random: SeededRandom,
    private readonly bracket: Bracket = (_, operation) => operation(),
  ) {
    for (let i = 0; i < this.source.length; i++) this.source[i] = random.below(256);
    for (let i = 0; i < 3; i++) this.keyspaces.push(arena.openKeyspace());
  }

  /** One random operation. Above `heldMax` references it frees more than it allocates. */
  step(heldMax: number): void {
    const dice = this.random.below(100);
    const full = this.references.length >= heldMax;
    if (this.references.length === 0 || (dice < 40 && !full)) this.allocate();
    else if (dice < 65 || full) this.freeOne();
    else if (dice < 85) this.overwrite();
    else if (dice < 93) this.copy();
    else if (dice < 98) this.bracket('sweep', () => this.arena.sweep(1 + this.random.below(40)));
    else if (this.random.chance(0.2)) this.detach();
    else this.bracket('purge', () => this.arena.purge());
  }

  /** Compares every byte held, one by one or by the arena's own ways, and the sums. */
  verify(): void {
    const out = new Uint8Array(RUN_PAGES_MAX * PAGE_BYTES);
    let usedBytes = 0;
    const live = new Map<number, Set<Reference>>(this.keyspaces.map((keyspace) => [keyspace, new Set()]));
    for (const [reference, { kind, keyspace, slotBytes, content }] of this.held) {
      usedBytes += slotBytes;
      if (kind === 'record') live.get(keyspace)!.add(reference);
      expect(this.arena.isInUse(reference)).toBe(true);
      expect(this.arena.capacity(reference)).toBe(kind === 'run' ? slotBytes - 16 : slotBytes);
      this.arena.copyOut(reference, 0, content.length, out, 3);
      if (compare(out.subarray(3, 3 + content.length), content) !== 0) this.explain(reference, content);
      expect(this.arena.equals(reference, 0, content, 0, content.length)).toBe(true);
    }
    expect(this.arena.usedBytes).toBe(usedBytes);
    for (const keyspace of this.keyspaces) {
      const seen = new Set<Reference>();
      this.arena.forEachRecord(keyspace, (reference) => {
        expect(seen.has(reference)).toBe(false);
        seen.add(reference);
      });
      expect(seen).toEqual(live.get(keyspace));
    }
    this.verifyPages();
  }

  freeAll(): void {
    while (this.references.length > 0) this.freeOne();
  }

  private verifyPages(): void {
    const stats = this.arena.stats;
    const [free, records, nodes, runs] = stats.pagesByKind as [number, number, number, number];
    expect((records + nodes + runs) * PAGE_BYTES).toBe(stats.pageBytes + stats.detachedBytes);
    expect(free * PAGE_BYTES).toBe(stats.freeBytes);
    expect(stats.pageBytes).toBeGreaterThanOrEqual(stats.usedBytes);
    const pages = free + records + nodes + runs + stats.limboBytes / PAGE_BYTES;
    const reserved = stats.chunkCount === 0 || !this.holdsChunkZero(pages) ? 0 : 1;
    expect(pages + reserved).toBe(stats.chunkCount * 1024);
  }

  private holdsChunkZero(pages: number): boolean {
    return pages % 1024 !== 0;
  }

  private allocate(): void {
    const kind: Kind = this.random.chance(0.6) ? 'record' : this.random.chance(0.7) ? 'node' : 'run';
    const keyspace = this.random.pick(this.keyspaces);
    const length = this.random.chance(0.5) ? this.random.pick(LENGTHS_COMMON) : 1 + this.random.below(SLOT_BYTES_MAX);
    const pages = 1 + this.random.below(RUN_PAGES_MAX);
    let reference = 0;
    this.bracket(`alloc ${kind}`, () => {
      if (kind === 'run') reference = this.arena.allocRun(keyspace, pages);
      else if (kind === 'node') reference = this.arena.allocNode(keyspace, length);
      else reference = this.arena.allocRecord(keyspace, length);
      expect(this.held.has(reference)).toBe(false);
      expect(reference >>> 8).toBeGreaterThan(0);
      if (kind === 'record') expect(this.arena.bytes(reference)[this.arena.offset(reference)]! & 0x80).toBe(0);
      const slotBytes = kind === 'run' ? pages * PAGE_BYTES : slotBytesOf(length);
      const content = new Uint8Array(kind === 'run' ? pages * PAGE_BYTES - 16 : length);
      this.held.set(reference, { keyspace, kind, slotBytes, content });
      this.put(reference, 0, content.length);
    });
    this.references.push(reference);
  }

  private overwrite(): void {
    const reference = this.random.pick(this.references);
    const { content } = this.held.get(reference)!;
    const at = this.random.below(content.length);
    const length = this.random.below(content.length - at + 1);
    this.bracket('overwrite', () => this.put(reference, at, length));
  }

  /** Writes random bytes, in one of several ways. A record's mark stays set. */
  private put(reference: Reference, at: number, length: number): void {
    const { content, kind } = this.held.get(reference)!;
    const offset = this.arena.write(reference, at, length);
    const from = this.random.below(this.source.length - length);
    const way = this.random.below(4);
    if (way === 0) {
      const value = this.random.below(256);
      this.arena.fill(offset, value, length);
      content.fill(value, at, at + length);
    } else if (way === 1 && length >= 7) {
      const value = Math.floor(this.random.next() * 2 ** 32) | 0;
      this.arena.put32(offset, value);
      this.arena.put16(this.arena.advance(offset, 4), value >>> 7);
      this.arena.put8(this.arena.advance(offset, 6), value);
      const view = new DataView(content.buffer, content.byteOffset + at);
      view.setInt32(0, value, true);
      view.setUint16(4, value >>> 7, true);
      view.setUint8(6, value);
      this.arena.put(this.arena.advance(offset, 7), this.source, from + 7, from + length);
      content.set(this.source.subarray(from + 7, from + length), at + 7);
    } else {
      const source = way === 2 ? this.source : this.source.slice();
      this.arena.put(offset, source, from, from + length);
      content.set(source.subarray(from, from + length), at);
    }
    if (kind === 'record' && at === 0 && length > 0) {
      this.arena.put8(offset, content[0]! | 0x80);
      content[0]! |= 0x80;
    }
  }

  private copy(): void {
    const from = this.random.pick(this.references);
    const to = this.random.chance(0.4) ? from : this.random.pick(this.references);
    const source = this.held.get(from)!.content;
    const target = this.held.get(to)!.content;
    const at = this.random.below(source.length);
    const targetAt = 1 + this.random.below(target.length);
    const length = Math.min(this.random.below(source.length - at + 1), target.length - targetAt);
    if (length <= 0) return;
    this.bracket('copy', () => {
      this.arena.putFrom(this.arena.write(to, targetAt, length), from, at, length);
      target.set(source.slice(at, at + length), targetAt);
    });
  }

  private freeOne(): void {
    const index = this.random.below(this.references.length);
    const reference = this.references[index]!;
    this.references[index] = this.references[this.references.length - 1]!;
    this.references.pop();
    this.held.delete(reference);
    this.bracket('free', () => this.arena.free(reference));
    expect(this.arena.isInUse(reference)).toBe(false);
  }

  private detach(): void {
    const index = this.random.below(this.keyspaces.length);
    const keyspace = this.keyspaces[index]!;
    this.bracket('detach', () => this.arena.detach(keyspace));
    for (const [reference, held] of this.held) {
      if (held.keyspace !== keyspace) continue;
      this.held.delete(reference);
      this.references.splice(this.references.indexOf(reference), 1);
    }
    this.keyspaces[index] = this.arena.openKeyspace();
  }

  private explain(reference: Reference, content: Uint8Array): never {
    const bytes = this.arena.bytes(reference);
    const offset = this.arena.offset(reference);
    const at = content.findIndex((byte, index) => bytes[offset + index] !== byte);
    throw new Error(
      `page ${reference >>> 8} slot ${reference & 0xff}: byte ${at} is ${bytes[offset + at]}, not ${content[at]}`,
    );
  }
}

function compare(left: Uint8Array, right: Uint8Array): number {
  return Buffer.compare(left, right);
}

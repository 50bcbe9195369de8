/**
 * Keyspaces as the allocator knows them: which ids are open or detached, what each one holds, and the heads of its
 * lists of pages (the links are in `page-table.ts`). What a keyspace means is `keyspace.ts`'.
 */

import { ArenaError } from './arena-error.js';
import { KIND_RECORD } from './page-table.js';

export const KEYSPACE_UNUSED = 0;
export const KEYSPACE_OPEN = 1;
/** Let go of; its pages wait to be swept, and the id with them. */
export const KEYSPACE_DETACHED = 2;
export const KEYSPACES_MAX = 65_535;

/** Lists per keyspace and kind: a power of two above the number of classes. */
const LIST_SHIFT = 7;
const KEYSPACES_AT_FIRST = 16;

export class PageOwners {
  state = new Uint8Array(KEYSPACES_AT_FIRST);
  /** Sum of the sizes of slots and runs in use, by keyspace. */
  bytes = new Float64Array(KEYSPACES_AT_FIRST);
  pages = new Float64Array(KEYSPACES_AT_FIRST);
  /** Heads of the lists of pages with a free slot, at `partialList()`. */
  partial = new Int32Array(KEYSPACES_AT_FIRST << (LIST_SHIFT + 1));
  /** Heads of the lists of all first pages, by keyspace. */
  owned = new Int32Array(KEYSPACES_AT_FIRST);
  /** Ids whose pages wait to be swept, the oldest first. */
  private readonly detached: number[] = [];

  /** Opens the lowest id that is not open and owns no pages. */
  openUnused(): number {
    let id = 0;
    while (id < this.state.length && this.state[id] !== KEYSPACE_UNUSED) id++;
    this.requireOpen(id);
    return id;
  }

  /** Opens an id that is used for the first time; throws `ARENA_MISUSE` for one that is detached or out of range. */
  requireOpen(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id > KEYSPACES_MAX) {
      throw new ArenaError('ARENA_MISUSE', `keyspace ${id} is not 0 to ${KEYSPACES_MAX}`);
    }
    if (id >= this.state.length) this.grow(id + 1);
    if (this.state[id] === KEYSPACE_DETACHED) {
      throw new ArenaError('ARENA_MISUSE', `keyspace ${id} is detached, its pages are not swept yet`);
    }
    this.state[id] = KEYSPACE_OPEN;
  }

  /** Lets go of an open keyspace. Returns how many pages wait to be swept; with none, the id is free at once. */
  detach(id: number): number {
    this.bytes[id] = 0;
    const pages = this.pages[id]!;
    if (pages === 0) {
      this.state[id] = KEYSPACE_UNUSED;
      return 0;
    }
    this.partial.fill(0, id << (LIST_SHIFT + 1), (id + 1) << (LIST_SHIFT + 1));
    this.state[id] = KEYSPACE_DETACHED;
    this.detached.push(id);
    return pages;
  }

  /** Keyspaces that wait to be swept. */
  get detachedCount(): number {
    return this.detached.length;
  }

  /** One of them, the oldest at place 0. */
  detachedAt(place: number): number {
    return this.detached[place]!;
  }

  /** The one at that place has no pages any more. */
  swept(place: number): void {
    this.state[this.detached.splice(place, 1)[0]!] = KEYSPACE_UNUSED;
  }

  /** By id: 1 where the keyspace is open. A copy that threads can share. */
  living(): Uint8Array {
    const living = new Uint8Array(new SharedArrayBuffer(this.state.length));
    for (let id = 0; id < living.length; id++) if (this.state[id] === KEYSPACE_OPEN) living[id] = 1;
    return living;
  }

  private grow(count: number): void {
    const length = Math.max(count, this.state.length * 2);
    const state = new Uint8Array(length);
    const bytes = new Float64Array(length);
    const pages = new Float64Array(length);
    const partial = new Int32Array(length << (LIST_SHIFT + 1));
    const owned = new Int32Array(length);
    state.set(this.state);
    bytes.set(this.bytes);
    pages.set(this.pages);
    partial.set(this.partial);
    owned.set(this.owned);
    this.state = state;
    this.bytes = bytes;
    this.pages = pages;
    this.partial = partial;
    this.owned = owned;
  }
}

/** Where `PageOwners.partial` has the list of a keyspace, a kind (record or node) and a class. */
export function partialList(id: number, kind: number, sizeClass: number): number {
  return (((id << 1) | (kind - KIND_RECORD)) << LIST_SHIFT) | sizeClass;
}

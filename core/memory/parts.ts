/**
 * Long byte strings in parts: runs of pages under a root that is a tree of reference nodes. Here are cutting, growing,
 * overwriting and freeing them; reading is `parts-reader.ts`. Which record a root belongs to is the keyspace's, and so
 * is the length, which every operation is told.
 *
 *   1 part          root = the run
 *   2 to 254        root = a node of references to runs
 *   255 and more    root = a node of references to nodes of 254 references each
 *
 * Every part but the last carries `PART_BYTES`. The last one's run may have pages to spare, for appending. A node has
 * room for at most 254 references, so that it lies in one page, and its slot grows by doubling.
 */

import type { Arena } from './arena.js';
import { NODE_REFERENCES_MAX, PART_BYTES, PartsReader, partCount } from './parts-reader.js';
import { NO_REFERENCE, type Reference } from './reference.js';
import { HEADER_BYTES, PAGE_BYTES, SPAN_PAGES_MAX, slotBytesOf } from './size-classes.js';

export { NODE_REFERENCES_MAX, PART_BYTES, partCount };

const NODE_BYTES_MIN = 32;
const NODE_BYTES_MAX = NODE_REFERENCES_MAX * 4;

/** Nodes above the parts of a byte string of that length. */
export function nodesAbove(length: number): number {
  const count = partCount(length);
  if (count <= NODE_REFERENCES_MAX) return count > 1 ? 1 : 0;
  return Math.ceil(count / NODE_REFERENCES_MAX) + 1;
}

/** Pages of a run that carries `length` bytes. */
function pagesOf(length: number): number {
  return Math.max(1, Math.ceil((length + HEADER_BYTES) / PAGE_BYTES));
}

/** Pages for a last part that grows: half as many again as it has, so that appending copies each byte few times. */
function pagesOfGrown(capacity: number, length: number): number {
  const held = (capacity + HEADER_BYTES) / PAGE_BYTES;
  return Math.min(SPAN_PAGES_MAX, Math.max(pagesOf(length), held + (held >>> 1)));
}

/** Bytes that the nodes above `added` more parts can take at most, old and new slots together. */
function nodeBytesFor(added: number): number {
  return (Math.ceil(added / NODE_REFERENCES_MAX) + 2) * 2 * slotBytesOf(NODE_BYTES_MAX);
}

/** Bytes that `allocate` takes from the arena at most. */
export function bytesNeededForParts(length: number): number {
  const count = partCount(length);
  const last = pagesOf(length - (count - 1) * PART_BYTES);
  const runs = ((count - 1) * SPAN_PAGES_MAX + last) * PAGE_BYTES;
  return count === 1 ? runs : runs + nodeBytesFor(count);
}

/** Whether a run or node is to lie elsewhere. */
export type WantsMove = (reference: Reference) => boolean;

export class Parts extends PartsReader {
  /** Of the last `relocate`: whether the root has moved, and where to. */
  rootMoved = false;
  movedRoot: Reference = NO_REFERENCE;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    super(arena);
    this.arena = arena;
  }

  /** Parts for `length` bytes (1 and more), which are undefined. Returns the root. */
  allocate(keyspaceId: number, length: number): Reference {
    return this.extend(keyspaceId, NO_REFERENCE, 0, length);
  }

  /**
   * Makes `oldLength` bytes `newLength` long; the bytes behind the old ones are undefined. Touches the last part, where
   * its run is too small, and the nodes on the way to it. Returns the root, which may be another.
   */
  grow(keyspaceId: number, root: Reference, oldLength: number, newLength: number): Reference {
    const count = partCount(oldLength);
    const before = (count - 1) * PART_BYTES;
    const lastLength = Math.min(PART_BYTES, newLength - before);
    const last = this.part(root, count, count - 1);
    let grown = root;
    if (this.arena.capacity(last) < lastLength) {
      const run = this.arena.allocRun(keyspaceId, pagesOfGrown(this.arena.capacity(last), lastLength));
      const kept = oldLength - before;
      this.arena.putFrom(this.arena.write(run, 0, kept), last, 0, kept);
      grown = this.setPart(root, count, count - 1, run);
      this.arena.free(last);
    }
    return this.extend(keyspaceId, grown, count, newLength);
  }

  /** Bytes that `grow` takes from the arena at most. */
  bytesNeededToGrow(root: Reference, oldLength: number, newLength: number): number {
    const count = partCount(oldLength);
    const before = (count - 1) * PART_BYTES;
    const capacity = this.arena.capacity(this.part(root, count, count - 1));
    const lastLength = Math.min(PART_BYTES, newLength - before);
    const runs = capacity < lastLength ? pagesOfGrown(capacity, lastLength) * PAGE_BYTES : 0;
    const newCount = partCount(newLength);
    if (newCount === count) return runs;
    const behind = pagesOf(newLength - (newCount - 1) * PART_BYTES);
    return runs + ((newCount - count - 1) * SPAN_PAGES_MAX + behind) * PAGE_BYTES + nodeBytesFor(newCount - count);
  }

  /** Writes `bytes[start, end)` at `at` of a byte string of `length` bytes, in place. */
  put(root: Reference, length: number, at: number, bytes: Uint8Array, start: number, end: number): void {
    const count = partCount(length);
    let from = start;
    let position = at;
    while (from < end) {
      const index = Math.floor(position / PART_BYTES);
      const inside = position - index * PART_BYTES;
      const taken = Math.min(end - from, PART_BYTES - inside);
      const run = this.part(root, count, index);
      this.arena.put(this.arena.write(run, inside, taken), bytes, from, from + taken);
      from += taken;
      position += taken;
    }
  }

  /**
   * The same for bytes that a view may hold: a part that is covered whole is replaced by another run, which costs a view
   * one reference instead of 16 pages. Returns the root, which may be another.
   */
  overwrite(
    keyspaceId: number,
    root: Reference,
    length: number,
    at: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Reference {
    const count = partCount(length);
    let written = root;
    let from = start;
    let position = at;
    while (from < end) {
      const index = Math.floor(position / PART_BYTES);
      const inside = position - index * PART_BYTES;
      const whole = Math.min(PART_BYTES, length - index * PART_BYTES);
      const taken = Math.min(end - from, whole - inside);
      let run = this.part(written, count, index);
      if (taken === whole) {
        const replaced = run;
        run = this.arena.allocRun(keyspaceId, pagesOf(whole));
        written = this.setPart(written, count, index, run);
        this.arena.free(replaced);
      }
      this.arena.put(this.arena.write(run, inside, taken), bytes, from, from + taken);
      from += taken;
      position += taken;
    }
    return written;
  }

  /** Bytes that `overwrite` takes from the arena at most. */
  bytesNeededToOverwrite(length: number, at: number, count: number): number {
    const covered = Math.ceil(count / PART_BYTES);
    return at === 0 || count >= PART_BYTES || at + count === length ? covered * SPAN_PAGES_MAX * PAGE_BYTES : 0;
  }

  /** Copies from a slot, in place. */
  putFrom(root: Reference, length: number, at: number, from: Reference, fromAt: number, count: number): void {
    const parts = partCount(length);
    let done = 0;
    while (done < count) {
      const position = at + done;
      const index = Math.floor(position / PART_BYTES);
      const inside = position - index * PART_BYTES;
      const taken = Math.min(count - done, PART_BYTES - inside);
      const run = this.part(root, parts, index);
      this.arena.putFrom(this.arena.write(run, inside, taken), from, fromAt + done, taken);
      done += taken;
    }
  }

  fill(root: Reference, length: number, at: number, value: number, count: number): void {
    const parts = partCount(length);
    const end = at + count;
    let position = at;
    while (position < end) {
      const index = Math.floor(position / PART_BYTES);
      const inside = position - index * PART_BYTES;
      const taken = Math.min(end - position, PART_BYTES - inside);
      const run = this.part(root, parts, index);
      this.arena.fill(this.arena.write(run, inside, taken), value, taken);
      position += taken;
    }
  }

  /** Whether the byte string, `end - start` long, is `bytes[start, end)`. */
  equals(root: Reference, bytes: Uint8Array, start: number, end: number): boolean {
    const parts = partCount(end - start);
    for (let index = 0; index < parts; index++) {
      const from = start + index * PART_BYTES;
      const to = Math.min(end, from + PART_BYTES);
      if (!this.arena.equals(this.part(root, parts, index), 0, bytes, from, to)) return false;
    }
    return true;
  }

  /**
   * Frees parts from the last one on, and the nodes above them with their first.
   * @param left parts not freed yet: `partCount(length)` at first, then what the last call returned.
   * @param budget parts to free at most.
   * @returns parts left; 0 when all of it is free.
   */
  freeSlice(root: Reference, length: number, left: number, budget: number): number {
    const count = partCount(length);
    const until = Math.max(0, left - budget);
    for (let index = left - 1; index >= until; index--) {
      this.arena.free(this.part(root, count, index));
      if (count > NODE_REFERENCES_MAX && index % NODE_REFERENCES_MAX === 0) {
        this.arena.free(this.entry(root, index / NODE_REFERENCES_MAX));
      }
    }
    if (until === 0 && count > 1) this.arena.free(root);
    return until;
  }

  /**
   * Moves runs and nodes to other places, for defragmentation; `rootMoved` and `movedRoot` say what the record must refer to
   * then.
   * @param budget runs and nodes to move at most.
   * @returns how many were moved.
   */
  relocate(keyspaceId: number, root: Reference, length: number, budget: number, wants: WantsMove): number {
    const count = partCount(length);
    let moved = 0;
    let held = root;
    for (let index = 0; index < count && moved < budget; index++) {
      const run = this.part(held, count, index);
      if (!wants(run)) continue;
      held = this.setPart(held, count, index, this.moveRun(keyspaceId, run));
      moved++;
    }
    const nodes = count > NODE_REFERENCES_MAX ? Math.ceil(count / NODE_REFERENCES_MAX) : 0;
    for (let place = 0; place < nodes && moved < budget; place++) {
      const node = this.entry(held, place);
      if (!wants(node)) continue;
      this.setEntry(held, place, this.moveNode(keyspaceId, node));
      moved++;
    }
    if (count > 1 && moved < budget && wants(held)) {
      held = this.moveNode(keyspaceId, held);
      moved++;
    }
    this.rootMoved = held !== root;
    this.movedRoot = held;
    return moved;
  }

  /** Bytes of the runs and nodes of a byte string. */
  bytesOf(root: Reference, length: number): number {
    const { arena } = this;
    const count = partCount(length);
    let bytes = count > 1 ? arena.capacity(root) : 0;
    for (let index = 0; index < count; index++) {
      bytes += arena.capacity(this.part(root, count, index)) + HEADER_BYTES;
      if (count > NODE_REFERENCES_MAX && index % NODE_REFERENCES_MAX === 0)
        bytes += arena.capacity(this.node(root, index));
    }
    return bytes;
  }

  private moveRun(keyspaceId: number, from: Reference): Reference {
    const pages = (this.arena.capacity(from) + HEADER_BYTES) / PAGE_BYTES;
    return this.moveTo(this.arena.allocRun(keyspaceId, pages), from);
  }

  private moveNode(keyspaceId: number, from: Reference): Reference {
    return this.moveTo(this.arena.allocNode(keyspaceId, this.arena.capacity(from)), from);
  }

  private moveTo(to: Reference, from: Reference): Reference {
    const { arena } = this;
    const capacity = arena.capacity(from);
    arena.putFrom(arena.write(to, 0, capacity), from, 0, capacity);
    arena.free(from);
    return to;
  }

  private setEntry(node: Reference, index: number, reference: Reference): void {
    this.arena.put32(this.arena.write(node, index * 4, 4), reference);
  }

  private setPart(root: Reference, count: number, index: number, run: Reference): Reference {
    if (count === 1) return run;
    if (count <= NODE_REFERENCES_MAX) this.setEntry(root, index, run);
    else this.setEntry(this.entry(root, Math.floor(index / NODE_REFERENCES_MAX)), index % NODE_REFERENCES_MAX, run);
    return root;
  }

  /** Adds parts behind the `count` there are, until they carry `length` bytes. */
  private extend(keyspaceId: number, root: Reference, count: number, length: number): Reference {
    const wanted = partCount(length);
    let extended = root;
    for (let index = count; index < wanted; index++) {
      const last = index === wanted - 1;
      const run = this.arena.allocRun(keyspaceId, last ? pagesOf(length - index * PART_BYTES) : SPAN_PAGES_MAX);
      extended = this.addPart(keyspaceId, extended, index, wanted, run);
    }
    return extended;
  }

  /** Adds part number `count` to a tree of that many, which is to have `wanted` in all. */
  private addPart(keyspaceId: number, root: Reference, count: number, wanted: number, run: Reference): Reference {
    if (count === 0) return run;
    if (count < NODE_REFERENCES_MAX) {
      const node = count === 1 ? this.addEntry(keyspaceId, NO_REFERENCE, 0, wanted, root) : root;
      return this.addEntry(keyspaceId, node, count, wanted, run);
    }
    const place = Math.floor(count / NODE_REFERENCES_MAX);
    const inside = count - place * NODE_REFERENCES_MAX;
    const nodes = Math.ceil(wanted / NODE_REFERENCES_MAX);
    const behind = wanted - place * NODE_REFERENCES_MAX;
    const top = count === NODE_REFERENCES_MAX ? this.addEntry(keyspaceId, NO_REFERENCE, 0, nodes, root) : root;
    if (inside === 0) {
      const first = this.addEntry(keyspaceId, NO_REFERENCE, 0, behind, run);
      return this.addEntry(keyspaceId, top, place, nodes, first);
    }
    const node = this.entry(top, place);
    const grown = this.addEntry(keyspaceId, node, inside, behind, run);
    if (grown !== node) this.setEntry(top, place, grown);
    return top;
  }

  /**
   * Puts entry number `index` behind the others of a node (`NO_REFERENCE`: a new one), moving it where it is full.
   * `wanted` is how many it is to have soon, so that one that is filled at once is allocated once.
   */
  private addEntry(
    keyspaceId: number,
    node: Reference,
    index: number,
    wanted: number,
    reference: Reference,
  ): Reference {
    const needed = (index + 1) * 4;
    let grown = node;
    if (node === NO_REFERENCE || needed > this.arena.capacity(node)) {
      const length = Math.max(NODE_BYTES_MIN, wanted * 4, node === NO_REFERENCE ? 0 : needed * 2);
      grown = this.arena.allocNode(keyspaceId, Math.min(NODE_BYTES_MAX, length));
    }
    if (grown !== node && node !== NO_REFERENCE) {
      this.arena.putFrom(this.arena.write(grown, 0, index * 4), node, 0, index * 4);
      this.arena.free(node);
    }
    this.setEntry(grown, index, reference);
    return grown;
  }
}

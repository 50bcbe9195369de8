/**
 * Reading of byte strings in parts: finding a part under its root, and copying ranges out. The tree is described, and
 * changed, in `parts.ts`.
 */

import type { ReadableArena } from './readable-arena.js';
import { read32 } from './record.js';
import type { Reference } from './reference.js';
import { RUN_BYTES_MAX } from './size-classes.js';

/** Bytes of every part but the last: what a run of 16 pages carries. */
export const PART_BYTES = RUN_BYTES_MAX;
/** References in a node. */
export const NODE_REFERENCES_MAX = 254;

/** Parts of a byte string of that length, at least 1. */
export function partCount(length: number): number {
  return length <= PART_BYTES ? 1 : Math.ceil(length / PART_BYTES);
}

export class PartsReader {
  private readonly source: ReadableArena;

  constructor(source: ReadableArena) {
    this.source = source;
  }

  /** Copies `count` bytes from `at` to `target`. */
  copyOut(root: Reference, length: number, at: number, count: number, target: Uint8Array, targetAt: number): void {
    const parts = partCount(length);
    let done = 0;
    while (done < count) {
      const position = at + done;
      const index = Math.floor(position / PART_BYTES);
      const inside = position - index * PART_BYTES;
      const taken = Math.min(count - done, PART_BYTES - inside);
      this.source.copyOut(this.part(root, parts, index), inside, taken, target, targetAt + done);
      done += taken;
    }
  }

  /** The run of part `index` of `count`. */
  part(root: Reference, count: number, index: number): Reference {
    if (count === 1) return root;
    if (count <= NODE_REFERENCES_MAX) return this.entry(root, index);
    return this.entry(this.node(root, index), index % NODE_REFERENCES_MAX);
  }

  /** Of more than 254 parts: the node that refers to part `index`. */
  node(root: Reference, index: number): Reference {
    return this.entry(root, Math.floor(index / NODE_REFERENCES_MAX));
  }

  /** Reference number `index` of a node. */
  protected entry(node: Reference, index: number): Reference {
    return read32(this.source.bytes(node), this.source.offset(node) + index * 4);
  }
}

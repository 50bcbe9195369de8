/**
 * Moves records, and the parts of long keys and values, to other slots and runs, for defragmentation. A record stays what it
 * is: only its table entry, or the reference above a part, names another place. When and what to move is
 * `defragmenter.ts`'.
 */

import type { Arena } from './arena.js';
import type { HashTable, RecordKeys } from './hash-table.js';
import type { Parts, WantsMove } from './parts.js';
import { FLAG_LONG_KEY, FLAG_PARTS, LONG_KEY_HASH_BYTES, LONG_KEY_PREFIX_BYTES, RecordReader } from './record.js';
import type { Reference } from './reference.js';

const KEY_ROOT_AT = LONG_KEY_HASH_BYTES + LONG_KEY_PREFIX_BYTES;

export class RecordMover {
  private readonly arena: Arena;
  private readonly table: HashTable;
  private readonly keys: RecordKeys;
  private readonly parts: Parts;
  private readonly reader: RecordReader;

  constructor(arena: Arena, table: HashTable, keys: RecordKeys, parts: Parts) {
    this.arena = arena;
    this.table = table;
    this.keys = keys;
    this.parts = parts;
    this.reader = new RecordReader(arena);
  }

  /** Copies a record to another slot of its class, which its entry names from then on. The caller frees the old slot. */
  copy(keyspaceId: number, reference: Reference): void {
    const { arena, keys, table } = this;
    keys.hashOf(reference);
    if (!table.seek(keys.high, reference)) {
      throw new Error(`no entry of the table names the record in page ${reference >>> 8} slot ${reference & 0xff}`);
    }
    const capacity = arena.capacity(reference);
    const copy = arena.allocRecord(keyspaceId, capacity);
    arena.putFrom(arena.write(copy, 0, capacity), reference, 0, capacity);
    table.replace(copy);
  }

  /** Bytes of the slots and runs that a record takes, parts of its key and value included. */
  bytesOf(reference: Reference): number {
    const { arena, parts, reader } = this;
    reader.read(reference);
    let bytes = arena.capacity(reference);
    if ((reader.flags & FLAG_LONG_KEY) !== 0) bytes += parts.bytesOf(reader.keyRoot, reader.keyLength);
    if ((reader.flags & FLAG_PARTS) !== 0) bytes += parts.bytesOf(reader.valueRoot, reader.valueLength);
    return bytes;
  }

  /** Whether the record's key or value lies in parts. */
  hasParts(reference: Reference): boolean {
    return (this.arena.bytes(reference)[this.arena.offset(reference) + 1]! & (FLAG_PARTS | FLAG_LONG_KEY)) !== 0;
  }

  /**
   * Moves parts of the record's key and value, and the nodes above them, that `wants` says.
   * @param budget runs and nodes to move at most.
   * @returns how many were moved.
   */
  moveParts(keyspaceId: number, reference: Reference, budget: number, wants: WantsMove): number {
    const { parts, reader } = this;
    reader.read(reference);
    const { flags, keyAt, keyLength, valueAt, valueLength } = reader;
    let moved = 0;
    if ((flags & FLAG_LONG_KEY) !== 0) {
      moved += parts.relocate(keyspaceId, reader.keyRoot, keyLength, budget, wants);
      this.setRoot(reference, keyAt + KEY_ROOT_AT);
    }
    if ((flags & FLAG_PARTS) !== 0 && moved < budget) {
      reader.read(reference);
      moved += parts.relocate(keyspaceId, reader.valueRoot, valueLength, budget - moved, wants);
      this.setRoot(reference, valueAt);
    }
    return moved;
  }

  private setRoot(reference: Reference, at: number): void {
    const { arena, parts } = this;
    if (!parts.rootMoved) return;
    arena.put32(arena.write(reference, at, 4), parts.movedRoot);
  }
}

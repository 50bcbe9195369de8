/**
 * A keyspace: the keys of one database, found by hash, each a record in the arena that describes itself. Here are
 * finding, creating, overwriting, deadlines, renaming, walking and freeing of records, and the counters. What a value
 * means is `core/types`; which database number points here, and that every lookup is accounted for, is `core/database`.
 *
 * The cursor is the record of the last `find`, `sample` or change. Whatever moves a record switches its table entry in
 * the same step, so only the cursor is ever good for a change, and a reference only until the next change.
 * Nothing here fails for want of memory once the arena has reserved what `bytesNeeded...` said.
 */

import type { Arena } from './arena.js';
import { ArenaError } from './arena-error.js';
import { KeyDeadlines } from './key-deadlines.js';
import { KeyHash } from './key-hash.js';
import { KeyPrefetch } from './key-prefetch.js';
import { KeySampler } from './key-sampler.js';
import { LoadableTable, type RecordKeys } from './loadable-table.js';
import { bytesNeededForParts, Parts } from './parts.js';
import {
  ENCODING_MASK,
  ENCODING_SHIFT,
  expiryFlag,
  FLAG_EXPIRY,
  FLAG_EXPIRY_48,
  FLAG_LONG_KEY,
  FLAG_PARTS,
  KEY_INLINE_BYTES_MAX,
  keyAreaBytes,
  LONG_KEY_HASH_BYTES,
  LONG_KEY_PREFIX_BYTES,
  RECORD_LIVE,
  RECORD_TYPE_MASK,
  RecordReader,
  ROOT_BYTES,
  recordBytes,
  recordHeaderBytes,
  STRING_BYTES_MAX,
  TYPE_STRING,
  VALUE_INLINE_BYTES_MAX,
  valueAreaBytes,
  writeLongKey,
  writeRecordHeader,
} from './record.js';
import { RecordMover } from './record-mover.js';
import { bytesNeededForKey } from './record-needs.js';
import { NO_REFERENCE, type Reference, type WritableOffset } from './reference.js';
import { ReleaseQueue } from './release-queue.js';
import { SLOT_BYTES_MAX, slotBytesOf } from './size-classes.js';

/** Detached pages swept by a detach, so that keyspaces emptied in a loop never use up the arena's ids. */
const DETACH_SWEEP_PAGES = 256;

/** Keys that cleaning the expiry index reads for one page of a sweep's budget. */
const CLEANED_KEYS_PER_PAGE = 16;

/** Header of a record without a deadline whose lengths take one byte each. */
const SHORT_HEADER_BYTES = 4;

export class Keyspace implements RecordKeys {
  /** Owner of the pages in the arena. Another one after `detach`. */
  id: number;
  /** Hash of the key of the last `find`, int32: what the table and the dependency table go by. */
  hashHigh = 0;
  /** Its other lane, only of a key that is too long to lie in its record: such keys are compared by hash first. */
  hashLow = 0;
  /** Deadline of the last `readExpiry`, ms in two int32 lanes. */
  expiryHigh = 0;
  expiryLow = 0;
  /** Hash lanes of the last `hashOf`; the low one only of a key that is not in its record. */
  high = 0;
  low = 0;
  /** Sum of the lengths of all keys and values. */
  contentBytes = 0;

  readonly sampler: KeySampler;
  readonly prefetch: KeyPrefetch;
  readonly mover: RecordMover;

  protected readonly arena: Arena;
  protected readonly hash: KeyHash;
  protected readonly table: LoadableTable;
  readonly deadlines: KeyDeadlines;
  protected readonly parts: Parts;
  /** Large values that were let go of. */
  readonly released: ReleaseQueue;
  protected readonly reader: RecordReader;
  /** The record at the cursor; 0 where the last `find` missed. */
  private current: Reference = NO_REFERENCE;
  /** Length of the key of the last `find`; -1 where there is none to store under. */
  private soughtLength = -1;
  /** Where the value of the record goes that `writeNew` has written. */
  protected valueOffset = 0 as WritableOffset;
  /** The table's cursor is not where `current` says, because the entry was removed: look again before inserting. */
  private cursorLost = false;

  /**
   * @param id owner in the arena, used by no other keyspace.
   * @param seed secret of the key hash, at least two words.
   */
  constructor(id: number, arena: Arena, seed: Uint32Array) {
    this.id = arena.openKeyspace(id);
    this.arena = arena;
    this.hash = new KeyHash(seed);
    this.parts = new Parts(arena);
    this.released = new ReleaseQueue(this.parts);
    this.reader = new RecordReader(arena);
    this.table = new LoadableTable(this);
    this.deadlines = new KeyDeadlines(arena, this.table, this);
    this.sampler = new KeySampler(arena, this.table, this.deadlines);
    this.prefetch = new KeyPrefetch(this.hash, this.table, this);
    this.mover = new RecordMover(arena, this.table, this, this.parts);
  }

  /** Number of keys. */
  get count(): number {
    return this.table.count;
  }

  /** Keys that have a deadline. */
  get keysWithExpiry(): number {
    return this.deadlines.count;
  }

  /** Bytes of the hash table and the expiry index, which lie outside the arena. */
  get indexBytes(): number {
    return this.table.bytes + this.deadlines.bytes;
  }

  get tableBytes(): number {
    return this.table.bytes;
  }

  /** Bytes of slots and runs in use, what waits to be freed included. */
  get usedBytes(): number {
    return this.arena.usedBytesOf(this.id);
  }

  // ---- finding -----------------------------------------------------------------------------------------------------

  /** Looks for a key and leaves the cursor there, or where it would go. Returns its record, or 0. */
  find(bytes: Uint8Array, start: number, end: number): Reference {
    const hash = this.hash;
    hash.hash(bytes, start, end);
    this.hashHigh = hash.high;
    if (end - start > KEY_INLINE_BYTES_MAX) this.hashLow = hash.low;
    this.soughtLength = end - start;
    this.cursorLost = false;
    const reference = this.table.find(this.hashHigh, bytes, start, end);
    this.current = reference;
    return reference;
  }

  keyEquals(reference: Reference, bytes: Uint8Array, start: number, end: number): boolean {
    const chunk = this.arena.bytes(reference);
    const slot = this.arena.offset(reference);
    const length = end - start;
    if (length >= 0x80) return this.keyEqualsLonger(reference, bytes, start, end);
    if (chunk[slot + 2] !== length) return false;
    let at = slot + 3;
    while (chunk[at++]! >= 0x80);
    const flags = chunk[slot + 1]!;
    if ((flags & FLAG_EXPIRY) !== 0) at += (flags & FLAG_EXPIRY_48) !== 0 ? 6 : 8;
    return this.arena.equals(reference, at - slot, bytes, start, end);
  }

  private keyEqualsLonger(reference: Reference, bytes: Uint8Array, start: number, end: number): boolean {
    const reader = this.reader;
    reader.read(reference);
    if (reader.keyLength !== end - start) return false;
    if ((reader.flags & FLAG_LONG_KEY) === 0) return this.arena.equals(reference, reader.keyAt, bytes, start, end);
    // The key sought is the one that `find` or `rename` has hashed.
    if (reader.keyHashHigh !== this.hashHigh || reader.keyHashLow !== this.hashLow) return false;
    const prefixAt = reader.keyAt + LONG_KEY_HASH_BYTES;
    if (!this.arena.equals(reference, prefixAt, bytes, start, start + LONG_KEY_PREFIX_BYTES)) return false;
    return this.parts.equals(reader.keyRoot, bytes, start, end);
  }

  hashOf(reference: Reference): void {
    const reader = this.reader;
    reader.read(reference);
    if ((reader.flags & FLAG_LONG_KEY) !== 0) {
      this.high = reader.keyHashHigh;
      this.low = reader.keyHashLow;
      return;
    }
    const from = reader.start + reader.keyAt;
    this.hash.hash(reader.bytes, from, from + reader.keyLength);
    this.high = this.hash.high;
  }

  touch(reference: Reference): number {
    return this.arena.bytes(reference)[this.arena.offset(reference)]!;
  }

  /** Whether the cursor is at a record. */
  get atRecord(): boolean {
    return this.current !== NO_REFERENCE;
  }

  /** The access clock, 24 bits, of the record at the cursor. */
  clock(): number {
    return this.table.clock();
  }

  setClock(value: number): void {
    this.table.setClock(value);
  }

  // ---- reading a record --------------------------------------------------------------------------------------------

  type(reference: Reference): number {
    return this.arena.bytes(reference)[this.arena.offset(reference)]! & RECORD_TYPE_MASK;
  }

  /** `ENCODING_RAW`, `ENCODING_INT` or `ENCODING_EMBSTR`. */
  encoding(reference: Reference): number {
    return (this.arena.bytes(reference)[this.arena.offset(reference) + 1]! & ENCODING_MASK) >>> ENCODING_SHIFT;
  }

  hasExpiry(reference: Reference): boolean {
    return (this.arena.bytes(reference)[this.arena.offset(reference) + 1]! & FLAG_EXPIRY) !== 0;
  }

  /** Leaves the record's deadline in `expiryHigh` and `expiryLow`; only of a record that has one. */
  readExpiry(reference: Reference): void {
    this.reader.read(reference);
    this.expiryHigh = this.reader.expiryHigh;
    this.expiryLow = this.reader.expiryLow;
  }

  keyLength(reference: Reference): number {
    this.reader.read(reference);
    return this.reader.keyLength;
  }

  /** Copies the whole key to `target`. */
  copyKey(reference: Reference, target: Uint8Array, at: number): void {
    const reader = this.reader;
    reader.read(reference);
    const length = reader.keyLength;
    if ((reader.flags & FLAG_LONG_KEY) === 0) this.arena.copyOut(reference, reader.keyAt, length, target, at);
    else this.parts.copyOut(reader.keyRoot, length, 0, length, target, at);
  }

  valueLength(reference: Reference): number {
    const chunk = this.arena.bytes(reference);
    const slot = this.arena.offset(reference);
    const length = chunk[slot + 3]!;
    if (length < 0x80 && chunk[slot + 2]! < 0x80) return length;
    this.reader.read(reference);
    return this.reader.valueLength;
  }

  /** Copies `length` bytes of the value from `from` to `target`. */
  copyValue(reference: Reference, from: number, length: number, target: Uint8Array, at: number): void {
    const chunk = this.arena.bytes(reference);
    const slot = this.arena.offset(reference);
    const keyLength = chunk[slot + 2]!;
    const valueLength = chunk[slot + 3]!;
    // Both lengths in one byte and no deadline: the value begins behind a header of 4 bytes and the key.
    if ((keyLength | valueLength) < 0x80 && (chunk[slot + 1]! & ~ENCODING_MASK) === 0) {
      if (from < 0 || length < 0 || from + length > valueLength) this.refuseRange(from, length);
      this.arena.copyOut(reference, SHORT_HEADER_BYTES + keyLength + from, length, target, at);
      return;
    }
    const reader = this.reader;
    reader.read(reference);
    if (from < 0 || length < 0 || from + length > reader.valueLength) this.refuseRange(from, length);
    if ((reader.flags & FLAG_PARTS) === 0) this.arena.copyOut(reference, reader.valueAt + from, length, target, at);
    else this.parts.copyOut(reader.valueRoot, reader.valueLength, from, length, target, at);
  }

  // ---- creating and overwriting ------------------------------------------------------------------------------------

  /**
   * Creates or overwrites the string at the cursor, which the key must have been found with.
   * @param encoding see `encoding()`.
   * @param expiryHigh deadline in ms, with `expiryLow`, where `hasExpiry`; without, the record has none.
   */
  store(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    encoding: number,
    hasExpiry: boolean,
    expiryHigh: number,
    expiryLow: number,
  ): void {
    if (keyEnd - keyStart !== this.soughtLength) this.refuseCursor();
    const flags = (encoding << ENCODING_SHIFT) | (hasExpiry ? expiryFlag(expiryHigh) : 0);
    if (this.current !== NO_REFERENCE) {
      if (!hasExpiry && this.overwriteShort(bytes, start, end, flags)) return;
      this.overwrite(bytes, start, end, TYPE_STRING, flags, expiryHigh, expiryLow);
      return;
    }
    if (this.cursorLost) this.table.find(this.hashHigh, keyBytes, keyStart, keyEnd);
    this.cursorLost = false;
    this.create(keyBytes, keyStart, keyEnd, bytes, start, end, flags, expiryHigh, expiryLow);
  }

  private create(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    flags: number,
    expiryHigh: number,
    expiryLow: number,
  ): void {
    const valueLength = end - start;
    let root = NO_REFERENCE;
    if (valueLength > VALUE_INLINE_BYTES_MAX) root = this.newParts(bytes, start, end);
    const reference = this.writeNew(keyBytes, keyStart, keyEnd, valueLength, root, flags, expiryHigh, expiryLow);
    if (root === NO_REFERENCE) this.arena.put(this.valueOffset, bytes, start, end);
    this.table.insert(reference);
    this.current = reference;
  }

  /**
   * Writes the record of a new key, hashed in `hashHigh` and, where it is long, `hashLow`; it is in no table yet. The value
   * goes to `valueOffset` now, unless it is in parts and has a root.
   * @param expiryAndEncoding flags of the record, all others are found here.
   */
  protected writeNew(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueLength: number,
    valueRoot: Reference,
    expiryAndEncoding: number,
    expiryHigh: number,
    expiryLow: number,
  ): Reference {
    const arena = this.arena;
    const keyLength = keyEnd - keyStart;
    const keyRoot = keyLength > KEY_INLINE_BYTES_MAX ? this.newParts(keyBytes, keyStart, keyEnd) : NO_REFERENCE;
    const longKey = keyRoot === NO_REFERENCE ? 0 : FLAG_LONG_KEY;
    const flags = expiryAndEncoding | longKey | (valueRoot === NO_REFERENCE ? 0 : FLAG_PARTS);
    const total = recordBytes(flags, keyLength, valueLength);
    const reference = arena.allocRecord(this.id, total);
    const slot = arena.write(reference, 0, total);
    const at = writeRecordHeader(arena, slot, TYPE_STRING, flags, keyLength, valueLength, expiryHigh, expiryLow);
    if (keyRoot === NO_REFERENCE) arena.put(at, keyBytes, keyStart, keyEnd);
    else writeLongKey(arena, at, keyBytes, keyStart, this.hashHigh, this.hashLow, keyRoot);
    this.valueOffset = arena.advance(at, keyAreaBytes(keyLength));
    if (valueRoot !== NO_REFERENCE) arena.put32(this.valueOffset, valueRoot);
    this.contentBytes += keyLength + valueLength;
    if ((flags & FLAG_EXPIRY) !== 0) this.deadlines.begin(this.hashHigh, expiryHigh, expiryLow);
    return reference;
  }

  /** Puts another value, type, encoding and deadline into the record at the cursor: in its slot, or a new one. */
  private overwrite(
    bytes: Uint8Array,
    start: number,
    end: number,
    type: number,
    expiryAndEncoding: number,
    expiryHigh: number,
    expiryLow: number,
  ): void {
    const { arena, reader } = this;
    const held = this.current;
    reader.read(held);
    const keyLength = reader.keyLength;
    const keyAt = reader.keyAt;
    const keyBytes = reader.valueAt - keyAt;
    const heldLength = reader.valueLength;
    const heldRoot = (reader.flags & FLAG_PARTS) === 0 ? NO_REFERENCE : reader.valueRoot;
    const valueLength = end - start;
    let flags = expiryAndEncoding | (reader.flags & FLAG_LONG_KEY);
    let root = NO_REFERENCE;
    if (valueLength > VALUE_INLINE_BYTES_MAX) {
      flags |= FLAG_PARTS;
      root = this.newParts(bytes, start, end);
    }
    const header = recordHeaderBytes(flags, keyLength, valueLength);
    const total = header + keyBytes + valueAreaBytes(valueLength);
    const inPlace = this.fits(held, total);
    const reference = inPlace ? held : arena.allocRecord(this.id, total);
    this.changeDeadline(flags, expiryHigh, expiryLow);
    const slot = arena.write(reference, 0, total);
    // Within one slot the key must move before a longer header is written over it.
    if (!inPlace || header !== keyAt) arena.putFrom(arena.advance(slot, header), held, keyAt, keyBytes);
    writeRecordHeader(arena, slot, type, flags, keyLength, valueLength, expiryHigh, expiryLow);
    if (root === NO_REFERENCE) arena.put(arena.advance(slot, header + keyBytes), bytes, start, end);
    else arena.put32(arena.advance(slot, header + keyBytes), root);
    if (!inPlace) this.moveTo(reference);
    if (heldRoot !== NO_REFERENCE) this.released.release(heldRoot, heldLength);
    this.contentBytes += valueLength - heldLength;
  }

  /**
   * The common case of `overwrite`: a string without a deadline before and after, its key and both values below 128
   * bytes, in the same slot. Only flags, value length and value are written. False where that is not the case.
   */
  private overwriteShort(bytes: Uint8Array, start: number, end: number, flags: number): boolean {
    const arena = this.arena;
    const held = this.current;
    const chunk = arena.bytes(held);
    const slot = arena.offset(held);
    const keyLength = chunk[slot + 2]!;
    const heldLength = chunk[slot + 3]!;
    const valueLength = end - start;
    if ((keyLength | heldLength) >= 0x80 || valueLength >= 0x80) return false;
    const total = SHORT_HEADER_BYTES + keyLength + valueLength;
    if ((chunk[slot + 1]! & ~ENCODING_MASK) !== 0 || chunk[slot] !== RECORD_LIVE) return false;
    if (!this.fits(held, total)) return false;
    const offset = arena.write(held, 1, total - 1);
    arena.put8(offset, flags);
    arena.put8(arena.advance(offset, 2), valueLength);
    arena.put(arena.advance(offset, SHORT_HEADER_BYTES - 1 + keyLength), bytes, start, end);
    this.contentBytes += valueLength - heldLength;
    return true;
  }

  /** A record stays in its slot where that is of the right class, or wastes at most a quarter. */
  private fits(reference: Reference, total: number): boolean {
    const capacity = this.arena.capacity(reference);
    return total <= capacity && ((capacity - total) * 4 <= capacity || slotBytesOf(total) === capacity);
  }

  /** Lets the entry at the cursor refer to another slot, and frees the one it referred to. */
  private moveTo(reference: Reference): void {
    this.table.replace(reference);
    this.arena.free(this.current);
    this.current = reference;
  }

  protected newParts(bytes: Uint8Array, start: number, end: number): Reference {
    if (end - start > STRING_BYTES_MAX) this.refuseRange(0, end - start);
    const root = this.parts.allocate(this.id, end - start);
    this.parts.put(root, end - start, 0, bytes, start, end);
    return root;
  }

  /** The record in the reader, still as it was, is about to get the deadline that `flags` announce, or none. */
  private changeDeadline(flags: number, high: number, low: number): void {
    const { deadlines, reader } = this;
    const had = (reader.flags & FLAG_EXPIRY) !== 0;
    if ((flags & FLAG_EXPIRY) === 0) {
      if (had) deadlines.end();
    } else if (had) {
      deadlines.change(this.hashHigh, reader.expiryHigh, reader.expiryLow, high, low);
    } else {
      deadlines.begin(this.hashHigh, high, low);
    }
  }

  // ---- changing the value at the cursor ----------------------------------------------------------------------------

  /** Overwrites the value at the cursor; type and deadline stay. In place and without allocation where it fits. */
  replaceValue(bytes: Uint8Array, start: number, end: number, encoding: number): void {
    const { reader } = this;
    const held = this.requireFound();
    if (this.overwriteShort(bytes, start, end, encoding << ENCODING_SHIFT)) return;
    reader.read(held);
    const flags = (encoding << ENCODING_SHIFT) | (reader.flags & FLAG_EXPIRY);
    const has = (flags & FLAG_EXPIRY) !== 0;
    this.overwrite(bytes, start, end, reader.type, flags, has ? reader.expiryHigh : 0, has ? reader.expiryLow : 0);
  }

  /** Makes the value at the cursor longer. The bytes behind the old ones are undefined: write them in the same command. */
  growValue(length: number, encoding: number): void {
    const { reader } = this;
    const held = this.requireFound();
    reader.read(held);
    const heldLength = reader.valueLength;
    if (length < heldLength || length > STRING_BYTES_MAX) this.refuseRange(heldLength, length - heldLength);
    const flags = (reader.flags & ~ENCODING_MASK) | (encoding << ENCODING_SHIFT);
    if (length <= VALUE_INLINE_BYTES_MAX) {
      this.layOut(flags, length, length, heldLength);
    } else {
      let root: Reference;
      if ((flags & FLAG_PARTS) !== 0) {
        root = this.parts.grow(this.id, reader.valueRoot, heldLength, length);
      } else {
        root = this.parts.allocate(this.id, length);
        this.parts.putFrom(root, length, 0, held, reader.valueAt, heldLength);
      }
      this.layOut(flags | FLAG_PARTS, length, ROOT_BYTES, 0);
      this.setRoot(root);
    }
    this.contentBytes += length - heldLength;
  }

  /** Bytes that `growValue` of this record takes from the arena at most. */
  bytesNeededToGrow(reference: Reference, length: number): number {
    const { reader } = this;
    reader.read(reference);
    const record = slotBytesOf(Math.min(SLOT_BYTES_MAX, reader.valueAt + 4 + valueAreaBytes(length)));
    if (length <= VALUE_INLINE_BYTES_MAX) return record;
    if ((reader.flags & FLAG_PARTS) === 0) return record + bytesNeededForParts(length);
    return record + this.parts.bytesNeededToGrow(reader.valueRoot, reader.valueLength, length);
  }

  /** Writes over bytes of the value at the cursor, from `at` on, inside its length. Allocates nothing. */
  putValue(at: number, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.readRange(at, end - start);
    if ((reader.flags & FLAG_PARTS) !== 0) {
      this.parts.put(reader.valueRoot, reader.valueLength, at, bytes, start, end);
    } else if (end > start) {
      const offset = this.arena.write(this.current, reader.valueAt + at, end - start);
      this.arena.put(offset, bytes, start, end);
    }
  }

  /** The same for bytes that were there before this command: parts that are covered whole are replaced. */
  overwriteValue(at: number, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.readRange(at, end - start);
    if ((reader.flags & FLAG_PARTS) === 0) {
      this.putValue(at, bytes, start, end);
      return;
    }
    const root = reader.valueRoot;
    const written = this.parts.overwrite(this.id, root, reader.valueLength, at, bytes, start, end);
    if (written !== root) this.setRoot(written);
  }

  /** Bytes that `overwriteValue` takes from the arena at most. */
  bytesNeededToOverwrite(reference: Reference, at: number, count: number): number {
    this.reader.read(reference);
    if ((this.reader.flags & FLAG_PARTS) === 0) return 0;
    return this.parts.bytesNeededToOverwrite(this.reader.valueLength, at, count);
  }

  /** Sets `count` bytes of the value at the cursor. Allocates nothing. */
  fillValue(at: number, value: number, count: number): void {
    const reader = this.readRange(at, count);
    if ((reader.flags & FLAG_PARTS) !== 0) {
      this.parts.fill(reader.valueRoot, reader.valueLength, at, value, count);
    } else if (count > 0) {
      this.arena.fill(this.arena.write(this.current, reader.valueAt + at, count), value, count);
    }
  }

  private readRange(at: number, count: number): RecordReader {
    this.reader.read(this.requireFound());
    if (at < 0 || count < 0 || at + count > this.reader.valueLength) this.refuseRange(at, count);
    return this.reader;
  }

  private setRoot(root: Reference): void {
    const { arena, reader } = this;
    reader.read(this.current);
    arena.put32(arena.write(this.current, reader.valueAt, ROOT_BYTES), root);
  }

  /**
   * Lays the record in the reader, which is the one at the cursor, out anew, in its slot or another: these flags, this
   * value length and deadline, the key area and the first `kept` bytes of the value area as they were.
   */
  private layOut(flags: number, valueLength: number, valueArea: number, kept: number): void {
    const { reader } = this;
    const has = (flags & FLAG_EXPIRY) !== 0;
    this.layOutUntil(flags, valueLength, valueArea, kept, has ? reader.expiryHigh : 0, has ? reader.expiryLow : 0);
  }

  private layOutUntil(
    flags: number,
    valueLength: number,
    valueArea: number,
    kept: number,
    expiryHigh: number,
    expiryLow: number,
  ): void {
    const { arena, reader } = this;
    const held = this.current;
    const { type, keyLength, keyAt } = reader;
    const tail = reader.valueAt - keyAt + kept;
    const header = recordHeaderBytes(flags, keyLength, valueLength);
    const total = header + reader.valueAt - keyAt + valueArea;
    const inPlace = total <= arena.capacity(held);
    const reference = inPlace ? held : arena.allocRecord(this.id, total);
    this.changeDeadline(flags, expiryHigh, expiryLow);
    const moves = !inPlace || header !== keyAt;
    const slot = arena.write(reference, 0, moves ? header + tail : header);
    if (moves) arena.putFrom(arena.advance(slot, header), held, keyAt, tail);
    writeRecordHeader(arena, slot, type, flags, keyLength, valueLength, expiryHigh, expiryLow);
    if (!inPlace) this.moveTo(reference);
  }

  // ---- deadlines ---------------------------------------------------------------------------------------------------

  /** Gives the record at the cursor a deadline: ms, a signed 64-bit value in two int32 lanes. */
  setExpiry(high: number, low: number): void {
    const { reader } = this;
    reader.read(this.requireFound());
    const flags = (reader.flags & ~FLAG_EXPIRY) | expiryFlag(high);
    const valueArea = valueAreaBytes(reader.valueLength);
    this.layOutUntil(flags, reader.valueLength, valueArea, valueArea, high, low);
  }

  clearExpiry(): void {
    const { reader } = this;
    reader.read(this.requireFound());
    if ((reader.flags & FLAG_EXPIRY) === 0) return;
    const valueArea = valueAreaBytes(reader.valueLength);
    this.layOutUntil(reader.flags & ~FLAG_EXPIRY, reader.valueLength, valueArea, valueArea, 0, 0);
  }

  /** Bytes that `setExpiry` of this record takes from the arena at most. */
  bytesNeededToSetExpiry(reference: Reference): number {
    const { reader } = this;
    reader.read(reference);
    return slotBytesOf(Math.min(SLOT_BYTES_MAX, reader.valueAt + 8 + valueAreaBytes(reader.valueLength)));
  }

  // ---- removing and renaming ---------------------------------------------------------------------------------------

  /** Removes the key at the cursor. What is large is freed by `sweep`. The key may be stored again without a `find`. */
  remove(): void {
    const { reader } = this;
    const reference = this.requireFound();
    reader.read(reference);
    const { flags, keyLength, valueLength } = reader;
    const keyRoot = (flags & FLAG_LONG_KEY) === 0 ? NO_REFERENCE : reader.keyRoot;
    const valueRoot = (flags & FLAG_PARTS) === 0 ? NO_REFERENCE : reader.valueRoot;
    this.table.remove();
    this.current = NO_REFERENCE;
    this.cursorLost = true;
    this.arena.free(reference);
    this.contentBytes -= keyLength + valueLength;
    if ((flags & FLAG_EXPIRY) !== 0) this.deadlines.end();
    if (keyRoot !== NO_REFERENCE) this.released.release(keyRoot, keyLength);
    if (valueRoot !== NO_REFERENCE) this.released.release(valueRoot, valueLength);
  }

  /**
   * Gives the record at the cursor another key, with value, deadline and access clock; parts are not copied. A record
   * that has that key is removed. The cursor is then at the renamed one.
   */
  rename(bytes: Uint8Array, start: number, end: number): void {
    const { arena, hash, reader, table } = this;
    const held = this.requireFound();
    const clock = table.clock();
    hash.hash(bytes, start, end);
    const { high, low } = hash;
    reader.read(held);
    const { keyLength, valueLength } = reader;
    const keyRoot = (reader.flags & FLAG_LONG_KEY) === 0 ? NO_REFERENCE : reader.keyRoot;
    const has = (reader.flags & FLAG_EXPIRY) !== 0;
    const expiryHigh = has ? reader.expiryHigh : 0;
    const expiryLow = has ? reader.expiryLow : 0;
    const reference = this.copyUnder(bytes, start, end, high, low, expiryHigh, expiryLow);
    table.remove();
    arena.free(held);
    if (keyRoot !== NO_REFERENCE) this.released.release(keyRoot, keyLength);
    this.contentBytes -= keyLength + valueLength;
    if (has) this.deadlines.end();

    this.hashHigh = high;
    this.hashLow = low;
    this.soughtLength = end - start;
    this.current = table.find(high, bytes, start, end);
    if (this.current !== NO_REFERENCE) {
      this.remove();
      table.find(high, bytes, start, end);
    }
    table.insert(reference);
    table.setClock(clock);
    this.current = reference;
    this.cursorLost = false;
    this.contentBytes += end - start + valueLength;
    if (has) {
      this.deadlines.begin(high, expiryHigh, expiryLow);
    }
  }

  /** A record like the one in the reader, which is the one at the cursor, under another key. It is in no table yet. */
  private copyUnder(
    bytes: Uint8Array,
    start: number,
    end: number,
    hashHigh: number,
    hashLow: number,
    expiryHigh: number,
    expiryLow: number,
  ): Reference {
    const { arena, reader } = this;
    const { type, valueLength, valueAt } = reader;
    const keyLength = end - start;
    const valueArea = valueAreaBytes(valueLength);
    let flags = reader.flags & ~FLAG_LONG_KEY;
    let keyRoot = NO_REFERENCE;
    if (keyLength > KEY_INLINE_BYTES_MAX) {
      flags |= FLAG_LONG_KEY;
      keyRoot = this.newParts(bytes, start, end);
    }
    const total = recordBytes(flags, keyLength, valueLength);
    const reference = arena.allocRecord(this.id, total);
    const slot = arena.write(reference, 0, total);
    const at = writeRecordHeader(arena, slot, type, flags, keyLength, valueLength, expiryHigh, expiryLow);
    if (keyRoot === NO_REFERENCE) arena.put(at, bytes, start, end);
    else writeLongKey(arena, at, bytes, start, hashHigh, hashLow, keyRoot);
    arena.putFrom(arena.advance(at, keyAreaBytes(keyLength)), this.current, valueAt, valueArea);
    return reference;
  }

  /** Bytes that `rename` of this record takes from the arena at most. */
  bytesNeededToRename(reference: Reference, keyLength: number): number {
    this.reader.read(reference);
    const record = slotBytesOf(recordBytes(0, keyLength, this.reader.valueLength) + 8);
    return record + bytesNeededForKey(keyLength);
  }

  // ---- walking -----------------------------------------------------------------------------------------------------

  /**
   * One step of SCAN: visits records until at least `count` are visited and returns the cursor for the next step, 0 at
   * the end. `cursor` is 0 at first. A key that is there from the first step to the last is visited at least once,
   * whatever changes between the steps. `visit` must change nothing.
   */
  scan(cursor: number, count: number, visit: (reference: Reference) => void): number {
    return this.table.scan(cursor, count, visit);
  }

  /** A random record, and the cursor at it; 0 where there is none. `random` is any 32-bit number. */
  sample(random: number): Reference {
    const reference = this.table.sample(random);
    this.pointAt(reference);
    if (reference !== NO_REFERENCE) {
      this.hashOf(reference);
      this.hashHigh = this.high;
      this.hashLow = this.low;
    }
    return reference;
  }

  /** Puts the cursor at a record by the high lane of its key's hash; false where the table has no such record (any more). */
  seek(hash: number, reference: Reference): boolean {
    const found = this.table.seek(hash, reference);
    this.pointAt(found ? reference : NO_REFERENCE);
    this.hashHigh = hash;
    return found;
  }

  private pointAt(reference: Reference): void {
    this.current = reference;
    this.cursorLost = false;
    this.soughtLength = -1;
  }

  /**
   * Visits records whose deadline is at or before `nowMs`, as the expiry index hints at them. `visit` must remove the
   * record (`find` its key, `remove`) and nothing else: the index does not name it again.
   * @param budget hints to look at, at most.
   * @returns the budget used; below `budget` only where nothing more is due.
   */
  forEachDue(nowMs: number, budget: number, visit: (reference: Reference) => void): number {
    return this.deadlines.forEachDue(nowMs, budget, visit);
  }

  // ---- letting go --------------------------------------------------------------------------------------------------

  /**
   * Work between commands: frees at most `pageBudget` runs of what was let go of, and cleans the expiry index, some
   * keys for each page of the budget, where it has become stale. Returns above 0 while work is left.
   */
  sweep(pageBudget: number): number {
    const waiting = this.released.sweep(pageBudget);
    return this.deadlines.clean(pageBudget * CLEANED_KEYS_PER_PAGE) ? waiting + 1 : waiting;
  }

  /** FLUSHDB: lets go of all keys at once. Their pages are swept by the arena; the keyspace goes on under another id. */
  detach(): void {
    this.arena.detach(this.id);
    this.arena.sweep(DETACH_SWEEP_PAGES);
    this.id = this.arena.openKeyspace();
    this.table.clear();
    this.deadlines.clear();
    this.released.clear();
    this.current = NO_REFERENCE;
    this.soughtLength = -1;
    this.contentBytes = 0;
  }

  // ---- misuse ------------------------------------------------------------------------------------------------------

  private requireFound(): Reference {
    if (this.current === NO_REFERENCE) this.refuseCursor();
    return this.current;
  }

  private refuseCursor(): never {
    throw new ArenaError('ARENA_MISUSE', `keyspace ${this.id}: a change must follow the find of its key`);
  }

  private refuseRange(at: number, count: number): never {
    throw new ArenaError('ARENA_MISUSE', `keyspace ${this.id}: ${count} bytes at ${at} do not lie in a value`);
  }
}

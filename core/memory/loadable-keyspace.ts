/**
 * A keyspace that is loaded from a file: records are written, or taken over from a page image, one after the other, and the
 * table is filled with all of them at the end (`pending-entries.ts` says why).
 *
 *   beginEntering() ─> load(), loadLength() and putLoaded(), or adopt() ─> enter() until it returns true
 */

import { ArenaError } from './arena-error.js';
import { Keyspace } from './keyspace.js';
import type { EnteredRecords } from './loadable-table.js';
import { PartsReader } from './parts-reader.js';
import { BUCKET_BITS, PendingEntries } from './pending-entries.js';
import {
  FLAG_EXPIRY,
  FLAG_LONG_KEY,
  FLAG_PARTS,
  KEY_INLINE_BYTES_MAX,
  LONG_KEY_HASH_BYTES,
  VALUE_INLINE_BYTES_MAX,
  valueAreaBytes,
} from './record.js';
import { NO_REFERENCE, type Reference } from './reference.js';

export class LoadableKeyspace extends Keyspace implements EnteredRecords {
  /** Roots of the record that was adopted last, 0 for none, and the lengths of what they hold. */
  keyRoot: Reference = NO_REFERENCE;
  valueRoot: Reference = NO_REFERENCE;
  adoptedKeyLength = 0;
  adoptedValueLength = 0;
  /** Records that are not in the table yet; null where nothing is being loaded. */
  private pending: PendingEntries | null = null;
  /** The part of them that goes into the table next. */
  private bucket = 0;
  /** The table held something before. */
  private alone = false;
  /** Record that was loaded last. */
  private loaded: Reference = NO_REFERENCE;

  /** Goes on as the owner of other pages; it has none now. */
  loadAs(id: number): void {
    this.id = this.arena.openKeyspace(id);
  }

  /** Gives the id back, so that another keyspace can have it. */
  leaveId(): void {
    this.arena.detach(this.id);
  }

  // ---- a log that is folded ------------------------------------------------------------------------------------------

  /** The table makes room from now on as if so many keys in all were to come; 0: nothing is known. */
  expectKeys(count: number): void {
    this.table.expectEntries(count);
  }

  /** Gives back room that was made in vain, looking at so many pages of the table. Returns true at the end. */
  mergeSparse(pages: number): boolean {
    return this.table.mergeSparse(pages);
  }

  // ---- records that are not in the table yet -------------------------------------------------------------------------

  /** Begins loading: records are made, or adopted, without the table, which is filled with all of them at the end. */
  beginEntering(): void {
    this.pending = new PendingEntries();
    this.bucket = 0;
  }

  /**
   * Writes the record of a string. The arena has reserved what it takes.
   * @param clock 24-bit access clock.
   */
  load(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    expiryAndEncoding: number,
    expiryHigh: number,
    expiryLow: number,
    clock: number,
  ): void {
    const length = end - start;
    const root = length > VALUE_INLINE_BYTES_MAX ? this.newParts(bytes, start, end) : NO_REFERENCE;
    this.writeLoaded(keyBytes, keyStart, keyEnd, length, root, expiryAndEncoding, expiryHigh, expiryLow, clock);
    if (root === NO_REFERENCE) this.arena.put(this.valueOffset, bytes, start, end);
  }

  /** The same of a string of which only the length is known: its bytes follow by `putLoaded`. */
  loadLength(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    length: number,
    expiryAndEncoding: number,
    expiryHigh: number,
    expiryLow: number,
    clock: number,
  ): void {
    const root = length > VALUE_INLINE_BYTES_MAX ? this.parts.allocate(this.id, length) : NO_REFERENCE;
    this.writeLoaded(keyBytes, keyStart, keyEnd, length, root, expiryAndEncoding, expiryHigh, expiryLow, clock);
  }

  /** Writes bytes of the value of the last `loadLength`, from `at` on. */
  putLoaded(at: number, bytes: Uint8Array, start: number, end: number): void {
    const { arena, parts, reader, loaded } = this;
    if (end === start) return;
    reader.read(loaded);
    if ((reader.flags & FLAG_PARTS) !== 0) {
      parts.put(reader.valueRoot, reader.valueLength, at, bytes, start, end);
    } else {
      arena.put(arena.write(loaded, reader.valueAt + at, end - start), bytes, start, end);
    }
  }

  /**
   * Takes over a record of a page image.
   * @param clock 24-bit access clock.
   * @param whole false: only where nothing of the record lies outside of its slot.
   * @returns false where it was not taken over for that.
   * @throws ArenaError `IMAGE_WRONG` where the record does not fit its slot.
   */
  adopt(reference: Reference, clock: number, whole: boolean): boolean {
    const { reader } = this;
    reader.read(reference);
    const { flags, keyLength, valueLength, valueAt } = reader;
    if (valueAt + valueAreaBytes(valueLength) > this.arena.capacity(reference)) {
      const what = `page ${reference >>> 8} slot ${reference & 0xff}`;
      throw new ArenaError('IMAGE_WRONG', `the record at ${what} is longer than its slot`);
    }
    if (!whole && (flags & (FLAG_PARTS | FLAG_LONG_KEY)) !== 0) return false;
    this.keyRoot = NO_REFERENCE;
    this.valueRoot = (flags & FLAG_PARTS) === 0 ? NO_REFERENCE : reader.valueRoot;
    this.adoptedKeyLength = keyLength;
    this.adoptedValueLength = valueLength;
    this.contentBytes += keyLength + valueLength;
    if ((flags & FLAG_LONG_KEY) !== 0) {
      this.keyRoot = reader.keyRoot;
      this.hashLongKey(reference, keyLength);
      reader.read(reference);
    } else {
      const from = reader.start + reader.keyAt;
      this.hash.hash(reader.bytes, from, from + keyLength);
      this.high = this.hash.high;
    }
    this.pending!.add(this.high, reference, clock);
    if ((flags & FLAG_EXPIRY) !== 0) this.deadlines.begin(this.high, reader.expiryHigh, reader.expiryLow);
    return true;
  }

  /**
   * Fills the table further, by at least `budget` records, once all are there.
   * @param onDuplicate called with a record whose key another one has; must throw.
   * @returns true at the end.
   */
  enter(budget: number, onDuplicate: (reference: Reference) => never): boolean {
    const { pending, table } = this;
    if (pending === null) return true;
    if (this.bucket === 0) {
      pending.seal();
      this.alone = table.count > 0;
    }
    if (this.alone) this.bucket = table.enterAlone(pending, this.bucket, this, onDuplicate);
    else this.bucket = table.enter(pending, this.bucket, budget, this, onDuplicate);
    if (this.bucket < 2 ** BUCKET_BITS) return false;
    this.pending = null;
    return true;
  }

  sameKey(one: Reference, other: Reference): boolean {
    const length = this.keyLength(one);
    if (this.keyLength(other) !== length) return false;
    const key = new Uint8Array(length * 2);
    this.copyKey(one, key, 0);
    this.copyKey(other, key, length);
    for (let i = 0; i < length; i++) if (key[i] !== key[length + i]) return false;
    return true;
  }

  insertRecord(reference: Reference, clock: number): boolean {
    const key = new Uint8Array(this.keyLength(reference));
    this.copyKey(reference, key, 0);
    if (this.find(key, 0, key.length) !== NO_REFERENCE) return false;
    this.table.insert(reference);
    this.table.setClock(clock);
    return true;
  }

  override detach(): void {
    super.detach();
    this.pending = null;
  }

  /** Writes the record of a new key with its header and key, and notes it for the table. */
  private writeLoaded(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    length: number,
    root: Reference,
    expiryAndEncoding: number,
    expiryHigh: number,
    expiryLow: number,
    clock: number,
  ): void {
    const { hash } = this;
    hash.hash(keyBytes, keyStart, keyEnd);
    this.hashHigh = hash.high;
    if (keyEnd - keyStart > KEY_INLINE_BYTES_MAX) this.hashLow = hash.low;
    this.loaded = this.writeNew(keyBytes, keyStart, keyEnd, length, root, expiryAndEncoding, expiryHigh, expiryLow);
    this.pending!.add(this.hashHigh, this.loaded, clock);
  }

  /** Hashes a key in parts with this process' seed, which the record has to carry from now on. */
  private hashLongKey(reference: Reference, keyLength: number): void {
    const { arena, hash, reader } = this;
    const key = new Uint8Array(keyLength);
    new PartsReader(arena).copyOut(reader.keyRoot, keyLength, 0, keyLength, key, 0);
    hash.hash(key, 0, keyLength);
    this.high = hash.high;
    this.low = hash.low;
    const offset = arena.write(reference, reader.keyAt, LONG_KEY_HASH_BYTES);
    arena.put32(offset, hash.high);
    arena.put32(arena.advance(offset, 4), hash.low);
  }
}

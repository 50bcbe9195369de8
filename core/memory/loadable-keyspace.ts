/** A keyspace that can take over the records of a page image: its table, deadlines and counters are made from them. */

import { ArenaError } from './arena-error.js';
import { Keyspace } from './keyspace.js';
import { PartsReader } from './parts-reader.js';
import { FLAG_EXPIRY, FLAG_LONG_KEY, FLAG_PARTS, LONG_KEY_HASH_BYTES, valueAreaBytes } from './record.js';
import { NO_REFERENCE, type Reference } from './reference.js';

/** Records of a page at most. */
const SLOTS_MAX = 256;
const NO_KEY = new Uint8Array(0);

export class LoadableKeyspace extends Keyspace {
  /** Roots of the record that was adopted last, 0 for none, and the lengths of what they hold. */
  keyRoot: Reference = NO_REFERENCE;
  valueRoot: Reference = NO_REFERENCE;
  adoptedKeyLength = 0;
  adoptedValueLength = 0;
  private readonly highs = new Int32Array(SLOTS_MAX);
  private readonly likely = new Int32Array(SLOTS_MAX);

  /** Goes on as the owner of other pages; it has none now. */
  loadAs(id: number): void {
    this.id = this.arena.openKeyspace(id);
  }

  /** Gives the id back, so that another keyspace can have it. */
  leaveId(): void {
    this.arena.detach(this.id);
  }

  /** So many records will be entered. */
  expectRecords(count: number): void {
    this.table.makeRoomFor(count);
  }

  /**
   * Hashes records that are to be entered next, at most 256, and fetches the memory where they go: side by side, where
   * one by one each would wait for it.
   */
  prepare(references: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const reference = references[i]!;
      const { reader } = this;
      reader.read(reference);
      if ((reader.flags & FLAG_LONG_KEY) === 0) this.hashOf(reference);
      else this.hashLongKey(reference, reader.keyLength);
      this.highs[i] = this.high;
    }
    this.table.likelyReferences(this.highs, count, this.likely);
  }

  /**
   * Enters prepared record number `index`, of another name than those entered before.
   * @param clock 24-bit access clock.
   * @throws ArenaError `IMAGE_WRONG` where the record does not fit its slot.
   */
  adopt(reference: Reference, index: number, clock: number): void {
    const { reader, table } = this;
    reader.read(reference);
    const { flags, keyLength, valueLength, valueAt } = reader;
    if (valueAt + valueAreaBytes(valueLength) > this.arena.capacity(reference)) {
      const what = `page ${reference >>> 8} slot ${reference & 0xff}`;
      throw new ArenaError('IMAGE_WRONG', `the record at ${what} is longer than its slot`);
    }
    this.keyRoot = (flags & FLAG_LONG_KEY) === 0 ? NO_REFERENCE : reader.keyRoot;
    this.valueRoot = (flags & FLAG_PARTS) === 0 ? NO_REFERENCE : reader.valueRoot;
    this.adoptedKeyLength = keyLength;
    this.adoptedValueLength = valueLength;
    const high = this.highs[index]!;
    // No key has this length, so that none is compared: the name is new, and the cursor where it goes.
    table.find(high, NO_KEY, 0, -1);
    table.insert(reference);
    table.setClock(clock);
    this.contentBytes += keyLength + valueLength;
    if ((flags & FLAG_EXPIRY) === 0) return;
    reader.read(reference);
    this.deadlines.begin(high, reader.expiryHigh, reader.expiryLow);
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

/**
 * Walks all live records of a keyspace and reads them: names, types, deadlines, values in pieces. It goes by pages in
 * their order, not by the hash table, so it works on a page image as on the live arena, and reads memory in sequence.
 *
 *   const walk = new RecordWalk(arena, keyspaceId);
 *   while (walk.next()) { walk.keyLength, walk.copyKey(...), walk.type, walk.valueLength, walk.copyValue(...) }
 *
 * On the live arena the walk says something only where the keyspace does not change meanwhile.
 */

import { ArenaError } from './arena-error.js';
import { PartsReader } from './parts-reader.js';
import type { ReadableArena } from './readable-arena.js';
import { FLAG_EXPIRY, FLAG_LONG_KEY, FLAG_PARTS, RecordReader } from './record.js';
import { NO_REFERENCE, type Reference } from './reference.js';

/** Slots of a page or span at most: their number has 8 bits. */
const SLOTS_MAX = 256;

export class RecordWalk {
  /** The record that the walk is at, the last one at its end; 0 before the first `next`. */
  reference: Reference = NO_REFERENCE;
  private readonly arena: ReadableArena;
  private readonly keyspaceId: number;
  private readonly reader: RecordReader;
  private readonly parts: PartsReader;
  /** The page or span whose records are being visited, and those not visited yet, in reverse. */
  private page = 0;
  private readonly references = new Int32Array(SLOTS_MAX);
  private left = 0;
  private ended = false;
  private readonly collect: (reference: Reference) => void;

  constructor(arena: ReadableArena, keyspaceId: number) {
    this.arena = arena;
    this.keyspaceId = keyspaceId;
    this.reader = new RecordReader(arena);
    this.parts = new PartsReader(arena);
    this.collect = (reference) => {
      this.references[this.left++] = reference;
    };
  }

  /** Goes on to the next record; false when there is none. */
  next(): boolean {
    while (this.left === 0) {
      if (this.ended) return false;
      this.page = this.arena.nextPage(this.keyspaceId, this.page);
      this.ended = this.page === 0;
      if (!this.ended) this.arena.forEachRecordInPage(this.page, this.collect);
    }
    this.reference = this.references[--this.left]!;
    this.reader.read(this.reference);
    return true;
  }

  /** `TYPE_STRING` and so on, see `record.ts`. */
  get type(): number {
    return this.reader.type;
  }

  /** Of a string: `ENCODING_RAW` and so on, see `record.ts`. */
  get encoding(): number {
    return this.reader.encoding;
  }

  get hasExpiry(): boolean {
    return (this.reader.flags & FLAG_EXPIRY) !== 0;
  }

  /** Deadline in ms, a signed 64-bit value in two int32 lanes; 0 without one. */
  get expiryHigh(): number {
    return this.hasExpiry ? this.read().expiryHigh : 0;
  }

  get expiryLow(): number {
    return this.hasExpiry ? this.read().expiryLow : 0;
  }

  get keyLength(): number {
    return this.reader.keyLength;
  }

  get valueLength(): number {
    return this.reader.valueLength;
  }

  /** Copies the whole key to `target`. */
  copyKey(target: Uint8Array, at: number): void {
    const reader = this.read();
    const length = reader.keyLength;
    if ((reader.flags & FLAG_LONG_KEY) === 0) this.arena.copyOut(this.reference, reader.keyAt, length, target, at);
    else this.parts.copyOut(reader.keyRoot, length, 0, length, target, at);
  }

  /** Copies `length` bytes of the value from `from` to `target`. */
  copyValue(from: number, length: number, target: Uint8Array, at: number): void {
    const reader = this.read();
    if (from < 0 || length < 0 || from + length > reader.valueLength) {
      throw new ArenaError('ARENA_MISUSE', `${length} bytes at ${from} do not lie in a value of ${reader.valueLength}`);
    }
    if ((reader.flags & FLAG_PARTS) === 0)
      this.arena.copyOut(this.reference, reader.valueAt + from, length, target, at);
    else this.parts.copyOut(reader.valueRoot, reader.valueLength, from, length, target, at);
  }

  /** The reader with bytes that are there: what was resolved since may have taken their place in the cache of an image. */
  private read(): RecordReader {
    this.reader.read(this.reference);
    return this.reader;
  }
}

/**
 * The record of a key: how its bytes lie in a slot, and the one reader of them. `docs/memory-records.md` states every
 * byte and a test compares it with this file.
 *
 *   mark and type 8 | flags 8 | key length varint | value length varint | expiry 0, 48 or 64 | key area | value area
 *
 * The key area is the key, or of a key over 512 bytes its hash, its beginning and the root of its parts. The value area
 * is the value, or the root of its parts. Here is no access to other records; finding and changing is `keyspace.ts`.
 */

import type { Arena } from './arena.js';
import type { ReadableArena } from './readable-arena.js';
import type { ReadableBytes, Reference, WritableOffset } from './reference.js';
import { SLOT_BYTES_MAX } from './size-classes.js';

/** Byte 0: bit 7 says that the slot holds a record (the arena clears it), bits 0 to 3 are the type, the others are 0. */
export const RECORD_LIVE = 0x80;
export const RECORD_TYPE_MASK = 0x0f;

/** Types, numbered as Redis numbers its own (`OBJ_STRING` and so on in its `server.h`). */
export const TYPE_STRING = 0;
export const TYPE_LIST = 1;
export const TYPE_SET = 2;
export const TYPE_SORTED_SET = 3;
export const TYPE_HASH = 4;
export const TYPE_STREAM = 6;

/** Byte 1. At most one of the expiry bits is set; cold and field expiry are reserved and 0. */
export const FLAG_EXPIRY_48 = 0x01;
export const FLAG_EXPIRY_64 = 0x02;
export const FLAG_EXPIRY = FLAG_EXPIRY_48 | FLAG_EXPIRY_64;
/** The value is in parts: exactly when it is longer than `VALUE_INLINE_BYTES_MAX`. */
export const FLAG_PARTS = 0x04;
export const FLAG_COLD = 0x08;
export const FLAG_FIELD_EXPIRY = 0x10;
export const ENCODING_SHIFT = 5;
export const ENCODING_MASK = 0x60;
/** The key is in parts: exactly when it is longer than `KEY_INLINE_BYTES_MAX`. */
export const FLAG_LONG_KEY = 0x80;

/** Encodings of a string, as `OBJECT ENCODING` names them. The bytes are the value's text in all three. */
export const ENCODING_RAW = 0;
export const ENCODING_INT = 1;
export const ENCODING_EMBSTR = 2;

export const KEY_INLINE_BYTES_MAX = 512;
/** Key area of a long key: hash high 4, hash low 4, the first 32 bytes, root of the parts 4 (they hold the whole key). */
export const LONG_KEY_HASH_BYTES = 8;
export const LONG_KEY_PREFIX_BYTES = 32;
export const LONG_KEY_BYTES = LONG_KEY_HASH_BYTES + LONG_KEY_PREFIX_BYTES + 4;
/** Value area of a value in parts: the root. */
export const ROOT_BYTES = 4;
/** Longest key or value: Redis' `proto-max-bulk-len` by default. */
export const STRING_BYTES_MAX = 512 * 1024 * 1024;
/**
 * Longest value inside the record. A number of its own, not what the key leaves, so that neither a longer name nor a
 * deadline ever moves a value into parts: with the longest header, key area and deadline the record fits a slot.
 */
export const VALUE_INLINE_BYTES_MAX = 15_856;

const HEADER_BYTES_LONGEST = 2 + 2 + 3 + 8;
if (HEADER_BYTES_LONGEST + KEY_INLINE_BYTES_MAX + VALUE_INLINE_BYTES_MAX > SLOT_BYTES_MAX) {
  throw new Error('the longest inline record does not fit the largest slot');
}

/** Bytes of a length as a varint: 7 bits a byte, lowest first, bit 7 set on all but the last. */
export function varintBytes(length: number): number {
  if (length < 0x80) return 1;
  if (length < 0x4000) return 2;
  if (length < 0x200000) return 3;
  if (length < 0x10000000) return 4;
  return 5;
}

/** The expiry flag for a deadline in ms, a signed 64-bit value in two int32 lanes. */
export function expiryFlag(high: number): number {
  return high >= 0 && high <= 0xffff ? FLAG_EXPIRY_48 : FLAG_EXPIRY_64;
}

/** Bytes of the deadline that these flags announce. */
export function expiryBytes(flags: number): number {
  return (flags & FLAG_EXPIRY_48) !== 0 ? 6 : (flags & FLAG_EXPIRY_64) !== 0 ? 8 : 0;
}

/** Bytes in front of the key area. */
export function recordHeaderBytes(flags: number, keyLength: number, valueLength: number): number {
  return 2 + varintBytes(keyLength) + varintBytes(valueLength) + expiryBytes(flags);
}

export function keyAreaBytes(keyLength: number): number {
  return keyLength > KEY_INLINE_BYTES_MAX ? LONG_KEY_BYTES : keyLength;
}

export function valueAreaBytes(valueLength: number): number {
  return valueLength > VALUE_INLINE_BYTES_MAX ? ROOT_BYTES : valueLength;
}

/** Bytes of the record in its slot. */
export function recordBytes(flags: number, keyLength: number, valueLength: number): number {
  return recordHeaderBytes(flags, keyLength, valueLength) + keyAreaBytes(keyLength) + valueAreaBytes(valueLength);
}

/** Writes the header at `offset`, behind the barrier, and returns the offset of the key area. */
export function writeRecordHeader(
  arena: Arena,
  offset: WritableOffset,
  type: number,
  flags: number,
  keyLength: number,
  valueLength: number,
  expiryHigh: number,
  expiryLow: number,
): WritableOffset {
  arena.put8(offset, RECORD_LIVE | type);
  arena.put8(arena.advance(offset, 1), flags);
  let at = arena.advance(offset, 2);
  if (keyLength < 0x80) {
    arena.put8(at, keyLength);
    at = arena.advance(at, 1);
  } else at = writeVarint(arena, at, keyLength);
  if (valueLength < 0x80) {
    arena.put8(at, valueLength);
    at = arena.advance(at, 1);
  } else at = writeVarint(arena, at, valueLength);
  return (flags & FLAG_EXPIRY) === 0 ? at : writeExpiry(arena, at, flags, expiryHigh, expiryLow);
}

/** Writes the key area of a key in parts. @param root of its parts. */
export function writeLongKey(
  arena: Arena,
  offset: WritableOffset,
  bytes: Uint8Array,
  start: number,
  hashHigh: number,
  hashLow: number,
  root: Reference,
): void {
  arena.put32(offset, hashHigh);
  arena.put32(arena.advance(offset, 4), hashLow);
  arena.put(arena.advance(offset, LONG_KEY_HASH_BYTES), bytes, start, start + LONG_KEY_PREFIX_BYTES);
  arena.put32(arena.advance(offset, LONG_KEY_HASH_BYTES + LONG_KEY_PREFIX_BYTES), root);
}

function writeVarint(arena: Arena, offset: WritableOffset, length: number): WritableOffset {
  let at = offset;
  let rest = length;
  while (rest >= 0x80) {
    arena.put8(at, (rest & 0x7f) | 0x80);
    at = arena.advance(at, 1);
    rest >>>= 7;
  }
  arena.put8(at, rest);
  return arena.advance(at, 1);
}

/** Writes the deadline with the width that `flags` announce, little endian, and returns the offset behind it. */
export function writeExpiry(
  arena: Arena,
  offset: WritableOffset,
  flags: number,
  high: number,
  low: number,
): WritableOffset {
  arena.put32(offset, low);
  if ((flags & FLAG_EXPIRY_48) !== 0) {
    arena.put16(arena.advance(offset, 4), high);
    return arena.advance(offset, 6);
  }
  arena.put32(arena.advance(offset, 4), high);
  return arena.advance(offset, 8);
}

export function read32(bytes: ReadableBytes, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Decodes a record's header into fields. One object per keyspace: valid until the record changes or another is read. */
export class RecordReader {
  /** The chunk, and where the slot begins in it. */
  bytes: ReadableBytes;
  start = 0;
  type = 0;
  flags = 0;
  keyLength = 0;
  valueLength = 0;
  /** Offsets in the slot. */
  expiryAt = 0;
  keyAt = 0;
  valueAt = 0;
  private readonly arena: ReadableArena;

  constructor(arena: ReadableArena) {
    this.arena = arena;
    this.bytes = new Uint8Array(0);
  }

  read(reference: Reference): void {
    const bytes = this.arena.bytes(reference);
    const start = this.arena.offset(reference);
    const flags = bytes[start + 1]!;
    let at = start + 2;
    let byte = bytes[at++]!;
    let keyLength = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[at++]!;
      keyLength |= (byte & 0x7f) << shift;
    }
    byte = bytes[at++]!;
    let valueLength = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = bytes[at++]!;
      valueLength |= (byte & 0x7f) << shift;
    }
    at -= start;
    this.bytes = bytes;
    this.start = start;
    this.type = bytes[start]! & RECORD_TYPE_MASK;
    this.flags = flags;
    this.keyLength = keyLength;
    this.valueLength = valueLength;
    this.expiryAt = at;
    if ((flags & FLAG_EXPIRY) !== 0) at += expiryBytes(flags);
    this.keyAt = at;
    this.valueAt = at + ((flags & FLAG_LONG_KEY) !== 0 ? LONG_KEY_BYTES : keyLength);
  }

  get encoding(): number {
    return (this.flags & ENCODING_MASK) >>> ENCODING_SHIFT;
  }

  /** The root of the value's parts; only of a value in parts. */
  get valueRoot(): Reference {
    return read32(this.bytes, this.start + this.valueAt);
  }

  /** Of a long key: its hash lanes and the root of its parts. */
  get keyHashHigh(): number {
    return read32(this.bytes, this.start + this.keyAt);
  }

  get keyHashLow(): number {
    return read32(this.bytes, this.start + this.keyAt + 4);
  }

  get keyRoot(): Reference {
    return read32(this.bytes, this.start + this.keyAt + LONG_KEY_HASH_BYTES + LONG_KEY_PREFIX_BYTES);
  }

  get expiryLow(): number {
    return read32(this.bytes, this.start + this.expiryAt);
  }

  get expiryHigh(): number {
    const at = this.start + this.expiryAt + 4;
    return (this.flags & FLAG_EXPIRY_48) !== 0 ? this.bytes[at]! | (this.bytes[at + 1]! << 8) : read32(this.bytes, at);
  }
}

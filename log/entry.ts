/**
 * The bodies of data and part frames: a sequence of items, each an 8-byte item header and its payload. The header's
 * first word holds the payload's length in its lower 30 bits and the item's kind in the upper two, its second word the
 * origin. Effects are bytes here; what they mean is the engine's business.
 */

import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './little-endian.js';
import { LogError } from './log-error.js';

/** Bytes in front of each item's payload: u32 kind and length, u32 origin. An entry's kind bits are 0. */
export const ITEM_HEADER_BYTES = 8;
/** Bytes of a part's own header inside its payload: u64 total length, u32 part number. */
export const PART_HEADER_BYTES = 12;
export const ITEM_LENGTH_MAX = 0x3fffffff;

export const ItemKind = {
  /** The effects of one command, script or EXEC. */
  entry: 0,
  /** One part of an entry that is too large for one frame. */
  part: 1,
  /** Says who an origin number is; takes no sequence. */
  origin: 2,
} as const;

/** An address, a user or a client name is cut at this, so that an origin item fits into what an open batch has left. */
export const ORIGIN_TEXT_BYTES_MAX = 128;
/** Largest origin item, item header included. */
export const ORIGIN_ITEM_BYTES_MAX = ITEM_HEADER_BYTES + 8 + 3 * (2 + ORIGIN_TEXT_BYTES_MAX);

/** Who wrote an entry: one client connection, numbered within the log from one origin reset to the next. */
export interface Origin {
  /** 1 or more; 0 is the engine itself and has no item. */
  readonly number: number;
  readonly address: string;
  readonly user: string;
  readonly clientName: string;
  readonly connectedAtMs: number;
}

/** Writes an item header at `at` and returns the offset behind it. */
export function writeItemHeader(bytes: Uint8Array, at: number, kind: number, length: number, origin: number): number {
  writeU32(bytes, at, ((kind << 30) | length) >>> 0);
  writeU32(bytes, at + 4, origin);
  return at + ITEM_HEADER_BYTES;
}

/** Writes an origin item at `at`, at most `ORIGIN_ITEM_BYTES_MAX` bytes, and returns the offset behind it. */
export function writeOriginItem(bytes: Uint8Array, at: number, origin: Origin): number {
  let end = at + ITEM_HEADER_BYTES;
  writeU64(bytes, end, origin.connectedAtMs);
  end = writeText(bytes, end + 8, origin.address);
  end = writeText(bytes, end, origin.user);
  end = writeText(bytes, end, origin.clientName);
  writeItemHeader(bytes, at, ItemKind.origin, end - at - ITEM_HEADER_BYTES, origin.number);
  return end;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function writeText(bytes: Uint8Array, at: number, text: string): number {
  // `encodeInto` does not take shared memory, and stops in front of a character that does not fit.
  const buffer = new Uint8Array(ORIGIN_TEXT_BYTES_MAX);
  const { written } = encoder.encodeInto(text, buffer);
  writeU16(bytes, at, written);
  bytes.set(buffer.subarray(0, written), at + 2);
  return at + 2 + written;
}

/** Reads the payload of an origin item, bytes[start, end). @throws LogError `LOG_DAMAGED` if it is malformed */
export function readOriginItem(bytes: Uint8Array, start: number, end: number, number: number): Origin {
  const texts: string[] = [];
  let at = start + 8;
  for (let i = 0; i < 3; i++) {
    const length = at + 2 <= end ? readU16(bytes, at) : -1;
    if (length < 0 || at + 2 + length > end) throw malformed('an origin item ends inside a text');
    texts.push(decoder.decode(bytes.slice(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  const connectedAtMs = readU64(bytes, start);
  if (at !== end || connectedAtMs < 0) throw malformed('an origin item has a wrong length or time');
  return { number, address: texts[0]!, user: texts[1]!, clientName: texts[2]!, connectedAtMs };
}

/** Walks the items of one body without making an object per item. */
export class ItemReader {
  /** Of the current item. */
  kind = 0;
  origin = 0;
  /** Payload: bytes[start, end). */
  start = 0;
  end = 0;
  /** Of a part item: length of the whole entry's effects and this part's number; its effects begin at `start`. */
  partTotal = 0;
  partNumber = 0;
  bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private limit = 0;

  /** Starts over with bytes[from, to). */
  reset(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    this.at = from;
    this.limit = to;
  }

  /** Moves to the next item; false at the end. @throws LogError `LOG_DAMAGED` if the body is malformed */
  next(): boolean {
    const at = this.at;
    if (at === this.limit) return false;
    if (this.limit - at < ITEM_HEADER_BYTES) throw malformed('a body ends inside an item header');
    const word = readU32(this.bytes, at);
    const length = word & ITEM_LENGTH_MAX;
    this.kind = word >>> 30;
    this.origin = readU32(this.bytes, at + 4);
    this.start = at + ITEM_HEADER_BYTES;
    this.end = this.start + length;
    if (this.end > this.limit) throw malformed('an item runs over the end of its body');
    if (this.kind > ItemKind.origin) throw new LogError('LOG_FORMAT_UNKNOWN', `unknown item kind ${this.kind}`);
    if (this.kind === ItemKind.part) this.readPartHeader();
    this.at = this.end;
    return true;
  }

  private readPartHeader(): void {
    if (this.end - this.start < PART_HEADER_BYTES) throw malformed('a part is shorter than its header');
    this.partTotal = readU64(this.bytes, this.start);
    this.partNumber = readU32(this.bytes, this.start + 8);
    if (this.partTotal < 0) throw malformed('a part names an impossible length');
    this.start += PART_HEADER_BYTES;
  }
}

/** A body whose frame has a valid checksum but that does not follow the format. */
function malformed(what: string): LogError {
  return new LogError('LOG_DAMAGED', `malformed frame body: ${what}`);
}

/**
 * The string type over a keyspace: what encoding Redis gives a value, APPEND, SETRANGE, comparing, and copying ranges.
 * Parsing numbers, replies and effects are the commands'; where bytes lie is the keyspace's.
 *
 * The functions that change a value work at the keyspace's cursor, after a lookup that found the key. Before the first
 * change of a command, memory is reserved for what the matching `bytesNeeded...` says; then nothing here can fail.
 */

import { equalBytes } from '../memory/byte-copy.js';
import type { Keyspace } from '../memory/keyspace.js';
import { PART_BYTES } from '../memory/parts.js';
import { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW } from '../memory/record.js';
import type { Reference } from '../memory/reference.js';

export { nodesAbove } from '../memory/parts.js';
export { ENCODING_EMBSTR, ENCODING_INT, ENCODING_RAW, STRING_BYTES_MAX } from '../memory/record.js';
export { bytesNeededToStore } from '../memory/record-needs.js';

/** What this file needs of a keyspace. */
export type StringValues = Pick<
  Keyspace,
  | 'valueLength'
  | 'copyValue'
  | 'replaceValue'
  | 'growValue'
  | 'putValue'
  | 'overwriteValue'
  | 'fillValue'
  | 'bytesNeededToGrow'
  | 'bytesNeededToOverwrite'
>;

/** Where a range of a value is copied to; `ReplyWriter` is one. */
export interface ByteTarget {
  readonly bytes: Uint8Array;
  /** Next byte to write. */
  position: number;
  /** Makes room for so many bytes behind `position`; may change both fields. */
  ensure(needed: number): void;
}

/** Longest value with the encoding embstr: Redis' `OBJ_ENCODING_EMBSTR_SIZE_LIMIT`. */
const EMBSTR_BYTES_MAX = 44;
/** Longest text of an integer: a sign and 19 digits. */
const INT_TEXT_BYTES_MAX = 20;
const INT_DIGITS_MAX = 19;
const MINUS = 45;
const ZERO = 48;
const ONE = 49;
const NINE = 57;
/** The digits of 2^63. One less is the largest integer, and this with a sign the smallest. */
const TWO_TO_63 = Uint8Array.from('9223372036854775808', (digit) => digit.charCodeAt(0));

/** The encoding that Redis gives an argument that is stored whole (`tryObjectEncoding`): int, embstr or raw. */
export function encodingOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > EMBSTR_BYTES_MAX) return ENCODING_RAW;
  if (length <= INT_TEXT_BYTES_MAX && isInteger(bytes, start, end)) return ENCODING_INT;
  return ENCODING_EMBSTR;
}

/** The encoding of a value that Redis makes without looking for an integer (`createStringObject`): embstr or raw. */
export function encodingOfText(length: number): number {
  return length > EMBSTR_BYTES_MAX ? ENCODING_RAW : ENCODING_EMBSTR;
}

/** Whether the text is an int64 as Redis' `string2ll` accepts it: decimal, no plus, no leading zero, no minus zero. */
export function isInteger(bytes: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false;
  const negative = bytes[start] === MINUS;
  const first = negative ? start + 1 : start;
  const digits = end - first;
  if (digits === 0 || digits > INT_DIGITS_MAX) return false;
  const lead = bytes[first]!;
  if (lead < ONE || lead > NINE) return lead === ZERO && digits === 1 && !negative;
  for (let at = first + 1; at < end; at++) {
    const digit = bytes[at]!;
    if (digit < ZERO || digit > NINE) return false;
  }
  return digits < INT_DIGITS_MAX || fitsInt64(bytes, first, negative);
}

/** Whether 19 digits are below 2^63, or with a sign not above it. */
function fitsInt64(bytes: Uint8Array, first: number, negative: boolean): boolean {
  for (let i = 0; i < INT_DIGITS_MAX; i++) {
    const difference = bytes[first + i]! - TWO_TO_63[i]!;
    if (difference !== 0) return difference < 0;
  }
  return negative;
}

/** Room for the piece of a value that is compared. */
const compared = new Uint8Array(16 * 1024);

/** Whether the value is bytes[start, end). */
export function equalsValue(
  values: StringValues,
  reference: Reference,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (values.valueLength(reference) !== end - start) return false;
  for (let at = start; at < end; at += compared.length) {
    const count = Math.min(end - at, compared.length);
    values.copyValue(reference, at - start, count, compared, 0);
    if (!equalBytes(compared, 0, bytes, at, at + count)) return false;
  }
  return true;
}

/** Puts the text of an integer into the value at the cursor: in its slot, without allocating, where it fits. */
export function setInteger(values: StringValues, bytes: Uint8Array, start: number, end: number): void {
  values.replaceValue(bytes, start, end, ENCODING_INT);
}

/** Appends to the value at the cursor, which becomes raw, and returns its new length. */
export function append(
  values: StringValues,
  reference: Reference,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const length = values.valueLength(reference);
  const longer = length + end - start;
  values.growValue(longer, ENCODING_RAW);
  values.putValue(length, bytes, start, end);
  return longer;
}

/** Bytes that `append` of so many bytes takes from the arena at most. */
export function bytesNeededToAppend(values: StringValues, reference: Reference, count: number): number {
  return values.bytesNeededToGrow(reference, values.valueLength(reference) + count);
}

/**
 * Writes bytes at `offset` of the value at the cursor, which becomes raw and, where it is too short, longer, with zeros
 * between. Returns its length. Writing no bytes is the caller's to leave out: in Redis it changes nothing.
 */
export function setRange(
  values: StringValues,
  reference: Reference,
  offset: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  const length = values.valueLength(reference);
  const written = offset + end - start;
  const longer = Math.max(length, written);
  values.growValue(longer, ENCODING_RAW);
  if (offset > length) values.fillValue(length, 0, offset - length);
  // What lies behind the old length is new in this command: it is written where it is.
  const split = Math.min(end, Math.max(start, start + length - offset));
  if (split > start) values.overwriteValue(offset, bytes, start, split);
  if (split < end) values.putValue(offset + split - start, bytes, split, end);
  return longer;
}

/** Bytes that `setRange` of `count` bytes takes from the arena at most. */
export function bytesNeededToSetRange(
  values: StringValues,
  reference: Reference,
  offset: number,
  count: number,
): number {
  const length = values.valueLength(reference);
  const longer = Math.max(length, offset + count);
  const over = Math.min(length, offset + count) - offset;
  const grown = values.bytesNeededToGrow(reference, longer);
  return over > 0 ? grown + values.bytesNeededToOverwrite(reference, offset, over) : grown;
}

/**
 * Copies `length` bytes of a value from `from` to the target's position and moves that on. Asks for room part by part, so
 * that a target may hand full buffers on.
 */
export function copyRange(
  values: StringValues,
  reference: Reference,
  from: number,
  length: number,
  target: ByteTarget,
): void {
  let done = 0;
  do {
    const count = Math.min(length - done, PART_BYTES);
    target.ensure(count);
    values.copyValue(reference, from + done, count, target.bytes, target.position);
    target.position += count;
    done += count;
  } while (done < length);
}

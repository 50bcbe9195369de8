/** The XXH3 digest of a string value as DIGEST answers it: 16 hexadecimal digits, the highest first. */

import type { Reference } from '../memory/reference.js';
import { XXH3_BLOCK_BYTES, XXH3_SHORT_BYTES_MAX, Xxh3 } from '../numbers/xxh3.js';
import type { StringValues } from './string.js';

export const DIGEST_DIGITS = 16;

/** Bytes of a long value that are copied out at once: whole blocks, about one part. */
const CHUNK_BYTES = 64 * XXH3_BLOCK_BYTES;
/** What the last stripe of a digest needs. */
const LAST_BYTES = 64;

const hash = new Xxh3();
const chunk = new Uint8Array(LAST_BYTES + CHUNK_BYTES);
/** The digits of the last `digestValue`. */
export const digestDigits = new Uint8Array(DIGEST_DIGITS);

/** Leaves the digest of a value in `digestDigits`. */
export function digestValue(values: StringValues, reference: Reference): void {
  const length = values.valueLength(reference);
  if (length <= XXH3_SHORT_BYTES_MAX) {
    values.copyValue(reference, 0, length, chunk, 0);
    hash.short(chunk, 0, length);
  } else {
    digestLong(values, reference, length);
  }
  writeHex(hash.high, 0);
  writeHex(hash.low, DIGEST_DIGITS / 2);
}

function digestLong(values: StringValues, reference: Reference, length: number): void {
  hash.begin();
  let at = 0;
  while (length - at > CHUNK_BYTES) {
    values.copyValue(reference, at, CHUNK_BYTES, chunk, LAST_BYTES);
    hash.blocks(chunk, LAST_BYTES, CHUNK_BYTES / XXH3_BLOCK_BYTES);
    at += CHUNK_BYTES;
  }
  // The last stripe may reach back into the chunk before.
  const back = Math.min(at, LAST_BYTES);
  values.copyValue(reference, at - back, length - at + back, chunk, LAST_BYTES - back);
  const rest = length - at;
  hash.blocks(chunk, LAST_BYTES, Math.floor((rest - 1) / XXH3_BLOCK_BYTES));
  hash.end(chunk, LAST_BYTES + rest, length);
}

/** Whether bytes[start, end) are the digits of the last digest, in whatever case. */
export function equalsDigest(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== DIGEST_DIGITS) return false;
  for (let i = 0; i < DIGEST_DIGITS; i++) {
    const byte = bytes[start + i]!;
    if ((byte >= 65 && byte <= 70 ? byte | 32 : byte) !== digestDigits[i]) return false;
  }
  return true;
}

/** Whether bytes[start, end) have the form of a digest. */
export function isDigest(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== DIGEST_DIGITS) return false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]! | 32;
    const digit = bytes[at]! >= 48 && bytes[at]! <= 57;
    if (!digit && (byte < 97 || byte > 102)) return false;
  }
  return true;
}

function writeHex(word: number, at: number): void {
  for (let i = 0; i < 8; i++) {
    const digit = (word >>> (28 - i * 4)) & 15;
    digestDigits[at + i] = digit < 10 ? 48 + digit : 87 + digit;
  }
}

/** What records take from the arena at most: pure functions of lengths, asked before a command's first mutation. */
import { bytesNeededForParts } from './parts.js';
import { KEY_INLINE_BYTES_MAX, recordBytes, VALUE_INLINE_BYTES_MAX } from './record.js';
import { slotBytesOf } from './size-classes.js';

/** Bytes that `store` of a new key takes from the arena at most. */
export function bytesNeededToStore(keyLength: number, valueLength: number): number {
  const record = slotBytesOf(recordBytes(0, keyLength, valueLength) + 8);
  const value = valueLength > VALUE_INLINE_BYTES_MAX ? bytesNeededForParts(valueLength) : 0;
  return record + value + bytesNeededForKey(keyLength);
}

/** The same of what a key needs beside its record. */
export function bytesNeededForKey(keyLength: number): number {
  return keyLength > KEY_INLINE_BYTES_MAX ? bytesNeededForParts(keyLength) : 0;
}

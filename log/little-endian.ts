/** Little-endian integers in byte arrays. 64-bit ones are numbers below 2^53 in code; a larger one reads as -1. */

const TWO_32 = 4294967296;

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/** An unsigned 64-bit integer, or -1 where it is 2^53 or above. */
export function readU64(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at + 4);
  if (high >= 0x200000) return -1;
  return high * TWO_32 + readU32(bytes, at);
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
  bytes[at + 2] = (value >>> 16) & 255;
  bytes[at + 3] = (value >>> 24) & 255;
}

/** @throws RangeError unless the value is an integer in [0, 2^53) */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer below 2^53: ${value}`);
  writeU32(bytes, at, value % TWO_32);
  writeU32(bytes, at + 4, Math.floor(value / TWO_32));
}

/**
 * The numbers of the RDB format (Redis' `rdb.h`), and the names of what they stand for. Reading and writing is in
 * rdb-reader.ts and rdb-writer.ts.
 */

/** Versions that are read: those of Redis 7.4 and all before. */
export const RDB_VERSION_MIN = 1;
export const RDB_VERSION_MAX = 12;
/** The version that strings with deadlines need: that of Redis 7.0. Lower ones would gain nobody anything. */
export const RDB_VERSION_STRINGS = 10;
/** From this version on a file ends with a checksum. */
export const RDB_VERSION_CHECKSUM = 5;

/** 'REDIS', and four digits of the version behind it. */
export const RDB_SIGNATURE = Uint8Array.of(82, 69, 68, 73, 83);
export const RDB_HEADER_BYTES = 9;
export const RDB_CHECKSUM_BYTES = 8;

export const OPCODE_SLOT_INFO = 244;
export const OPCODE_FUNCTION = 245;
export const OPCODE_FUNCTION_PRE_RELEASE = 246;
export const OPCODE_MODULE_AUX = 247;
export const OPCODE_IDLE = 248;
export const OPCODE_FREQUENCY = 249;
export const OPCODE_AUX = 250;
export const OPCODE_RESIZE = 251;
export const OPCODE_EXPIRE_MS = 252;
export const OPCODE_EXPIRE_SECONDS = 253;
export const OPCODE_SELECT = 254;
export const OPCODE_END = 255;

export const RDB_TYPE_STRING = 0;

/** First byte of a length of 32 or 64 bits, and the two high bits of the other forms. */
export const LENGTH_32 = 0x80;
export const LENGTH_64 = 0x81;
export const LENGTH_14_BITS = 0x40;
export const LENGTH_ENCODED = 0xc0;

/** What follows a byte of LENGTH_ENCODED, in its low six bits. */
export const ENCODED_INT_8 = 0;
export const ENCODED_INT_16 = 1;
export const ENCODED_INT_32 = 2;
export const ENCODED_LZF = 3;

/** Longest key, value or other string that is read: 512 MB, as Redis' proto-max-bulk-len. */
export const RDB_STRING_BYTES_MAX = 512 * 1024 * 1024;

const TYPE_NAMES: Readonly<Record<number, string>> = {
  0: 'string',
  1: 'list',
  2: 'set',
  3: 'sorted set',
  4: 'hash',
  5: 'sorted set',
  6: 'module value (pre-release)',
  7: 'module value',
  9: 'hash (zipmap)',
  10: 'list (ziplist)',
  11: 'set (intset)',
  12: 'sorted set (ziplist)',
  13: 'hash (ziplist)',
  14: 'list (quicklist)',
  15: 'stream',
  16: 'hash (listpack)',
  17: 'sorted set (listpack)',
  18: 'list (quicklist 2)',
  19: 'stream (version 2)',
  20: 'set (listpack)',
  21: 'stream (version 3)',
  22: 'hash with field deadlines (pre-release)',
  23: 'hash with field deadlines (listpack, pre-release)',
  24: 'hash with field deadlines',
  25: 'hash with field deadlines (listpack)',
};

/** Name of the data type that a type byte stands for; undefined for a byte that stands for none. */
export function rdbTypeName(type: number): string | undefined {
  return TYPE_NAMES[type];
}

/** Bytes of a length as it is written. */
export function lengthBytes(length: number): number {
  if (length < 0x40) return 1;
  if (length < 0x4000) return 2;
  return length <= 0xffffffff ? 5 : 9;
}

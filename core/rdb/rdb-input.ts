/**
 * Reads the forms that RDB files and DUMP payloads are made of out of a window of bytes: lengths, integers, strings.
 * Whatever the bytes are, nothing is read beyond the window, and nothing is allocated that they do not stand for.
 *
 * A reading that needs more than the window holds returns SHORT, and `needed` says how many bytes would be enough to get
 * on; the caller begins the item again when it has more.
 */
import { decompressLzf, LZF_RATIO_MAX } from './lzf.js';
import { RdbError } from './rdb-error.js';
import {
  ENCODED_INT_8,
  ENCODED_INT_16,
  ENCODED_INT_32,
  ENCODED_LZF,
  LENGTH_32,
  LENGTH_64,
  RDB_STRING_BYTES_MAX,
} from './rdb-format.js';

export const SHORT = -1;
export const READ = 0;
/** A string longer than `wholeBytesMax`: what follows in the window are its bytes, `string.rawLeft` in all. */
export const READ_LONG = 1;
const ENCODED = -2;

const NOTHING = new Uint8Array(0);
/** A scratch buffer above this is given back. */
const SCRATCH_KEPT = 64 * 1024;

/** A string that was read: bytes[start, end), of the window or of a buffer of its own. */
export class RdbString {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** Of a long one: whether it is compressed, its length, and how many bytes of the file hold it. */
  compressed = false;
  length = 0;
  rawLeft = 0;
  private scratch: Uint8Array = NOTHING;

  own(length: number): Uint8Array {
    if (this.scratch.length < length || (this.scratch.length > SCRATCH_KEPT && length <= SCRATCH_KEPT)) {
      this.scratch = new Uint8Array(Math.max(64, length));
    }
    this.bytes = this.scratch;
    this.start = 0;
    this.end = length;
    return this.scratch;
  }

  /** Gives back a large buffer of its own, and with it the bytes. */
  release(): void {
    if (this.scratch.length <= SCRATCH_KEPT) return;
    this.scratch = NOTHING;
    this.bytes = NOTHING;
  }

  /** The string as text, one character a byte, at most `lengthMax` of them. */
  text(lengthMax = 1024): string {
    return String.fromCharCode(...this.bytes.subarray(this.start, Math.min(this.end, this.start + lengthMax)));
  }
}

export class RdbInput {
  bytes: Uint8Array = NOTHING;
  /** Next byte to read, and first byte behind the window. */
  at = 0;
  end = 0;
  /** After SHORT: the window must reach to here, at least, for the reading to get on. */
  needed = 0;
  /** Offset in the file of the window's byte 0; only for errors. */
  origin = 0;
  /** Strings up to this length are read whole where `readString` may leave them. */
  wholeBytesMax = RDB_STRING_BYTES_MAX;
  private encoding = 0;

  window(bytes: Uint8Array, start: number, end: number, origin: number): void {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.origin = origin;
  }

  fail(what: string): never {
    throw new RdbError('RDB_FORMAT', what, this.origin + this.at);
  }

  /** Whether `count` more bytes are there; else says so in `needed`. */
  has(count: number): boolean {
    const behind = this.at + count;
    if (behind <= this.end) return true;
    this.needed = behind;
    return false;
  }

  /** A byte, or SHORT. */
  readByte(): number {
    return this.has(1) ? this.bytes[this.at++]! : SHORT;
  }

  /** Four bytes, lowest first, as an int32. The caller has asked for them. */
  int32(): number {
    const { bytes, at } = this;
    this.at = at + 4;
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  }

  /** A length that stands for itself, or SHORT. */
  readLength(): number {
    const length = this.readLengthOrEncoding();
    if (length === ENCODED) this.fail('an encoded string stands where a length must be');
    return length;
  }

  /** A length; ENCODED with `encoding` set; or SHORT. */
  private readLengthOrEncoding(): number {
    if (!this.has(1)) return SHORT;
    const { bytes, at } = this;
    const first = bytes[at]!;
    if (first < 0x40) {
      this.at = at + 1;
      return first;
    }
    if (first < 0x80) {
      if (!this.has(2)) return SHORT;
      this.at = at + 2;
      return ((first & 0x3f) << 8) | bytes[at + 1]!;
    }
    if (first >= 0xc0) {
      this.at = at + 1;
      this.encoding = first & 0x3f;
      return ENCODED;
    }
    if (first === LENGTH_32) {
      if (!this.has(5)) return SHORT;
      this.at = at + 5;
      return this.big32(at + 1);
    }
    if (first !== LENGTH_64) this.fail(`a length cannot begin with the byte ${first}`);
    if (!this.has(9)) return SHORT;
    const length = this.big32(at + 1) * 2 ** 32 + this.big32(at + 5);
    if (length > Number.MAX_SAFE_INTEGER) this.fail(`a length of ${length}`);
    this.at = at + 9;
    return length;
  }

  private big32(at: number): number {
    const { bytes } = this;
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
  }

  /**
   * A string into `into`.
   * @param mayBeLong whether one above `wholeBytesMax` is left to the caller.
   * @returns READ, READ_LONG or SHORT.
   */
  readString(into: RdbString, mayBeLong: boolean): number {
    const { at } = this;
    const length = this.readLengthOrEncoding();
    if (length === SHORT) return SHORT;
    if (length === ENCODED) return this.readEncoded(into, mayBeLong, at);
    this.checkLength(length);
    if (length > this.wholeBytesMax && mayBeLong) {
      into.compressed = false;
      into.length = length;
      into.rawLeft = length;
      return READ_LONG;
    }
    if (!this.has(length)) return SHORT;
    into.bytes = this.bytes;
    into.start = this.at;
    this.at += length;
    into.end = this.at;
    return READ;
  }

  private readEncoded(into: RdbString, mayBeLong: boolean, start: number): number {
    switch (this.encoding) {
      case ENCODED_INT_8:
        if (!this.has(1)) return SHORT;
        this.writeInteger(into, (this.bytes[this.at++]! << 24) >> 24);
        return READ;
      case ENCODED_INT_16:
        if (!this.has(2)) return SHORT;
        this.at += 2;
        this.writeInteger(into, ((this.bytes[this.at - 2]! | (this.bytes[this.at - 1]! << 8)) << 16) >> 16);
        return READ;
      case ENCODED_INT_32:
        if (!this.has(4)) return SHORT;
        this.writeInteger(into, this.int32());
        return READ;
      case ENCODED_LZF:
        return this.readCompressed(into, mayBeLong);
      default:
        this.at = start;
        return this.fail(`unknown encoding ${this.encoding} of a string`);
    }
  }

  private readCompressed(into: RdbString, mayBeLong: boolean): number {
    const compressedLength = this.readLength();
    if (compressedLength === SHORT) return SHORT;
    const length = this.readLength();
    if (length === SHORT) return SHORT;
    this.checkLength(length);
    this.checkLength(compressedLength);
    if (length > compressedLength * LZF_RATIO_MAX) {
      this.fail(`${compressedLength} compressed bytes cannot stand for ${length}`);
    }
    if (length > this.wholeBytesMax && mayBeLong) {
      into.compressed = true;
      into.length = length;
      into.rawLeft = compressedLength;
      return READ_LONG;
    }
    if (!this.has(compressedLength)) return SHORT;
    const target = into.own(length);
    if (!decompressLzf(this.bytes, this.at, this.at + compressedLength, target, 0, length)) {
      this.fail('a compressed string is not well-formed');
    }
    this.at += compressedLength;
    return READ;
  }

  private checkLength(length: number): void {
    if (length > RDB_STRING_BYTES_MAX) this.fail(`a string of ${length} bytes is longer than 512 MB`);
  }

  private writeInteger(into: RdbString, value: number): void {
    const target = into.own(11);
    let at = 11;
    let rest = Math.abs(value);
    do {
      target[--at] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    } while (rest > 0);
    if (value < 0) target[--at] = 45;
    into.start = at;
    into.end = 11;
  }
}

/**
 * The encoded form of one string, as Redis chooses it (`rdbSaveRawString`): small integers in binary, from 21 bytes on LZF
 * where that saves more than 4 bytes, else as it is. Prepared first, because its length stands in front of a DUMP
 * payload and of compressed bytes; then written.
 *
 * A string longer than a piece is read piece by piece, twice where its compressed form is too long to keep. Each piece
 * is compressed by itself: LZF has no header, so pieces joined are well-formed, and a reference reaches back 8 KiB anyway.
 */
import { Int64 } from '../numbers/int64.js';
import { LzfCompressor, lzfBytesMax } from './lzf.js';
import {
  ENCODED_INT_8,
  ENCODED_INT_16,
  ENCODED_INT_32,
  ENCODED_LZF,
  LENGTH_ENCODED,
  lengthBytes,
} from './rdb-format.js';
import type { RdbOutput } from './rdb-output.js';

/** A string that can be read in pieces, more than once. */
export interface PiecedString {
  readonly length: number;
  /** Copies `count` bytes from `from` to `target`. */
  copy(from: number, count: number, target: Uint8Array, at: number): void;
}

/** Longest string that is read at once. */
export const PIECE_BYTES = 64 * 1024;
/** Compressed bytes that are kept between preparing and writing. */
const KEPT_BYTES_MAX = 8 * PIECE_BYTES;
/** Longer texts are not looked at as integers, shorter ones not compressed, as in Redis. */
const INTEGER_BYTES_MAX = 11;
const COMPRESSED_BYTES_MIN = 21;
/** What compression must save at least. */
const SAVED_BYTES_MIN = 4;

const NOTHING = new Uint8Array(0);

const FORM_PLAIN = 0;
const FORM_INTEGER = 1;
const FORM_COMPRESSED = 2;
/** Compressed, and to be compressed again when it is written. */
const FORM_COMPRESSED_AGAIN = 3;

export class StringEncoder {
  private readonly compresses: boolean;
  private readonly compressor: LzfCompressor | undefined;
  private readonly integer = new Int64();
  private form = FORM_PLAIN;
  private length = 0;
  /** Value of FORM_INTEGER; compressed length of the others. */
  private number = 0;
  private bytes: Uint8Array = NOTHING;
  private start = 0;
  /** The string in pieces; undefined where it is bytes[start, start + length). */
  private pieces: PiecedString | undefined = undefined;
  private piece: Uint8Array = NOTHING;
  private compressed: Uint8Array = NOTHING;

  /** @param compresses false leaves LZF out (`rdbcompression no`). */
  constructor(compresses: boolean) {
    this.compresses = compresses;
    this.compressor = compresses ? new LzfCompressor() : undefined;
    if (compresses) this.compressed = new Uint8Array(lzfBytesMax(PIECE_BYTES));
  }

  /**
   * Prepares bytes[start, end), at most PIECE_BYTES, which must stay until it is written.
   * @returns length of the encoded form, with its own header.
   */
  prepare(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    this.bytes = bytes;
    this.start = start;
    this.length = length;
    this.pieces = undefined;
    if (length <= INTEGER_BYTES_MAX && this.isSmallInteger(bytes, start, end)) {
      this.form = FORM_INTEGER;
      return this.number === (this.number << 24) >> 24 ? 2 : this.number === (this.number << 16) >> 16 ? 3 : 5;
    }
    if (length >= COMPRESSED_BYTES_MIN && this.compressor !== undefined) {
      const { compressed } = this;
      const limit = Math.min(compressed.length, length - SAVED_BYTES_MIN);
      const count = this.compressor.compress(bytes, start, end, compressed, 0, limit);
      if (count > 0) return this.compressedTo(count, FORM_COMPRESSED);
    }
    return this.plain();
  }

  /** The same for a string of any length, read in pieces. */
  preparePieces(string: PiecedString): number {
    const { length } = string;
    if (this.piece.length === 0) this.piece = new Uint8Array(PIECE_BYTES);
    if (length <= PIECE_BYTES) {
      string.copy(0, length, this.piece, 0);
      return this.prepare(this.piece, 0, length);
    }
    this.pieces = string;
    this.length = length;
    if (this.compresses) {
      const count = this.compressPieces(string, undefined);
      if (count > 0) return this.compressedTo(count, count <= KEPT_BYTES_MAX ? FORM_COMPRESSED : FORM_COMPRESSED_AGAIN);
    }
    return this.plain();
  }

  private isSmallInteger(bytes: Uint8Array, start: number, end: number): boolean {
    const first = bytes[start];
    // Most keys and values are no numbers: the first byte tells.
    if (first === undefined || ((first < 48 || first > 57) && first !== 45)) return false;
    if (!this.integer.parse(bytes, start, end)) return false;
    const { high, low } = this.integer;
    this.number = low;
    return high === low >> 31;
  }

  private compressedTo(count: number, form: number): number {
    this.form = form;
    this.number = count;
    return 1 + lengthBytes(count) + lengthBytes(this.length) + count;
  }

  private plain(): number {
    this.form = FORM_PLAIN;
    return lengthBytes(this.length) + this.length;
  }

  /**
   * Compresses piece by piece.
   * @param output where to write it; undefined: keep as much as there is room for.
   * @returns the length; 0 where compression does not save enough.
   */
  private compressPieces(string: PiecedString, output: RdbOutput | undefined): number {
    const { piece } = this;
    const pieceBytesMax = lzfBytesMax(PIECE_BYTES);
    let total = 0;
    for (let from = 0; from < string.length; from += PIECE_BYTES) {
      const count = Math.min(PIECE_BYTES, string.length - from);
      string.copy(from, count, piece, 0);
      const at = output === undefined && total <= KEPT_BYTES_MAX ? total : 0;
      this.growCompressed(at + pieceBytesMax);
      const added = this.compressor!.compress(piece, 0, count, this.compressed, at, at + pieceBytesMax);
      if (added === 0) throw new Error('LZF: the longest form of a piece has no room');
      output?.bytes(this.compressed, 0, added);
      total += added;
      if (total > string.length - SAVED_BYTES_MIN) return 0;
    }
    return total;
  }

  private growCompressed(length: number): void {
    if (this.compressed.length >= length) return;
    const grown = new Uint8Array(Math.max(length, Math.min(KEPT_BYTES_MAX * 2, this.compressed.length * 2)));
    grown.set(this.compressed);
    this.compressed = grown;
  }

  /** Writes what was prepared. */
  write(output: RdbOutput): void {
    switch (this.form) {
      case FORM_INTEGER:
        this.writeInteger(output);
        break;
      case FORM_COMPRESSED:
      case FORM_COMPRESSED_AGAIN:
        output.byte(LENGTH_ENCODED | ENCODED_LZF);
        output.length(this.number);
        output.length(this.length);
        if (this.form === FORM_COMPRESSED) output.bytes(this.compressed, 0, this.number);
        else if (this.compressPieces(this.pieces!, output) !== this.number) throw new Error('the string has changed');
        break;
      default:
        output.length(this.length);
        if (this.pieces === undefined) output.bytes(this.bytes, this.start, this.start + this.length);
        else this.writePieces(this.pieces, output);
    }
    this.pieces = undefined;
    this.bytes = NOTHING;
  }

  private writeInteger(output: RdbOutput): void {
    const value = this.number;
    if (value === (value << 24) >> 24) {
      output.byte(LENGTH_ENCODED | ENCODED_INT_8);
      output.byte(value & 255);
    } else if (value === (value << 16) >> 16) {
      output.byte(LENGTH_ENCODED | ENCODED_INT_16);
      output.byte(value & 255);
      output.byte((value >>> 8) & 255);
    } else {
      output.byte(LENGTH_ENCODED | ENCODED_INT_32);
      output.int32(value);
    }
  }

  private writePieces(string: PiecedString, output: RdbOutput): void {
    for (let from = 0; from < string.length; from += PIECE_BYTES) {
      const count = Math.min(PIECE_BYTES, string.length - from);
      string.copy(from, count, this.piece, 0);
      output.bytes(this.piece, 0, count);
    }
  }
}

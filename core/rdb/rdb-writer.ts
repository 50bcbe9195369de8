/**
 * Writes an RDB file in its order: header, AUX fields, for each database its number, its counts and its keys, end. What
 * keys there are is the caller's; how one string is encoded is string-encoder.ts. Bytes leave in chunks of at most 64 KiB.
 *
 * The format: Redis' `rdb.c`; `docs/rdb.md` says what of it is written.
 */
import {
  OPCODE_AUX,
  OPCODE_END,
  OPCODE_EXPIRE_MS,
  OPCODE_FREQUENCY,
  OPCODE_IDLE,
  OPCODE_RESIZE,
  OPCODE_SELECT,
  RDB_SIGNATURE,
  RDB_TYPE_STRING,
  RDB_VERSION_STRINGS,
} from './rdb-format.js';
import { type RdbByteSink, RdbOutput } from './rdb-output.js';
import { type PiecedString, StringEncoder } from './string-encoder.js';

export interface RdbWriterOptions {
  /** LZF for strings that it makes shorter; Redis' `rdbcompression`. */
  readonly compress?: boolean;
  /** A checksum at the end, else 0 there; Redis' `rdbchecksum`. */
  readonly checksum?: boolean;
  /** RDB version in the header: the lowest that knows what will be written. */
  readonly version?: number;
}

const ASCII_MAX = 0x7f;

export class RdbWriter {
  private readonly output: RdbOutput;
  private readonly encoder: StringEncoder;
  private readonly version: number;

  /** @param sink gets the file, chunk by chunk. */
  constructor(sink: RdbByteSink, options: RdbWriterOptions = {}) {
    this.output = new RdbOutput(sink, options.checksum ?? true);
    this.encoder = new StringEncoder(options.compress ?? true);
    this.version = options.version ?? RDB_VERSION_STRINGS;
  }

  /** Bytes of the file so far. */
  get written(): number {
    return this.output.written;
  }

  /** After `end`: the checksum in the file, int32 lanes. */
  get checksumHigh(): number {
    return this.output.checksumHigh;
  }

  get checksumLow(): number {
    return this.output.checksumLow;
  }

  begin(): void {
    this.output.reset();
    this.output.bytes(RDB_SIGNATURE, 0, RDB_SIGNATURE.length);
    const version = String(this.version).padStart(4, '0');
    for (let i = 0; i < version.length; i++) this.output.byte(version.charCodeAt(i));
  }

  /** A field about the file: ASCII name and value. */
  auxiliary(name: string, value: string): void {
    this.output.byte(OPCODE_AUX);
    this.text(name);
    this.text(value);
  }

  private text(text: string): void {
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    if (bytes.some((byte) => byte > ASCII_MAX)) throw new Error(`an AUX field must be ASCII: ${text}`);
    this.encoder.prepare(bytes, 0, bytes.length);
    this.encoder.write(this.output);
  }

  /** The keys behind it belong to this database. */
  selectDatabase(number: number, keys: number, keysWithDeadline: number): void {
    const { output } = this;
    output.byte(OPCODE_SELECT);
    output.length(number);
    output.byte(OPCODE_RESIZE);
    output.length(keys);
    output.length(keysWithDeadline);
  }

  /** Deadline of the next key in ms, two int32 lanes. */
  deadline(high: number, low: number): void {
    this.output.byte(OPCODE_EXPIRE_MS);
    this.output.int64(high, low);
  }

  /** Seconds since the next key was used. */
  idle(seconds: number): void {
    this.output.byte(OPCODE_IDLE);
    this.output.length(seconds);
  }

  /** How often the next key is used: Redis' logarithmic counter, 0 to 255. */
  frequency(counter: number): void {
    this.output.byte(OPCODE_FREQUENCY);
    this.output.byte(counter);
  }

  /** Begins a key whose value is a string: key and value follow, each by `string` or `pieces`. */
  beginString(): void {
    this.output.byte(RDB_TYPE_STRING);
  }

  /** bytes[start, end), at most PIECE_BYTES. */
  string(bytes: Uint8Array, start: number, end: number): void {
    this.encoder.prepare(bytes, start, end);
    this.encoder.write(this.output);
  }

  /** A string of any length. */
  pieces(string: PiecedString): void {
    this.encoder.preparePieces(string);
    this.encoder.write(this.output);
  }

  /** Ends the file and hands its last bytes on. Returns its length. */
  end(): number {
    this.output.byte(OPCODE_END);
    this.output.end();
    return this.output.written;
  }
}

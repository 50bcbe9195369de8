/**
 * The payload of DUMP, RESTORE and MIGRATE: a value as in an RDB file, behind its type byte, then the RDB version in two
 * bytes, lowest first, and the CRC-64 of everything before it (Redis' `createDumpPayload`).
 */
import { Crc64 } from './crc64.js';
import { RdbError } from './rdb-error.js';
import {
  RDB_CHECKSUM_BYTES,
  RDB_STRING_BYTES_MAX,
  RDB_TYPE_STRING,
  RDB_VERSION_MAX,
  RDB_VERSION_STRINGS,
} from './rdb-format.js';
import { RdbInput, RdbString, READ, READ_LONG, SHORT } from './rdb-input.js';
import { type RdbByteSink, RdbOutput } from './rdb-output.js';
import { type PiecedString, StringEncoder } from './string-encoder.js';

const VERSION_BYTES = 2;
const FOOTER_BYTES = VERSION_BYTES + RDB_CHECKSUM_BYTES;
/** Longer values tell their length before they are read. */
const SHORT_BYTES_MAX = 64 * 1024;

const NO_SINK: RdbByteSink = () => {};

/** Makes payloads of strings, one at a time: prepared, because its length stands in front of it, then written. */
export class DumpPayloadWriter {
  private readonly encoder = new StringEncoder(true);
  private readonly output: RdbOutput;
  private sink: RdbByteSink = NO_SINK;

  constructor() {
    this.output = new RdbOutput((bytes, start, end) => this.sink(bytes, start, end), true);
  }

  /** Prepares the payload of a string that does not change until it is written. Returns the payload's length. */
  prepare(string: PiecedString): number {
    return 1 + this.encoder.preparePieces(string) + FOOTER_BYTES;
  }

  /** Writes it, in chunks of at most 64 KiB that are good during the call. */
  write(sink: RdbByteSink): void {
    const { output } = this;
    this.sink = sink;
    output.reset();
    output.byte(RDB_TYPE_STRING);
    this.encoder.write(output);
    output.byte(RDB_VERSION_STRINGS & 255);
    output.byte(RDB_VERSION_STRINGS >>> 8);
    output.end();
    this.sink = NO_SINK;
  }
}

export const PAYLOAD_GOOD = 0;
/** Too short, made by a newer version, or damaged. */
export const PAYLOAD_BAD_FOOTER = 1;
/** Of a type that is not known, or not what its type says. */
export const PAYLOAD_BAD_DATA = 2;

export class DumpPayloadReader {
  /** After `read`: the value. Good until the next call. */
  readonly value = new RdbString();
  /** After `open`: an upper bound of the value's length. */
  lengthMax = 0;
  private readonly input = new RdbInput();
  private readonly crc = new Crc64();

  /** Checks the footer of bytes[start, end) and what type and length the value has, without reading it. */
  open(bytes: Uint8Array, start: number, end: number): number {
    if (!this.footerIsGood(bytes, start, end)) return PAYLOAD_BAD_FOOTER;
    const { input, value } = this;
    // As Redis does: a value that is too long for its payload reads on into the footer.
    input.window(bytes, start, end, 0);
    if (input.readByte() !== RDB_TYPE_STRING) return PAYLOAD_BAD_DATA;
    const from = input.at;
    this.lengthMax = SHORT_BYTES_MAX;
    input.wholeBytesMax = SHORT_BYTES_MAX;
    const outcome = this.attempt();
    if (outcome === READ_LONG) this.lengthMax = value.length;
    else if (outcome === READ) this.lengthMax = value.end - value.start;
    input.at = from;
    return outcome === SHORT ? PAYLOAD_BAD_DATA : PAYLOAD_GOOD;
  }

  /** Reads the value of the payload that was opened. As Redis, it does not look at what may follow the value. */
  read(): number {
    this.input.wholeBytesMax = RDB_STRING_BYTES_MAX;
    return this.attempt() === READ ? PAYLOAD_GOOD : PAYLOAD_BAD_DATA;
  }

  private attempt(): number {
    try {
      return this.input.readString(this.value, true);
    } catch (error) {
      if (error instanceof RdbError) return SHORT;
      throw error;
    }
  }

  private footerIsGood(bytes: Uint8Array, start: number, end: number): boolean {
    const footer = end - FOOTER_BYTES;
    if (footer < start) return false;
    if ((bytes[footer]! | (bytes[footer + 1]! << 8)) > RDB_VERSION_MAX) return false;
    const { crc } = this;
    crc.reset();
    crc.update(bytes, start, footer + VERSION_BYTES);
    for (let i = 0; i < 4; i++) {
      if (bytes[footer + 2 + i] !== ((crc.low >>> (8 * i)) & 255)) return false;
      if (bytes[footer + 6 + i] !== ((crc.high >>> (8 * i)) & 255)) return false;
    }
    return true;
  }
}

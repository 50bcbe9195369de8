/**
 * Reads an RDB file from chunks of any size and tells a handler what is in it. Any bytes are safe: they end in a typed
 * error or in a file, and memory stays within the longest string that they really contain (long values are handed on in
 * pieces). What a value means is value-readers.ts; what is done with it the handler's.
 *
 * The format: Redis' `rdb.c`. Read are versions 1 to 12 (Redis 7.4).
 */
import { Crc64 } from './crc64.js';
import { LzfStream } from './lzf-stream.js';
import { RdbError } from './rdb-error.js';
import {
  OPCODE_AUX,
  OPCODE_END,
  OPCODE_EXPIRE_MS,
  OPCODE_EXPIRE_SECONDS,
  OPCODE_FREQUENCY,
  OPCODE_FUNCTION,
  OPCODE_FUNCTION_PRE_RELEASE,
  OPCODE_IDLE,
  OPCODE_MODULE_AUX,
  OPCODE_RESIZE,
  OPCODE_SELECT,
  OPCODE_SLOT_INFO,
  RDB_CHECKSUM_BYTES,
  RDB_HEADER_BYTES,
  RDB_SIGNATURE,
  RDB_VERSION_CHECKSUM,
  RDB_VERSION_MAX,
  RDB_VERSION_MIN,
  rdbTypeName,
} from './rdb-format.js';
import { type RdbHandler, RdbKey } from './rdb-handler.js';
import { RdbInput, RdbString, READ, READ_LONG, SHORT } from './rdb-input.js';
import { valueReaders } from './value-readers.js';

export interface RdbReaderOptions {
  /** False: the checksum at the end is not compared. */
  readonly checksum?: boolean;
  /** Values above this are handed on in pieces. */
  readonly wholeBytesMax?: number;
}

const WHOLE_BYTES_MAX = 256 * 1024;
/** Fewest bytes by which an item that a chunk has cut in two is completed at a time. */
const COMPLETED_BYTES_MIN = 512;

/** Characters of a key that an error shows. */
const SHOWN_MAX = 64;

const STATE_HEADER = 0;
const STATE_ITEMS = 1;
const STATE_LONG = 2;
const STATE_CHECKSUM = 3;
const STATE_DONE = 4;

export class RdbReader {
  /** Version in the header, 0 before it was read. */
  version = 0;
  /** Bytes of the file read so far: where the next item begins. */
  offset = 0;
  /** After the end: the checksum in the file, int32 lanes; both 0 where its writer computed none, or has no such field. */
  checksumHigh = 0;
  checksumLow = 0;
  private readonly handler: RdbHandler;
  private readonly checksums: boolean;
  private readonly input = new RdbInput();
  private readonly crc = new Crc64();
  private readonly key = new RdbKey();
  private readonly value = new RdbString();
  private readonly lzf: LzfStream;
  private state = STATE_HEADER;
  /** Of the database that keys belong to. */
  private number = 0;
  /** An item of which not all bytes have come: held[0, heldBytes); it can be begun again with `wanted` bytes. */
  private held = new Uint8Array(COMPLETED_BYTES_MIN);
  private heldBytes = 0;
  private wanted = 0;

  constructor(handler: RdbHandler, options: RdbReaderOptions = {}) {
    this.handler = handler;
    this.checksums = options.checksum ?? true;
    this.input.wholeBytesMax = options.wholeBytesMax ?? WHOLE_BYTES_MAX;
    this.lzf = new LzfStream((bytes, start, end) => handler.longStringPiece(bytes, start, end));
  }

  /** True once the file has ended. */
  get done(): boolean {
    return this.state === STATE_DONE;
  }

  /**
   * Takes the next bytes[start, end) of the file in.
   * @returns the first byte that does not belong to the file any more: `end` until it has ended.
   * @throws RdbError; the reader cannot be used afterwards.
   */
  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.state !== STATE_DONE) {
      at = this.heldBytes > 0 ? this.complete(bytes, at, end) : this.readWindow(bytes, at, end);
    }
    return at;
  }

  /** Says that no more bytes come. @throws RdbError RDB_TRUNCATED where more had to. */
  finish(): void {
    if (this.state === STATE_DONE) return;
    throw new RdbError('RDB_TRUNCATED', 'the file ends in the middle of an item', this.offset + this.heldBytes);
  }

  // ---- windows -----------------------------------------------------------------------------------------------------

  /** Reads items from bytes[start, end) and holds what is left of the last one. */
  private readWindow(bytes: Uint8Array, start: number, end: number): number {
    const { input } = this;
    input.window(bytes, start, end, this.offset - start);
    const { state } = this;
    let outcome = READ;
    // The checksum covers what lies before it, so a window ends there.
    do outcome = this.step();
    while (outcome !== SHORT && (this.state === state || this.state <= STATE_LONG) && input.at < end);
    this.consume(bytes, start, input.at, state);
    if (outcome !== SHORT) return input.at;
    this.hold(bytes, input.at, end);
    this.wanted = input.needed - input.at;
    return end;
  }

  /** Adds bytes to the item that is held, and reads it if that is enough. Returns where the next item begins. */
  private complete(bytes: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, Math.max(this.wanted - this.heldBytes, COMPLETED_BYTES_MIN));
    const { input, state } = this;
    this.hold(bytes, start, start + count);
    if (this.heldBytes < this.wanted) return start + count;
    input.window(this.held, 0, this.heldBytes, this.offset);
    if (this.step() === SHORT) {
      this.wanted = input.needed;
      return start + count;
    }
    this.consume(this.held, 0, input.at, state);
    const left = this.heldBytes - input.at;
    this.heldBytes = 0;
    if (this.held.length > this.input.wholeBytesMax * 2) this.held = new Uint8Array(COMPLETED_BYTES_MIN);
    return start + count - left;
  }

  private consume(bytes: Uint8Array, start: number, end: number, state: number): void {
    if (this.checksums && state !== STATE_CHECKSUM) this.crc.update(bytes, start, end);
    this.offset += end - start;
  }

  private hold(bytes: Uint8Array, start: number, end: number): void {
    const length = this.heldBytes + end - start;
    if (length > this.held.length) {
      const grown = new Uint8Array(Math.max(length, this.held.length * 2));
      grown.set(this.held.subarray(0, this.heldBytes));
      this.held = grown;
    }
    this.held.set(bytes.subarray(start, end), this.heldBytes);
    this.heldBytes = length;
  }

  // ---- items -------------------------------------------------------------------------------------------------------

  /** Reads one item; after SHORT the input stands at its beginning again. */
  private step(): number {
    const { input } = this;
    const start = input.at;
    let outcome: number;
    switch (this.state) {
      case STATE_HEADER:
        outcome = this.readHeader();
        break;
      case STATE_ITEMS:
        outcome = this.readItem();
        break;
      case STATE_LONG:
        return this.readLong();
      default:
        outcome = this.readChecksum();
    }
    if (outcome === SHORT) input.at = start;
    return outcome;
  }

  private readHeader(): number {
    const { input } = this;
    if (!input.has(RDB_HEADER_BYTES)) return SHORT;
    const { bytes, at } = input;
    if (!RDB_SIGNATURE.every((byte, i) => bytes[at + i] === byte)) {
      throw new RdbError('RDB_SIGNATURE', 'an RDB file begins with REDIS, this one does not', 0);
    }
    let version = 0;
    for (let i = RDB_SIGNATURE.length; i < RDB_HEADER_BYTES; i++) {
      const digit = bytes[at + i]! - 48;
      version = digit < 0 || digit > 9 ? Number.NaN : version * 10 + digit;
    }
    if (!(version >= RDB_VERSION_MIN && version <= RDB_VERSION_MAX)) {
      const text = String.fromCharCode(...bytes.subarray(at + RDB_SIGNATURE.length, at + RDB_HEADER_BYTES));
      const what = `version '${text}' is not one of ${RDB_VERSION_MIN} to ${RDB_VERSION_MAX}`;
      throw new RdbError('RDB_VERSION', what, RDB_SIGNATURE.length);
    }
    this.version = version;
    input.at = at + RDB_HEADER_BYTES;
    this.state = STATE_ITEMS;
    return READ;
  }

  private readItem(): number {
    const { input, key } = this;
    const opcode = input.readByte();
    if (opcode < OPCODE_SLOT_INFO) return opcode === SHORT ? SHORT : this.readKey(opcode);
    switch (opcode) {
      case OPCODE_EXPIRE_MS:
        if (!input.has(8)) return SHORT;
        key.deadlineLow = input.int32();
        key.deadlineHigh = input.int32();
        // As in Redis, -1 says that there is none.
        key.hasDeadline = key.deadlineHigh !== -1 || key.deadlineLow !== -1;
        return READ;
      case OPCODE_EXPIRE_SECONDS:
        return this.readSeconds();
      case OPCODE_FREQUENCY: {
        const frequency = input.readByte();
        if (frequency !== SHORT) key.frequency = frequency;
        return frequency === SHORT ? SHORT : READ;
      }
      case OPCODE_IDLE: {
        const seconds = input.readLength();
        if (seconds !== SHORT) key.idleSeconds = seconds;
        return seconds === SHORT ? SHORT : READ;
      }
      case OPCODE_SELECT: {
        const number = input.readLength();
        if (number === SHORT) return SHORT;
        this.number = number;
        this.handler.database(number);
        return READ;
      }
      case OPCODE_RESIZE:
        return this.readSizes();
      case OPCODE_AUX:
        return this.readAuxiliary();
      case OPCODE_END:
        this.state = this.version >= RDB_VERSION_CHECKSUM ? STATE_CHECKSUM : STATE_DONE;
        return READ;
      case OPCODE_SLOT_INFO:
        return this.readSlotInfo();
      default:
        return this.refuseOpcode(opcode);
    }
  }

  private readKey(type: number): number {
    const { input, key } = this;
    const start = input.at - 1;
    const reader = valueReaders[type];
    const known = reader !== undefined || rdbTypeName(type) !== undefined;
    if (known && input.readString(key.name, false) === SHORT) return SHORT;
    if (reader === undefined) return this.refuseType(type, start);
    const outcome = reader.read(input, type, key, this.value, this.handler);
    if (outcome === SHORT) return SHORT;
    if (outcome === READ_LONG) {
      this.handler.longStringBegin(key, this.value.length);
      if (this.value.compressed) this.lzf.begin(this.value.length);
      this.state = STATE_LONG;
    }
    key.forget();
    return READ;
  }

  private readLong(): number {
    const { input, value } = this;
    const count = Math.min(value.rawLeft, input.end - input.at);
    if (!value.compressed) {
      if (count > 0) this.handler.longStringPiece(input.bytes, input.at, input.at + count);
    } else if (!this.lzf.write(input.bytes, input.at, input.at + count)) {
      input.fail('a compressed string is not well-formed');
    }
    input.at += count;
    value.rawLeft -= count;
    if (value.rawLeft > 0) return READ;
    if (value.compressed && !this.lzf.end()) input.fail('a compressed string is too short');
    this.handler.longStringEnd();
    this.state = STATE_ITEMS;
    return READ;
  }

  /** A deadline in whole seconds, of files before version 3: 32 bits with a sign. */
  private readSeconds(): number {
    const { input, key } = this;
    if (!input.has(4)) return SHORT;
    const ms = input.int32() * 1000;
    key.deadlineHigh = Math.floor(ms / 2 ** 32);
    key.deadlineLow = ms | 0;
    key.hasDeadline = true;
    return READ;
  }

  private readSizes(): number {
    const keys = this.input.readLength();
    if (keys === SHORT) return SHORT;
    const keysWithDeadline = this.input.readLength();
    if (keysWithDeadline === SHORT) return SHORT;
    this.handler.sizes(keys, keysWithDeadline);
    return READ;
  }

  /** Number, keys and keys with a deadline of a cluster slot: hints that are not needed. */
  private readSlotInfo(): number {
    for (let i = 0; i < 3; i++) if (this.input.readLength() === SHORT) return SHORT;
    return READ;
  }

  private readAuxiliary(): number {
    const { input, key, value } = this;
    if (input.readString(key.name, false) === SHORT) return SHORT;
    if (input.readString(value, false) === SHORT) return SHORT;
    this.handler.auxiliary(key.name.text(), value.text());
    return READ;
  }

  private readChecksum(): number {
    const { input, crc } = this;
    if (!input.has(RDB_CHECKSUM_BYTES)) return SHORT;
    this.checksumLow = input.int32();
    this.checksumHigh = input.int32();
    const written = this.checksumHigh !== 0 || this.checksumLow !== 0;
    if (this.checksums && written && (this.checksumHigh !== crc.high || this.checksumLow !== crc.low)) {
      const expected = new Crc64();
      expected.high = this.checksumHigh;
      expected.low = this.checksumLow;
      const what = `the checksum in the file is ${expected.text()}, that of its bytes ${crc.text()}`;
      throw new RdbError('RDB_CHECKSUM', what, this.offset);
    }
    this.state = STATE_DONE;
    return READ;
  }

  // ---- what is not read --------------------------------------------------------------------------------------------

  private refuseType(type: number, at: number): never {
    const offset = this.input.origin + at;
    const name = rdbTypeName(type);
    if (name === undefined) throw new RdbError('RDB_FORMAT', `unknown type or opcode ${type}`, offset);
    const what = `key '${this.key.name.text(SHOWN_MAX)}' of database ${this.number} is a ${name} (type ${type})`;
    throw new RdbError('RDB_UNSUPPORTED', `${what}, which is not supported`, offset);
  }

  private refuseOpcode(opcode: number): never {
    const offset = this.input.origin + this.input.at - 1;
    switch (opcode) {
      case OPCODE_FUNCTION:
      case OPCODE_FUNCTION_PRE_RELEASE:
        throw new RdbError('RDB_UNSUPPORTED', `functions (opcode ${opcode}) are not supported`, offset);
      case OPCODE_MODULE_AUX:
        throw new RdbError('RDB_UNSUPPORTED', `data of a module (opcode ${opcode}) is not supported`, offset);
      default:
        throw new RdbError('RDB_FORMAT', `unknown opcode ${opcode}`, offset);
    }
  }
}

/**
 * Where encoded bytes go: a buffer that is handed on whenever it is full, with the checksum of all that was handed on.
 * Also the two forms that everything else is made of: lengths and bytes.
 */
import { BULK_BYTES_MIN, copyBytes, copyViews, ViewMemory } from '../memory/byte-copy.js';
import { Crc64 } from './crc64.js';
import { LENGTH_14_BITS, LENGTH_32, LENGTH_64 } from './rdb-format.js';

/** Takes finished bytes; they are good only during the call. */
export type RdbByteSink = (bytes: Uint8Array, start: number, end: number) => void;

/** Bytes handed on at a time, about. */
const BUFFER_BYTES = 64 * 1024;
/** Room for one of the short forms. */
const SHORT_BYTES_MAX = 16;

export class RdbOutput {
  /** Bytes before `start` of the buffer, all handed on. */
  private handedOn = 0;
  private position = 0;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private readonly view = new DataView(this.buffer.buffer);
  private readonly sources = new ViewMemory();
  private readonly crc = new Crc64();
  private readonly sink: RdbByteSink;
  private readonly checksums: boolean;

  /** @param checksums whether the checksum is computed; else it stays 0. */
  constructor(sink: RdbByteSink, checksums: boolean) {
    this.sink = sink;
    this.checksums = checksums;
  }

  /** Begins anew: nothing written, checksum 0. */
  reset(): void {
    this.handedOn = 0;
    this.position = 0;
    this.crc.reset();
  }

  /** Bytes written so far. */
  get written(): number {
    return this.handedOn + this.position;
  }

  byte(value: number): void {
    this.ensureShort();
    this.buffer[this.position++] = value;
  }

  /** A length, or any other unsigned number below 2^53, in the form of lengths. */
  length(value: number): void {
    this.ensureShort();
    const { buffer } = this;
    if (value < 0x40) {
      buffer[this.position++] = value;
    } else if (value < 0x4000) {
      buffer[this.position++] = LENGTH_14_BITS | (value >>> 8);
      buffer[this.position++] = value;
    } else if (value <= 0xffffffff) {
      buffer[this.position++] = LENGTH_32;
      this.view.setUint32(this.position, value);
      this.position += 4;
    } else {
      buffer[this.position++] = LENGTH_64;
      this.view.setUint32(this.position, Math.floor(value / 2 ** 32));
      this.view.setUint32(this.position + 4, value >>> 0);
      this.position += 8;
    }
  }

  /** 32 bits, lowest byte first. */
  int32(value: number): void {
    this.ensureShort();
    this.view.setInt32(this.position, value, true);
    this.position += 4;
  }

  /** 64 bits from two int32 lanes, lowest byte first. */
  int64(high: number, low: number): void {
    this.ensureShort();
    this.view.setInt32(this.position, low, true);
    this.view.setInt32(this.position + 4, high, true);
    this.position += 8;
  }

  bytes(source: Uint8Array, start: number, end: number): void {
    let from = start;
    while (from < end) {
      if (this.position === BUFFER_BYTES) this.flush();
      const count = Math.min(end - from, BUFFER_BYTES - this.position);
      this.copy(source, from, from + count);
      from += count;
    }
  }

  private copy(source: Uint8Array, start: number, end: number): void {
    const { sources } = this;
    if (end - start < BULK_BYTES_MIN && (source === sources.owner || sources.remember(source))) {
      copyViews(this.view, this.position, sources.view, start, end);
    } else {
      copyBytes(this.buffer, this.position, source, start, end);
    }
    this.position += end - start;
  }

  /** Hands on what is written. */
  flush(): void {
    const { position } = this;
    if (position === 0) return;
    if (this.checksums) this.crc.update(this.buffer, 0, position);
    this.handedOn += position;
    this.position = 0;
    this.sink(this.buffer, 0, position);
  }

  /** Writes the checksum of everything before it, 0 where none is computed, and hands everything on. */
  end(): void {
    this.flush();
    const { high, low } = this.crc;
    this.int64(high, low);
    this.flush();
    this.crc.high = high;
    this.crc.low = low;
  }

  /** After `end`: the checksum that was written, int32 lanes. */
  get checksumHigh(): number {
    return this.crc.high;
  }

  get checksumLow(): number {
    return this.crc.low;
  }

  private ensureShort(): void {
    if (this.position + SHORT_BYTES_MAX > BUFFER_BYTES) this.flush();
  }
}

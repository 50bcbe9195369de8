/**
 * Writes replies in RESP2 or RESP3 straight into an output buffer. Where the bytes go when the buffer is full is the
 * owner's business (ReplyOverflow); what a reply depends on is the engine's (Engine.dependency).
 */
import type { ReadableBytes } from './memory/reference.js';

/** Called when the buffer has no room for `needed` more bytes. Must leave at least that much room behind `position`. */
export interface ReplyOverflow {
  overflow(writer: ReplyWriter, needed: number): void;
}

/** Grows the buffer by copying; for tests and tools. Servers move full buffers to the connection instead. */
export class GrowingOverflow implements ReplyOverflow {
  overflow(writer: ReplyWriter, needed: number): void {
    const grown = new Uint8Array(Math.max(writer.bytes.length * 2, writer.position + needed));
    grown.set(writer.bytes.subarray(0, writer.position));
    writer.bytes = grown;
  }
}

const CR = 13;
const LF = 10;
const utf8 = new TextEncoder();

function ascii(text: string): Uint8Array {
  return utf8.encode(text);
}

const NIL_BULK = ascii('$-1\r\n');
const NIL_ARRAY = ascii('*-1\r\n');
const NIL_3 = ascii('_\r\n');
const OK = ascii('+OK\r\n');
const EMPTY_BULK = ascii('$0\r\n\r\n');

export class ReplyWriter {
  bytes: Uint8Array;
  /** Next byte to write in `bytes`. */
  position = 0;
  /** Bytes handed over in earlier buffers: `producedBefore + position` is the absolute offset of the output. */
  producedBefore = 0;
  /** 2 or 3; set from the session before each command. */
  protocol = 2;
  /** Number of error replies written so far: a caller sees whether a command failed by comparing. */
  errors = 0;
  /** The last error's text without the leading '-', for statistics and replay. */
  lastError = '';
  private readonly overflow: ReplyOverflow;

  constructor(bytes: Uint8Array, overflow: ReplyOverflow = new GrowingOverflow()) {
    this.bytes = bytes;
    this.overflow = overflow;
  }

  /** Makes room for `needed` more bytes behind `position`. */
  ensure(needed: number): void {
    if (this.position + needed > this.bytes.length) this.overflow.overflow(this, needed);
  }

  /** Bytes written so far, over all buffers. */
  get produced(): number {
    return this.producedBefore + this.position;
  }

  ok(): void {
    this.constant(OK);
  }

  /** Writes bytes that are already RESP. */
  constant(reply: Uint8Array): void {
    const length = reply.length;
    this.ensure(length);
    const bytes = this.bytes;
    let at = this.position;
    if (length > 64) {
      bytes.set(reply, at);
      at += length;
    } else {
      for (let i = 0; i < length; i++) bytes[at++] = reply[i]!;
    }
    this.position = at;
  }

  /** Text of a simple string or an error is ASCII or latin1; line ends in it become spaces, as in Redis. */
  private line(marker: number, text: string): void {
    const length = text.length;
    this.ensure(length * 3 + 3);
    const bytes = this.bytes;
    bytes[this.position++] = marker;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      bytes[this.position++] = code === CR || code === LF ? 32 : code;
    }
    bytes[this.position++] = CR;
    bytes[this.position++] = LF;
  }

  /** +text */
  simple(text: string): void {
    this.line(43, text);
  }

  /** -text; it begins with its code word, for example 'ERR syntax error'. One character a byte; line ends at its end go. */
  error(text: string): void {
    this.errors++;
    this.lastError = text;
    let end = text.length;
    while (end > 0 && (text.charCodeAt(end - 1) === LF || text.charCodeAt(end - 1) === CR)) end--;
    this.line(45, end === text.length ? text : text.slice(0, end));
  }

  /** :value for any integer up to 2^53 in magnitude. */
  integer(value: number): void {
    this.ensure(24);
    this.bytes[this.position++] = 58;
    this.decimal(value);
    this.lineEnd();
  }

  /** :digits for integers that a number cannot hold; `digits` is decimal text. */
  integerText(digits: string): void {
    this.line(58, digits);
  }

  /** $length and the bytes of a range. */
  bulk(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.bulkHeader(length);
    this.raw(source, start, end);
    this.bulkEnd();
  }

  /**
   * Starts a bulk string whose `length` bytes the caller then writes at `bytes[position]`, advancing `position`,
   * before calling bulkEnd(). Room for all of them is made here.
   */
  bulkHeader(length: number): void {
    this.ensure(length + 32);
    this.bytes[this.position++] = 36;
    this.decimal(length);
    this.lineEnd();
  }

  /** Starts a bulk string like bulkHeader(), for a long one: the caller makes room for its bytes, piece by piece. */
  bulkLength(length: number): void {
    this.ensure(32);
    this.bytes[this.position++] = 36;
    this.decimal(length);
    this.lineEnd();
  }

  bulkEnd(): void {
    this.ensure(2);
    this.lineEnd();
  }

  /** Copies bytes without any framing. */
  raw(source: Uint8Array | ReadableBytes, start: number, end: number): void {
    const length = end - start;
    this.ensure(length);
    const bytes = this.bytes;
    let at = this.position;
    if (length > 48 && source instanceof Uint8Array) {
      bytes.set(source.subarray(start, end), at);
      at += length;
    } else {
      for (let i = start; i < end; i++) bytes[at++] = source[i]!;
    }
    this.position = at;
  }

  /** A bulk string from text, encoded as UTF-8. */
  bulkText(text: string): void {
    if (text.length === 0) {
      this.constant(EMPTY_BULK);
      return;
    }
    const encoded = utf8.encode(text);
    this.bulk(encoded, 0, encoded.length);
  }

  /** A bulk string from text, one byte a character. */
  bulkLatin1(text: string): void {
    const length = text.length;
    this.bulkHeader(length);
    const bytes = this.bytes;
    for (let i = 0; i < length; i++) bytes[this.position++] = text.charCodeAt(i);
    this.bulkEnd();
  }

  /** A bulk string with the decimal text of an integer. */
  bulkInteger(value: number): void {
    this.bulkLatin1(String(value));
  }

  /** The absent value: $-1 in RESP2, _ in RESP3. */
  nil(): void {
    this.constant(this.protocol === 3 ? NIL_3 : NIL_BULK);
  }

  /** The absent array: *-1 in RESP2, _ in RESP3. */
  nilArray(): void {
    this.constant(this.protocol === 3 ? NIL_3 : NIL_ARRAY);
  }

  array(length: number): void {
    this.aggregate(42, length);
  }

  /** A map of `pairs` pairs: %pairs in RESP3, an array of twice the length in RESP2. */
  map(pairs: number): void {
    if (this.protocol === 3) this.aggregate(37, pairs);
    else this.aggregate(42, pairs * 2);
  }

  /** A set: ~length in RESP3, an array in RESP2. */
  set(length: number): void {
    this.aggregate(this.protocol === 3 ? 126 : 42, length);
  }

  /** An out-of-band message: >length in RESP3, an array in RESP2. */
  push(length: number): void {
    this.aggregate(this.protocol === 3 ? 62 : 42, length);
  }

  /** #t or #f in RESP3, :1 or :0 in RESP2. */
  boolean(value: boolean): void {
    if (this.protocol === 3) this.line(35, value ? 't' : 'f');
    else this.integer(value ? 1 : 0);
  }

  /** A double from its text (%.17g): ,text in RESP3, a bulk string in RESP2. */
  doubleText(text: string): void {
    if (this.protocol === 3) this.line(44, text);
    else this.bulkLatin1(text);
  }

  /** A verbatim string (=) in RESP3, a bulk string in RESP2. `format` has three letters. */
  verbatim(format: string, text: string): void {
    if (this.protocol !== 3) {
      this.bulkText(text);
      return;
    }
    const encoded = utf8.encode(text);
    this.ensure(encoded.length + 40);
    this.bytes[this.position++] = 61;
    this.decimal(encoded.length + 4);
    this.lineEnd();
    for (let i = 0; i < 3; i++) this.bytes[this.position++] = format.charCodeAt(i);
    this.bytes[this.position++] = 58;
    this.raw(encoded, 0, encoded.length);
    this.bulkEnd();
  }

  private aggregate(marker: number, length: number): void {
    this.ensure(24);
    this.bytes[this.position++] = marker;
    this.decimal(length);
    this.lineEnd();
  }

  private lineEnd(): void {
    this.bytes[this.position++] = CR;
    this.bytes[this.position++] = LF;
  }

  /** Writes an integer of at most 2^53 in magnitude as decimal text; room was made by the caller. */
  private decimal(value: number): void {
    this.position = writeDecimal(this.bytes, this.position, value);
  }
}

/**
 * Writes an integer as decimal text at `at` and returns the position behind it. At most 17 bytes are written.
 * @param value an integer of at most 2^53 in magnitude.
 */
export function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  let position = at;
  let rest = value;
  if (rest < 0) {
    bytes[position++] = 45;
    rest = -rest;
  }
  if (rest < 10) {
    bytes[position++] = 48 + rest;
    return position;
  }
  let digits = 1;
  for (let bound = 10; rest >= bound; bound *= 10) digits++;
  let to = position + digits;
  const behind = to;
  while (rest > 0x7fffffff) {
    const quotient = Math.floor(rest / 10);
    bytes[--to] = 48 + (rest - quotient * 10);
    rest = quotient;
  }
  let small = rest | 0;
  while (to > position) {
    const quotient = (small / 10) | 0;
    bytes[--to] = 48 + (small - quotient * 10);
    small = quotient;
  }
  return behind;
}

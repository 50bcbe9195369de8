/**
 * The incremental parser of requests: RESP arrays of bulk strings, and inline commands, with the limits and the error
 * texts of Redis 7.0 (networking.c: processInlineBuffer, processMultibulkBuffer). It knows bytes alone: no sockets, no
 * buffers of its own; arguments become byte ranges of what it is given.
 *
 *   parse() ─┬─ fast path: a whole command in the buffer, parsed straight into `args`, nothing allocated
 *            └─ anything unusual ─> step machine over a PartialRequest, which goes on where the bytes ended
 *
 * The outcome does not depend on how the bytes arrive: a limit that Redis checks once per read is checked here by
 * position, as if every byte came alone.
 */
import type { Arguments } from '../../core/arguments.js';
import { splitInlineArguments } from './inline-arguments.js';
import { NEVER_ENDS, PartialRequest } from './partial-request.js';

/** No complete command: `position` is where the incomplete one begins, `partial` how far it was parsed. */
export const PARSE_INCOMPLETE = 0;
/** A command is in `args`; `position` is behind it. */
export const PARSE_COMPLETE = 1;
/** `error` says what is wrong; nothing more can be read from this client. */
export const PARSE_ERROR = 2;

/** Longest line, in bytes before its end: Redis' PROTO_INLINE_MAX_SIZE. */
export const LINE_BYTES_MAX = 64 * 1024;
const ARGUMENTS_MAX = 0x7fffffff;
/** What a client that has not authenticated may send. */
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX = 16384;

const LF = 10;
const CR = 13;
const DOLLAR = 36;
const STAR = 42;
const MINUS = 45;

export class RequestParser {
  readonly args: Arguments;
  position = 0;
  /** The error reply without '-', after PARSE_ERROR. */
  error = '';
  /** After PARSE_INCOMPLETE: to be given to the next call, with the command's bytes from its first on. */
  partial: PartialRequest | undefined = undefined;
  private readonly limits: { readonly bulkBytesMax: number };
  /** A partial request that nobody uses. */
  private spare: PartialRequest | undefined = undefined;

  /** @param limits read at every use: `bulkBytesMax` is the length of an argument at most. */
  constructor(args: Arguments, limits: { readonly bulkBytesMax: number }) {
    this.args = args;
    this.limits = limits;
  }

  /**
   * Parses the next command of bytes[from, to). Empty commands are skipped. An inline command is unquoted in place.
   * @param partial how far the command that begins at `from` was parsed before, with fewer bytes behind it.
   * @param authenticated false for a client that must authenticate first: lower limits hold.
   * @returns PARSE_COMPLETE, PARSE_INCOMPLETE or PARSE_ERROR.
   */
  parse(
    bytes: Uint8Array,
    from: number,
    to: number,
    partial: PartialRequest | undefined,
    authenticated: boolean,
  ): number {
    this.partial = undefined;
    let at = from;
    if (partial !== undefined) {
      const status = this.step(bytes, at, to, partial, authenticated);
      if (status !== SKIPPED) return status;
      at = this.position;
    }
    while (at < to) {
      if (bytes[at] === STAR) {
        if (this.whole(bytes, at, to, authenticated)) return PARSE_COMPLETE;
      } else {
        const behind = wholeLine(bytes, at, to);
        if (behind > 0) {
          if (!this.splitLine(bytes, at, behind - 1)) return PARSE_ERROR;
          at = this.position;
          if (this.args.count > 0) return PARSE_COMPLETE;
          continue;
        }
      }
      const status = this.step(bytes, at, to, this.begin(bytes[at] !== STAR), authenticated);
      if (status !== SKIPPED) return status;
      at = this.position;
    }
    this.position = at;
    return PARSE_INCOMPLETE;
  }

  /** The fast path: true when a well-formed, unremarkable command is there as a whole. */
  private whole(bytes: Uint8Array, from: number, to: number, authenticated: boolean): boolean {
    let at = from + 1;
    let count = 0;
    const countStart = at;
    for (; at < to; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) break;
      count = count * 10 + digit;
    }
    // Short, no leading zero, and a line end behind it; everything else takes the step machine, which knows all rules.
    if (at - countStart > 4 || count === 0 || bytes[countStart] === 48) return false;
    if (at + 1 >= to || bytes[at] !== CR || (count > UNAUTHENTICATED_ARGUMENTS_MAX && !authenticated)) return false;
    at += 2;
    const { args } = this;
    args.reserve(count);
    const { start, end } = args;
    const bulkBytesMax = authenticated ? this.limits.bulkBytesMax : UNAUTHENTICATED_BULK_BYTES_MAX;
    for (let i = 0; i < count; i++) {
      if (at + 3 >= to || bytes[at] !== DOLLAR) return false;
      const lengthStart = ++at;
      let length = 0;
      for (; at < to; at++) {
        const digit = bytes[at]! - 48;
        if (digit < 0 || digit > 9) break;
        length = length * 10 + digit;
      }
      const digits = at - lengthStart;
      if (digits > 9 || digits === 0 || (digits > 1 && bytes[lengthStart] === 48)) return false;
      if (at >= to || bytes[at] !== CR || length > bulkBytesMax) return false;
      at += 2;
      start[i] = at;
      at += length;
      end[i] = at;
      at += 2;
      if (at > to) return false;
    }
    args.bytes = bytes;
    args.count = count;
    this.position = at;
    return true;
  }

  private begin(inline: boolean): PartialRequest {
    const partial = this.spare ?? new PartialRequest();
    this.spare = undefined;
    partial.inline = inline;
    // The first byte says which kind of command it is; it is not part of a line to be searched.
    if (!inline) partial.searched = 1;
    return partial;
  }

  private recycle(partial: PartialRequest): void {
    partial.reset();
    this.spare = partial;
  }

  /** Goes on with a command at `from` as far as its bytes are there. */
  private step(bytes: Uint8Array, from: number, to: number, partial: PartialRequest, authenticated: boolean): number {
    const status = partial.inline
      ? this.stepInline(bytes, from, to, partial)
      : this.stepArray(bytes, from, to, partial, authenticated);
    if (status === PARSE_INCOMPLETE) {
      this.position = from;
      this.partial = partial;
    } else {
      this.recycle(partial);
    }
    return status;
  }

  private stepInline(bytes: Uint8Array, from: number, to: number, partial: PartialRequest): number {
    const at = this.searchLine(bytes, from, to, LF, partial);
    if (at === LINE_TOO_LONG) return this.fail('too big inline request');
    if (at === LINE_INCOMPLETE) return PARSE_INCOMPLETE;
    if (!this.splitLine(bytes, from, at)) return PARSE_ERROR;
    return this.args.count > 0 ? PARSE_COMPLETE : SKIPPED;
  }

  /** Splits the inline command before the LF at `lineEnd`; false after a protocol error. */
  private splitLine(bytes: Uint8Array, from: number, lineEnd: number): boolean {
    const end = lineEnd > from && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    this.position = lineEnd + 1;
    if (splitInlineArguments(bytes, from, end, this.args)) return true;
    this.fail('unbalanced quotes in request');
    return false;
  }

  private stepArray(
    bytes: Uint8Array,
    from: number,
    to: number,
    partial: PartialRequest,
    authenticated: boolean,
  ): number {
    if (partial.remaining < 0) {
      const at = this.searchLine(bytes, from, to, CR, partial);
      if (at === LINE_TOO_LONG) return this.fail('too big mbulk count string');
      if (at === LINE_INCOMPLETE) return PARSE_INCOMPLETE;
      const count = parseInteger(bytes, from + 1, at);
      if (!(count <= ARGUMENTS_MAX)) return this.fail('invalid multibulk length');
      if (count > UNAUTHENTICATED_ARGUMENTS_MAX && !authenticated) return this.fail('unauthenticated multibulk length');
      this.position = at + 2;
      if (count <= 0) return SKIPPED;
      partial.remaining = count;
      partial.cursor = at + 2 - from;
      partial.searched = partial.cursor;
    }
    while (partial.remaining > 0) {
      if (partial.bulkLength < 0) {
        const status = this.stepBulkLength(bytes, from, to, partial, authenticated);
        if (status !== PARSE_COMPLETE) return status;
      }
      const end = partial.cursor + partial.bulkLength;
      if (from + end + 2 > to) return PARSE_INCOMPLETE;
      partial.grow(partial.count + 1);
      partial.start[partial.count] = partial.cursor;
      partial.end[partial.count++] = end;
      partial.cursor = end + 2;
      partial.searched = partial.cursor;
      partial.bulkLength = -1;
      partial.remaining--;
    }
    this.take(bytes, from, partial);
    return PARSE_COMPLETE;
  }

  private stepBulkLength(
    bytes: Uint8Array,
    from: number,
    to: number,
    partial: PartialRequest,
    authenticated: boolean,
  ): number {
    const at = this.searchLine(bytes, from, to, CR, partial);
    if (at === LINE_TOO_LONG) return this.fail('too big bulk count string');
    if (at === LINE_INCOMPLETE) return PARSE_INCOMPLETE;
    const line = from + partial.cursor;
    if (bytes[line] !== DOLLAR) return this.fail(`expected '$', got '${String.fromCharCode(bytes[line]!)}'`);
    const length = parseInteger(bytes, line + 1, at);
    if (!(length >= 0 && length <= this.limits.bulkBytesMax)) return this.fail('invalid bulk length');
    if (length > UNAUTHENTICATED_BULK_BYTES_MAX && !authenticated) return this.fail('unauthenticated bulk length');
    partial.cursor = at + 2 - from;
    partial.bulkLength = length;
    return PARSE_COMPLETE;
  }

  /** The command is complete: its arguments become `args`. */
  private take(bytes: Uint8Array, from: number, partial: PartialRequest): void {
    const { args } = this;
    const { count, start, end } = partial;
    args.reserve(count);
    for (let i = 0; i < count; i++) {
      args.start[i] = start[i]! + from;
      args.end[i] = end[i]! + from;
    }
    args.bytes = bytes;
    args.count = count;
    this.position = from + partial.cursor;
  }

  /**
   * Searches the line at partial.cursor for its end. As in Redis, whose search stops at a NUL, a line with a NUL in it
   * never ends; a CR counts only with one more byte behind it, whatever that is.
   * @returns the position of the end byte, LINE_INCOMPLETE or LINE_TOO_LONG.
   */
  private searchLine(bytes: Uint8Array, from: number, to: number, endByte: number, partial: PartialRequest): number {
    const line = from + partial.cursor;
    const stop = Math.min(to, line + LINE_BYTES_MAX + 1);
    let at = partial.searched;
    if (at !== NEVER_ENDS) {
      for (at += from; at < stop; at++) {
        const byte = bytes[at]!;
        if (byte === endByte) {
          partial.searched = at - from;
          return endByte === LF || at + 1 < to ? at : LINE_INCOMPLETE;
        }
        if (byte === 0) break;
      }
      partial.searched = at < stop ? NEVER_ENDS : at - from;
    }
    return to - line > LINE_BYTES_MAX ? LINE_TOO_LONG : LINE_INCOMPLETE;
  }

  private fail(what: string): number {
    this.error = `ERR Protocol error: ${what}`;
    return PARSE_ERROR;
  }
}

/** An empty command was read; `position` is behind it. */
const SKIPPED = 3;
const LINE_INCOMPLETE = -1;
const LINE_TOO_LONG = -2;

/** Position behind the LF of the line at `from`, or 0 when it is not there, too far, or behind a NUL. */
function wholeLine(bytes: Uint8Array, from: number, to: number): number {
  const stop = Math.min(to, from + LINE_BYTES_MAX + 1);
  for (let at = from; at < stop; at++) {
    const byte = bytes[at]!;
    if (byte === LF) return at + 1;
    if (byte === 0) return 0;
  }
  return 0;
}

const INT64_DIGITS_MAX = 19;
const INT64_MIN_DIGITS = '9223372036854775808';

/**
 * The number that bytes[from, to) spell by the rules of Redis' string2ll: no sign but '-', no leading zero, no '-0', in
 * the range of 64 bits. Beyond 2^53 the value is not exact.
 * @returns NaN when they spell none.
 */
function parseInteger(bytes: Uint8Array, from: number, to: number): number {
  const negative = from < to && bytes[from] === MINUS;
  const first = negative ? from + 1 : from;
  const digits = to - first;
  if (digits < 1 || digits > INT64_DIGITS_MAX) return Number.NaN;
  if (bytes[first] === 48 && (digits > 1 || negative)) return Number.NaN;
  let value = 0;
  let text = '';
  for (let at = first; at < to; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
    if (digits === INT64_DIGITS_MAX) text += String.fromCharCode(bytes[at]!);
  }
  if (digits === INT64_DIGITS_MAX && (negative ? text > INT64_MIN_DIGITS : text >= INT64_MIN_DIGITS)) return Number.NaN;
  return negative ? -value : value;
}

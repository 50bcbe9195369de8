/**
 * Reads RESP2 and RESP3 replies from bytes, for tests: where a reply ends, and what it says. RESP2 clients in tests use
 * the package redis-parser; this reader is for RESP3 and for comparing replies byte for byte. The protocol:
 * https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

/** An error reply, as a value. */
export class ErrorReply {
  constructor(readonly text: string) {}
}

/** A RESP3 map, in the order it was sent. */
export class MapReply {
  constructor(readonly entries: [Resp3Reply, Resp3Reply][]) {}
}

/** A RESP3 push message. */
export class PushReply {
  constructor(readonly items: Resp3Reply[]) {}
}

/** Bulk and verbatim strings are Buffers, simple strings are text. */
export type Resp3Reply =
  | string
  | number
  | bigint
  | boolean
  | null
  | Buffer
  | ErrorReply
  | MapReply
  | PushReply
  | Set<Resp3Reply>
  | Resp3Reply[];

/** The bytes are not a reply. */
export class ReplySyntaxError extends Error {
  readonly code = 'REPLY_SYNTAX';
}

const NESTED = new Set(['*', '%', '~', '>', '|']);
const SIZED = new Set(['$', '=', '!']);

/** Index of the CR that ends the line at `start`, or -1. */
function lineEnd(bytes: Buffer, start: number): number {
  return bytes.indexOf('\r\n', start, 'latin1');
}

/**
 * Where the reply that begins at `start` ends (exclusive); when it is not complete, a negative number: minus how many
 * bytes are missing at least.
 * @throws ReplySyntaxError when no reply begins there.
 */
export function replyEnd(bytes: Buffer, start: number): number {
  let at = start;
  let missing = 1;
  while (missing > 0) {
    if (at >= bytes.length) return -missing;
    const type = String.fromCharCode(bytes[at]!);
    const end = lineEnd(bytes, at + 1);
    if (end < 0) return -missing;
    const line = bytes.toString('latin1', at + 1, end);
    at = end + 2;
    missing--;
    if (NESTED.has(type)) {
      const count = Number(line);
      if (!Number.isInteger(count) || count < -1) throw new ReplySyntaxError(`bad count '${type}${line}'`);
      if (count > 0) missing += type === '%' || type === '|' ? count * 2 : count;
      if (type === '|') missing++;
    } else if (SIZED.has(type)) {
      const length = Number(line);
      if (!Number.isInteger(length) || length < -1) throw new ReplySyntaxError(`bad length '${type}${line}'`);
      if (length >= 0) {
        if (at + length + 2 > bytes.length) return bytes.length - (at + length + 2);
        if (bytes.toString('latin1', at + length, at + length + 2) !== '\r\n') {
          throw new ReplySyntaxError('a bulk string does not end with CR LF');
        }
        at += length + 2;
      }
    } else if (!'+-:_,#('.includes(type)) {
      throw new ReplySyntaxError(`unknown reply type ${JSON.stringify(type)}`);
    }
  }
  return at;
}

/** Reads one complete reply; replyEnd() has said that it is complete. */
export function readReply(bytes: Buffer, start = 0): Resp3Reply {
  const reader = new Cursor(bytes, start);
  return reader.next();
}

class Cursor {
  constructor(
    private readonly bytes: Buffer,
    private at: number,
  ) {}

  next(): Resp3Reply {
    const type = String.fromCharCode(this.bytes[this.at]!);
    const line = this.line();
    switch (type) {
      case '+':
        return line;
      case '-':
        return new ErrorReply(line);
      case ':':
        return Number.isSafeInteger(Number(line)) ? Number(line) : BigInt(line);
      case '(':
        return BigInt(line);
      case ',':
        return line === 'inf' ? Number.POSITIVE_INFINITY : line === '-inf' ? Number.NEGATIVE_INFINITY : Number(line);
      case '#':
        return line === 't';
      case '_':
        return null;
      case '$':
      case '=':
      case '!':
        return this.sized(type, Number(line));
      default:
        return this.nested(type, Number(line));
    }
  }

  private line(): string {
    const end = lineEnd(this.bytes, this.at + 1);
    const line = this.bytes.toString('latin1', this.at + 1, end);
    this.at = end + 2;
    return line;
  }

  private sized(type: string, length: number): Resp3Reply {
    if (length < 0) return null;
    const body = Buffer.from(this.bytes.subarray(this.at, this.at + length));
    this.at += length + 2;
    return type === '!' ? new ErrorReply(body.toString('latin1')) : body;
  }

  private nested(type: string, count: number): Resp3Reply {
    if (count < 0) return null;
    if (type === '%' || type === '|') {
      const entries: [Resp3Reply, Resp3Reply][] = [];
      for (let i = 0; i < count; i++) {
        const key = this.next();
        entries.push([key, this.next()]);
      }
      return type === '|' ? this.next() : new MapReply(entries);
    }
    const items: Resp3Reply[] = [];
    for (let i = 0; i < count; i++) items.push(this.next());
    if (type === '>') return new PushReply(items);
    return type === '~' ? new Set(items) : items;
  }
}

/** Feeds bytes to a parser in pieces, as a connection does, and collects what came out. */
import { Arguments } from '../../../core/arguments.js';
import type { PartialRequest } from '../../../server/resp/partial-request.js';
import { PARSE_COMPLETE, PARSE_ERROR, RequestParser } from '../../../server/resp/request-parser.js';

export interface ParseOptions {
  readonly authenticated?: boolean;
  readonly bulkBytesMax?: number;
}

export interface Parsed {
  /** Each command's arguments, as latin1 text. */
  readonly commands: readonly (readonly string[])[];
  /** The error that ended it, or ''. */
  readonly error: string;
  /** Bytes behind the last complete command; not compared after an error. */
  readonly left: number;
}

/** @param cuts positions in ascending order at which the bytes are cut in pieces. */
export function parseAll(input: Uint8Array, cuts: readonly number[], options: ParseOptions = {}): Parsed {
  const { authenticated = true, bulkBytesMax = 512 * 1024 * 1024 } = options;
  const parser = new RequestParser(new Arguments(), { bulkBytesMax });
  const commands: string[][] = [];
  let kept: Uint8Array = new Uint8Array(0);
  let partial: PartialRequest | undefined;
  let from = 0;
  for (const to of [...cuts, input.length]) {
    const piece = input.subarray(from, to);
    from = to;
    // A new buffer with something before and behind it: what lies there must not matter.
    const before = kept.length % 7;
    const bytes = new Uint8Array(before + kept.length + piece.length + 8).fill(42);
    bytes.set(kept, before);
    bytes.set(piece, before + kept.length);
    const end = before + kept.length + piece.length;
    let at = before;
    for (;;) {
      const status = parser.parse(bytes, at, end, partial, authenticated);
      if (status === PARSE_ERROR) return { commands, error: parser.error, left: 0 };
      partial = parser.partial;
      at = parser.position;
      if (status !== PARSE_COMPLETE) break;
      commands.push(textsOf(parser.args));
    }
    kept = bytes.slice(at, end);
  }
  return { commands, error: '', left: kept.length };
}

function textsOf(args: Arguments): string[] {
  return Array.from({ length: args.count }, (_, i) => args.latin1(i));
}

/** Every position: the bytes come singly. */
export function everyByte(input: Uint8Array): number[] {
  return Array.from({ length: Math.max(0, input.length - 1) }, (_, i) => i + 1);
}

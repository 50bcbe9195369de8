/**
 * Splits an inline command into its words, by the quoting rules of Redis' sdssplitargs: words are separated by white
 * space; "..." knows the escapes \n \r \t \b \a \xHH and \ before any other byte; '...' knows \' alone; a closing quote
 * must be followed by white space or the end.
 */
import type { Arguments } from '../../core/arguments.js';

const QUOTE = 34;
const APOSTROPHE = 39;
const BACKSLASH = 92;
const LETTER_X = 120;

/**
 * Splits bytes[from, to) in place: what was quoted is unquoted where it stands, and the words become `args`.
 * The range must hold no NUL byte.
 * @returns false when quotes are unbalanced; the bytes may have been changed then too.
 */
export function splitInlineArguments(bytes: Uint8Array, from: number, to: number, args: Arguments): boolean {
  let at = from;
  let count = 0;
  args.bytes = bytes;
  for (;;) {
    while (at < to && isSpace(bytes[at]!)) at++;
    if (at === to) break;
    args.reserve(count + 1);
    args.start[count] = at;
    const behind = splitWord(bytes, at, to, args, count);
    if (behind < 0) return false;
    at = behind;
    count++;
  }
  args.count = count;
  return true;
}

/** Unquotes one word at `from` into its own place, sets its end, and returns the position behind it or -1. */
function splitWord(bytes: Uint8Array, from: number, to: number, args: Arguments, index: number): number {
  let at = from;
  let write = from;
  while (at < to) {
    const byte = bytes[at]!;
    if (byte === 32 || byte === 9 || byte === 13 || byte === 10) break;
    if (byte !== QUOTE && byte !== APOSTROPHE) {
      bytes[write++] = byte;
      at++;
      continue;
    }
    at++;
    for (;;) {
      if (at >= to) return -1;
      const inside = bytes[at]!;
      if (inside === byte) break;
      if (inside === BACKSLASH && byte === QUOTE && at + 1 < to) {
        if (bytes[at + 1] === LETTER_X && at + 3 < to) {
          const code = hexDigit(bytes[at + 2]!) * 16 + hexDigit(bytes[at + 3]!);
          if (code >= 0) {
            bytes[write++] = code;
            at += 4;
            continue;
          }
        }
        bytes[write++] = unescaped(bytes[at + 1]!);
        at += 2;
      } else if (inside === BACKSLASH && byte === APOSTROPHE && at + 1 < to && bytes[at + 1] === APOSTROPHE) {
        bytes[write++] = APOSTROPHE;
        at += 2;
      } else {
        bytes[write++] = inside;
        at++;
      }
    }
    at++;
    if (at < to && !isSpace(bytes[at]!)) return -1;
    break;
  }
  args.end[index] = write;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** The value of a hexadecimal digit, or a large negative number. */
function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  if (byte >= 97 && byte <= 102) return byte - 87;
  if (byte >= 65 && byte <= 70) return byte - 55;
  return -1000;
}

function unescaped(byte: number): number {
  switch (byte) {
    case 110:
      return 10;
    case 114:
      return 13;
    case 116:
      return 9;
    case 98:
      return 8;
    case 97:
      return 7;
    default:
      return byte;
  }
}

/** Commands that change a string where it is: APPEND and SETRANGE. They touch only the parts of a long value they change. */
import { ABSENT } from '../database.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import {
  append,
  bytesNeededToAppend,
  bytesNeededToSetRange,
  bytesNeededToStore,
  ENCODING_RAW,
  encodingOf,
  setRange,
} from '../types/string.js';
import type { CommandSpec } from './command.js';
import { readInteger } from './integer-argument.js';
import { pagesToAppend, pagesToSetRange } from './page-bounds.js';
import { expectString } from './wrong-type.js';

const offsetArgument = new Int64();

/** False, with the error as the reply, when a string of that many bytes is longer than allowed. Replay knows no limit. */
function fitsLimit(x: Execution, length: number): boolean {
  if (length <= x.database.stringBytesMax || x.replaying) return true;
  x.reply.error('ERR string exceeds maximum allowed size (proto-max-bulk-len)');
  return false;
}

function appendCommand(x: Execution): void {
  const { args, database } = x;
  const start = args.start[2]!;
  const end = args.end[2]!;
  const found = database.lookupWrite(1);
  if (found === ABSENT) {
    x.logVerbatim();
    database.store(args.bytes, start, end, encodingOf(args.bytes, start, end), false, 0, 0);
    x.reply.integer(end - start);
    return;
  }
  if (!expectString(x, found)) return;
  const { values } = database;
  const length = values.valueLength(found);
  if (!fitsLimit(x, length + end - start)) return;
  // In Redis even an APPEND of nothing ends the encodings that a string stored whole may have.
  if (end > start || values.encoding(found) !== ENCODING_RAW) {
    if (!x.reserve(bytesNeededToAppend(values, found, end - start))) return;
    x.logVerbatim();
    append(values, found, args.bytes, start, end);
    database.touch();
  }
  x.reply.integer(length + end - start);
}

function setrangeCommand(x: Execution): void {
  const { args, database } = x;
  if (!readInteger(x, 2, offsetArgument)) return;
  const offset = offsetArgument.toNumber();
  if (offset < 0) {
    x.reply.error('ERR offset is out of range');
    return;
  }
  const start = args.start[3]!;
  const end = args.end[3]!;
  const written = offset + end - start;
  const found = database.lookupWrite(1);
  if (found !== ABSENT && !expectString(x, found)) return;
  const { values } = database;
  const length = found === ABSENT ? 0 : values.valueLength(found);
  if (start === end) {
    x.reply.integer(length);
    return;
  }
  if (!fitsLimit(x, written)) return;
  if (found === ABSENT) {
    const keyLength = args.length(1);
    if (!x.reserve(bytesNeededToStore(keyLength, 0) + bytesNeededToStore(keyLength, written))) return;
    x.logVerbatim();
    database.store(args.bytes, start, start, ENCODING_RAW, false, 0, 0);
    setRange(values, database.lookupWrite(1), offset, args.bytes, start, end);
    x.reply.integer(written);
    return;
  }
  if (!x.reserve(bytesNeededToSetRange(values, found, offset, end - start))) return;
  x.logVerbatim();
  const longer = setRange(values, found, offset, args.bytes, start, end);
  database.touch();
  x.reply.integer(longer);
}

export const stringEditCommands: readonly CommandSpec[] = [
  {
    name: 'append',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '2.0.0',
    complexity:
      'O(1). The amortized time complexity is O(1) assuming the appended value is small and the already present value is of any size, since the dynamic string library used by Redis will double the free space available on every reallocation.',
    summary: 'Append a value to a key',
    keys: [{ flags: ['RW', 'insert'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'value', type: 'string' },
    ],
    pages: pagesToAppend,
    run: appendCommand,
  },

  {
    name: 'setrange',
    arity: 4,
    flags: ['write', 'denyoom'],
    categories: ['string'],
    group: 'string',
    since: '2.2.0',
    complexity:
      'O(1), not counting the time taken to copy the new string in place. Usually, this string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M being the length of the value argument.',
    summary: 'Overwrite part of a string at key starting at the specified offset',
    keys: [{ flags: ['RW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'offset', type: 'integer' },
      { name: 'value', type: 'string' },
    ],
    pages: pagesToSetRange,
    run: setrangeCommand,
  },
];

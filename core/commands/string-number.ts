/** Commands that count: the value is the text of a 64-bit integer, or of a decimal number for INCRBYFLOAT. */
import { ABSENT, type Found } from '../database.js';
import type { Execution } from '../execution.js';
import { INT64_TEXT_BYTES_MAX, Int64 } from '../numbers/int64.js';
import { addLongDoubles, LONG_DOUBLE_TEXT_BYTES_MAX } from '../numbers/long-double.js';
import { bytesNeededToStore, ENCODING_INT, encodingOfText } from '../types/string.js';
import type { CommandSpec } from './command.js';
import { readInteger } from './integer-argument.js';
import { pagesToCount } from './page-bounds.js';
import { expectString } from './wrong-type.js';

const ERROR_INTEGER = 'ERR value is not an integer or out of range';
const ERROR_FLOAT = 'ERR value is not a valid float';

/** Text of the value that is there, then of the one that is stored. */
const text = new Uint8Array(LONG_DOUBLE_TEXT_BYTES_MAX);
const present = new Int64();
const increment = new Int64();

function incrCommand(x: Execution): void {
  increment.set(0, 1);
  count(x);
}

function decrCommand(x: Execution): void {
  increment.set(-1, -1);
  count(x);
}

function incrbyCommand(x: Execution): void {
  if (readInteger(x, 2, increment)) count(x);
}

function decrbyCommand(x: Execution): void {
  if (!readInteger(x, 2, increment)) return;
  if (increment.negate()) count(x);
  else x.reply.error('ERR decrement would overflow');
}

/** Adds `increment` to the integer at argument 1. A deadline stays. */
function count(x: Execution): void {
  const found = x.database.lookupWrite(1);
  if (!readPresent(x, found)) return;
  if (!present.add(increment)) {
    x.reply.error('ERR increment or decrement would overflow');
    return;
  }
  const length = present.write(text, 0);
  // Adding 0 changes nothing but the encoding of a value that was stored as something else than an integer.
  const changes = increment.low !== 0 || increment.high !== 0;
  if (found === ABSENT || changes || x.database.values.encoding(found) !== ENCODING_INT) {
    if (!x.reserve(bytesNeededToStore(x.args.length(1), length))) return;
    x.logVerbatim();
    storeText(x, found, length, ENCODING_INT);
  }
  if (present.isExact) x.reply.integer(present.toNumber());
  else x.reply.integerText(String(present.toBigInt()));
}

/** Reads the integer that is there into `present`, 0 for none; false after an error reply. */
function readPresent(x: Execution, found: Found): boolean {
  if (found === ABSENT) {
    present.set(0, 0);
    return true;
  }
  if (!expectString(x, found)) return false;
  const { values } = x.database;
  const length = values.valueLength(found);
  if (length <= INT64_TEXT_BYTES_MAX) {
    values.copyValue(found, 0, length, text, 0);
    if (present.parse(text, 0, length)) return true;
  }
  x.reply.error(ERROR_INTEGER);
  return false;
}

/** Stores text[0, length) at argument 1; a deadline stays. */
function storeText(x: Execution, found: Found, length: number, encoding: number): void {
  if (found === ABSENT) x.database.store(text, 0, length, encoding, false, 0, 0);
  else x.database.replaceValue(text, 0, length, encoding);
}

/** Puts latin1 text into `text` and returns its length. */
function putText(characters: string): number {
  for (let i = 0; i < characters.length; i++) text[i] = characters.charCodeAt(i);
  return characters.length;
}

function incrbyfloatCommand(x: Execution): void {
  const { args, database, reply } = x;
  const found = database.lookupWrite(1);
  let value = '0';
  if (found !== ABSENT) {
    if (!expectString(x, found)) return;
    const length = database.values.valueLength(found);
    if (length > LONG_DOUBLE_TEXT_BYTES_MAX) {
      reply.error(ERROR_FLOAT);
      return;
    }
    database.values.copyValue(found, 0, length, text, 0);
    value = String.fromCharCode(...text.subarray(0, length));
  }
  const sum = addLongDoubles(value, args.latin1(2, LONG_DOUBLE_TEXT_BYTES_MAX + 1));
  if (sum === undefined) {
    reply.error(ERROR_FLOAT);
    return;
  }
  if (sum === 'inf' || sum === 'nan') {
    reply.error('ERR increment would produce NaN or Infinity');
    return;
  }
  if (found === ABSENT || sum !== value || database.values.encoding(found) !== encodingOfText(sum.length)) {
    if (!x.reserve(bytesNeededToStore(args.length(1), sum.length))) return;
    const length = putText(sum);
    x.logBegin('SET', 4);
    x.logArgument(1);
    x.effects.argument(text, 0, length);
    x.effects.word('KEEPTTL');
    storeText(x, found, length, encodingOfText(length));
  }
  reply.bulkLatin1(sum);
}

export const stringNumberCommands: readonly CommandSpec[] = [
  {
    name: 'incr',
    arity: 2,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Increment the integer value of a key by one',
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: pagesToCount,
    run: incrCommand,
  },

  {
    name: 'decr',
    arity: 2,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Decrement the integer value of a key by one',
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: pagesToCount,
    run: decrCommand,
  },

  {
    name: 'incrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Increment the integer value of a key by the given amount',
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'increment', type: 'integer' },
    ],
    pages: pagesToCount,
    run: incrbyCommand,
  },

  {
    name: 'decrby',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Decrement the integer value of a key by the given number',
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'decrement', type: 'integer' },
    ],
    pages: pagesToCount,
    run: decrbyCommand,
  },

  {
    name: 'incrbyfloat',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: 'Increment the float value of a key by the given amount',
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'increment', type: 'double' },
    ],
    pages: pagesToCount,
    run: incrbyfloatCommand,
  },
];

/**
 * Commands that store whole string values: SET and its older forms, MSET, MSETNX, MSETEX. What reads values is in string-get.ts,
 * what changes them in place in string-edit.ts, counting in string-number.ts.
 */

import { ABSENT, type Found } from '../database.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import { encodingOf } from '../types/string.js';
import type { CommandSpec } from './command.js';
import { Deadline } from './deadline.js';
import { pagesToStore, pagesToStoreCounted, pagesToStorePairs } from './page-bounds.js';
import {
  OPTION_DEADLINE,
  OPTION_GET,
  OPTION_KEEPTTL,
  OPTION_NEEDS_KEY,
  OPTION_NX,
  OPTION_RELATIVE,
  OPTION_SECONDS,
  OPTION_XX,
  StringOptions,
} from './string-options.js';
import { acceptsComparison, meetsComparison } from './value-comparison.js';
import { expectString } from './wrong-type.js';

const options = new StringOptions();
const deadline = new Deadline();
const keyCount = new Int64();
const INT32_MAX = 0x7fffffff;

/** What the log adds to a key and its value at most, where each is a SET of its own with a deadline. */
const SET_OVERHEAD_BYTES = 96;

/** Stores argument `value` at the key of the last lookup, without a deadline. */
function storeArgument(x: Execution, value: number): void {
  const { args } = x;
  const start = args.start[value]!;
  const end = args.end[value]!;
  x.database.store(args.bytes, start, end, encodingOf(args.bytes, start, end), false, 0, 0);
}

/** The same with `deadline`. */
function storeArgumentUntilDeadline(x: Execution, value: number): void {
  const { args } = x;
  const start = args.start[value]!;
  const end = args.end[value]!;
  const encoding = encodingOf(args.bytes, start, end);
  x.database.store(args.bytes, start, end, encoding, true, deadline.high, deadline.low);
}

function logSet(x: Execution, key: number, value: number): void {
  x.logBegin('SET', 3);
  x.logArgument(key);
  x.logArgument(value);
}

function logSetUntilDeadline(x: Execution, key: number, value: number): void {
  x.logBegin('SET', 5);
  x.logArgument(key);
  x.logArgument(value);
  x.effects.word('PXAT');
  deadline.log(x.effects);
}

function setCommand(x: Execution): void {
  if (x.args.count === 3) {
    x.database.lookupWrite(1);
    logSet(x, 1, 2);
    storeArgument(x, 2);
    x.reply.ok();
    return;
  }
  if (!options.parseSet(x.args, 3)) {
    x.syntaxError();
    return;
  }
  setWithOptions(x, options.flags);
}

function setWithOptions(x: Execution, flags: number): void {
  const { database } = x;
  if (!readDeadline(x, flags) || !acceptsComparison(x, options)) return;
  const answersValue = (flags & OPTION_GET) !== 0;
  const reference = answersValue ? database.lookupReadAndWrite(1) : database.lookupWrite(1);
  const exists = reference !== ABSENT;
  if (exists && (answersValue || options.comparedArgument > 0) && !expectString(x, reference)) return;
  if (answersValue && exists) database.replyValue(x.reply, reference);
  else if (answersValue) x.reply.nil();
  if (!mayStore(x, reference, flags)) {
    if (!answersValue) x.reply.nil();
    return;
  }
  storeWithLifetime(x, reference, 1, 2, flags);
  if (!answersValue) x.reply.ok();
}

/** Reads the deadline that the options name; on false the error was replied. */
function readDeadline(x: Execution, flags: number): boolean {
  if ((flags & OPTION_DEADLINE) === 0) return true;
  const seconds = (flags & OPTION_SECONDS) !== 0;
  return deadline.readPositive(x, options.deadlineArgument, seconds, (flags & OPTION_RELATIVE) !== 0);
}

/** Whether the key, found or not, meets the condition of a SET. */
function mayStore(x: Execution, found: Found, flags: number): boolean {
  if (found === ABSENT) return (flags & OPTION_NEEDS_KEY) === 0;
  return (flags & OPTION_NX) === 0 && meetsComparison(x, found, options);
}

/** Logs and stores a value at the key of the last lookup, with the deadline that the options give or keep. */
function storeWithLifetime(x: Execution, found: Found, key: number, value: number, flags: number): void {
  const { values } = x.database;
  if ((flags & OPTION_DEADLINE) !== 0) {
    logSetUntilDeadline(x, key, value);
    storeArgumentUntilDeadline(x, value);
  } else if ((flags & OPTION_KEEPTTL) !== 0 && found !== ABSENT && values.hasExpiry(found)) {
    x.logBegin('SET', 4);
    x.logArgument(key);
    x.logArgument(value);
    x.effects.word('KEEPTTL');
    values.readExpiry(found);
    deadline.set(values.expiryHigh, values.expiryLow);
    storeArgumentUntilDeadline(x, value);
  } else {
    logSet(x, key, value);
    storeArgument(x, value);
  }
}

function setnxCommand(x: Execution): void {
  if (x.database.lookupWrite(1) !== ABSENT) {
    x.reply.integer(0);
    return;
  }
  logSet(x, 1, 2);
  storeArgument(x, 2);
  x.reply.integer(1);
}

function setexCommand(x: Execution): void {
  setWithLifetime(x, true);
}

function psetexCommand(x: Execution): void {
  setWithLifetime(x, false);
}

function setWithLifetime(x: Execution, seconds: boolean): void {
  if (!deadline.readPositive(x, 2, seconds, true)) return;
  x.database.lookupWrite(1);
  logSetUntilDeadline(x, 1, 3);
  storeArgumentUntilDeadline(x, 3);
  x.reply.ok();
}

function getsetCommand(x: Execution): void {
  const { database } = x;
  const reference = database.lookupReadAndWrite(1);
  if (reference === ABSENT) {
    x.reply.nil();
  } else {
    if (!expectString(x, reference)) return;
    database.replyValue(x.reply, reference);
  }
  logSet(x, 1, 2);
  storeArgument(x, 2);
}

function msetCommand(x: Execution): void {
  if (!pairsComplete(x)) return;
  storePairs(x, 1, x.args.count);
  x.reply.ok();
}

function msetnxCommand(x: Execution): void {
  if (!pairsComplete(x)) return;
  if (countPresent(x, 1, x.args.count) > 0) {
    x.reply.integer(0);
    return;
  }
  storePairs(x, 1, x.args.count);
  x.reply.integer(1);
}

function pairsComplete(x: Execution): boolean {
  if (x.args.count % 2 === 1) return true;
  x.reply.error(`ERR wrong number of arguments for '${x.command.fullName}' command`);
  return false;
}

/** How many of the keys in every other argument of [first, end) are there, each counted as often as it is named. */
function countPresent(x: Execution, first: number, end: number): number {
  let present = 0;
  for (let key = first; key < end; key += 2) if (x.database.lookupWrite(key) !== ABSENT) present++;
  return present;
}

/** Stores the pairs of arguments [first, end), without deadlines. */
function storePairs(x: Execution, first: number, end: number): void {
  for (let key = first; key < end; key += 2) {
    x.database.lookupWrite(key);
    storeArgument(x, key + 1);
  }
  x.logBegin('MSET', end - first + 1);
  for (let i = first; i < end; i++) x.logArgument(i);
}

function msetexCommand(x: Execution): void {
  const end = readPairs(x);
  if (end === 0) return;
  if (!options.parseMsetex(x.args, end)) {
    x.syntaxError();
    return;
  }
  const { flags } = options;
  if (!readDeadline(x, flags)) return;
  const pairs = (end - 2) / 2;
  const present = (flags & (OPTION_NX | OPTION_XX)) === 0 ? 0 : countPresent(x, 2, end);
  if (((flags & OPTION_NX) !== 0 && present > 0) || ((flags & OPTION_XX) !== 0 && present < pairs)) {
    x.reply.integer(0);
    return;
  }
  if ((flags & (OPTION_DEADLINE | OPTION_KEEPTTL)) === 0) {
    storePairs(x, 2, end);
  } else {
    if (!x.admitEntry(x.args.span() + pairs * SET_OVERHEAD_BYTES)) return;
    for (let key = 2; key < end; key += 2) {
      storeWithLifetime(x, x.database.lookupWrite(key), key, key + 1, flags);
    }
  }
  x.reply.integer(1);
}

/** Reads the number of keys of a MSETEX; returns the argument behind the last value, 0 after an error reply. */
function readPairs(x: Execution): number {
  const { args, reply } = x;
  const integer = keyCount.parse(args.bytes, args.start[1]!, args.end[1]!);
  const pairs = keyCount.toNumber();
  if (!integer || pairs < 1 || pairs > INT32_MAX) {
    reply.error('ERR invalid numkeys value');
    return 0;
  }
  if (2 + pairs * 2 <= args.count) return 2 + pairs * 2;
  reply.error('ERR wrong number of key-value pairs');
  return 0;
}

export const stringSetCommands: readonly CommandSpec[] = [
  {
    name: 'set',
    arity: -3,
    flags: ['write', 'denyoom'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Set the string value of a key',
    history: [
      ['2.6.12', 'Added the `EX`, `PX`, `NX` and `XX` options.'],
      ['6.0.0', 'Added the `KEEPTTL` option.'],
      ['6.2.0', 'Added the `GET`, `EXAT` and `PXAT` option.'],
      ['7.0.0', 'Allowed the `NX` and `GET` options to be used together.'],
      ['8.4.0', 'Added the `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE` options.'],
    ],
    keys: [
      {
        flags: ['RW', 'access', 'update', 'variable_flags'],
        notes: 'RW and ACCESS due to the optional `GET` argument',
        index: 1,
        lastKey: 0,
        step: 1,
        limit: 0,
      },
    ],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'value', type: 'string' },
      {
        name: 'condition',
        type: 'oneof',
        since: '2.6.12',
        flags: ['optional'],
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
          { name: 'ifeq-value', type: 'string', token: 'IFEQ', since: '8.4.0' },
          { name: 'ifne-value', type: 'string', token: 'IFNE', since: '8.4.0' },
          { name: 'ifdeq-digest', type: 'string', token: 'IFDEQ', since: '8.4.0' },
          { name: 'ifdne-digest', type: 'string', token: 'IFDNE', since: '8.4.0' },
        ],
      },
      { name: 'get', type: 'pure-token', token: 'GET', since: '6.2.0', flags: ['optional'] },
      {
        name: 'expiration',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'seconds', type: 'integer', token: 'EX', since: '2.6.12' },
          { name: 'milliseconds', type: 'integer', token: 'PX', since: '2.6.12' },
          { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT', since: '6.2.0' },
          { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT', since: '6.2.0' },
          { name: 'keepttl', type: 'pure-token', token: 'KEEPTTL', since: '6.0.0' },
        ],
      },
    ],
    pages: pagesToStore,
    run: setCommand,
  },

  {
    name: 'setnx',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Set the value of a key, only if the key does not exist',
    keys: [{ flags: ['OW', 'insert'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'value', type: 'string' },
    ],
    pages: pagesToStore,
    run: setnxCommand,
  },

  {
    name: 'setex',
    arity: 4,
    flags: ['write', 'denyoom'],
    categories: ['string'],
    group: 'string',
    since: '2.0.0',
    complexity: 'O(1)',
    summary: 'Set the value and expiration of a key',
    keys: [{ flags: ['OW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'seconds', type: 'integer' },
      { name: 'value', type: 'string' },
    ],
    pages: pagesToStore,
    run: setexCommand,
  },

  {
    name: 'psetex',
    arity: 4,
    flags: ['write', 'denyoom'],
    categories: ['string'],
    group: 'string',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: 'Set the value and expiration in milliseconds of a key',
    keys: [{ flags: ['OW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'milliseconds', type: 'integer' },
      { name: 'value', type: 'string' },
    ],
    pages: pagesToStore,
    run: psetexCommand,
  },

  {
    name: 'getset',
    arity: 3,
    flags: ['write', 'denyoom', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Set the string value of a key and return its old value',
    deprecated: { since: '6.2.0', replacedBy: '`SET` with the `!GET` argument' },
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'value', type: 'string' },
    ],
    pages: pagesToStore,
    run: getsetCommand,
  },

  {
    name: 'mset',
    arity: -3,
    flags: ['write', 'denyoom'],
    categories: ['string'],
    group: 'string',
    since: '1.0.1',
    complexity: 'O(N) where N is the number of keys to set.',
    summary: 'Set multiple keys to multiple values',
    tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    keys: [{ flags: ['OW', 'update'], index: 1, lastKey: -1, step: 2, limit: 0 }],
    arguments: [
      {
        name: 'key_value',
        type: 'block',
        flags: ['multiple'],
        arguments: [
          { name: 'key', type: 'key', keySpecIndex: 0 },
          { name: 'value', type: 'string' },
        ],
      },
    ],
    pages: pagesToStorePairs,
    run: msetCommand,
  },

  {
    name: 'msetnx',
    arity: -3,
    flags: ['write', 'denyoom'],
    categories: ['string'],
    group: 'string',
    since: '1.0.1',
    complexity: 'O(N) where N is the number of keys to set.',
    summary: 'Set multiple keys to multiple values, only if none of the keys exist',
    tips: ['request_policy:multi_shard', 'response_policy:agg_min'],
    keys: [{ flags: ['OW', 'insert'], index: 1, lastKey: -1, step: 2, limit: 0 }],
    arguments: [
      {
        name: 'key_value',
        type: 'block',
        flags: ['multiple'],
        arguments: [
          { name: 'key', type: 'key', keySpecIndex: 0 },
          { name: 'value', type: 'string' },
        ],
      },
    ],
    pages: pagesToStorePairs,
    run: msetnxCommand,
  },

  {
    name: 'msetex',
    arity: -4,
    flags: ['write', 'denyoom', 'movablekeys'],
    categories: ['string'],
    group: 'string',
    since: '8.4.0',
    complexity: 'O(N) where N is the number of keys to set.',
    summary: 'Atomically sets multiple string keys with an optional shared expiration in a single operation.',
    tips: ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    keys: [{ flags: ['OW', 'update'], index: 1, countAt: 0, firstAt: 1, step: 2 }],
    arguments: [
      { name: 'numkeys', type: 'integer' },
      {
        name: 'data',
        type: 'block',
        flags: ['multiple'],
        arguments: [
          { name: 'key', type: 'key', keySpecIndex: 0 },
          { name: 'value', type: 'string' },
        ],
      },
      {
        name: 'condition',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
        ],
      },
      {
        name: 'expiration',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'seconds', type: 'integer', token: 'EX' },
          { name: 'milliseconds', type: 'integer', token: 'PX' },
          { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' },
          { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' },
          { name: 'keepttl', type: 'pure-token', token: 'KEEPTTL' },
        ],
      },
    ],
    pages: pagesToStoreCounted,
    run: msetexCommand,
  },
];

/**
 * Commands that store whole string values: SET and its older forms, MSET, MSETNX. What reads values is in string-get.ts,
 * what changes them in place in string-edit.ts, counting in string-number.ts.
 */

import { ABSENT } from '../database.js';
import type { Execution } from '../execution.js';
import { encodingOf } from '../types/string.js';
import type { CommandSpec } from './command.js';
import { Deadline } from './deadline.js';
import { pagesToStore, pagesToStorePairs } from './page-bounds.js';
import {
  OPTION_DEADLINE,
  OPTION_GET,
  OPTION_KEEPTTL,
  OPTION_NX,
  OPTION_RELATIVE,
  OPTION_SECONDS,
  OPTION_XX,
  StringOptions,
} from './string-options.js';
import { expectString } from './wrong-type.js';

const options = new StringOptions();
const deadline = new Deadline();

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
  const seconds = (flags & OPTION_SECONDS) !== 0;
  const relative = (flags & OPTION_RELATIVE) !== 0;
  if ((flags & OPTION_DEADLINE) !== 0 && !deadline.readPositive(x, options.deadlineArgument, seconds, relative)) return;
  const answersValue = (flags & OPTION_GET) !== 0;
  const reference = answersValue ? database.lookupReadAndWrite(1) : database.lookupWrite(1);
  const exists = reference !== ABSENT;
  if (answersValue && exists) {
    if (!expectString(x, reference)) return;
    database.replyValue(x.reply, reference);
  } else if (answersValue) {
    x.reply.nil();
  }
  if (exists ? (flags & OPTION_NX) !== 0 : (flags & OPTION_XX) !== 0) {
    if (!answersValue) x.reply.nil();
    return;
  }
  if ((flags & OPTION_DEADLINE) !== 0) {
    logSetUntilDeadline(x, 1, 2);
    storeArgumentUntilDeadline(x, 2);
  } else if ((flags & OPTION_KEEPTTL) !== 0 && exists && database.values.hasExpiry(reference)) {
    x.logBegin('SET', 4);
    x.logArgument(1);
    x.logArgument(2);
    x.effects.word('KEEPTTL');
    database.values.readExpiry(reference);
    deadline.set(database.values.expiryHigh, database.values.expiryLow);
    storeArgumentUntilDeadline(x, 2);
  } else {
    logSet(x, 1, 2);
    storeArgument(x, 2);
  }
  if (!answersValue) x.reply.ok();
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
  storePairs(x);
  x.reply.ok();
}

function msetnxCommand(x: Execution): void {
  if (!pairsComplete(x)) return;
  let taken = false;
  for (let key = 1; key < x.args.count; key += 2) {
    if (x.database.lookupWrite(key) !== ABSENT) taken = true;
  }
  if (taken) {
    x.reply.integer(0);
    return;
  }
  storePairs(x);
  x.reply.integer(1);
}

function pairsComplete(x: Execution): boolean {
  if (x.args.count % 2 === 1) return true;
  x.reply.error(`ERR wrong number of arguments for '${x.command.fullName}' command`);
  return false;
}

function storePairs(x: Execution): void {
  const count = x.args.count;
  for (let key = 1; key < count; key += 2) {
    x.database.lookupWrite(key);
    storeArgument(x, key + 1);
  }
  x.logBegin('MSET', count);
  for (let i = 1; i < count; i++) x.logArgument(i);
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
];

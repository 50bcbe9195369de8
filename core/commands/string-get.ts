/**
 * Commands that read string values; some of them remove the key or change its deadline on the way. What stores values is
 * in string-set.ts.
 */
import { ABSENT } from '../database.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import type { CommandSpec } from './command.js';
import { Deadline } from './deadline.js';
import { readInteger } from './integer-argument.js';
import { PAGES_TO_LOOK_ONCE, PAGES_TO_MOVE, pagesToLook } from './page-bounds.js';
import { OPTION_DEADLINE, OPTION_PERSIST, OPTION_RELATIVE, OPTION_SECONDS, StringOptions } from './string-options.js';
import { expectString } from './wrong-type.js';

const options = new StringOptions();
const deadline = new Deadline();
const first = new Int64();
const last = new Int64();
const NOTHING = new Uint8Array(0);

function getCommand(x: Execution): void {
  const found = x.database.lookupRead(1);
  if (found === ABSENT) x.reply.nil();
  else if (expectString(x, found)) x.database.replyValue(x.reply, found);
}

function getdelCommand(x: Execution): void {
  const { database } = x;
  const found = database.lookupReadAndWrite(1);
  if (found === ABSENT) {
    x.reply.nil();
    return;
  }
  if (!expectString(x, found)) return;
  database.replyValue(x.reply, found);
  logUnlink(x);
  database.remove();
}

function logUnlink(x: Execution): void {
  x.logBegin('UNLINK', 2);
  x.logArgument(1);
}

function getexCommand(x: Execution): void {
  if (!options.parseGetex(x.args, 2)) {
    x.syntaxError();
    return;
  }
  const { database } = x;
  const { flags } = options;
  const found = database.lookupReadAndWrite(1);
  if (found === ABSENT) {
    x.reply.nil();
    return;
  }
  if (!expectString(x, found)) return;
  const relative = (flags & OPTION_RELATIVE) !== 0;
  if ((flags & OPTION_DEADLINE) !== 0) {
    const seconds = (flags & OPTION_SECONDS) !== 0;
    if (!deadline.readPositive(x, options.deadlineArgument, seconds, relative)) return;
    if (!x.engine.reserveUncapped(database.values.bytesNeededToSetExpiry(found))) return;
  }
  database.replyValue(x.reply, found);
  if ((flags & OPTION_DEADLINE) !== 0) {
    if (!relative && database.expires && deadline.isPast(x.now)) {
      logUnlink(x);
      database.remove();
      return;
    }
    x.logBegin('PEXPIREAT', 3);
    x.logArgument(1);
    deadline.log(x.effects);
    database.setExpiry(deadline.high, deadline.low);
  } else if ((flags & OPTION_PERSIST) !== 0 && database.values.hasExpiry(found)) {
    x.logBegin('PERSIST', 2);
    x.logArgument(1);
    database.clearExpiry();
  }
}

function mgetCommand(x: Execution): void {
  const { database, reply } = x;
  const count = x.args.count;
  // An expired key that cannot be removed makes an error of the whole reply, so it must be met before the reply begins.
  if (database.engineWritesRefused) for (let i = 1; i < count; i++) database.lookupQuiet(i);
  reply.array(count - 1);
  for (let i = 1; i < count; i++) {
    const found = database.lookupRead(i);
    if (found === ABSENT || !database.isString(found)) reply.nil();
    else database.replyValue(reply, found);
  }
}

function strlenCommand(x: Execution): void {
  const found = x.database.lookupRead(1);
  if (found === ABSENT) x.reply.integer(0);
  else if (expectString(x, found)) x.reply.integer(x.database.values.valueLength(found));
}

function getrangeCommand(x: Execution): void {
  const { database, reply } = x;
  if (!readInteger(x, 2, first) || !readInteger(x, 3, last)) return;
  const found = database.lookupRead(1);
  if (found === ABSENT) {
    reply.bulk(NOTHING, 0, 0);
    return;
  }
  if (!expectString(x, found)) return;
  const length = database.values.valueLength(found);
  // Near -2^63 the numbers below are inexact; both clamped to 0, only this order tells an empty range from the first byte.
  const backwards = first.high < 0 && last.high < 0 && first.compare(last) > 0;
  const from = indexFromStart(first, length);
  const to = Math.min(length - 1, indexFromStart(last, length));
  if (backwards || from > to) reply.bulk(NOTHING, 0, 0);
  else database.replyRange(reply, found, from, to - from + 1);
}

/** An index that counts from the end when negative, as one from the start; not below 0. */
function indexFromStart(index: Int64, length: number): number {
  const number = index.toNumber();
  return number < 0 ? Math.max(0, length + number) : number;
}

export const stringGetCommands: readonly CommandSpec[] = [
  {
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Get the value of a key',
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: getCommand,
  },

  {
    name: 'getdel',
    arity: 2,
    flags: ['write', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '6.2.0',
    complexity: 'O(1)',
    summary: 'Get the value of a key and delete the key',
    keys: [{ flags: ['RW', 'access', 'delete'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: getdelCommand,
  },

  {
    name: 'getex',
    arity: -2,
    flags: ['write', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '6.2.0',
    complexity: 'O(1)',
    summary: 'Get the value of a key and optionally set its expiration',
    keys: [
      {
        flags: ['RW', 'access', 'update'],
        notes: 'RW and UPDATE because it changes the TTL',
        index: 1,
        lastKey: 0,
        step: 1,
        limit: 0,
      },
    ],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      {
        name: 'expiration',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'seconds', type: 'integer', token: 'EX' },
          { name: 'milliseconds', type: 'integer', token: 'PX' },
          { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' },
          { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' },
          { name: 'persist', type: 'pure-token', token: 'PERSIST' },
        ],
      },
    ],
    pages: PAGES_TO_MOVE,
    run: getexCommand,
  },

  {
    name: 'mget',
    arity: -2,
    flags: ['readonly', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity: 'O(N) where N is the number of keys to retrieve.',
    summary: 'Get the values of all the given keys',
    tips: ['request_policy:multi_shard'],
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: -1, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0, flags: ['multiple'] }],
    pages: pagesToLook,
    run: mgetCommand,
  },

  {
    name: 'strlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '2.2.0',
    complexity: 'O(1)',
    summary: 'Get the length of the value stored in a key',
    keys: [{ flags: ['RO'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: strlenCommand,
  },

  {
    name: 'getrange',
    arity: 4,
    flags: ['readonly'],
    categories: ['string'],
    group: 'string',
    since: '2.4.0',
    complexity:
      'O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.',
    summary: 'Get a substring of the string stored at a key',
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'start', type: 'integer' },
      { name: 'end', type: 'integer' },
    ],
    pages: PAGES_TO_LOOK_ONCE,
    run: getrangeCommand,
  },

  {
    name: 'substr',
    arity: 4,
    flags: ['readonly'],
    categories: ['string'],
    group: 'string',
    since: '1.0.0',
    complexity:
      'O(N) where N is the length of the returned string. The complexity is ultimately determined by the returned length, but because creating a substring from an existing string is very cheap, it can be considered O(1) for small strings.',
    summary: 'Get a substring of the string stored at a key',
    deprecated: { since: '2.0.0', replacedBy: '`GETRANGE`' },
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'start', type: 'integer' },
      { name: 'end', type: 'integer' },
    ],
    pages: PAGES_TO_LOOK_ONCE,
    run: getrangeCommand,
  },
];

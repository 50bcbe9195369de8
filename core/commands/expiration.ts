/** Deadlines of keys: setting them, asking for them, taking them away. How keys expire is the database's. */
import { ABSENT } from '../database.js';
import type { Execution } from '../execution.js';
import type { CommandSpec } from './command.js';
import { Deadline } from './deadline.js';
import { PAGES_TO_LOOK_ONCE, PAGES_TO_MOVE } from './page-bounds.js';

const CONDITION_NX = 1;
const CONDITION_XX = 2;
const CONDITION_GT = 4;
const CONDITION_LT = 8;

const deadline = new Deadline();

function expireCommand(x: Execution): void {
  expire(x, true, true);
}

function pexpireCommand(x: Execution): void {
  expire(x, false, true);
}

function expireatCommand(x: Execution): void {
  expire(x, true, false);
}

function pexpireatCommand(x: Execution): void {
  expire(x, false, false);
}

function expire(x: Execution, seconds: boolean, relative: boolean): void {
  const { database } = x;
  const conditions = x.args.count > 3 ? readConditions(x) : 0;
  if (conditions < 0) return;
  if (!deadline.read(x, 2, seconds, relative)) return;
  const found = database.lookupWrite(1);
  if (found === ABSENT || (conditions !== 0 && !allows(x, conditions, found))) {
    x.reply.integer(0);
    return;
  }
  // What is folded, or taken over, has happened already: there a deadline that is past by now was none then.
  if (database.expires && deadline.isPast(x.now)) {
    x.logBegin('UNLINK', 2);
    x.logArgument(1);
    database.remove();
  } else {
    if (!x.engine.reserveUncapped(database.values.bytesNeededToSetExpiry(found))) return;
    x.logBegin('PEXPIREAT', 3);
    x.logArgument(1);
    deadline.log(x.effects);
    database.setExpiry(deadline.high, deadline.low);
  }
  x.reply.integer(1);
}

/** Reads NX, XX, GT and LT; -1 after an error reply. */
function readConditions(x: Execution): number {
  const { args, reply } = x;
  let conditions = 0;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, 'NX')) conditions |= CONDITION_NX;
    else if (args.is(i, 'XX')) conditions |= CONDITION_XX;
    else if (args.is(i, 'GT')) conditions |= CONDITION_GT;
    else if (args.is(i, 'LT')) conditions |= CONDITION_LT;
    else {
      reply.error(`ERR Unsupported option ${args.cText(i)}`);
      return -1;
    }
  }
  if ((conditions & CONDITION_NX) !== 0 && conditions !== CONDITION_NX) {
    reply.error('ERR NX and XX, GT or LT options at the same time are not compatible');
    return -1;
  }
  if ((conditions & CONDITION_GT) !== 0 && (conditions & CONDITION_LT) !== 0) {
    reply.error('ERR GT and LT options at the same time are not compatible');
    return -1;
  }
  return conditions;
}

/** Whether the new deadline may replace the present one. No deadline counts as one that never comes. */
function allows(x: Execution, conditions: number, found: number): boolean {
  const { values } = x.database;
  if (!values.hasExpiry(found)) return (conditions & (CONDITION_XX | CONDITION_GT)) === 0;
  if ((conditions & CONDITION_NX) !== 0) return false;
  values.readExpiry(found);
  const later = deadline.isAfter(values.expiryHigh, values.expiryLow);
  if ((conditions & CONDITION_GT) !== 0) return later;
  if ((conditions & CONDITION_LT) === 0) return true;
  return !later && (deadline.high !== values.expiryHigh || deadline.low !== values.expiryLow);
}

function ttlCommand(x: Execution): void {
  replyDeadline(x, true, x.now);
}

function pttlCommand(x: Execution): void {
  replyDeadline(x, false, x.now);
}

function expiretimeCommand(x: Execution): void {
  replyDeadline(x, true, 0);
}

function pexpiretimeCommand(x: Execution): void {
  replyDeadline(x, false, 0);
}

function replyDeadline(x: Execution, seconds: boolean, base: number): void {
  const found = x.database.lookupQuiet(1);
  if (found === ABSENT) {
    x.reply.integer(-2);
    return;
  }
  const { values } = x.database;
  if (!values.hasExpiry(found)) {
    x.reply.integer(-1);
    return;
  }
  values.readExpiry(found);
  deadline.set(values.expiryHigh, values.expiryLow);
  deadline.write(x.reply, base, seconds);
}

function persistCommand(x: Execution): void {
  const { database } = x;
  const found = database.lookupWrite(1);
  if (found === ABSENT || !database.values.hasExpiry(found)) {
    x.reply.integer(0);
    return;
  }
  x.logBegin('PERSIST', 2);
  x.logArgument(1);
  database.clearExpiry();
  x.reply.integer(1);
}

export const expirationCommands: readonly CommandSpec[] = [
  {
    name: 'expire',
    arity: -3,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: "Set a key's time to live in seconds",
    history: [['7.0.0', 'Added options: `NX`, `XX`, `GT` and `LT`.']],
    keys: [{ flags: ['RW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'seconds', type: 'integer' },
      {
        name: 'condition',
        type: 'oneof',
        since: '7.0.0',
        flags: ['optional'],
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
          { name: 'gt', type: 'pure-token', token: 'GT' },
          { name: 'lt', type: 'pure-token', token: 'LT' },
        ],
      },
    ],
    pages: PAGES_TO_MOVE,
    run: expireCommand,
  },

  {
    name: 'pexpire',
    arity: -3,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: "Set a key's time to live in milliseconds",
    history: [['7.0.0', 'Added options: `NX`, `XX`, `GT` and `LT`.']],
    keys: [{ flags: ['RW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'milliseconds', type: 'integer' },
      {
        name: 'condition',
        type: 'oneof',
        since: '7.0.0',
        flags: ['optional'],
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
          { name: 'gt', type: 'pure-token', token: 'GT' },
          { name: 'lt', type: 'pure-token', token: 'LT' },
        ],
      },
    ],
    pages: PAGES_TO_MOVE,
    run: pexpireCommand,
  },

  {
    name: 'expireat',
    arity: -3,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.2.0',
    complexity: 'O(1)',
    summary: 'Set the expiration for a key as a UNIX timestamp',
    history: [['7.0.0', 'Added options: `NX`, `XX`, `GT` and `LT`.']],
    keys: [{ flags: ['RW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'unix-time-seconds', type: 'unix-time' },
      {
        name: 'condition',
        type: 'oneof',
        since: '7.0.0',
        flags: ['optional'],
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
          { name: 'gt', type: 'pure-token', token: 'GT' },
          { name: 'lt', type: 'pure-token', token: 'LT' },
        ],
      },
    ],
    pages: PAGES_TO_MOVE,
    run: expireatCommand,
  },

  {
    name: 'pexpireat',
    arity: -3,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: 'Set the expiration for a key as a UNIX timestamp specified in milliseconds',
    history: [['7.0.0', 'Added options: `NX`, `XX`, `GT` and `LT`.']],
    keys: [{ flags: ['RW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'unix-time-milliseconds', type: 'unix-time' },
      {
        name: 'condition',
        type: 'oneof',
        since: '7.0.0',
        flags: ['optional'],
        arguments: [
          { name: 'nx', type: 'pure-token', token: 'NX' },
          { name: 'xx', type: 'pure-token', token: 'XX' },
          { name: 'gt', type: 'pure-token', token: 'GT' },
          { name: 'lt', type: 'pure-token', token: 'LT' },
        ],
      },
    ],
    pages: PAGES_TO_MOVE,
    run: pexpireatCommand,
  },

  {
    name: 'ttl',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Get the time to live for a key in seconds',
    history: [['2.8.0', 'Added the -2 reply.']],
    tips: ['nondeterministic_output'],
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: ttlCommand,
  },

  {
    name: 'pttl',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: 'Get the time to live for a key in milliseconds',
    history: [['2.8.0', 'Added the -2 reply.']],
    tips: ['nondeterministic_output'],
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: pttlCommand,
  },

  {
    name: 'expiretime',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '7.0.0',
    complexity: 'O(1)',
    summary: 'Get the expiration Unix timestamp for a key',
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: expiretimeCommand,
  },

  {
    name: 'pexpiretime',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '7.0.0',
    complexity: 'O(1)',
    summary: 'Get the expiration Unix timestamp for a key in milliseconds',
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: pexpiretimeCommand,
  },

  {
    name: 'persist',
    arity: 2,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '2.2.0',
    complexity: 'O(1)',
    summary: 'Remove the expiration from a key',
    keys: [{ flags: ['RW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_MOVE,
    run: persistCommand,
  },
];

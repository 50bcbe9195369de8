/**
 * COPY and MOVE: a value under another name or in another database. Databases have pages of their own, so MOVE copies,
 * too. Both are logged as what they did, a SET and an UNLINK, which any version can fold; the value is then stored from
 * the bytes of that SET, where it lies in one piece even if it is in parts.
 */
import { ABSENT, type Found, type ValueAccess } from '../database.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import { bytesNeededToStore, copyRange } from '../types/string.js';
import type { CommandSpec } from './command.js';
import { Deadline } from './deadline.js';
import { pagesToCopy, pagesToMoveAway } from './page-bounds.js';

const ERROR_SAME = 'ERR source and destination objects are the same';
const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;

/** What SET, key and deadline add to the value in the log at most, the key's own length aside. */
const EFFECT_BYTES_MAX = 128;
/** What stands behind the value in its effect at most: PXAT and a deadline. */
const BEHIND_VALUE_BYTES = 96;
/** Values up to this length are moved above maxmemory, too, as Redis does: what one database gets the other gives back. */
const MOVED_UNCAPPED_BYTES_MAX = 16 * 1024;

const number = new Int64();
const deadline = new Deadline();

/** Reads argument i as the number of a database; -1 after an error reply. */
function readDatabase(x: Execution, i: number): number {
  const { args, database, reply } = x;
  if (!number.parse(args.bytes, args.start[i]!, args.end[i]!)) {
    reply.error('ERR value is not an integer or out of range');
    return -1;
  }
  const index = number.toNumber();
  if (index < INT32_MIN || index > INT32_MAX) {
    reply.error(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
    return -1;
  }
  if (index >= 0 && index < database.databases) return index;
  reply.error('ERR DB index is out of range');
  return -1;
}

function copyCommand(x: Execution): void {
  const { args, database, reply } = x;
  const source = database.number;
  let target = source;
  let replacing = false;
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, 'REPLACE')) {
      replacing = true;
    } else if (args.is(i, 'DB') && i + 1 < args.count) {
      target = readDatabase(x, ++i);
      if (target < 0) return;
    } else {
      x.syntaxError();
      return;
    }
  }
  if (source === target && args.equal(1, 2)) {
    reply.error(ERROR_SAME);
    return;
  }
  const found = database.lookupRead(1);
  if (found === ABSENT) {
    reply.integer(0);
    return;
  }
  const { values } = database;
  database.select(target);
  const free = database.lookupWrite(2) === ABSENT;
  if (!free && !replacing) reply.integer(0);
  else if (reserveCopy(x, values, found, 2, true)) {
    logAndStore(x, values, found, 2);
    reply.integer(1);
  }
  database.select(source);
}

function moveCommand(x: Execution): void {
  const { database, reply } = x;
  const source = database.number;
  const target = readDatabase(x, 2);
  if (target < 0) return;
  if (source === target) {
    reply.error(ERROR_SAME);
    return;
  }
  const found = database.lookupWrite(1);
  if (found === ABSENT) {
    reply.integer(0);
    return;
  }
  const { values } = database;
  const clock = database.clock();
  const capped = values.valueLength(found) > MOVED_UNCAPPED_BYTES_MAX;
  database.select(target);
  if (database.lookupWrite(1) !== ABSENT) {
    reply.integer(0);
  } else if (reserveCopy(x, values, found, 1, capped)) {
    logAndStore(x, values, found, 1);
    database.setClock(clock);
    database.select(source);
    x.logBegin('UNLINK', 2);
    x.logArgument(1);
    database.lookupWrite(1);
    database.remove();
    reply.integer(1);
  }
  database.select(source);
}

/** Room in memory and in the log for the copy of a value; on false the error was replied and nothing was changed. */
function reserveCopy(x: Execution, values: ValueAccess, found: Found, key: number, capped: boolean): boolean {
  if (x.replaying) {
    x.reply.error('ERR COPY and MOVE are logged as what they did');
    return false;
  }
  const keyLength = x.args.length(key);
  const length = values.valueLength(found);
  if (!x.admitEntry(length + 2 * (keyLength + EFFECT_BYTES_MAX))) return false;
  const needed = bytesNeededToStore(keyLength, length);
  return capped ? x.reserve(needed) : x.engine.reserveUncapped(needed);
}

/**
 * Logs the string found, value and deadline, as a SET of argument `key` in the selected database, and stores it there.
 * @param values where it was found. @param key argument of the last lookup.
 */
function logAndStore(x: Execution, values: ValueAccess, found: Found, key: number): void {
  const { database, effects } = x;
  const length = values.valueLength(found);
  const encoding = values.encoding(found);
  const expires = values.hasExpiry(found);
  deadline.set(0, 0);
  if (expires) {
    values.readExpiry(found);
    deadline.set(values.expiryHigh, values.expiryLow);
  }
  x.logBegin('SET', expires ? 5 : 3);
  x.logArgument(key);
  effects.argumentBegin(length, BEHIND_VALUE_BYTES);
  const { bytes, position: start } = effects;
  copyRange(values, found, 0, length, effects);
  effects.argumentEnd();
  if (expires) {
    effects.word('PXAT');
    deadline.log(effects);
  }
  if (effects.bytes !== bytes) throw new Error('the effect moved while it was written');
  database.store(bytes, start, start + length, encoding, expires, deadline.high, deadline.low);
}

export const keyCopyCommands: readonly CommandSpec[] = [
  {
    name: 'copy',
    arity: -3,
    flags: ['write', 'denyoom'],
    categories: ['keyspace'],
    group: 'generic',
    since: '6.2.0',
    complexity: 'O(N) worst case for collections, where N is the number of nested items. O(1) for string values.',
    summary: 'Copy a key',
    keys: [
      { flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 },
      { flags: ['OW', 'update'], index: 2, lastKey: 0, step: 1, limit: 0 },
    ],
    arguments: [
      { name: 'source', type: 'key', keySpecIndex: 0 },
      { name: 'destination', type: 'key', keySpecIndex: 1 },
      { name: 'destination-db', type: 'integer', token: 'DB', flags: ['optional'] },
      { name: 'replace', type: 'pure-token', token: 'REPLACE', flags: ['optional'] },
    ],
    pages: pagesToCopy,
    run: copyCommand,
  },

  {
    name: 'move',
    arity: 3,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Move a key to another database',
    keys: [{ flags: ['RW', 'access', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'db', type: 'integer' },
    ],
    pages: pagesToMoveAway,
    run: moveCommand,
  },
];

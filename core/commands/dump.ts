/**
 * DUMP and RESTORE: a value as bytes that another server takes, in the format of RDB files (core/rdb). MIGRATE, which does
 * both over a socket, is in server/commands.
 */
import { ABSENT } from '../database.js';
import { ERROR_NO_SPACE } from '../engine.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import {
  DumpPayloadReader,
  DumpPayloadWriter,
  PAYLOAD_BAD_DATA,
  PAYLOAD_BAD_FOOTER,
  PAYLOAD_GOOD,
} from '../rdb/dump-payload.js';
import type { ReplyWriter } from '../reply-writer.js';
import { bytesNeededToStore, encodingOf } from '../types/string.js';
import type { ArgumentSpec, CommandSpec } from './command.js';
import { Deadline } from './deadline.js';
import { FoundString } from './found-string.js';
import { readInteger } from './integer-argument.js';
import { PAGES_TO_LOOK_ONCE, pagesToRestore } from './page-bounds.js';

const ERROR_BUSY = 'BUSYKEY Target key name already exists.';
/** What an entry takes beside key and value, about. */
const ENTRY_OVERHEAD_BYTES = 128;

const writer = new DumpPayloadWriter();
const reader = new DumpPayloadReader();
const found = new FoundString();
const deadline = new Deadline();
const ttl = new Int64();
const option = new Int64();

function dumpCommand(x: Execution): void {
  const reference = x.database.lookupRead(1);
  if (reference === ABSENT) {
    x.reply.nil();
    return;
  }
  const { reply } = x;
  reply.bulkLength(writer.prepare(found.of(x.database.values, reference)));
  writer.write((bytes, start, end) => appendRaw(reply, bytes, start, end));
  reply.bulkEnd();
}

function appendRaw(reply: ReplyWriter, bytes: Uint8Array, start: number, end: number): void {
  reply.raw(bytes, start, end);
}

const OPTION_REPLACE = 1;
const OPTION_ABSOLUTE = 2;

/** What the options of the running RESTORE say; ages are -1 where they say nothing. */
let flags = 0;
let idleSeconds = -1;
let frequency = -1;

/** Reads the options; on false the error was replied. */
function readOptions(x: Execution): boolean {
  const { args, reply } = x;
  flags = 0;
  idleSeconds = -1;
  frequency = -1;
  for (let i = 4; i < args.count; i++) {
    const more = i + 1 < args.count;
    if (args.is(i, 'REPLACE')) {
      flags |= OPTION_REPLACE;
    } else if (args.is(i, 'ABSTTL')) {
      flags |= OPTION_ABSOLUTE;
    } else if (args.is(i, 'IDLETIME') && more && frequency === -1) {
      if (!readInteger(x, ++i, option)) return false;
      idleSeconds = option.toNumber();
      if (idleSeconds < 0) {
        reply.error('ERR Invalid IDLETIME value, must be >= 0');
        return false;
      }
    } else if (args.is(i, 'FREQ') && more && idleSeconds === -1) {
      if (!readInteger(x, ++i, option)) return false;
      frequency = option.toNumber();
      if (frequency < 0 || frequency > 255) {
        reply.error('ERR Invalid FREQ value, must be >= 0 and <= 255');
        return false;
      }
    } else {
      x.syntaxError();
      return false;
    }
  }
  return true;
}

function restoreCommand(x: Execution): void {
  const { args, database, reply } = x;
  if (!readOptions(x)) return;
  const replaces = (flags & OPTION_REPLACE) !== 0;
  if (!replaces && database.lookupWrite(1) !== ABSENT) {
    reply.error(ERROR_BUSY);
    return;
  }
  if (!readInteger(x, 2, ttl)) return;
  if (ttl.high < 0) {
    reply.error('ERR Invalid TTL value, must be >= 0');
    return;
  }
  if (!readPayload(x)) return;
  const exists = replaces && database.lookupWrite(1) !== ABSENT;
  const hasDeadline = ttl.high !== 0 || ttl.low !== 0;
  if (hasDeadline) resolveDeadline(x);
  // As in Redis: the time of loading decides nothing, only what came later.
  if (hasDeadline && database.expires && deadline.isPast(x.now)) {
    if (exists) {
      x.logBegin('UNLINK', 2);
      x.logArgument(1);
      database.remove();
    }
    reply.ok();
    return;
  }
  storeValue(x, args.count > 4, hasDeadline);
  reply.ok();
}

/** Reads argument 3 as a payload into `reader.value`, with memory for it; on false the error was replied. */
function readPayload(x: Execution): boolean {
  const { args, engine, reply } = x;
  let outcome = reader.open(args.bytes, args.start[3]!, args.end[3]!);
  if (outcome === PAYLOAD_GOOD) {
    // The value may be longer than the command: a compressed one up to 88 times.
    if (!x.reserve(bytesNeededToStore(args.length(1), reader.lengthMax))) return false;
    if (x.effects.enabled && !engine.logAdmits(args.length(1) + reader.lengthMax + ENTRY_OVERHEAD_BYTES)) {
      reply.error(ERROR_NO_SPACE);
      return false;
    }
    outcome = reader.read();
  }
  if (outcome === PAYLOAD_BAD_FOOTER) reply.error('ERR DUMP payload version or checksum are wrong');
  else if (outcome === PAYLOAD_BAD_DATA) reply.error('ERR Bad data format');
  return outcome === PAYLOAD_GOOD;
}

/** Makes `deadline` of `ttl`. A relative one that goes beyond 63 bits wraps around, as in Redis. */
function resolveDeadline(x: Execution): void {
  deadline.set(ttl.high, ttl.low);
  if ((flags & OPTION_ABSOLUTE) !== 0) return;
  option.setNumber(x.now);
  if (ttl.add(option)) deadline.set(ttl.high, ttl.low);
  else deadline.set(-1, 0);
}

/** Stores `reader.value` at the key of the last lookup. The log gets the value itself: what a SET does is frozen. */
function storeValue(x: Execution, hasAge: boolean, hasDeadline: boolean): void {
  const { database, effects } = x;
  const { bytes, start, end } = reader.value;
  x.logBegin('SET', hasDeadline ? 5 : 3);
  x.logArgument(1);
  effects.argument(bytes, start, end);
  if (hasDeadline) {
    effects.word('PXAT');
    deadline.log(effects);
  }
  database.store(bytes, start, end, encodingOf(bytes, start, end), hasDeadline, deadline.high, deadline.low);
  if (hasAge) database.setAge(idleSeconds, frequency);
  reader.value.release();
}

const RESTORE_COMPLEXITY =
  'O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number of Redis ' +
  'objects composing the value and M their average size. For small string values the time complexity is thus ' +
  'O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is O(N*M*log(N)) because ' +
  'inserting values into sorted sets is O(log(N)).';

const RESTORE_HISTORY: CommandSpec['history'] = [
  ['3.0.0', 'Added the `REPLACE` modifier.'],
  ['5.0.0', 'Added the `ABSTTL` modifier.'],
  ['5.0.0', 'Added the `IDLETIME` and `FREQ` options.'],
];

const RESTORE_ARGUMENTS: readonly ArgumentSpec[] = [
  { name: 'key', type: 'key', keySpecIndex: 0 },
  { name: 'ttl', type: 'integer' },
  { name: 'serialized-value', type: 'string' },
  { name: 'replace', type: 'pure-token', token: 'REPLACE', since: '3.0.0', flags: ['optional'] },
  { name: 'absttl', type: 'pure-token', token: 'ABSTTL', since: '5.0.0', flags: ['optional'] },
  { name: 'seconds', type: 'integer', token: 'IDLETIME', since: '5.0.0', flags: ['optional'] },
  { name: 'frequency', type: 'integer', token: 'FREQ', since: '5.0.0', flags: ['optional'] },
];

export const dumpCommands: readonly CommandSpec[] = [
  {
    name: 'dump',
    arity: 2,
    flags: ['readonly'],
    categories: ['keyspace'],
    group: 'generic',
    since: '2.6.0',
    complexity:
      'O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects composing ' +
      'the value and M their average size. For small string values the time complexity is thus O(1)+O(1*M) where M is ' +
      'small, so simply O(1).',
    summary: 'Return a serialized version of the value stored at the specified key.',
    tips: ['nondeterministic_output'],
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: dumpCommand,
  },

  {
    name: 'restore',
    arity: -4,
    flags: ['write', 'denyoom'],
    categories: ['keyspace', 'dangerous'],
    group: 'generic',
    since: '2.6.0',
    complexity: RESTORE_COMPLEXITY,
    summary: 'Create a key using the provided serialized value, previously obtained using DUMP.',
    history: RESTORE_HISTORY,
    keys: [{ flags: ['OW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: RESTORE_ARGUMENTS,
    pages: pagesToRestore,
    run: restoreCommand,
  },

  {
    name: 'restore-asking',
    arity: -4,
    flags: ['write', 'denyoom', 'asking'],
    categories: ['keyspace', 'dangerous'],
    group: 'server',
    since: '3.0.0',
    complexity: RESTORE_COMPLEXITY,
    summary: 'An internal command for migrating keys in a cluster',
    systemCommand: true,
    history: RESTORE_HISTORY,
    keys: [{ flags: ['OW', 'update'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: RESTORE_ARGUMENTS,
    pages: pagesToRestore,
    run: restoreCommand,
  },
];

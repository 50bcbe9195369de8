/**
 * Walks over the keys of a database: SCAN, a step at a time, and KEYS, in slices between which others are served. Both
 * promise the same: a key that is there from the first step to the last is returned.
 */
import type { Arguments } from '../arguments.js';
import type { Execution } from '../execution.js';
import { GlobPattern } from '../glob-pattern.js';
import { Int64 } from '../numbers/int64.js';
import type { CommandSpec } from './command.js';
import { readInteger } from './integer-argument.js';
import { KeysTask } from './keys-task.js';
import { pagesToScan } from './page-bounds.js';

const COUNT_DEFAULT = 10;
/** No table has more keys: a larger COUNT is as good as this one. */
const COUNT_MAX = 2 ** 30;
/** Cursors that a table hands out are below this; any other one is at the end. */
const CURSOR_END = 2 ** 32;
const ULONG_MAX = 0xffffffffffffffffn;

const count = new Int64();
const pattern = new GlobPattern();

/** The options of the running SCAN: arguments of MATCH and TYPE, 0 for none. */
let countMax = COUNT_DEFAULT;
let matchArgument = 0;
let typeArgument = 0;

function scanCommand(x: Execution): void {
  const { database, reply } = x;
  const cursor = readCursor(x.args);
  if (cursor < 0) {
    reply.error('ERR invalid cursor');
    return;
  }
  if (!readScanOptions(x)) return;
  database.dependOnAll();
  const next = cursor < CURSOR_END ? database.collect(cursor, countMax) : 0;
  const kept = keepMatching(x);
  reply.array(2);
  reply.bulkInteger(next);
  reply.array(kept);
  for (let i = 0; i < kept; i++) {
    database.readCollected(i);
    reply.bulk(database.keyBytes, 0, database.keyLength);
  }
  database.forgetCollected();
}

/** Reads a cursor as C's strtoul does, which Redis uses; -1 when it is none. */
function readCursor(args: Arguments): number {
  const text = args.cText(1);
  if (!/^(?:[+-]?[0-9]+)?$/.test(text)) return -1;
  if (text === '') return 0;
  const magnitude = BigInt(text.replace(/^[+-]/, ''));
  if (magnitude > ULONG_MAX) return -1;
  return Number(text.startsWith('-') ? BigInt.asUintN(64, -magnitude) : magnitude);
}

/** Reads COUNT, MATCH and TYPE; false after an error reply. */
function readScanOptions(x: Execution): boolean {
  const { args } = x;
  countMax = COUNT_DEFAULT;
  matchArgument = 0;
  typeArgument = 0;
  for (let i = 2; i < args.count; i += 2) {
    const complete = i + 1 < args.count;
    if (complete && args.is(i, 'COUNT')) {
      if (!readInteger(x, i + 1, count)) return false;
      if (count.toNumber() < 1) {
        x.syntaxError();
        return false;
      }
      countMax = Math.min(COUNT_MAX, count.toNumber());
    } else if (complete && args.is(i, 'MATCH')) {
      matchArgument = i + 1;
    } else if (complete && args.is(i, 'TYPE')) {
      typeArgument = i + 1;
    } else {
      x.syntaxError();
      return false;
    }
  }
  return true;
}

/** Moves the collected keys that the reply shows to the front, and removes those whose time is up. Returns how many. */
function keepMatching(x: Execution): number {
  const { args, database } = x;
  if (matchArgument > 0) pattern.set(args.bytes, args.start[matchArgument]!, args.end[matchArgument]!);
  let kept = 0;
  for (let i = 0; i < database.collectedCount; i++) {
    database.readCollected(i);
    if (matchArgument > 0 && !pattern.matches(database.keyBytes, 0, database.keyLength)) continue;
    if (database.expireCollected(i)) continue;
    if (typeArgument > 0 && !args.is(typeArgument, database.collectedTypeName(i).toUpperCase())) continue;
    database.keepCollected(i, kept++);
  }
  return kept;
}

function keysCommand(x: Execution): void {
  const { args } = x;
  const task = new KeysTask(x.engine, Uint8Array.from(args.bytes.subarray(args.start[1]!, args.end[1]!)));
  if (!task.begin(x)) x.runInSlices(task);
}

export const keyScanCommands: readonly CommandSpec[] = [
  {
    name: 'scan',
    arity: -2,
    flags: ['readonly'],
    categories: ['keyspace'],
    group: 'generic',
    since: '2.8.0',
    complexity:
      'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.',
    summary: 'Incrementally iterate the keys space',
    history: [['6.0.0', 'Added the `TYPE` subcommand.']],
    tips: ['nondeterministic_output', 'request_policy:special'],
    arguments: [
      { name: 'cursor', type: 'integer' },
      { name: 'pattern', type: 'pattern', token: 'MATCH', flags: ['optional'] },
      { name: 'count', type: 'integer', token: 'COUNT', flags: ['optional'] },
      { name: 'type', type: 'string', token: 'TYPE', since: '6.0.0', flags: ['optional'] },
    ],
    pages: pagesToScan,
    run: scanCommand,
  },

  {
    name: 'keys',
    arity: 2,
    flags: ['readonly'],
    categories: ['keyspace', 'dangerous'],
    group: 'generic',
    since: '1.0.0',
    complexity:
      'O(N) with N being the number of keys in the database, under the assumption that the key names in the database and the given pattern have limited length.',
    summary: 'Find all keys matching the given pattern',
    tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
    arguments: [{ name: 'pattern', type: 'pattern' }],
    pages: 'sliced',
    run: keysCommand,
  },
];

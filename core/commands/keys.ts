/**
 * Commands about keys whatever they hold: removing, asking, renaming. Copying is in key-copy.ts, deadlines in
 * expiration.ts, walks over all keys in keys-scan.ts.
 */
import { ABSENT } from '../database.js';
import type { Execution } from '../execution.js';
import type { CommandSpec } from './command.js';
import { PAGES_TO_LOOK_ONCE, pagesToLook, pagesToRename } from './page-bounds.js';

/** Arguments whose keys the running DEL removed; grows with the longest DEL and is given back above KEPT_MAX. */
let removed = new Int32Array(64);
const KEPT_MAX = 4096;

function delCommand(x: Execution): void {
  removeKeys(x, 'DEL');
}

function unlinkCommand(x: Execution): void {
  removeKeys(x, 'UNLINK');
}

/** Removes the keys of all arguments. What is logged names only those that were there. */
function removeKeys(x: Execution, effect: string): void {
  const { args, database } = x;
  if (args.count > removed.length) removed = new Int32Array(args.count * 2);
  let count = 0;
  for (let i = 1; i < args.count; i++) {
    if (database.lookupWrite(i) === ABSENT) continue;
    database.remove();
    removed[count++] = i;
  }
  if (count > 0) {
    x.logBegin(effect, count + 1);
    for (let i = 0; i < count; i++) x.logArgument(removed[i]!);
  }
  if (removed.length > KEPT_MAX) removed = new Int32Array(64);
  x.reply.integer(count);
}

function existsCommand(x: Execution): void {
  let count = 0;
  for (let i = 1; i < x.args.count; i++) {
    if (x.database.lookupQuiet(i) !== ABSENT) count++;
  }
  x.reply.integer(count);
}

function touchCommand(x: Execution): void {
  // Also for a client with CLIENT NO-TOUCH: it is what the command is for.
  x.database.touches = true;
  let count = 0;
  for (let i = 1; i < x.args.count; i++) {
    if (x.database.lookupRead(i) !== ABSENT) count++;
  }
  x.reply.integer(count);
}

function typeCommand(x: Execution): void {
  const found = x.database.lookupQuiet(1);
  x.reply.simple(found === ABSENT ? 'none' : x.database.typeName(found));
}

function renameCommand(x: Execution): void {
  if (renameKey(x, true)) x.reply.ok();
}

function renamenxCommand(x: Execution): void {
  if (renameKey(x, false)) x.reply.integer(1);
}

/** Renames argument 1 to argument 2; on false the reply is written. */
function renameKey(x: Execution, replacing: boolean): boolean {
  const { database } = x;
  const found = database.lookupWrite(1);
  if (found === ABSENT) {
    x.reply.error('ERR no such key');
    return false;
  }
  if (x.args.equal(1, 2)) {
    if (replacing) return true;
    x.reply.integer(0);
    return false;
  }
  const target = database.lookupWrite(2);
  if (target !== ABSENT && !replacing) {
    x.reply.integer(0);
    return false;
  }
  if (!x.engine.reserveUncapped(database.values.bytesNeededToRename(found, x.args.length(2)))) return false;
  x.logBegin('RENAME', 3);
  x.logArgument(1);
  x.logArgument(2);
  database.rename(1, 2);
  return true;
}

export const keyCommands: readonly CommandSpec[] = [
  {
    name: 'del',
    arity: -2,
    flags: ['write'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity:
      'O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, sorted set or hash. Removing a single key that holds a string value is O(1).',
    summary: 'Delete a key',
    tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
    keys: [{ flags: ['RM', 'delete'], index: 1, lastKey: -1, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0, flags: ['multiple'] }],
    pages: pagesToLook,
    run: delCommand,
  },

  {
    name: 'unlink',
    arity: -2,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '4.0.0',
    complexity:
      'O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in order to reclaim memory, where N is the number of allocations the deleted objects where composed of.',
    summary: 'Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non blocking.',
    tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
    keys: [{ flags: ['RM', 'delete'], index: 1, lastKey: -1, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0, flags: ['multiple'] }],
    pages: pagesToLook,
    run: unlinkCommand,
  },

  {
    name: 'exists',
    arity: -2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(N) where N is the number of keys to check.',
    summary: 'Determine if a key exists',
    history: [['3.0.3', 'Accepts multiple `key` arguments.']],
    tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
    keys: [{ flags: ['RO'], index: 1, lastKey: -1, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0, flags: ['multiple'] }],
    pages: pagesToLook,
    run: existsCommand,
  },

  {
    name: 'touch',
    arity: -2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '3.2.1',
    complexity: 'O(N) where N is the number of keys that will be touched.',
    summary: 'Alters the last access time of a key(s). Returns the number of existing keys specified.',
    tips: ['request_policy:multi_shard', 'response_policy:agg_sum'],
    keys: [{ flags: ['RO'], index: 1, lastKey: -1, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0, flags: ['multiple'] }],
    pages: pagesToLook,
    run: touchCommand,
  },

  {
    name: 'type',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Determine the type stored at key',
    keys: [{ flags: ['RO'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: typeCommand,
  },

  {
    name: 'rename',
    arity: 3,
    flags: ['write'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Rename a key',
    keys: [
      { flags: ['RW', 'access', 'delete'], index: 1, lastKey: 0, step: 1, limit: 0 },
      { flags: ['OW', 'update'], index: 2, lastKey: 0, step: 1, limit: 0 },
    ],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'newkey', type: 'key', keySpecIndex: 1 },
    ],
    pages: pagesToRename,
    run: renameCommand,
  },

  {
    name: 'renamenx',
    arity: 3,
    flags: ['write', 'fast'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Rename a key, only if the new key does not exist',
    history: [['3.2.0', 'The command no longer returns an error when source and destination names are the same.']],
    keys: [
      { flags: ['RW', 'access', 'delete'], index: 1, lastKey: 0, step: 1, limit: 0 },
      { flags: ['OW', 'insert'], index: 2, lastKey: 0, step: 1, limit: 0 },
    ],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      { name: 'newkey', type: 'key', keySpecIndex: 1 },
    ],
    pages: pagesToRename,
    run: renamenxCommand,
  },
];

/** Commands about whole databases: choosing, counting, swapping, emptying. */
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import type { CommandSpec } from './command.js';
import { readInteger } from './integer-argument.js';

const INT32_MAX = 0x7fffffff;
const INT32_MIN = -0x80000000;
const ERROR_INDEX = 'ERR DB index is out of range';

const first = new Int64();
const second = new Int64();

function fitsInt32(value: Int64): boolean {
  const number = value.toNumber();
  return number >= INT32_MIN && number <= INT32_MAX;
}

function selectCommand(x: Execution): void {
  if (!readInteger(x, 1, first)) return;
  if (!fitsInt32(first)) {
    x.reply.error(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
    return;
  }
  const number = first.toNumber();
  if (number < 0 || number >= x.database.databases) {
    x.reply.error(ERROR_INDEX);
    return;
  }
  x.session.database = number;
  x.database.select(number);
  x.reply.ok();
}

function dbsizeCommand(x: Execution): void {
  x.reply.integer(x.database.size(x.database.number));
}

function swapdbCommand(x: Execution): void {
  const { args, database, reply } = x;
  if (!first.parse(args.bytes, args.start[1]!, args.end[1]!) || !fitsInt32(first)) {
    reply.error('ERR invalid first DB index');
    return;
  }
  if (!second.parse(args.bytes, args.start[2]!, args.end[2]!) || !fitsInt32(second)) {
    reply.error('ERR invalid second DB index');
    return;
  }
  const one = first.toNumber();
  const other = second.toNumber();
  if (one < 0 || one >= database.databases || other < 0 || other >= database.databases) {
    reply.error(ERROR_INDEX);
    return;
  }
  if (one !== other) {
    x.effects.begin(0, 3);
    x.effects.word('SWAPDB');
    x.effects.integer(one);
    x.effects.integer(other);
    database.swap(one, other);
  }
  reply.ok();
}

/** Keys are let go of at once either way and their memory is freed in slices, so ASYNC and SYNC mean the same. */
function acceptsFlushMode(x: Execution): boolean {
  const { args } = x;
  if (args.count === 1 || (args.count === 2 && (args.is(1, 'SYNC') || args.is(1, 'ASYNC')))) return true;
  x.syntaxError();
  return false;
}

function flushdbCommand(x: Execution): void {
  if (!acceptsFlushMode(x)) return;
  const { database } = x;
  // OK promises an empty database, also where it was emptied by writes that are not committed yet.
  if (database.size(database.number) > 0) {
    x.logBegin('FLUSHDB', 1);
    database.flush(database.number);
  }
  x.reply.ok();
}

function flushallCommand(x: Execution): void {
  if (!acceptsFlushMode(x)) return;
  const { database } = x;
  let keys = 0;
  for (let number = 0; number < database.databases; number++) keys += database.size(number);
  if (keys > 0) {
    x.effects.begin(0, 1);
    x.effects.word('FLUSHALL');
    for (let number = 0; number < database.databases; number++) {
      if (database.size(number) > 0) database.flush(number);
    }
  }
  x.reply.ok();
}

export const databaseCommands: readonly CommandSpec[] = [
  {
    name: 'select',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    categories: ['connection'],
    group: 'connection',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Change the selected database for the current connection',
    arguments: [{ name: 'index', type: 'integer' }],
    pages: 0,
    run: selectCommand,
  },

  {
    name: 'dbsize',
    arity: 1,
    flags: ['readonly', 'fast'],
    categories: ['keyspace'],
    group: 'server',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Return the number of keys in the selected database',
    tips: ['request_policy:all_shards', 'response_policy:agg_sum'],
    pages: 0,
    run: dbsizeCommand,
  },

  {
    name: 'swapdb',
    arity: 3,
    flags: ['write', 'fast'],
    categories: ['keyspace', 'dangerous'],
    group: 'server',
    since: '4.0.0',
    complexity: 'O(N) where N is the count of clients watching or blocking on keys from both databases.',
    summary: 'Swaps two Redis databases',
    arguments: [
      { name: 'index1', type: 'integer' },
      { name: 'index2', type: 'integer' },
    ],
    pages: 0,
    run: swapdbCommand,
  },

  {
    name: 'flushdb',
    arity: -1,
    flags: ['write'],
    categories: ['keyspace', 'dangerous'],
    group: 'server',
    since: '1.0.0',
    complexity: 'O(N) where N is the number of keys in the selected database',
    summary: 'Remove all keys from the current database',
    history: [
      ['4.0.0', 'Added the `ASYNC` flushing mode modifier.'],
      ['6.2.0', 'Added the `SYNC` flushing mode modifier.'],
    ],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    arguments: [
      {
        name: 'async',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'async', type: 'pure-token', token: 'ASYNC', since: '4.0.0' },
          { name: 'sync', type: 'pure-token', token: 'SYNC', since: '6.2.0' },
        ],
      },
    ],
    pages: 'sliced',
    run: flushdbCommand,
  },

  {
    name: 'flushall',
    arity: -1,
    flags: ['write'],
    categories: ['keyspace', 'dangerous'],
    group: 'server',
    since: '1.0.0',
    complexity: 'O(N) where N is the total number of keys in all databases',
    summary: 'Remove all keys from all databases',
    history: [
      ['4.0.0', 'Added the `ASYNC` flushing mode modifier.'],
      ['6.2.0', 'Added the `SYNC` flushing mode modifier.'],
    ],
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    arguments: [
      {
        name: 'async',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'async', type: 'pure-token', token: 'ASYNC', since: '4.0.0' },
          { name: 'sync', type: 'pure-token', token: 'SYNC', since: '6.2.0' },
        ],
      },
    ],
    pages: 'sliced',
    run: flushallCommand,
  },
];

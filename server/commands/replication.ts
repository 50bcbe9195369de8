/** Replication as a server knows it that is alone: ROLE, REPLICAOF NO ONE, and clear refusals of the rest. */
import type { Arguments } from '../../core/arguments.js';
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import { integerArgument } from './integer-text.js';

const ERROR_NO_REPLICATION =
  'ERR this version cannot be a replica of another server; REPLICAOF takes only NO ONE. To take over the data of a ' +
  'Redis, start with its dump.rdb in the data directory';
const ERROR_INTEGER = 'ERR value is not an integer or out of range';

function roleCommand({ reply }: Execution): void {
  reply.array(3);
  reply.bulkLatin1('master');
  reply.integer(0);
  reply.array(0);
}

function replicaofCommand(x: Execution): void {
  const { args, reply } = x;
  if (args.is(1, 'NO') && args.is(2, 'ONE')) {
    reply.ok();
    return;
  }
  const port = integerArgument(args, 2);
  if (port === undefined || port < 0 || port > 65535) reply.error('ERR Invalid master port');
  else reply.error(ERROR_NO_REPLICATION);
}

/** What FAILOVER was asked for; an error text where it is not understood. */
function readFailover(args: Arguments): { abort: boolean } | string {
  const seen = { timeout: false, to: false, force: false, abort: false };
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, 'TIMEOUT') && i + 1 < args.count && !seen.timeout) {
      const timeout = integerArgument(args, ++i);
      if (timeout === undefined) return ERROR_INTEGER;
      if (timeout <= 0) return 'ERR FAILOVER timeout must be greater than 0';
      seen.timeout = true;
    } else if (args.is(i, 'TO') && i + 2 < args.count && !seen.to) {
      if (integerArgument(args, i + 2) === undefined) return ERROR_INTEGER;
      seen.to = true;
      i += 2;
    } else if (args.is(i, 'FORCE') && !seen.force) {
      seen.force = true;
    } else if (args.is(i, 'ABORT') && args.count === 2) {
      seen.abort = true;
    } else {
      return 'ERR syntax error';
    }
  }
  return seen;
}

function failoverCommand({ args, reply }: Execution): void {
  const asked = readFailover(args);
  if (typeof asked === 'string') reply.error(asked);
  else if (asked.abort) reply.error('ERR No failover in progress.');
  else reply.error('ERR FAILOVER requires connected replicas.');
}

const HOST_PORT_OR_NO_ONE = [
  {
    name: 'args',
    type: 'oneof',
    arguments: [
      {
        name: 'host-port',
        type: 'block',
        arguments: [
          { name: 'host', type: 'string' },
          { name: 'port', type: 'integer' },
        ],
      },
      {
        name: 'no-one',
        type: 'block',
        arguments: [
          { name: 'no', type: 'pure-token', token: 'NO' },
          { name: 'one', type: 'pure-token', token: 'ONE' },
        ],
      },
    ],
  },
] as const;

const REPLICAOF = {
  arity: 3,
  flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
  categories: [],
  group: 'server',
  complexity: 'O(1)',
  summary: 'Make the server a replica of another instance, or promote it as master.',
  arguments: HOST_PORT_OR_NO_ONE,
  pages: 0,
  run: replicaofCommand,
} as const;

export const replicationCommands: readonly CommandSpec[] = [
  {
    name: 'role',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    categories: ['admin', 'dangerous'],
    group: 'server',
    since: '2.8.12',
    complexity: 'O(1)',
    summary: 'Return the role of the instance in the context of replication',
    pages: 0,
    run: roleCommand,
  },
  { ...REPLICAOF, name: 'replicaof', since: '5.0.0' },
  { ...REPLICAOF, name: 'slaveof', since: '1.0.0', deprecated: { since: '5.0.0', replacedBy: '`REPLICAOF`' } },
  {
    name: 'failover',
    arity: -1,
    flags: ['admin', 'noscript', 'stale'],
    categories: [],
    group: 'server',
    since: '6.2.0',
    complexity: 'O(1)',
    summary: 'Start a coordinated failover between this server and one of its replicas.',
    arguments: [
      {
        name: 'target',
        type: 'block',
        token: 'TO',
        flags: ['optional'],
        arguments: [
          { name: 'host', type: 'string' },
          { name: 'port', type: 'integer' },
          { name: 'force', type: 'pure-token', token: 'FORCE', flags: ['optional'] },
        ],
      },
      { name: 'abort', type: 'pure-token', token: 'ABORT', flags: ['optional'] },
      { name: 'milliseconds', type: 'integer', token: 'TIMEOUT', flags: ['optional'] },
    ],
    pages: 0,
    run: failoverCommand,
  },
];

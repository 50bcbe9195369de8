/** CLIENT REPLY, PAUSE, UNPAUSE and UNBLOCK: whose replies are sent, and whose commands wait. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import { REPLIES_OFF, REPLIES_ON, REPLIES_SKIP_NEXT } from '../../core/session.js';
import { PAUSE_ALL, PAUSE_WRITES } from '../connections/client-pause.js';
import type { ServerContext } from '../server-context.js';
import { integerArgument } from './integer-text.js';

/** What a client gets whose blocking command another one has ended. */
const ERROR_UNBLOCKED = 'UNBLOCKED client unblocked via CLIENT UNBLOCK';
/** Longest pause, in ms: beyond it a time is no longer exact. */
const TIMEOUT_MS_MAX = 2 ** 53 - 1;

function refuseCount({ args, reply }: Execution): void {
  const asked = args.latin1(1, 128);
  reply.error(`ERR unknown subcommand or wrong number of arguments for '${asked}'. Try CLIENT HELP.`);
}

function replyCommand(x: Execution): void {
  const { args, reply, session } = x;
  if (args.is(2, 'ON')) {
    session.replies = REPLIES_ON;
    reply.ok();
  } else if (args.is(2, 'OFF')) {
    session.replies = REPLIES_OFF;
  } else if (!args.is(2, 'SKIP')) {
    x.syntaxError();
  } else if (session.replies !== REPLIES_OFF) {
    session.replies = REPLIES_SKIP_NEXT;
  }
}

function pauseCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (args.count > 4) {
    refuseCount(x);
    return;
  }
  const writes = args.count === 4 && args.is(3, 'WRITE');
  if (args.count === 4 && !writes && !args.is(3, 'ALL')) {
    reply.error('ERR CLIENT PAUSE mode must be WRITE or ALL');
    return;
  }
  const timeout = integerArgument(args, 2);
  if (timeout === undefined || timeout > TIMEOUT_MS_MAX) {
    reply.error('ERR timeout is not an integer or out of range');
  } else if (timeout < 0) {
    reply.error('ERR timeout is negative');
  } else {
    server.connections.clientPause.begin(timeout, writes ? PAUSE_WRITES : PAUSE_ALL);
    reply.ok();
  }
}

function unpauseCommand(server: ServerContext, x: Execution): void {
  server.connections.clientPause.end();
  x.reply.ok();
}

function unblockCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (args.count > 4) {
    refuseCount(x);
    return;
  }
  const withError = args.count === 4 && args.is(3, 'ERROR');
  if (args.count === 4 && !withError && !args.is(3, 'TIMEOUT')) {
    reply.error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
    return;
  }
  const id = integerArgument(args, 2);
  if (id === undefined) {
    reply.error('ERR value is not an integer or out of range');
    return;
  }
  const task = server.connections.byId(id)?.session.task;
  reply.integer(task?.unblock?.(withError ? ERROR_UNBLOCKED : '') === true ? 1 : 0);
}

const ADMIN = {
  flags: ['admin', 'noscript', 'loading', 'stale'],
  categories: ['connection'],
  group: 'connection',
  pages: 0,
} as const;

export function trafficSubcommands(server: ServerContext): CommandSpec[] {
  return [replySubcommand(), pauseSubcommand(server), unpauseSubcommand(server), unblockSubcommand(server)];
}

function replySubcommand(): CommandSpec {
  return {
    ...ADMIN,
    name: 'reply',
    arity: 3,
    flags: ['noscript', 'loading', 'stale'],
    since: '3.2.0',
    complexity: 'O(1)',
    summary: 'Instruct the server whether to reply to commands',
    arguments: [
      {
        name: 'on_off_skip',
        type: 'oneof',
        arguments: [
          { name: 'on', type: 'pure-token', token: 'ON' },
          { name: 'off', type: 'pure-token', token: 'OFF' },
          { name: 'skip', type: 'pure-token', token: 'SKIP' },
        ],
      },
    ],
    run: replyCommand,
  };
}

function pauseSubcommand(server: ServerContext): CommandSpec {
  return {
    ...ADMIN,
    name: 'pause',
    arity: -3,
    since: '2.9.50',
    complexity: 'O(1)',
    summary: 'Stop processing commands from clients for some time',
    history: [['6.2.0', '`CLIENT PAUSE WRITE` mode added along with the `mode` option.']],
    arguments: [
      { name: 'timeout', type: 'integer' },
      {
        name: 'mode',
        type: 'oneof',
        since: '6.2.0',
        flags: ['optional'],
        arguments: [
          { name: 'write', type: 'pure-token', token: 'WRITE' },
          { name: 'all', type: 'pure-token', token: 'ALL' },
        ],
      },
    ],
    run: (x) => pauseCommand(server, x),
  };
}

function unpauseSubcommand(server: ServerContext): CommandSpec {
  return {
    ...ADMIN,
    name: 'unpause',
    arity: 2,
    since: '6.2.0',
    complexity: 'O(N) Where N is the number of paused clients',
    summary: 'Resume processing of clients that were paused',
    run: (x) => unpauseCommand(server, x),
  };
}

function unblockSubcommand(server: ServerContext): CommandSpec {
  return {
    ...ADMIN,
    name: 'unblock',
    arity: -3,
    since: '5.0.0',
    complexity: 'O(log N) where N is the number of client connections',
    summary: 'Unblock a client blocked in a blocking command from a different connection',
    arguments: [
      { name: 'client-id', type: 'integer' },
      {
        name: 'timeout_error',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'timeout', type: 'pure-token', token: 'TIMEOUT' },
          { name: 'error', type: 'pure-token', token: 'ERROR' },
        ],
      },
    ],
    run: (x) => unblockCommand(server, x),
  };
}

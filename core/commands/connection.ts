/**
 * Commands that need nothing but the connection or the clock. Those that need the server (CLIENT, HELLO, AUTH, QUIT ...)
 * are in server/commands.
 */
import type { Execution } from '../execution.js';
import type { CommandSpec } from './command.js';

function pingCommand(x: Execution): void {
  const { args, reply } = x;
  if (args.count > 2) reply.error("ERR wrong number of arguments for 'ping' command");
  else if (args.count === 2) reply.bulk(args.bytes, args.start[1]!, args.end[1]!);
  else reply.simple('PONG');
}

function echoCommand(x: Execution): void {
  const { args } = x;
  x.reply.bulk(args.bytes, args.start[1]!, args.end[1]!);
}

/** The engine's time, which counts milliseconds: the last three digits of the microseconds are 0. */
function timeCommand(x: Execution): void {
  x.reply.array(2);
  x.reply.bulkInteger(Math.floor(x.now / 1000));
  x.reply.bulkInteger((x.now % 1000) * 1000);
}

export const connectionCommands: readonly CommandSpec[] = [
  {
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    categories: ['connection'],
    group: 'connection',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Ping the server',
    tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
    arguments: [{ name: 'message', type: 'string', flags: ['optional'] }],
    pages: 0,
    run: pingCommand,
  },

  {
    name: 'echo',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    categories: ['connection'],
    group: 'connection',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Echo the given string',
    arguments: [{ name: 'message', type: 'string' }],
    pages: 0,
    run: echoCommand,
  },

  {
    name: 'time',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    categories: [],
    group: 'server',
    since: '2.6.0',
    complexity: 'O(1)',
    summary: 'Return the current server time',
    tips: ['nondeterministic_output'],
    pages: 0,
    run: timeCommand,
  },
];

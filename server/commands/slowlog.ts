/** SLOWLOG and its subcommands. What is kept is server/slow-log.ts'. */
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import type { SlowLogEntry } from '../slow-log.js';
import { integerArgument } from './integer-text.js';

const COUNT_DEFAULT = 10;

const HELP: readonly string[] = [
  'GET [<count>]',
  '    Return top <count> entries from the slowlog (default: 10, -1 mean all).',
  '    Entries are made of:',
  '    id, timestamp, time in microseconds, arguments array, client IP and port,',
  '    client name',
  'LEN',
  '    Return the length of the slowlog.',
  'RESET',
  '    Reset the slowlog.',
];

function getCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (args.count > 3) {
    const asked = args.latin1(1, 128);
    reply.error(`ERR unknown subcommand or wrong number of arguments for '${asked}'. Try SLOWLOG HELP.`);
    return;
  }
  const count = args.count === 3 ? integerArgument(args, 2) : COUNT_DEFAULT;
  if (count === undefined || count < -1) {
    reply.error('ERR count should be greater than or equal to -1');
    return;
  }
  const { slowLog } = server.watch;
  // The arguments may be those of a write that is not durable.
  x.database.dependOnAll();
  const entries = slowLog.newest(count === -1 ? slowLog.length : count);
  reply.array(entries.length);
  for (const entry of entries) replyEntry(x, entry);
}

function replyEntry({ reply }: Execution, entry: SlowLogEntry): void {
  reply.array(6);
  reply.integer(entry.id);
  reply.integer(entry.seconds);
  reply.integer(entry.micros);
  reply.array(entry.arguments.length);
  for (const text of entry.arguments) reply.bulkLatin1(text);
  reply.bulkLatin1(entry.address);
  reply.bulkLatin1(entry.clientName);
}

function resetCommand(server: ServerContext, x: Execution): void {
  server.watch.slowLog.clear();
  x.reply.ok();
}

const SUBCOMMAND = {
  flags: ['admin', 'loading', 'stale'],
  categories: [],
  group: 'server',
  since: '2.2.12',
  pages: 0,
} as const;

export function slowlogCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'slowlog',
      arity: -2,
      flags: [],
      complexity: 'Depends on subcommand.',
      summary: 'A container for slow log commands',
      subcommands: [...readingSubcommands(server), ...otherSubcommands(server)],
    },
  ];
}

function readingSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'get',
      arity: -2,
      complexity: 'O(N) where N is the number of entries returned',
      summary: "Get the slow log's entries",
      history: [['4.0.0', 'Added client IP address, port and name to the reply.']],
      tips: ['request_policy:all_nodes', 'nondeterministic_output'],
      arguments: [{ name: 'count', type: 'integer', flags: ['optional'] }],
      run: (x) => getCommand(server, x),
    },
    {
      ...SUBCOMMAND,
      name: 'len',
      arity: 2,
      complexity: 'O(1)',
      summary: "Get the slow log's length",
      tips: ['request_policy:all_nodes', 'response_policy:agg_sum', 'nondeterministic_output'],
      run: (x) => x.reply.integer(server.watch.slowLog.length),
    },
  ];
}

function otherSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'reset',
      arity: 2,
      complexity: 'O(N) where N is the number of entries in the slowlog',
      summary: 'Clear all entries from the slow log',
      tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
      run: (x) => resetCommand(server, x),
    },
    {
      ...SUBCOMMAND,
      name: 'help',
      arity: 2,
      flags: ['loading', 'stale'],
      since: '6.2.0',
      complexity: 'O(1)',
      summary: 'Show helpful text about the different subcommands',
      run: (x) => replyHelp(x, 'SLOWLOG', HELP),
    },
  ];
}

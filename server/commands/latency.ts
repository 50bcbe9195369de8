/** LATENCY and its subcommands. What is kept is server/latency-monitor.ts' and, for commands, the command table's. */
import type { Command } from '../../core/command-table.js';
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { latencyGraph } from './latency-graph.js';
import { latencyReport } from './latency-report.js';

const HELP: readonly string[] = [
  'DOCTOR',
  '    Return a human readable latency analysis report.',
  'GRAPH <event>',
  '    Return an ASCII latency graph for the <event> class.',
  'HISTORY <event>',
  '    Return time-latency samples for the <event> class.',
  'LATEST',
  '    Return the latest latency samples for all events.',
  'RESET [<event> ...]',
  '    Reset latency data of one or more <event> classes.',
  '    (default: reset all data for all event classes)',
  'HISTOGRAM [COMMAND ...]',
  '    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.',
  '    If no commands are specified then all histograms are replied.',
];

function historyCommand(server: ServerContext, { args, reply }: Execution): void {
  const samples = server.watch.latency.series.get(args.latin1(2, 64))?.samples ?? [];
  reply.array(samples.length);
  for (const { ms, seconds } of samples) {
    reply.array(2);
    reply.integer(seconds);
    reply.integer(ms);
  }
}

function latestCommand(server: ServerContext, { reply }: Execution): void {
  const { series } = server.watch.latency;
  reply.array(series.size);
  for (const [event, { latest, worstMs }] of series) {
    reply.array(4);
    reply.bulkLatin1(event);
    reply.integer(latest.seconds);
    reply.integer(latest.ms);
    reply.integer(worstMs);
  }
}

function graphCommand(server: ServerContext, { args, reply }: Execution): void {
  const event = args.latin1(2, 128);
  const series = server.watch.latency.series.get(event);
  if (series === undefined) reply.error(`ERR No samples available for event '${event}'`);
  else reply.verbatim('txt', latencyGraph(event, series, Math.floor(server.clock.nowMs() / 1000)));
}

function resetCommand(server: ServerContext, { args, reply }: Execution): void {
  const { latency } = server.watch;
  let forgotten = args.count === 2 ? latency.clear() : 0;
  for (let i = 2; i < args.count; i++) if (latency.forget(args.latin1(i, 64).toLowerCase())) forgotten++;
  reply.integer(forgotten);
}

function doctorCommand(server: ServerContext, { reply }: Execution): void {
  const { latency, slowlogMicros } = server.watch;
  reply.verbatim('txt', latencyReport(latency, slowlogMicros, Math.floor(server.clock.nowMs() / 1000)));
}

/** The command itself, and what a container contains, as far as they have run. */
function timedCommands(command: Command): Command[] {
  return [command, ...(command.subcommands?.values() ?? [])].filter(({ latencies }) => latencies !== undefined);
}

function histogramCommand({ args, engine, reply }: Execution): void {
  const { table } = engine;
  const asked = new Set<Command>();
  if (args.count === 2) {
    for (const command of table.commands.values()) for (const each of timedCommands(command)) asked.add(each);
  }
  for (let i = 2; i < args.count; i++) {
    const command = table.byFullName(args.latin1(i, 64));
    if (command !== undefined) for (const each of timedCommands(command)) asked.add(each);
  }
  reply.map(asked.size);
  for (const { fullName, latencies } of asked) {
    const pairs = latencies!.cumulative();
    reply.bulkLatin1(fullName);
    reply.map(2);
    reply.bulkLatin1('calls');
    reply.integer(latencies!.count);
    reply.bulkLatin1('histogram_usec');
    reply.map(pairs.length);
    for (const [micros, calls] of pairs) {
      reply.integer(micros);
      reply.integer(calls);
    }
  }
}

const SUBCOMMAND = {
  arity: 2,
  flags: ['admin', 'noscript', 'loading', 'stale'],
  categories: [],
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  tips: ['nondeterministic_output', 'request_policy:all_nodes', 'response_policy:special'],
  pages: 0,
} as const;

export function latencyCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'latency',
      arity: -2,
      flags: [],
      categories: [],
      group: 'server',
      since: '2.8.13',
      complexity: 'Depends on subcommand.',
      summary: 'A container for latency diagnostics commands',
      pages: 0,
      subcommands: [...eventSubcommands(server), ...reportSubcommands(server), ...otherSubcommands(server)],
    },
  ];
}

function eventSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'history',
      arity: 3,
      summary: 'Return timestamp-latency samples for the event.',
      arguments: [{ name: 'event', type: 'string' }],
      run: (x) => historyCommand(server, x),
    },
    {
      ...SUBCOMMAND,
      name: 'latest',
      summary: 'Return the latest latency samples for all events.',
      run: (x) => latestCommand(server, x),
    },
  ];
}

function reportSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'doctor',
      summary: 'Return a human readable latency analysis report.',
      run: (x) => doctorCommand(server, x),
    },
    {
      ...SUBCOMMAND,
      name: 'graph',
      arity: 3,
      summary: 'Return a latency graph for the event.',
      arguments: [{ name: 'event', type: 'string' }],
      run: (x) => graphCommand(server, x),
    },
    {
      ...SUBCOMMAND,
      name: 'histogram',
      arity: -2,
      since: '7.0.0',
      complexity: 'O(N) where N is the number of commands with latency information being retrieved.',
      summary: 'Return the cumulative distribution of latencies of a subset of commands or all.',
      arguments: [{ name: 'command', type: 'string', flags: ['optional', 'multiple'] }],
      run: histogramCommand,
    },
  ];
}

function otherSubcommands(server: ServerContext): CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'reset',
      arity: -2,
      summary: 'Reset latency data for one or more events.',
      tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
      arguments: [{ name: 'event', type: 'string', flags: ['optional', 'multiple'] }],
      run: (x) => resetCommand(server, x),
    },
    {
      name: 'help',
      arity: 2,
      flags: ['loading', 'stale'],
      categories: [],
      group: 'server',
      since: '2.8.13',
      complexity: 'O(1)',
      summary: 'Show helpful text about the different subcommands.',
      pages: 0,
      run: (x) => replyHelp(x, 'LATENCY', HELP),
    },
  ];
}

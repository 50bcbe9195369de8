/** CONFIG and its subcommands. What the options are is in server/config/options.ts. */
import { readFileSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import { rewrittenConfig } from '../config/config-rewrite.js';
import { findOption, OPTION_NAMES, OPTION_TABLE } from '../config/options.js';
import { replaceFile } from '../config/replace-file.js';
import type { ServerContext } from '../server-context.js';
import { errorCode } from '../server-error.js';
import { matchesPattern } from './name-pattern.js';
import { isAllowed } from './protected-action.js';

const HELP: readonly string[] = [
  'GET <pattern>',
  '    Return parameters matching the glob-like <pattern> and their values.',
  'SET <directive> <value>',
  '    Set the configuration <directive> to <value>.',
  'RESETSTAT',
  '    Reset statistics reported by the INFO command.',
  'REWRITE',
  '    Rewrite the configuration file.',
];

function getCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  // Shown name by lower-case name: an option that was asked for by its plain name is named as it was asked for.
  const asked = new Map<string, string>();
  for (let i = 2; i < args.count; i++) {
    const pattern = args.latin1(i);
    if (!/[[*?]/.test(pattern)) {
      const name = pattern.toLowerCase();
      if (OPTION_NAMES.has(name) && !asked.has(name)) asked.set(name, pattern);
      continue;
    }
    for (const [name, option] of OPTION_NAMES) {
      if (OPTION_TABLE.get(option)!.hidden === true || asked.has(name)) continue;
      if (matchesPattern(pattern, name)) asked.set(name, name);
    }
  }
  reply.map(asked.size);
  for (const [name, shown] of asked) {
    reply.bulkLatin1(shown);
    reply.bulkLatin1(server.config.shown(OPTION_NAMES.get(name)!));
  }
}

function setCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (args.count % 2 !== 0) {
    x.syntaxError();
    return;
  }
  const pairs: string[] = [];
  for (let i = 2; i < args.count; i++) pairs.push(args.latin1(i));
  const protectedOptions = isAllowed(server, x, server.config.values['enable-protected-configs']);
  const error = server.config.set(pairs, { protectedOptions, loading: server.engine.loading });
  if (error === '') reply.ok();
  else reply.error(error);
}

function resetstatCommand(server: ServerContext, x: Execution): void {
  const { engine } = server;
  engine.table.resetCounters();
  engine.peakBytes = engine.usedBytes();
  engine.eviction.resetStatistics();
  engine.defragmenter.resetStatistics();
  server.slices.reset();
  server.watch.resetStatistics();
  server.statistics.reset();
  server.errorCounts.clear();
  x.reply.ok();
}

function rewriteCommand(server: ServerContext, x: Execution): void {
  const path = server.facts.configFile;
  if (path === '') {
    x.reply.error('ERR The server is running without a config file');
    return;
  }
  try {
    const present = readIfThere(path);
    replaceFile(path, rewrittenConfig(present, server.config.fileLines(), findOption));
    server.log.warn(`CONFIG REWRITE: ${path} is rewritten`);
    x.reply.ok();
  } catch (error) {
    server.log.warn(error, `CONFIG REWRITE: ${path} cannot be rewritten`);
    x.reply.error(`ERR Rewriting config file: ${systemMessage(error)}`);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** The system's own words for an error: 'Permission denied'. */
function systemMessage(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  const known = errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1];
  return known === undefined ? message : known.charAt(0).toUpperCase() + known.slice(1);
}

const FLAGS = ['admin', 'noscript', 'loading', 'stale'] as const;

export function configCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'config',
      arity: -2,
      flags: [],
      categories: [],
      group: 'server',
      since: '2.0.0',
      complexity: 'Depends on subcommand.',
      summary: 'A container for server configuration commands',
      pages: 0,
      subcommands: [
        getSubcommand(server),
        setSubcommand(server),
        {
          name: 'resetstat',
          arity: 2,
          flags: FLAGS,
          categories: [],
          group: 'server',
          since: '2.0.0',
          complexity: 'O(1)',
          summary: 'Reset the stats returned by INFO',
          pages: 0,
          run: (x) => resetstatCommand(server, x),
        },
        {
          name: 'rewrite',
          arity: 2,
          flags: FLAGS,
          categories: [],
          group: 'server',
          since: '2.8.0',
          complexity: 'O(1)',
          summary: 'Rewrite the configuration file with the in memory configuration',
          pages: 0,
          run: (x) => rewriteCommand(server, x),
        },
        {
          name: 'help',
          arity: 2,
          flags: ['loading', 'stale'],
          categories: [],
          group: 'server',
          since: '5.0.0',
          complexity: 'O(1)',
          summary: 'Show helpful text about the different subcommands',
          pages: 0,
          run: (x) => replyHelp(x, 'CONFIG', HELP),
        },
      ],
    },
  ];
}

function getSubcommand(server: ServerContext): CommandSpec {
  return {
    name: 'get',
    arity: -3,
    flags: FLAGS,
    categories: [],
    group: 'server',
    since: '2.0.0',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Get the values of configuration parameters',
    history: [['7.0.0', 'Added the ability to pass multiple pattern parameters in one call']],
    arguments: [
      {
        name: 'parameter',
        type: 'block',
        flags: ['multiple'],
        arguments: [{ name: 'parameter', type: 'string' }],
      },
    ],
    pages: 0,
    run: (x) => getCommand(server, x),
  };
}

function setSubcommand(server: ServerContext): CommandSpec {
  return {
    name: 'set',
    arity: -4,
    flags: FLAGS,
    categories: [],
    group: 'server',
    since: '2.0.0',
    complexity: 'O(N) when N is the number of configuration parameters provided',
    summary: 'Set configuration parameters to the given values',
    history: [['7.0.0', 'Added the ability to set multiple parameters in one call.']],
    tips: ['request_policy:all_nodes', 'response_policy:all_succeeded'],
    arguments: [
      {
        name: 'parameter_value',
        type: 'block',
        flags: ['multiple'],
        arguments: [
          { name: 'parameter', type: 'string' },
          { name: 'value', type: 'string' },
        ],
      },
    ],
    pages: 0,
    run: (x) => setCommand(server, x),
  };
}

/** COMMAND and its subcommands: what the command table says of itself. */
import type { Command } from '../../core/command-table.js';
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { aclCategoriesOf } from './acl-categories.js';
import { replyCommandDocs } from './command-docs.js';
import { replyCommandInfo, replyKeyFlags } from './command-info.js';
import { keyPositionsOf } from './command-keys.js';
import { matchesPattern } from './name-pattern.js';

const HELP: readonly string[] = [
  '(no subcommand)',
  '    Return details about all Redis commands.',
  'COUNT',
  '    Return the total number of commands in this Redis server.',
  'LIST',
  '    Return a list of all commands in this Redis server.',
  'INFO [<command-name> ...]',
  '    Return details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'DOCS [<command-name> ...]',
  '    Return documentation details about multiple Redis commands.',
  '    If no command names are given, documentation details for all',
  '    commands are returned.',
  'GETKEYS <full-command>',
  '    Return the keys from a full Redis command.',
  'GETKEYSANDFLAGS <full-command>',
  '    Return the keys and the access flags from a full Redis command.',
];

/** The command that argument i names, 'client|id' for a subcommand. */
function namedCommand(x: Execution, i: number): Command | undefined {
  return x.args.length(i) > 64 ? undefined : x.engine.table.byFullName(x.args.latin1(i));
}

function commandCommand(x: Execution): void {
  const { commands } = x.engine.table;
  x.reply.array(commands.size);
  for (const command of commands.values()) replyCommandInfo(x.reply, command);
}

function infoCommand(x: Execution): void {
  const { args, reply } = x;
  if (args.count === 2) {
    commandCommand(x);
    return;
  }
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) {
    const command = namedCommand(x, i);
    if (command === undefined) reply.nil();
    else replyCommandInfo(reply, command);
  }
}

function docsCommand(x: Execution): void {
  const { args, reply } = x;
  const shown: Command[] = [];
  if (args.count === 2) shown.push(...x.engine.table.commands.values());
  for (let i = 2; i < args.count; i++) {
    const command = namedCommand(x, i);
    if (command !== undefined) shown.push(command);
  }
  reply.map(shown.length);
  for (const command of shown) replyCommandDocs(reply, command);
}

function countCommand(x: Execution): void {
  x.reply.integer(x.engine.table.commands.size);
}

function listCommand(x: Execution): void {
  const { args } = x;
  if (args.count === 2) {
    replyNames(x, [...x.engine.table.commands.values()]);
    return;
  }
  if (args.count !== 5 || !args.is(2, 'FILTERBY')) {
    x.syntaxError();
    return;
  }
  const word = args.latin1(4);
  if (args.is(3, 'MODULE')) {
    replyNames(x, []);
  } else if (args.is(3, 'ACLCAT')) {
    const category = word.toLowerCase();
    replyNames(
      x,
      allCommands(x).filter((command) => aclCategoriesOf(command.spec).includes(category)),
    );
  } else if (args.is(3, 'PATTERN')) {
    replyNames(
      x,
      allCommands(x).filter((command) => matchesPattern(word, command.fullName)),
    );
  } else {
    x.syntaxError();
  }
}

/** Commands and subcommands. */
function allCommands(x: Execution): Command[] {
  const all: Command[] = [];
  for (const command of x.engine.table.commands.values()) {
    all.push(command, ...(command.subcommands?.values() ?? []));
  }
  return all;
}

function replyNames(x: Execution, commands: readonly Command[]): void {
  x.reply.array(commands.length);
  for (const command of commands) x.reply.bulkLatin1(command.fullName);
}

function getkeysCommand(x: Execution, withFlags: boolean): void {
  const { args, reply } = x;
  let command = x.args.length(2) > 64 ? undefined : x.engine.table.commands.get(args.latin1(2).toLowerCase());
  if (command?.subcommands !== undefined && args.count > 3) {
    command = command.subcommands.get(args.latin1(3, 64).toLowerCase());
  }
  if (command === undefined) {
    reply.error('ERR Invalid command specified');
    return;
  }
  if ((command.spec.keys ?? []).length === 0) {
    reply.error('ERR The command has no key arguments');
    return;
  }
  const count = args.count - 2;
  if (command.arity >= 0 ? count !== command.arity : count < -command.arity) {
    reply.error('ERR Invalid number of arguments specified for command');
    return;
  }
  const positions = keyPositionsOf(command.spec, args, 2);
  if (positions === undefined) {
    reply.error('ERR Invalid arguments specified for command');
    return;
  }
  reply.array(positions.length);
  for (const { argument, flags } of positions) {
    if (withFlags) reply.array(2);
    reply.bulk(args.bytes, args.start[argument]!, args.end[argument]!);
    if (withFlags) replyKeyFlags(reply, flags);
  }
}

const SUBCOMMAND = {
  flags: ['loading', 'stale'],
  categories: ['connection'],
  group: 'server',
  pages: 0,
} as const;

export function commandCommands(_server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'command',
      arity: -1,
      flags: ['loading', 'stale'],
      categories: ['connection'],
      group: 'server',
      since: '2.8.13',
      complexity: 'O(N) where N is the total number of Redis commands',
      summary: 'Get array of Redis command details',
      tips: ['nondeterministic_output_order'],
      pages: 0,
      run: commandCommand,
      subcommands: [...tableSubcommands(), ...keySubcommands()],
    },
  ];
}

function tableSubcommands(): CommandSpec[] {
  const filters = [
    { name: 'module-name', type: 'string', token: 'MODULE' },
    { name: 'category', type: 'string', token: 'ACLCAT' },
    { name: 'pattern', type: 'pattern', token: 'PATTERN' },
  ] as const;
  const names = { name: 'command-name', type: 'string', flags: ['optional', 'multiple'] } as const;
  return [
    {
      ...SUBCOMMAND,
      name: 'list',
      arity: -2,
      since: '7.0.0',
      complexity: 'O(N) where N is the total number of Redis commands',
      summary: 'Get an array of Redis command names',
      tips: ['nondeterministic_output_order'],
      arguments: [{ name: 'filterby', type: 'oneof', token: 'FILTERBY', flags: ['optional'], arguments: filters }],
      run: listCommand,
    },
    {
      ...SUBCOMMAND,
      name: 'count',
      arity: 2,
      since: '2.8.13',
      complexity: 'O(1)',
      summary: 'Get total number of Redis commands',
      run: countCommand,
    },
    {
      ...SUBCOMMAND,
      name: 'info',
      arity: -2,
      since: '2.8.13',
      complexity: 'O(N) where N is the number of commands to look up',
      summary: 'Get array of specific Redis command details, or all when no argument is given.',
      history: [['7.0.0', 'Allowed to be called with no argument to get info on all commands.']],
      tips: ['nondeterministic_output_order'],
      arguments: [names],
      run: infoCommand,
    },
    {
      ...SUBCOMMAND,
      name: 'docs',
      arity: -2,
      since: '7.0.0',
      complexity: 'O(N) where N is the number of commands to look up',
      summary: 'Get array of specific Redis command documentation',
      tips: ['nondeterministic_output_order'],
      arguments: [names],
      run: docsCommand,
    },
  ];
}

function keySubcommands(): CommandSpec[] {
  return [
    {
      ...SUBCOMMAND,
      name: 'getkeys',
      arity: -4,
      since: '2.8.13',
      complexity: 'O(N) where N is the number of arguments to the command',
      summary: 'Extract keys given a full Redis command',
      run: (x) => getkeysCommand(x, false),
    },
    {
      ...SUBCOMMAND,
      name: 'getkeysandflags',
      arity: -4,
      since: '7.0.0',
      complexity: 'O(N) where N is the number of arguments to the command',
      summary: 'Extract keys and access flags given a full Redis command',
      run: (x) => getkeysCommand(x, true),
    },
    {
      ...SUBCOMMAND,
      name: 'help',
      arity: 2,
      since: '5.0.0',
      complexity: 'O(1)',
      summary: 'Show helpful text about the different subcommands',
      run: (x) => replyHelp(x, 'COMMAND', HELP),
    },
  ];
}

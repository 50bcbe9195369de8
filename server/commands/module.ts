/** MODULE: there are none, and none can be loaded. */
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';

const HELP: readonly string[] = [
  'LIST',
  '    Return a list of loaded modules.',
  'LOAD <path> [<arg> ...]',
  '    Load a module library from <path>, passing to it any optional arguments.',
  'LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]',
  '    Load a module library from <path>, while passing it module configurations and optional arguments.',
  'UNLOAD <name>',
  '    Unload a module.',
];

/** Redis' words for a server on which modules were not allowed. */
function refuse(x: Execution): void {
  x.reply.error(
    'ERR MODULE command not allowed. If the enable-module-command option is set to "local", you can run it from a ' +
      'local connection, otherwise you need to set this option in the configuration file, and then restart the server.',
  );
}

const SUBCOMMAND = { categories: [], group: 'server', since: '4.0.0', complexity: 'O(1)', pages: 0 } as const;
const LOADING = { ...SUBCOMMAND, flags: ['admin', 'noscript', 'no_async_loading'], run: refuse } as const;

export const moduleCommands: readonly CommandSpec[] = [
  {
    ...SUBCOMMAND,
    name: 'module',
    arity: -2,
    flags: [],
    complexity: 'Depends on subcommand.',
    summary: 'A container for module commands',
    subcommands: [
      {
        ...SUBCOMMAND,
        name: 'list',
        arity: 2,
        flags: ['admin', 'noscript'],
        complexity: 'O(N) where N is the number of loaded modules.',
        summary: 'List all modules loaded by the server',
        tips: ['nondeterministic_output_order'],
        run: (x) => x.reply.array(0),
      },
      {
        ...LOADING,
        name: 'load',
        arity: -3,
        summary: 'Load a module',
        arguments: [
          { name: 'path', type: 'string' },
          { name: 'arg', type: 'string', flags: ['optional', 'multiple'] },
        ],
      },
      {
        ...LOADING,
        name: 'loadex',
        arity: -3,
        since: '7.0.0',
        summary: 'Load a module with extended parameters',
        arguments: [
          { name: 'path', type: 'string' },
          {
            name: 'configs',
            type: 'block',
            token: 'CONFIG',
            flags: ['optional', 'multiple', 'multiple_token'],
            arguments: [
              { name: 'name', type: 'string' },
              { name: 'value', type: 'string' },
            ],
          },
          {
            name: 'args',
            type: 'block',
            token: 'ARGS',
            flags: ['optional', 'multiple'],
            arguments: [{ name: 'arg', type: 'string' }],
          },
        ],
      },
      {
        ...LOADING,
        name: 'unload',
        arity: 3,
        summary: 'Unload a module',
        arguments: [{ name: 'name', type: 'string' }],
      },
      {
        ...SUBCOMMAND,
        name: 'help',
        arity: 2,
        flags: ['loading', 'stale'],
        since: '5.0.0',
        summary: 'Show helpful text about the different subcommands',
        run: (x) => replyHelp(x, 'MODULE', HELP),
      },
    ],
  },
];

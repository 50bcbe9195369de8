/** MODULE: there are none, and none can be loaded. */
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { isAllowed, notAllowedError } from './protected-action.js';

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

const SUBCOMMAND = { categories: [], group: 'server', since: '4.0.0', complexity: 'O(1)', pages: 0 } as const;
const LOADING = { ...SUBCOMMAND, flags: ['admin', 'noscript', 'no_async_loading'] } as const;

/** Redis' words where modules are not allowed, and where they are but this one cannot be loaded or is not there. */
function refusal(server: ServerContext, failure: string): (x: Execution) => void {
  return (x) => {
    const allowed = isAllowed(server, x, server.config.values['enable-module-command']);
    x.reply.error(allowed ? failure : notAllowedError('MODULE', 'enable-module-command'));
  };
}

const ERROR_LOAD = 'ERR Error loading the extension. Please check the server logs.';
const ERROR_UNLOAD = 'ERR Error unloading module: no such module with that name';

export function moduleCommands(server: ServerContext): readonly CommandSpec[] {
  return [
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
          run: refusal(server, ERROR_LOAD),
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
          run: refusal(server, ERROR_LOAD),
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
          run: refusal(server, ERROR_UNLOAD),
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
}

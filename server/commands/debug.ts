/** DEBUG: questions about the dataset as a whole, behind a switch because they stop everyone else while they run. */
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import { datasetDigest } from '../../core/dataset-digest.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { isAllowed, notAllowedError } from './protected-action.js';

function debugCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (!isAllowed(server, x, server.config.values['enable-debug-command'])) {
    reply.error(notAllowedError('DEBUG', 'enable-debug-command'));
  } else if (args.is(1, 'HELP') && args.count === 2) {
    replyHelp(x, 'DEBUG', ['DIGEST', '    Output a hash signature of the current dataset.']);
  } else if (args.is(1, 'DIGEST') && args.count === 2) {
    x.database.dependOnAll();
    reply.simple(datasetDigest(server.engine.arena, server.engine.keyspaces));
  } else {
    reply.error(`ERR unknown subcommand or wrong number of arguments for '${args.latin1(1, 128)}'. Try DEBUG HELP.`);
  }
}

export function debugCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'debug',
      arity: -2,
      flags: ['admin', 'noscript', 'loading', 'stale'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity: 'Depends on subcommand.',
      summary: 'A container for debugging commands',
      systemCommand: true,
      pages: 0,
      run: (x) => debugCommand(server, x),
    },
  ];
}

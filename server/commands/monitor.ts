/** MONITOR: the connection is shown every command from now on. How lines look and leave is server/monitor-feed.ts'. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';

function monitorCommand(server: ServerContext, { reply, session }: Execution): void {
  const connection = server.connections.byId(session.id);
  // As in Redis, a connection that monitors already gets no reply.
  if (connection === undefined || session.monitors) return;
  server.monitors.add(connection);
  reply.ok();
}

export function monitorCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'monitor',
      arity: 1,
      flags: ['admin', 'noscript', 'loading', 'stale'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity: '',
      summary: 'Listen for all requests received by the server in real time',
      pages: 0,
      run: (x) => monitorCommand(server, x),
    },
  ];
}

/** SHUTDOWN: ends the server in order. Whatever it is asked, it commits first. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { RestingTask } from './resting-task.js';

const ERROR_SHUTDOWN = 'ERR Errors trying to SHUTDOWN. Check logs.';

function shutdownCommand(server: ServerContext, x: Execution): void {
  const { args } = x;
  let save = false;
  let nosave = false;
  let abort = false;
  let force = false;
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, 'NOSAVE')) nosave = true;
    else if (args.is(i, 'SAVE')) save = true;
    else if (args.is(i, 'ABORT')) abort = true;
    else if (args.is(i, 'FORCE')) force = true;
    else if (!args.is(i, 'NOW')) {
      x.syntaxError();
      return;
    }
  }
  if ((save && nosave) || (abort && args.count > 2)) {
    x.syntaxError();
    return;
  }
  if (abort) {
    // A shutdown here waits for nothing but the log: there is never one to stop.
    x.reply.error('ERR No shutdown in progress.');
    return;
  }
  // The connection gets no reply: it rests until the server closes it, or cannot end.
  const task = new RestingTask(server, x.session, (end) => end.reply.error(ERROR_SHUTDOWN), false);
  x.runInSlices(task);
  const reason = `SHUTDOWN by ${x.session.address}`;
  const ended = server.shutdown(save || nosave ? { reason, save: save ? 'snapshot' : 'nothing', force } : { reason });
  ended.catch((error: unknown) => {
    server.log.error(error, 'the shutdown failed');
    task.end();
  });
}

export function shutdownCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'shutdown',
      arity: -1,
      flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity:
        'O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)',
      summary: 'Synchronously save the dataset to disk and then shut down the server',
      history: [['7.0.0', 'Added the `NOW`, `FORCE` and `ABORT` modifiers.']],
      arguments: [
        {
          name: 'nosave_save',
          type: 'oneof',
          flags: ['optional'],
          arguments: [
            { name: 'nosave', type: 'pure-token', token: 'NOSAVE' },
            { name: 'save', type: 'pure-token', token: 'SAVE' },
          ],
        },
        { name: 'now', type: 'pure-token', token: 'NOW', since: '7.0.0', flags: ['optional'] },
        { name: 'force', type: 'pure-token', token: 'FORCE', since: '7.0.0', flags: ['optional'] },
        { name: 'abort', type: 'pure-token', token: 'ABORT', since: '7.0.0', flags: ['optional'] },
      ],
      pages: 0,
      run: (x) => shutdownCommand(server, x),
    },
  ];
}

/** SAVE, BGSAVE, LASTSAVE and BGREWRITEAOF. A snapshot is all that they ask for: the log has every write anyway. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { RestingTask } from './resting-task.js';

const ERROR_SAVING = 'ERR Background save already in progress';
const ERROR_OTHER =
  "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a " +
  'BGSAVE whenever possible.';
const ERROR_REWRITING = 'ERR Background append only file rewriting already in progress';

function reasonOf(x: Execution): string {
  return `${x.command.fullName.toUpperCase()} by ${x.session.address}`;
}

/** Only this client waits: a snapshot does not hold up the others, so there is no need to. */
function saveCommand(server: ServerContext, x: Execution): void {
  if (server.snapshots.status.running === 'bgsave') {
    x.reply.error(ERROR_SAVING);
    return;
  }
  let failed = false;
  const reply = (end: Execution): void => {
    if (failed) end.reply.error('ERR');
    else end.reply.simple('OK');
  };
  const task = new RestingTask(server, x.session, reply, false);
  x.runInSlices(task);
  const end = (): void => task.end();
  server.snapshots.save('bgsave', reasonOf(x)).then(end, () => {
    failed = true;
    end();
  });
}

function bgsaveCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  const schedule = args.count === 2 && args.is(1, 'SCHEDULE');
  if (args.count > 1 && !schedule) {
    x.syntaxError();
    return;
  }
  const { snapshots } = server;
  const { running } = snapshots.status;
  if (running === 'bgsave') {
    reply.error(ERROR_SAVING);
  } else if (running !== undefined && !schedule) {
    reply.error(ERROR_OTHER);
  } else if (running !== undefined) {
    snapshots.schedule('bgsave');
    reply.simple('Background saving scheduled');
  } else {
    snapshots.start('bgsave', reasonOf(x));
    reply.simple('Background saving started');
  }
}

/** A snapshot trims the log, which is what the rewriting of an append-only file is for. */
function bgrewriteaofCommand(server: ServerContext, x: Execution): void {
  const { reply } = x;
  const { snapshots } = server;
  const { running } = snapshots.status;
  if (running === 'rewrite') {
    reply.error(ERROR_REWRITING);
  } else if (running !== undefined) {
    snapshots.schedule('rewrite');
    reply.simple('Background append only file rewriting scheduled');
  } else {
    snapshots.start('rewrite', reasonOf(x));
    reply.simple('Background append only file rewriting started');
  }
}

export function snapshotCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'save',
      arity: 1,
      flags: ['admin', 'noscript', 'no_async_loading', 'no_multi'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity: 'O(N) where N is the total number of keys in all databases',
      summary: 'Synchronously save the dataset to disk',
      pages: 0,
      run: (x) => saveCommand(server, x),
    },
    {
      name: 'bgsave',
      arity: -1,
      flags: ['admin', 'noscript', 'no_async_loading'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity: 'O(1)',
      summary: 'Asynchronously save the dataset to disk',
      history: [['3.2.2', 'Added the `SCHEDULE` option.']],
      arguments: [{ name: 'schedule', type: 'pure-token', token: 'SCHEDULE', since: '3.2.2', flags: ['optional'] }],
      pages: 0,
      run: (x) => bgsaveCommand(server, x),
    },
    {
      name: 'bgrewriteaof',
      arity: 1,
      flags: ['admin', 'noscript', 'no_async_loading'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity: 'O(1)',
      summary: 'Asynchronously rewrite the append-only file',
      pages: 0,
      run: (x) => bgrewriteaofCommand(server, x),
    },
    {
      name: 'lastsave',
      arity: 1,
      flags: ['loading', 'stale', 'fast'],
      categories: ['admin', 'dangerous'],
      group: 'server',
      since: '1.0.0',
      complexity: 'O(1)',
      summary: 'Get the UNIX time stamp of the last successful save to disk',
      tips: ['nondeterministic_output'],
      pages: 0,
      run: (x) => x.reply.integer(Math.floor(server.snapshots.status.lastSaveMs / 1000)),
    },
  ];
}

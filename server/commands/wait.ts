/**
 * WAIT and WAITAOF. Every reply waits for the log anyway, so what they add is this: WAIT counts machines beyond this one
 * (none yet), WAITAOF also this machine's disk, and its reply is parked until all that was written before it is
 * committed, so that the 1 it shows is true when it is read.
 */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { integerArgument } from './integer-text.js';
import { RestingTask } from './resting-task.js';

const ERROR_INTEGER = 'ERR value is not an integer or out of range';

/** The time-out in argument i in ms; undefined after an error reply. */
function readTimeout(x: Execution, i: number): number | undefined {
  const timeout = integerArgument(x.args, i);
  if (timeout === undefined) x.reply.error('ERR timeout is not an integer or out of range');
  else if (timeout < 0) x.reply.error('ERR timeout is negative');
  else return timeout;
  return undefined;
}

function waitCommand(server: ServerContext, x: Execution): void {
  const replicas = integerArgument(x.args, 1);
  if (replicas === undefined) {
    x.reply.error(ERROR_INTEGER);
    return;
  }
  const timeout = readTimeout(x, 2);
  if (timeout === undefined) return;
  if (replicas <= 0) {
    x.reply.integer(0);
    return;
  }
  x.runInSlices(new RestingTask(server, x.session, (end) => end.reply.integer(0)).endAfter(timeout));
}

function replyWaitAof(x: Execution): void {
  x.database.dependOnAll();
  x.reply.array(2);
  x.reply.integer(1);
  x.reply.integer(0);
}

function waitAofCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  const local = integerArgument(args, 1);
  if (local === undefined || local < 0 || local > 1) {
    reply.error(local === undefined ? ERROR_INTEGER : 'ERR value is out of range, value must between 0 and 1');
    return;
  }
  const replicas = integerArgument(args, 2);
  if (replicas === undefined || replicas < 0) {
    reply.error('ERR value is out of range, must be positive');
    return;
  }
  const timeout = readTimeout(x, 3);
  if (timeout === undefined) return;
  if (replicas === 0) replyWaitAof(x);
  else x.runInSlices(new RestingTask(server, x.session, replyWaitAof).endAfter(timeout));
}

export function waitCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'wait',
      arity: 3,
      flags: ['noscript'],
      categories: ['connection'],
      group: 'generic',
      since: '3.0.0',
      complexity: 'O(1)',
      summary:
        'Wait for the synchronous replication of all the write commands sent in the context of the current connection',
      tips: ['request_policy:all_shards', 'response_policy:agg_min'],
      arguments: [
        { name: 'numreplicas', type: 'integer' },
        { name: 'timeout', type: 'integer' },
      ],
      pages: 0,
      run: (x) => waitCommand(server, x),
    },

    {
      name: 'waitaof',
      arity: 4,
      flags: ['noscript', 'blocking'],
      categories: ['connection'],
      group: 'generic',
      since: '7.2.0',
      complexity: 'O(1)',
      summary:
        'Blocks until all of the preceding write commands sent by the connection are written to the append-only file of the master and/or replicas.',
      tips: ['request_policy:all_shards', 'response_policy:agg_min'],
      arguments: [
        { name: 'numlocal', type: 'integer' },
        { name: 'numreplicas', type: 'integer' },
        { name: 'timeout', type: 'integer' },
      ],
      pages: 0,
      run: (x) => waitAofCommand(server, x),
    },
  ];
}

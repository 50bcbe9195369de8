/**
 * `npm run bench -- restart`: how fast a log of N SETs of distinct keys is read at a start, beside Redis reading its AOF
 * (no rewrite, no RDB preamble). Measured from the start of the process to the first answer that is not -LOADING.
 */
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerKind, ServerProcess } from '../test/support/server-process.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { loadKeys } from './key-loader.js';
import { median } from './median.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { secondsToServe } from './seconds-to-serve.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';

const target: Target = { atLeast: 1, aim: 2, better: 'more' };

/** Ends the server as asked, starts it again and returns the seconds until it serves. */
async function restartSeconds(server: ServerProcess, ending: string, count: number): Promise<number> {
  if (ending === 'kill') await server.kill9();
  else await server.stop();
  return secondsToServe(async () => {
    await server.restart();
    return server;
  }, count);
}

/**
 * @param args --count 5m (SETs in the log), --rounds 3 (restarts of each server, alternated), --ending kill|stop (how
 *   the server ends before each start).
 */
export async function runRestartBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, { count: '5m', rounds: '3', ending: 'kill', ...serverDefaults });
  const [count = 0] = options.counts('count');
  const rates = new Map<ServerKind, number[]>();
  const servers = new Map<ServerKind, ServerProcess>();
  try {
    for (const kind of serverKinds(options)) {
      const more = kind === 'redis' ? { args: ['--aof-use-rdb-preamble', 'no'] } : {};
      const server = await startServer(kind, options, more);
      servers.set(kind, server);
      rates.set(kind, []);
      await loadKeys({ port: server.port, count });
      const client = await server.connect();
      const info = await readInfo(client, 'persistence');
      await client.close();
      console.error(`${kind}: log of ${shown((infoNumber(info, 'aof_current_size') ?? Number.NaN) / 1e6)} MB`);
    }
    for (let round = 1; round <= options.number('rounds'); round++) {
      for (const [kind, server] of servers) {
        const seconds = await restartSeconds(server, options.text('ending'), count);
        rates.get(kind)!.push(count / seconds);
        console.error(`round ${round}  ${kind}  ${shown(seconds, 2)} s  ${shown(count / seconds)} entries/s`);
      }
    }
  } finally {
    for (const server of servers.values()) await server.dispose();
  }
  const ours = median(rates.get('holdfast') ?? []);
  const theirs = median(rates.get('redis') ?? []);
  const ratio = ours / theirs;
  printTable(
    ['row', 'holdfast', 'redis', 'ratio', 'at least', 'aim', 'verdict'],
    [
      [
        'restart, entries/s',
        ...[shown(ours), shown(theirs), shown(ratio, 2)],
        ...[String(target.atLeast), String(target.aim), judge(ratio, target)],
      ],
    ],
  );
  printJsonLine('restart', { count, rates: Object.fromEntries(rates), ratio });
}

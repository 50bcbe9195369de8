/**
 * `npm run bench -- idle-connections`: what ten thousand connections that do nothing cost: resident bytes each, and how
 * the throughput of GET with 50 clients changes beside them.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../test/support/process-memory.js';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerKind, ServerProcess } from '../test/support/server-process.js';
import { loadBenchmarkKeys } from './benchmark-keys.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { runRedisBenchmark } from './redis-benchmark.js';
import { printJsonLine, printTable, shown } from './result-table.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';

const KEYS = 100_000;

/** Opens connections, each greeted by one PING, a few hundred at a time. */
async function openConnections(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  const one = () =>
    new Promise<Socket>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('error', reject);
      socket.once('connect', () => socket.write('*1\r\n$4\r\nPING\r\n'));
      socket.once('data', (reply) => {
        if (reply.toString() === '+PONG\r\n') resolve(socket);
        else reject(new Error(`connection ${sockets.length} was greeted with ${reply.toString()}`));
      });
    });
  while (sockets.length < count) {
    const group = Math.min(200, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: group }, one))));
  }
  return sockets;
}

async function rate(server: ServerProcess, seconds: number): Promise<number> {
  const run = { port: server.port, clients: 50, pipeline: 1, keys: KEYS, command: ['GET', 'key:__rand_int__'] };
  const warm = await runRedisBenchmark({ ...run, requests: 20_000 });
  return (await runRedisBenchmark({ ...run, requests: Math.ceil(warm.requestsPerSecond * seconds) })).requestsPerSecond;
}

async function measure(kind: ServerKind, options: BenchmarkOptions) {
  const count = options.number('count');
  await using server = await startServer(kind, options, { args: ['--maxclients', String(count + 200)] });
  await loadBenchmarkKeys(server, KEYS, 'x'.repeat(64));
  const alone = await rate(server, options.number('seconds'));
  await delay(1000);
  const before = residentBytes(server.pid);
  const started = performance.now();
  const sockets = await openConnections(server.port, count);
  const openSeconds = (performance.now() - started) / 1000;
  await delay(1000);
  const after = residentBytes(server.pid);
  const client = await server.connect();
  const connected = infoNumber(await readInfo(client, 'clients'), 'connected_clients');
  const beside = await rate(server, options.number('seconds'));
  for (const socket of sockets) socket.destroy();
  return { server: kind, connected, bytesEach: (after - before) / count, openSeconds, alone, beside };
}

/** @param args --count 10000 (connections; `ulimit -n` must allow them on both sides), --seconds 3 */
export async function runIdleConnectionsBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, { count: '10000', seconds: '3', ...serverDefaults });
  const results: Awaited<ReturnType<typeof measure>>[] = [];
  for (const kind of serverKinds(options)) results.push(await measure(kind, options));
  printTable(
    ['server', 'connected', 'bytes each', 'opened in s', 'GET/s alone', 'GET/s beside', 'ratio'],
    results.map((each) => [
      each.server,
      shown(each.connected),
      shown(each.bytesEach),
      shown(each.openSeconds, 2),
      shown(each.alone),
      shown(each.beside),
      shown(each.beside / each.alone, 2),
    ]),
  );
  printJsonLine('idle-connections', { results });
}

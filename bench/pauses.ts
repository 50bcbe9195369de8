/**
 * `npm run bench -- pauses`: what keeps a server from serving others: a million keys with one deadline, FLUSHALL and KEYS
 * over ten million keys. For each the longest slice of Holdfast's engine thread and the longest wait of a second client,
 * for both servers, as medians of the runs.
 */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { ServerKind, ServerProcess } from '../test/support/server-process.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { readSlices, resetSlices, sliceEnvironment } from './engine-slices.js';
import { loadKeys } from './key-loader.js';
import { median } from './median.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';
import { WaitingClient } from './waiting-client.js';

const target: Target = { atLeast: 20, aim: 10, better: 'less' };
/** After the work is done, as much longer is watched: memory is freed behind the reply. */
const WATCH_ON_MS = 2000;

interface Pause {
  readonly what: string;
  readonly server: ServerKind;
  readonly run: number;
  readonly tookMs: number;
  readonly longestWaitMs: number;
  readonly requestsServed: number;
  readonly sliceCpuMs: number | undefined;
  readonly sliceWallMs: number | undefined;
  readonly slices: readonly string[];
}

/** Runs `work` while a second client asks on. */
async function observe(
  what: string,
  kind: ServerKind,
  run: number,
  server: ServerProcess,
  work: () => Promise<void>,
): Promise<Pause> {
  await resetSlices(server);
  const waiting = await WaitingClient.start(server.port);
  const started = performance.now();
  await work();
  const tookMs = performance.now() - started;
  await delay(WATCH_ON_MS);
  const { longestMs, requests } = await waiting.take();
  await waiting.stop();
  const slices = await readSlices(server, kind);
  const pause: Pause = {
    ...{ what, server: kind, run, tookMs, longestWaitMs: longestMs, requestsServed: requests },
    ...{ sliceCpuMs: slices.longestCpuMs, sliceWallMs: slices.longestWallMs, slices: slices.longest },
  };
  console.error(`${what}  ${kind}  run ${run}: took ${shown(tookMs)} ms, longest wait ${shown(longestMs, 1)} ms`);
  for (const slice of slices.longest) console.error(`  slice ${slice}`);
  return pause;
}

/** Sends one command and reads its reply without keeping it, until `done` says that it is whole. */
function discardReply(port: number, command: string, done: (bytes: number, tail: Buffer) => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let bytes = 0;
    socket.once('error', reject);
    socket.once('connect', () => socket.write(command));
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      if (!done(bytes, chunk)) return;
      socket.destroy();
      resolve(bytes);
    });
  });
}

async function keysCommand(port: number, count: number): Promise<void> {
  // "*N CR LF", then for each key "$16 CR LF key CR LF".
  const whole = `*${count}\r\n`.length + count * 23;
  await discardReply(port, '*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n', (bytes) => bytes >= whole);
}

async function expiry(kind: ServerKind, run: number, options: BenchmarkOptions): Promise<Pause> {
  const [count = 0] = options.counts('expiring');
  await using server = await startServer(kind, options, { env: sliceEnvironment });
  // The deadline must lie behind the load; where the load is slower, keys written late are born expired.
  const deadline = Date.now() + Math.max(5000, count / 50);
  await loadKeys({ port: server.port, count, deadline: { word: 'PXAT', of: () => deadline } });
  const client = await server.connect();
  if (Date.now() >= deadline) throw new Error('the keys expired while they were loaded: --expiring fewer');
  await delay(deadline - Date.now() - 500);
  return await observe(`${count} keys with one deadline`, kind, run, server, async () => {
    while ((await client.command('DBSIZE')) !== 0) await delay(20);
  });
}

async function keysAndFlush(kind: ServerKind, run: number, options: BenchmarkOptions): Promise<Pause[]> {
  const [count = 0] = options.counts('count');
  await using server = await startServer(kind, options, { env: sliceEnvironment });
  await loadKeys({ port: server.port, count });
  const keys = await observe(`KEYS of ${count}`, kind, run, server, () => keysCommand(server.port, count));
  const client = await server.connect();
  const flush = await observe(`FLUSHALL of ${count}`, kind, run, server, async () => {
    await client.command('FLUSHALL');
  });
  return [keys, flush];
}

function print(pauses: readonly Pause[]): void {
  const groups = new Map<string, Pause[]>();
  for (const each of pauses) {
    const key = `${each.what}|${each.server}`;
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  const rows: string[][] = [];
  for (const group of groups.values()) {
    const { what, server } = group[0]!;
    const slices = group.map((each) => each.sliceCpuMs).filter((slice) => slice !== undefined);
    const slice = slices.length === group.length ? Math.max(...slices) : undefined;
    rows.push([
      what,
      server,
      shown(median(group.map((each) => each.tookMs))),
      shown(median(group.map((each) => each.longestWaitMs)), 1),
      shown(slice, 1),
      ...(server === 'holdfast'
        ? [`<= ${target.atLeast} ms`, `<= ${target.aim} ms`, judge(slice, target)]
        : ['', '', '']),
    ]);
  }
  printTable(['what', 'server', 'took ms', 'wait ms', 'slice cpu ms', 'at least', 'aim', 'verdict'], rows);
  console.log('took and wait: medians of the runs; slice: the longest of all runs.');
}

/** @param args --runs 3, --expiring 1m (keys with one deadline), --count 10m (keys for KEYS and FLUSHALL), --parts expiry,keys */
export async function runPausesBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, {
    runs: '3',
    expiring: '1m',
    count: '10m',
    parts: 'expiry,keys',
    ...serverDefaults,
  });
  const parts = options.list('parts');
  const pauses: Pause[] = [];
  for (let run = 1; run <= options.number('runs'); run++) {
    for (const kind of serverKinds(options)) {
      if (parts.includes('expiry')) pauses.push(await expiry(kind, run, options));
      if (parts.includes('keys')) pauses.push(...(await keysAndFlush(kind, run, options)));
    }
  }
  print(pauses);
  printJsonLine('pauses', { pauses });
}

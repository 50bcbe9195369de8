/**
 * `npm run bench -- memory`: loads N keys of 16 bytes with values of 64 bytes into Holdfast and Redis, both with their
 * log on, and prints resident bytes per key, the longest slice of the engine thread, the JavaScript heap, the load rate,
 * and how long a second client had to wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../test/support/process-memory.js';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerKind } from '../test/support/server-process.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { readSlices, resetSlices, sliceEnvironment } from './engine-slices.js';
import { type LoadedDeadline, loadKeys } from './key-loader.js';
import { median } from './median.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';
import { WaitingClient } from './waiting-client.js';

const MEGABYTE = 1e6;

interface Load {
  readonly server: ServerKind;
  readonly count: number;
  readonly withDeadline: boolean;
  /** Resident bytes: before, right after, and after the idle time. */
  readonly before: number;
  readonly after: number;
  readonly idle: number;
  readonly bytesPerKey: number;
  readonly keysPerSecond: number;
  readonly longestWaitMs: number;
  readonly sliceCpuMs: number | undefined;
  readonly sliceWallMs: number | undefined;
  readonly slices: readonly string[];
  readonly heapBytes: number | undefined;
}

/** Deadlines a day and more away, spread over nine days: none comes while the benchmark runs. */
const spreadDeadline: LoadedDeadline = { word: 'EX', of: (index) => 100_000 + (index % 800_000) };

async function load(kind: ServerKind, count: number, withDeadline: boolean, options: BenchmarkOptions): Promise<Load> {
  const idleMs = options.number('idle') * 1000;
  await using server = await startServer(kind, options, { env: sliceEnvironment });
  const client = await server.connect();
  await client.command('PING');
  await delay(Math.min(idleMs, 2000));
  const before = residentBytes(server.pid);
  await resetSlices(server);
  const waiting = await WaitingClient.start(server.port);
  const keysPerSecond = await loadKeys({
    port: server.port,
    count,
    ...(withDeadline ? { deadline: spreadDeadline } : {}),
  });
  const { longestMs } = await waiting.take();
  await waiting.stop();
  const after = residentBytes(server.pid);
  const slices = await readSlices(server, kind);
  await delay(idleMs);
  const idle = residentBytes(server.pid);
  const size = await client.command('DBSIZE');
  if (size !== count) throw new Error(`${kind} holds ${String(size)} keys of ${count}`);
  const info = await readInfo(client, 'memory');
  return {
    ...{ server: kind, count, withDeadline, before, after, idle, keysPerSecond, longestWaitMs: longestMs },
    bytesPerKey: (idle - before) / count,
    sliceCpuMs: slices.longestCpuMs,
    sliceWallMs: slices.longestWallMs,
    slices: slices.longest,
    heapBytes: infoNumber(info, 'heap_used_bytes_all_isolates'),
  };
}

function printLoads(loads: readonly Load[]): void {
  printTable(
    [
      'load',
      'server',
      'B/key',
      'RSS MB',
      'before',
      'loaded',
      'keys/s',
      'wait ms',
      'slice cpu ms',
      'wall ms',
      'heap MB',
    ],
    loads.map((each) => [
      `${shown(each.count / 1e6, 1)} m${each.withDeadline ? ' with EX' : ''}`,
      each.server,
      shown(each.bytesPerKey, 1),
      ...[each.idle, each.before, each.after].map((bytes) => shown(bytes / MEGABYTE, 0)),
      shown(each.keysPerSecond),
      shown(each.longestWaitMs, 1),
      shown(each.sliceCpuMs, 1),
      shown(each.sliceWallMs, 1),
      shown(each.heapBytes === undefined ? undefined : each.heapBytes / MEGABYTE, 1),
    ]),
  );
}

interface Check {
  readonly name: string;
  readonly figure: number | undefined;
  readonly unit: string;
  readonly target: Target;
}

/** The ratio of bytes per key, for each count; the median of them is the figure. */
function memoryRatio(loads: readonly Load[], withDeadline: boolean): number {
  const ratios: number[] = [];
  for (const ours of loads) {
    if (ours.server !== 'holdfast' || ours.withDeadline !== withDeadline) continue;
    const theirs = loads.find(
      (each) => each.server === 'redis' && each.count === ours.count && each.withDeadline === withDeadline,
    );
    if (theirs !== undefined) ratios.push(ours.bytesPerKey / theirs.bytesPerKey);
  }
  return median(ratios);
}

/** The largest figure of our loads; undefined when one of them was not measured. */
function worst(loads: readonly Load[], figure: (load: Load) => number | undefined): number | undefined {
  let most: number | undefined;
  for (const each of loads) {
    if (each.server !== 'holdfast') continue;
    const value = figure(each);
    if (value === undefined) return undefined;
    most = Math.max(most ?? 0, value);
  }
  return most;
}

function checks(loads: readonly Load[]): Check[] {
  const less = (atLeast: number, aim: number): Target => ({ atLeast, aim, better: 'less' });
  const heap = worst(loads, (each) => each.heapBytes);
  return [
    { name: 'bytes per key against Redis', figure: memoryRatio(loads, false), unit: 'x', target: less(1, 0.8) },
    { name: 'the same with EX', figure: memoryRatio(loads, true), unit: 'x', target: less(1, 0.8) },
    {
      name: 'longest engine slice, CPU',
      figure: worst(loads, (each) => each.sliceCpuMs),
      unit: 'ms',
      target: less(20, 10),
    },
    {
      name: 'heap of all isolates',
      figure: heap === undefined ? heap : heap / MEGABYTE,
      unit: 'MB',
      target: less(200, 50),
    },
  ];
}

/**
 * @param args --counts 6m,8m,12m (keys to load, one fresh server each), --variants plain,ex, --idle S (seconds of rest
 *   before resident memory is read).
 */
export async function runMemoryBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, {
    counts: '6m,8m,12m',
    variants: 'plain,ex',
    idle: '10',
    ...serverDefaults,
  });
  const loads: Load[] = [];
  for (const variant of options.list('variants')) {
    if (variant !== 'plain' && variant !== 'ex') throw new Error(`--variants: '${variant}' is neither plain nor ex`);
    for (const count of options.counts('counts')) {
      for (const kind of serverKinds(options)) {
        const result = await load(kind, count, variant === 'ex', options);
        loads.push(result);
        console.error(`${kind} ${variant} ${count}: ${shown(result.bytesPerKey, 1)} B/key`);
        for (const slice of result.slices) console.error(`  slice ${slice}`);
      }
    }
  }
  printLoads(loads);
  const judged = checks(loads);
  printTable(
    ['check', 'figure', 'at least', 'aim', 'verdict'],
    judged.map(({ name, figure, unit, target }) => [
      name,
      `${shown(figure, 2)} ${unit}`,
      `<= ${target.atLeast} ${unit}`,
      `<= ${target.aim} ${unit}`,
      judge(figure, target),
    ]),
  );
  printJsonLine('memory', { loads, checks: judged });
}

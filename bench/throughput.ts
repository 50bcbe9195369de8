/**
 * `npm run bench -- throughput`: redis-benchmark against Holdfast and a redis-server with appendfsync always, in
 * alternation on the same machine, and the ratios of the medians.
 */
import { commandCalls, readInfo } from '../test/support/server-info.js';
import type { ServerKind, ServerProcess } from '../test/support/server-process.js';
import { loadBenchmarkKeys } from './benchmark-keys.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { median } from './median.js';
import { processCpuMs } from './process-cpu.js';
import { runRedisBenchmark, startRedisBenchmark } from './redis-benchmark.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { serverDefaults, startServer } from './server-pair.js';
import { slowDiskEnvironment } from './slow-disk.js';

const KEYS = 100_000;
const VALUE = 'x'.repeat(64);
const SET = ['SET', 'key:__rand_int__', VALUE];
const GET = ['GET', 'key:__rand_int__'];
const INCR = ['INCR', 'counter:__rand_int__'];

/** One row: what it runs, and the figures it gives, by name. */
interface Row {
  readonly name: string;
  readonly targets: Readonly<Record<string, Target>>;
  measure(server: ServerProcess, seconds: number): Promise<Readonly<Record<string, number>>>;
}

const more = (atLeast: number, aim: number): Target => ({ atLeast, aim, better: 'more' });
const p99Target: Target = { atLeast: 1.2, aim: 1, better: 'less' };

/** Requests that fill the time, from the rate of a short run that also warms the server up. */
async function simple(
  server: ServerProcess,
  clients: number,
  pipeline: number,
  command: readonly string[],
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  const run = { port: server.port, clients, pipeline, keys: KEYS, command };
  const warm = await runRedisBenchmark({ ...run, requests: clients === 1 ? 3000 : pipeline * 10_000 });
  const requests = Math.ceil(warm.requestsPerSecond * seconds);
  const before = processCpuMs(server.pid);
  const result = await runRedisBenchmark({ ...run, requests });
  const cpuMicros = ((processCpuMs(server.pid) - before) / requests) * 1000;
  return {
    throughput: result.requestsPerSecond,
    'p99 ms': result.p99Ms,
    'p50 ms': result.p50Ms,
    'max ms': result.maxMs,
    'cpu us': cpuMicros,
  };
}

/** Runs the commands side by side, 25 clients each, and counts at the server what it executed. */
async function together(
  server: ServerProcess,
  commands: readonly (readonly string[])[],
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  const stops = commands.map((command) =>
    startRedisBenchmark({ port: server.port, clients: 25, pipeline: 1, keys: KEYS, command }),
  );
  const client = await server.connect();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const before = await readInfo(client, 'commandstats');
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const after = await readInfo(client, 'commandstats');
  const elapsed = (performance.now() - started) / 1000;
  for (const stop of stops) await stop();
  await client.close();
  const rates: Record<string, number> = {};
  for (const [name] of commands) {
    const command = name!.toLowerCase();
    rates[name!] = (commandCalls(after, command) - commandCalls(before, command)) / elapsed;
  }
  return rates;
}

function row(
  name: string,
  [clients, pipeline]: readonly [number, number],
  command: readonly string[],
  throughput: Target,
  p99?: Target,
): Row {
  return {
    name,
    targets: p99 === undefined ? { throughput } : { throughput, 'p99 ms': p99 },
    measure: (server, seconds) => simple(server, clients, pipeline, command, seconds),
  };
}

const rows: readonly Row[] = [
  row('SET c50 P1', [50, 1], SET, more(1.1, 1.3), p99Target),
  row('SET c50 P16', [50, 16], SET, more(1.4, 2), p99Target),
  row('SET c200 P1', [200, 1], SET, more(1, 1.2)),
  row('SET c1', [1, 1], SET, more(0.95, 1.1)),
  row('INCR c50', [50, 1], INCR, more(1, 1.1)),
  row('GET c50 P1', [50, 1], GET, more(0.95, 1.05)),
  row('GET c50 P16', [50, 16], GET, more(0.8, 1.1)),
  {
    name: 'mixed 25+25',
    targets: { SET: more(0.95, 1.2), GET: more(0.95, 1.2) },
    measure: (server, seconds) => together(server, [SET, GET], seconds),
  },
];

const SLOW_DISK = 'slow disk';
const slowDiskTarget = more(0.6, 0.8);

type Figures = Map<string, number[]>;

function note(figures: Figures, name: string, figure: number): void {
  const list = figures.get(name);
  if (list === undefined) figures.set(name, [figure]);
  else list.push(figure);
}

async function compare(
  chosen: readonly Row[],
  options: BenchmarkOptions,
): Promise<{ holdfast: Figures; redis: Figures }> {
  const figures = { holdfast: new Map<string, number[]>(), redis: new Map<string, number[]>() };
  if (chosen.length === 0) return figures;
  const servers = new Map<ServerKind, ServerProcess>();
  try {
    for (const kind of ['holdfast', 'redis'] as const) {
      const server = await startServer(options.text('substitute') === 'redis' ? 'redis' : kind, options);
      servers.set(kind, server);
      await loadBenchmarkKeys(server, KEYS, VALUE);
    }
    const seconds = options.number('seconds');
    for (let round = 1; round <= options.number('rounds'); round++) {
      for (const each of chosen) {
        for (const [kind, server] of servers) {
          const measured = await each.measure(server, seconds);
          for (const [name, figure] of Object.entries(measured)) note(figures[kind], `${each.name} ${name}`, figure);
          const text = Object.entries(measured).map(
            ([name, figure]) => `${name} ${shown(figure, figure < 100 ? 3 : 0)}`,
          );
          console.error(`round ${round}  ${each.name.padEnd(12)} ${kind.padEnd(9)} ${text.join('  ')}`);
        }
      }
    }
  } finally {
    for (const server of servers.values()) await server.dispose();
  }
  return figures;
}

/** GETs beside writers on a disk whose every fsync takes 1 ms longer, against the same server without writers. */
async function slowDisk(options: BenchmarkOptions): Promise<{ alone: number[]; beside: number[] }> {
  const server = await startServer('holdfast', options, { env: slowDiskEnvironment(1) });
  const alone: number[] = [];
  const beside: number[] = [];
  try {
    await loadBenchmarkKeys(server, KEYS, VALUE);
    for (let round = 1; round <= options.number('rounds'); round++) {
      const seconds = options.number('seconds');
      alone.push((await together(server, [GET], seconds)).GET!);
      beside.push((await together(server, [SET, GET], seconds)).GET!);
      console.error(
        `round ${round}  ${SLOW_DISK}  GET alone ${shown(alone.at(-1))}  beside writers ${shown(beside.at(-1))}`,
      );
    }
  } finally {
    await server.dispose();
  }
  return { alone, beside };
}

interface ResultRow {
  readonly name: string;
  /** Medians over the rounds. */
  readonly ours: number;
  readonly theirs: number;
  /** Median of the rounds' own ratios: what slows both servers for a while falls out of it. */
  readonly paired: number;
  /** Absent for figures that are only shown. */
  readonly target?: Target;
}

function compareFigures(name: string, ours: readonly number[], theirs: readonly number[], target?: Target): ResultRow {
  const paired = median(ours.map((figure, i) => figure / theirs[i]!));
  return { name, ours: median(ours), theirs: median(theirs), paired, ...(target === undefined ? {} : { target }) };
}

function results(chosen: readonly Row[], figures: { holdfast: Figures; redis: Figures }): ResultRow[] {
  const rows: ResultRow[] = [];
  for (const each of chosen) {
    for (const name of [...Object.keys(each.targets), 'cpu us']) {
      const full = `${each.name} ${name}`;
      const ours = figures.holdfast.get(full);
      const theirs = figures.redis.get(full);
      if (ours !== undefined && theirs !== undefined) rows.push(compareFigures(full, ours, theirs, each.targets[name]));
    }
  }
  return rows;
}

function print(resultRows: readonly ResultRow[]): void {
  const cells = resultRows.map(({ name, ours, theirs, paired, target }) => {
    const decimals = ours < 100 ? 3 : 0;
    const ratio = ours / theirs;
    const measured = [name, shown(ours, decimals), shown(theirs, decimals), shown(ratio, 2), shown(paired, 2)];
    if (target === undefined) return measured;
    const bound = target.better === 'less' ? '<= ' : '';
    return [...measured, `${bound}${target.atLeast}`, `${bound}${target.aim}`, judge(ratio, target)];
  });
  printTable(['row', 'holdfast', 'redis', 'ratio', 'paired', 'at least', 'aim', 'verdict'], cells);
  console.log(
    'ratio: of the medians; paired: median of the ratios of each round; cpu us: CPU time of the server a command.',
  );
  console.log('The row "slow disk": GETs beside 25 writers (holdfast) against GETs without writers (redis column).');
}

/**
 * @param args --rounds N (medians over that many), --seconds S (per run), --rows 'SET c1,slow disk' (by name; all),
 *   --substitute redis (a second Redis stands in for Holdfast: the noise of the machine).
 */
export async function runThroughputBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, {
    rounds: '5',
    seconds: '3',
    rows: '',
    substitute: '',
    ...serverDefaults,
  });
  const names = options.list('rows');
  for (const name of names) {
    if (name !== SLOW_DISK && !rows.some((each) => each.name === name)) {
      throw new Error(`no row '${name}'; there are: ${[...rows.map((each) => each.name), SLOW_DISK].join(', ')}`);
    }
  }
  const chosen = rows.filter((each) => names.length === 0 || names.includes(each.name));
  const figures = await compare(chosen, options);
  const resultRows = results(chosen, figures);
  const withSlowDisk = options.text('substitute') === '' && (names.length === 0 || names.includes(SLOW_DISK));
  if (withSlowDisk) {
    const { alone, beside } = await slowDisk(options);
    resultRows.push(compareFigures('slow disk GET', beside, alone, slowDiskTarget));
  }
  print(resultRows);
  const all = { holdfast: Object.fromEntries(figures.holdfast), redis: Object.fromEntries(figures.redis) };
  printJsonLine('throughput', { rows: resultRows.map((each) => ({ ...each, ratio: each.ours / each.theirs })), all });
}

/**
 * `npm run bench -- snapshot`: what a snapshot costs the clients that write meanwhile, beside Redis' BGSAVE; how fast a
 * start is from the image and from the RDB file, beside Redis loading the same file; and a day of overwrites in fast motion.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../test/support/process-memory.js';
import type { RespClient } from '../test/support/resp-client.js';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerKind, ServerProcess } from '../test/support/server-process.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { readSlices, resetSlices, sliceEnvironment } from './engine-slices.js';
import { loadKeys } from './key-loader.js';
import { overwriteForADay } from './overwrites.js';
import { PacedWriter, WriteSums, type WritesSeen } from './paced-writer.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';
import { measureStarts, type Start } from './snapshot-starts.js';

const latencyTarget: Target = { atLeast: 1.5, aim: 1.2, better: 'less' };
const sliceTarget: Target = { atLeast: 20, aim: 10, better: 'less' };
const memoryTarget: Target = { atLeast: 0.15, aim: 0.05, better: 'less' };
const imageTarget: Target = { atLeast: 0.05, aim: 0.02, better: 'less' };
const startTargets: Readonly<Record<Start['from'], Target | undefined>> = {
  image: { atLeast: 2, aim: 4, better: 'more' },
  snapshot: { atLeast: 1, aim: 2, better: 'more' },
  redis: undefined,
};
/** Writes go on for so long before anything is measured. */
const SETTLE_MS = 2000;
const POLL_MS = 20;

interface Dataset {
  readonly keys: number;
  readonly valueBytes: number;
}

interface SnapshotRow extends Dataset {
  readonly server: ServerKind;
  readonly rate: number;
  readonly before: WritesSeen;
  readonly during: WritesSeen;
  /** The same by what the snapshot was at: `snapshot_stage` of INFO. */
  readonly stages: Readonly<Record<string, WritesSeen>>;
  readonly seconds: number;
  /** Of the process' resident memory before. */
  readonly extraShare: number;
  /** Copies of pages that changed, of the same; of Redis, what its child's pages cost. */
  readonly copiesShare: number;
  readonly sliceCpuMs: number | undefined;
  readonly slices: readonly string[];
}

/** The most resident memory of a process until it is stopped. */
function watchMemory(pid: number): { stop(): number } {
  let peak = residentBytes(pid);
  const timer = setInterval(() => {
    peak = Math.max(peak, residentBytes(pid));
  }, POLL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(peak, residentBytes(pid));
    },
  };
}

/** Until the snapshot has ended: the writes in all, and by its stages. */
async function watchStages(client: RespClient, writer: PacedWriter): Promise<Pick<SnapshotRow, 'during' | 'stages'>> {
  const all = new WriteSums();
  const sums = new Map<string, WriteSums>();
  let stage = 'cut';
  for (let running = true; running; ) {
    await delay(POLL_MS);
    const info = await readInfo(client, 'persistence');
    running = infoNumber(info, 'rdb_bgsave_in_progress') !== 0;
    const now = running ? (info.get('snapshot_stage') ?? stage) : 'end';
    if (now === stage) continue;
    const sum = sums.get(stage) ?? new WriteSums();
    sums.set(stage, sum);
    await writer.take(all, sum);
    stage = now;
  }
  return { during: all.seen, stages: Object.fromEntries([...sums].map(([name, sum]) => [name, sum.seen])) };
}

async function measure(
  server: ServerProcess,
  kind: ServerKind,
  rate: number,
  options: BenchmarkOptions,
  set: Dataset,
): Promise<SnapshotRow> {
  const connections = options.number('clients');
  const client = await server.connect();
  const writer = await PacedWriter.start({ port: server.port, rate, connections, ...set });
  await delay(SETTLE_MS);
  await writer.take();
  await delay(options.number('seconds') * 1000);
  const before = await writer.take();
  await resetSlices(server);
  const resident = residentBytes(server.pid);
  const memory = watchMemory(server.pid);
  const started = performance.now();
  await client.command('BGSAVE');
  const { during, stages } = await watchStages(client, writer);
  const seconds = (performance.now() - started) / 1000;
  const peak = memory.stop();
  await writer.stop();
  const slices = await readSlices(server, kind);
  const info = await readInfo(client, 'persistence');
  if (info.get('rdb_last_bgsave_status') !== 'ok') throw new Error(`${kind}: the snapshot failed`);
  await client.close();
  const copies = infoNumber(info, 'rdb_last_cow_size') ?? Number.NaN;
  // The pages that Redis' child and parent no longer share are twice in memory; its parent alone shows half of it.
  const extra = kind === 'redis' ? copies : peak - resident;
  const row = { server: kind, rate, ...set, before, during, stages, seconds, extraShare: extra / resident };
  const measured = { copiesShare: copies / resident, sliceCpuMs: slices.longestCpuMs, slices: slices.longest };
  console.error(
    `${kind} ${set.keys} keys of ${set.valueBytes} bytes, ${rate}/s: snapshot ${shown(seconds, 1)} s, ` +
      `${shown(during.writes / during.seconds)}/s, p99 ${shown(before.p99Ms, 2)} -> ${shown(during.p99Ms, 2)} ms ` +
      `(${Object.entries(stages).map(stageText).join('; ')})`,
  );
  return { ...row, ...measured };
}

function stageText([stage, { seconds, p99Ms }]: [string, WritesSeen]): string {
  return `${stage} ${shown(seconds, 1)} s: ${shown(p99Ms, 2)} ms`;
}

function printRows(rows: readonly SnapshotRow[]): void {
  printTable(
    [
      ...['dataset', 'writes/s', 'server', 'took s', 'done/s', 'p99 before', 'during', 'ratio', ''],
      ...['max ms', 'slice ms', '', 'extra', '', 'copies', ''],
    ],
    rows.map((row) => {
      const { server, before, during } = row;
      const ours = server === 'holdfast';
      const verdict = (figure: number | undefined, target: Target): string => (ours ? judge(figure, target) : '');
      const ratio = during.p99Ms / before.p99Ms;
      return [
        ...[`${row.keys} x ${row.valueBytes}`, String(row.rate), server, shown(row.seconds, 1)],
        ...[shown(during.writes / during.seconds), shown(before.p99Ms, 2), shown(during.p99Ms, 2)],
        ...[shown(ratio, 2), verdict(ratio, latencyTarget), shown(during.maxMs, 1)],
        ...[ours ? shown(row.sliceCpuMs, 1) : '-', verdict(row.sliceCpuMs, sliceTarget)],
        ...[`${shown(row.extraShare * 100, 1)} %`, verdict(row.extraShare, memoryTarget)],
        ...[`${shown(row.copiesShare * 100, 1)} %`, verdict(row.copiesShare, imageTarget)],
      ];
    }),
  );
}

function printStarts(starts: readonly Start[], set: Dataset): void {
  const redis = starts.find(({ from }) => from === 'redis')?.seconds;
  printTable(
    [`start, ${set.keys} x ${set.valueBytes}`, 's', 'times as fast', ''],
    starts.map(({ from, seconds, tail }) => {
      const faster = redis === undefined ? Number.NaN : redis / seconds;
      const target = startTargets[from];
      const name = from === 'redis' ? 'redis, the same RDB file' : `holdfast, ${from} and ${tail} entries`;
      return [name, shown(seconds, 2), shown(faster, 2), target === undefined ? '' : judge(faster, target)];
    }),
  );
}

/** `4m:64`: so many keys, with values of so many bytes. */
function datasetsOf(options: BenchmarkOptions): Dataset[] {
  return options.list('datasets').map((text) => {
    const [count = '', bytes = ''] = text.split(':');
    const keys = count.endsWith('m') ? Number(count.slice(0, -1)) * 1e6 : Number(count);
    const valueBytes = Number(bytes);
    if (!(keys > 0 && valueBytes > 0)) throw new Error(`--datasets: '${text}' is no KEYS:BYTES`);
    return { keys: Math.round(keys), valueBytes };
  });
}

/**
 * @param args --datasets 4m:64,1m:1024 (keys and bytes of values), --rates 20000,100000 (writes a second), --clients 50,
 *   --seconds 5 (before each snapshot), --parts writes,starts,day, --rounds 3 (starts of each kind), --overwrites 20m
 */
export async function runSnapshotBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, {
    ...{ datasets: '4m:64,1m:1024', rates: '20000,100000', clients: '50', seconds: '5' },
    ...{ parts: 'writes,starts,day', rounds: '3', overwrites: '20m', ...serverDefaults },
  });
  const parts = options.list('parts');
  const rows: SnapshotRow[] = [];
  const allStarts: (Start & Dataset)[] = [];
  for (const set of datasetsOf(options)) {
    if (!parts.includes('writes') && !parts.includes('starts')) break;
    for (const kind of serverKinds(options)) {
      await using server = await startServer(kind, options, { env: sliceEnvironment });
      await loadKeys({ port: server.port, count: set.keys, valueBytes: set.valueBytes });
      if (parts.includes('writes')) {
        for (const rate of options.list('rates').map(Number))
          rows.push(await measure(server, kind, rate, options, set));
      }
      if (parts.includes('starts') && kind === 'holdfast') {
        const starts = await measureStarts(server, set, options.number('rounds'));
        printStarts(starts, set);
        allStarts.push(...starts.map((start) => ({ ...start, ...set })));
      }
    }
  }
  if (rows.length > 0) printRows(rows);
  const day = parts.includes('day') ? await overwriteForADay(options) : undefined;
  printJsonLine('snapshot', { rows, starts: allStarts, day });
}

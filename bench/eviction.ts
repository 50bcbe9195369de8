/**
 * `npm run bench -- eviction`: hit rates of a cache under each policy, Holdfast beside Redis, on the same trace and with room
 * for the same share of the keys. A GET that misses is followed by a SET of that key, as a cache does.
 */
import type { RespClient } from '../test/support/resp-client.js';
import { SeededRandom } from '../test/support/seeded-random.js';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerKind } from '../test/support/server-process.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';

const PIPELINED = 200;
const VALUE = 'v'.repeat(100);
const MEASURING_BYTES = 1024 ** 3;

type Trace = (step: number) => number;

/** Keys by Zipf's law with exponent 1, the n-th as likely as 1/n: the inverse of the cumulated sums. */
function zipfTrace(keys: number, random: SeededRandom): Trace {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let key = 0; key < keys; key++) {
    sum += 1 / (key + 1);
    sums[key] = sum;
  }
  return () => {
    const wanted = (random.below(2 ** 31) / 2 ** 31) * sum;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (sums[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** @param name zipf: few keys are asked for often. uniform: any. scan: by Zipf, and every other step the next key of all. */
function traceOf(name: string, keys: number): Trace {
  const random = new SeededRandom(7);
  const zipf = zipfTrace(keys, random);
  if (name === 'zipf') return zipf;
  if (name === 'uniform') return () => random.below(keys);
  if (name === 'scan') return (step) => (step % 2 === 0 ? zipf(step) : (step >>> 1) % keys);
  throw new Error(`--traces: '${name}' is neither zipf, uniform nor scan`);
}

interface Row {
  readonly server: ServerKind;
  readonly policy: string;
  readonly trace: string;
  readonly hitPercent: number;
  readonly keys: number;
  readonly evicted: number;
}

function setCommand(key: number, policy: string): string[] {
  if (!policy.startsWith('volatile')) return ['SET', `key:${key}`, VALUE];
  // Deadlines far away, in the order of the keys, so that volatile-ttl has something to go by.
  return ['SET', `key:${key}`, VALUE, 'EX', String(1_000_000 + key)];
}

/** Used memory of so many keys beyond an empty server, by loading them once. */
async function bytesOf(client: RespClient, keys: number, policy: string): Promise<{ empty: number; full: number }> {
  const used = async (): Promise<number> => infoNumber(await readInfo(client, 'memory'), 'used_memory') ?? 0;
  const empty = await used();
  for (let first = 0; first < keys; first += PIPELINED) {
    const count = Math.min(PIPELINED, keys - first);
    await client.pipeline(Array.from({ length: count }, (_, i) => setCommand(first + i, policy)));
  }
  const full = await used();
  await client.command('FLUSHALL', 'SYNC');
  return { empty, full };
}

async function run(kind: ServerKind, policy: string, trace: string, options: BenchmarkOptions): Promise<Row> {
  const keys = options.counts('keys')[0]!;
  const steps = options.counts('steps')[0]!;
  const share = options.number('share') / 100;
  await using server = await startServer(kind, options, { args: ['--maxmemory', String(MEASURING_BYTES)] });
  const client = await server.connect();
  const { empty, full } = await bytesOf(client, keys, policy);
  const cap = Math.round(empty + (full - empty) * share);
  await client.command('CONFIG', 'SET', 'maxmemory', cap, 'maxmemory-policy', policy);
  const next = traceOf(trace, keys);
  let hits = 0;
  let counted = 0;
  for (let step = 0; step < steps; step += PIPELINED) {
    const asked = Array.from({ length: PIPELINED }, (_, i) => next(step + i));
    const replies = await client.pipeline(asked.map((key) => ['GET', `key:${key}`]));
    const missed = new Set(asked.filter((_, i) => replies[i] === null));
    // The first half fills the cache.
    if (step >= steps / 2) {
      counted += PIPELINED;
      hits += replies.filter((reply) => reply !== null).length;
    }
    if (missed.size > 0) await client.pipeline([...missed].map((key) => setCommand(key, policy)));
  }
  const evicted = infoNumber(await readInfo(client, 'stats'), 'evicted_keys') ?? 0;
  const held = Number(await client.command('DBSIZE'));
  return { server: kind, policy, trace, hitPercent: (hits / counted) * 100, keys: held, evicted };
}

const POLICIES = 'allkeys-lru,allkeys-lfu,allkeys-random,volatile-lru,volatile-lfu,volatile-random,volatile-ttl';

/**
 * @param args --policies ..., --traces zipf,uniform,scan, --keys 50000 (keys asked for), --steps 600000, --share 25 (percent of
 *   them that fit).
 */
export async function runEvictionBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, {
    policies: POLICIES,
    traces: 'zipf,uniform,scan',
    keys: '50000',
    steps: '600000',
    share: '25',
    ...serverDefaults,
  });
  const rows: Row[] = [];
  for (const policy of options.list('policies')) {
    for (const trace of options.list('traces')) {
      for (const kind of serverKinds(options)) {
        const row = await run(kind, policy, trace, options);
        rows.push(row);
        console.error(`${kind} ${policy} ${trace}: ${shown(row.hitPercent, 2)} %`);
      }
    }
  }
  const target: Target = { atLeast: 2, aim: 1, better: 'less' };
  const ours = rows.filter(({ server }) => server === 'holdfast');
  const compared = ours.map((row) => {
    const theirs = rows.find(
      ({ server, policy, trace }) => server === 'redis' && policy === row.policy && trace === row.trace,
    );
    // Better is no fault: what counts is how far behind.
    return { row, theirs, behind: theirs === undefined ? undefined : theirs.hitPercent - row.hitPercent };
  });
  printTable(
    [
      'policy, trace',
      'holdfast hits',
      'redis hits',
      'keys held',
      'redis',
      'evicted',
      'redis',
      'points behind',
      'verdict',
    ],
    compared.map(({ row, theirs, behind }) => [
      `${row.policy} ${row.trace}`,
      `${shown(row.hitPercent, 2)} %`,
      `${shown(theirs?.hitPercent, 2)} %`,
      ...[row.keys, theirs?.keys, row.evicted, theirs?.evicted].map((figure) => shown(figure)),
      shown(behind, 2),
      judge(behind === undefined ? undefined : Math.abs(behind), target),
    ]),
  );
  printJsonLine('eviction', { rows });
}

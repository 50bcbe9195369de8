/**
 * `npm run bench -- rdb`: how fast an RDB file of N strings is written and loaded, beside redis-server loading and saving
 * the very same file. Ours is measured without sockets, in this process; Redis by what it says of itself.
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AccessClock } from '../core/access-clock.js';
import { datasetDigest } from '../core/dataset-digest.js';
import { Arena } from '../core/memory/arena.js';
import { LoadableKeyspace } from '../core/memory/loadable-keyspace.js';
import { RandomNumbers } from '../core/random-numbers.js';
import { DatasetLoader } from '../core/rdb/dataset-loader.js';
import { DatasetWriter } from '../core/rdb/dataset-writer.js';
import { RdbReader } from '../core/rdb/rdb-reader.js';
import { bytesNeededToStore, encodingOf } from '../core/types/string.js';
import { ServerProcess } from '../test/support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../test/support/temporary-directory.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { loadedKey } from './key-loader.js';
import { median } from './median.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';

const loadTarget: Target = { atLeast: 1, aim: 2, better: 'more' };
const sizeTarget: Target = { atLeast: 1.1, aim: 1.01, better: 'less' };
const STEP_BYTES = 64 * 1024;

interface Dataset {
  readonly arena: Arena;
  readonly keyspaces: LoadableKeyspace[];
  readonly accessClock: AccessClock;
}

function emptyDataset(): Dataset {
  const arena = new Arena();
  const accessClock = new AccessClock(new RandomNumbers(Math.random));
  return { arena, accessClock, keyspaces: [new LoadableKeyspace(1, arena, Uint32Array.of(1, 2, 3, 4))] };
}

/** Values that do not compress and values that do, half of each. */
function fill(dataset: Dataset, count: number, valueBytes: number): void {
  const { arena, keyspaces } = dataset;
  const [keyspace] = keyspaces;
  const value = Buffer.alloc(valueBytes);
  for (let i = 0; i < count; i++) {
    const key = Buffer.from(loadedKey(i));
    if (i % 2 === 0) for (let at = 0; at < valueBytes; at++) value[at] = Math.random() * 256;
    else value.fill(`the value of ${i}, `);
    if (!arena.reserve(bytesNeededToStore(key.length, valueBytes))) throw new Error('out of memory');
    keyspace!.find(key, 0, key.length);
    const encoding = encodingOf(value, 0, valueBytes);
    keyspace!.store(key, 0, key.length, value, 0, valueBytes, encoding, false, 0, 0);
  }
}

function seconds(run: () => void): number {
  const started = performance.now();
  run();
  return (performance.now() - started) / 1000;
}

function write(dataset: Dataset): Buffer[] {
  const chunks: Buffer[] = [];
  const writer = new DatasetWriter(dataset, [['redis-ver', '7.0.15']], (bytes, start, end) => {
    chunks.push(Buffer.from(bytes.slice(start, end)));
  });
  while (!writer.step(1 << 20));
  return chunks;
}

function load(file: Uint8Array): Dataset {
  const dataset = emptyDataset();
  const loader = new DatasetLoader(dataset, 0);
  const reader = new RdbReader(loader);
  // A buffer a step, as they come from a file.
  for (let at = 0; at < file.length; at += STEP_BYTES) {
    const chunk = file.slice(at, at + STEP_BYTES);
    reader.push(chunk, 0, chunk.length);
  }
  reader.finish();
  loader.finish();
  return dataset;
}

/** What redis-server says of loading the file, in seconds, and how long its SAVE of it takes. */
async function measureRedis(file: Uint8Array): Promise<{ load: number; save: number; bytes: number }> {
  const directory = makeTemporaryDirectory('rdb-bench');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'dump.rdb'), file);
  const server = await ServerProcess.start({ kind: 'redis', directory, args: ['--appendonly', 'no', '--save', ''] });
  try {
    const told = /DB loaded from disk: ([\d.]+) seconds/.exec(server.output)?.[1];
    const client = await server.connect();
    const started = performance.now();
    await client.command('SAVE');
    const save = (performance.now() - started) / 1000;
    return { load: Number(told), save, bytes: statSync(join(directory, 'dump.rdb')).size };
  } finally {
    await server.dispose();
    removeTemporaryDirectory(directory);
  }
}

/** @param args --count 1m (keys), --value 64 (bytes), --rounds 3 (of each, alternated). */
export async function runRdbBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, { count: '1m', value: '64', rounds: '3' });
  const [count = 0] = options.counts('count');
  const dataset = emptyDataset();
  fill(dataset, count, options.number('value'));
  const digest = datasetDigest(dataset.arena, dataset.keyspaces);
  const directory = makeTemporaryDirectory('rdb-bench');
  const path = join(directory, 'dump.rdb');
  const ours = { load: [] as number[], save: [] as number[] };
  const theirs = { load: [] as number[], save: [] as number[] };
  let ratio = Number.NaN;
  for (let round = 0; round < options.number('rounds'); round++) {
    let chunks: Buffer[] = [];
    ours.save.push(
      seconds(() => {
        chunks = write(dataset);
        writeFileSync(path, Buffer.concat(chunks));
      }),
    );
    const file = new Uint8Array(readFileSync(path));
    let loaded: Dataset | undefined;
    ours.load.push(
      seconds(() => {
        loaded = load(file);
      }),
    );
    if (datasetDigest(loaded!.arena, loaded!.keyspaces) !== digest) throw new Error('the file holds something else');
    const redis = await measureRedis(file);
    theirs.load.push(redis.load);
    theirs.save.push(redis.save);
    ratio = file.length / redis.bytes;
    console.error(`round ${round + 1}: load ${shown(ours.load.at(-1), 2)} s, redis ${shown(redis.load, 2)} s`);
  }
  removeTemporaryDirectory(directory);
  const row = (name: string, key: 'load' | 'save', target: Target): string[] => {
    const faster = median(theirs[key]) / median(ours[key]);
    return [name, shown(median(ours[key]), 2), shown(median(theirs[key]), 2), shown(faster, 2), judge(faster, target)];
  };
  printTable(
    [`${count} keys`, 'holdfast', 'redis', 'ratio', ''],
    [
      row('load, s', 'load', loadTarget),
      row('save, s', 'save', { atLeast: 0.5, aim: 1, better: 'more' }),
      ['size', '', '', shown(ratio, 3), judge(ratio, sizeTarget)],
    ],
  );
  printJsonLine('rdb', { count, ours, theirs, sizeRatio: ratio });
}

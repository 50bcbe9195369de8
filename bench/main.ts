/** `npm run bench -- NAME [options]`: runs one benchmark. What each measures is written in docs/benchmarks.md. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runEvictionBenchmark } from './eviction.js';
import { runFragmentationBenchmark } from './fragmentation.js';
import { runIdleConnectionsBenchmark } from './idle-connections.js';
import { runImageBenchmark } from './image.js';
import { runMemoryBenchmark } from './memory.js';
import { runPausesBenchmark } from './pauses.js';
import { runRdbBenchmark } from './rdb.js';
import { runRestartBenchmark } from './restart.js';
import { runSnapshotBenchmark } from './snapshot.js';
import { runThroughputBenchmark } from './throughput.js';

type Benchmark = (args: string[]) => Promise<void>;

const benchmarks: Readonly<Record<string, Benchmark>> = {
  throughput: runThroughputBenchmark,
  memory: runMemoryBenchmark,
  fragmentation: runFragmentationBenchmark,
  eviction: runEvictionBenchmark,
  image: runImageBenchmark,
  restart: runRestartBenchmark,
  rdb: runRdbBenchmark,
  snapshot: runSnapshotBenchmark,
  pauses: runPausesBenchmark,
  'idle-connections': runIdleConnectionsBenchmark,
};

/** Benchmarks of one part without a server: programs of their own beside this one. */
const programs = ['arena', 'keyspace', 'resp-parser'];

function runProgram(name: string, args: string[]): Promise<number> {
  const path = fileURLToPath(new URL(`./${name}.js`, import.meta.url));
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  const child = spawn(process.execPath, [...process.execArgv, path, ...args], { stdio: 'inherit' });
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

async function main(): Promise<number> {
  const [name = '', ...args] = process.argv.slice(2);
  const benchmark = benchmarks[name];
  if (benchmark !== undefined) {
    await benchmark(args);
    return 0;
  }
  if (programs.includes(name)) return runProgram(name, args);
  console.error(
    `usage: npm run bench -- NAME [options]\nNAME: ${[...Object.keys(benchmarks), ...programs].join(', ')}`,
  );
  return 1;
}

process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));
process.exit(await main());

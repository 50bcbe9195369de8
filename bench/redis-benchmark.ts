/** Runs redis-benchmark against one server and reads what it measured. */
import { spawn } from 'node:child_process';

export interface RedisBenchmarkRun {
  readonly port: number;
  readonly clients: number;
  /** Commands sent before reading replies. */
  readonly pipeline: number;
  readonly requests: number;
  /** Distinct keys that __rand_int__ stands for. */
  readonly keys: number;
  readonly command: readonly string[];
}

export interface RedisBenchmarkResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

function argumentsOf(run: RedisBenchmarkRun): string[] {
  return [
    ...['-h', '127.0.0.1', '-p', String(run.port), '-c', String(run.clients), '-P', String(run.pipeline)],
    ...['-n', String(run.requests), '-r', String(run.keys), '--csv'],
    ...run.command,
  ];
}

/** Runs it to its end. @throws when redis-benchmark fails, or reports an error reply. */
export async function runRedisBenchmark(run: RedisBenchmarkRun): Promise<RedisBenchmarkResult> {
  const child = spawn('redis-benchmark', argumentsOf(run), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  process.off('exit', kill);
  const line = output
    .split('\n')
    .reverse()
    .find((text) => /^".*","[\d.]+",/.test(text));
  if (code !== 0 || line === undefined || /^Error/m.test(output)) {
    throw new Error(`redis-benchmark failed (${String(code)}): ${output.slice(-2000)}`);
  }
  // The first cell, the command, is long and may hold anything; the seven figures stand at the end.
  const figures = line
    .split(',')
    .slice(-7)
    .map((cell) => Number(cell.replaceAll('"', '')));
  return { requestsPerSecond: figures[0]!, p50Ms: figures[3]!, p99Ms: figures[5]!, maxMs: figures[6]! };
}

/** Starts it without an end; call the result to stop it. */
export function startRedisBenchmark(run: Omit<RedisBenchmarkRun, 'requests'>): () => Promise<void> {
  const child = spawn('redis-benchmark', argumentsOf({ ...run, requests: 2_000_000_000 }), { stdio: 'ignore' });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  return async () => {
    kill();
    await ended;
    process.off('exit', kill);
  };
}

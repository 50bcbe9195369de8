/** How fast a Holdfast starts from the image, and from the RDB file of the same snapshot, beside a Redis that loads the file. */
import { copyFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import { ServerProcess } from '../test/support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../test/support/temporary-directory.js';
import { median } from './median.js';
import { PacedWriter } from './paced-writer.js';
import { shown } from './result-table.js';
import { secondsToServe } from './seconds-to-serve.js';

export interface Start {
  readonly from: 'image' | 'snapshot' | 'redis';
  /** From the start of the process to the first answer: the median. */
  readonly seconds: number;
  readonly all: readonly number[];
  /** Entries of the log behind the snapshot. */
  readonly tail: number;
}

/** Entries behind the snapshot: half a second of 100,000 writes a second. */
const TAIL_MS = 500;
const TAIL_RATE = 100_000;

async function restarted(server: ServerProcess, from: 'image' | 'snapshot', keys: number): Promise<number> {
  await server.kill9();
  const seconds = await secondsToServe(async () => {
    await server.restart();
    return server;
  }, keys);
  const client = await server.connect();
  const info = await readInfo(client, 'persistence');
  await client.close();
  const found = info.get('snapshot_loaded_from');
  if (found !== from) throw new Error(`the start began with ${found}, not with ${from}`);
  return seconds;
}

async function redisStart(file: string, keys: number): Promise<number> {
  const directory = makeTemporaryDirectory('redis');
  copyFileSync(file, join(directory, 'dump.rdb'));
  let server: ServerProcess | undefined;
  try {
    return await secondsToServe(async () => {
      const args = ['--appendonly', 'no', '--save', ''];
      server = await ServerProcess.start({ kind: 'redis', directory, args, readyTimeoutMs: 600_000 });
      return server;
    }, keys);
  } finally {
    await server?.dispose();
    removeTemporaryDirectory(directory);
  }
}

/** @param server a Holdfast with all the keys; it is killed, and started from its image and its RDB file. */
export async function measureStarts(
  server: ServerProcess,
  { keys, valueBytes }: { readonly keys: number; readonly valueBytes: number },
  rounds: number,
): Promise<Start[]> {
  const client = await server.connect();
  await client.command('BGSAVE');
  while (infoNumber(await readInfo(client, 'persistence'), 'rdb_bgsave_in_progress') !== 0) await delay(100);
  await client.close();
  const writer = await PacedWriter.start({ port: server.port, rate: TAIL_RATE, keys, valueBytes, connections: 50 });
  await delay(TAIL_MS);
  const { writes: tail } = await writer.take();
  await writer.stop();
  const snapshots = join(server.directory, 'snapshots');
  const seconds = { image: [] as number[], snapshot: [] as number[], redis: [] as number[] };
  for (let round = 0; round < rounds; round++) seconds.image.push(await restarted(server, 'image', keys));
  await server.kill9();
  for (const name of readdirSync(snapshots)) if (/image/.test(name)) rmSync(join(snapshots, name));
  const file = join(server.directory, 'dump.rdb');
  for (let round = 0; round < rounds; round++) {
    if (!server.running) await server.restart();
    seconds.snapshot.push(await restarted(server, 'snapshot', keys));
    await server.kill9();
    seconds.redis.push(await redisStart(file, keys));
  }
  return (['image', 'snapshot', 'redis'] as const).map((from) => {
    console.error(`start, ${from}: ${seconds[from].map((each) => shown(each, 2)).join(', ')} s`);
    return { from, seconds: median(seconds[from]), all: seconds[from], tail: from === 'redis' ? 0 : tail };
  });
}

/**
 * A day of overwrites of the same keys in fast motion: the log grows, snapshots are taken by its growth, and the directory,
 * the resident memory and the time of a restart have to stay what they were.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../test/support/process-memory.js';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerProcess } from '../test/support/server-process.js';
import type { BenchmarkOptions } from './benchmark-options.js';
import { loadKeys } from './key-loader.js';
import { PacedWriter } from './paced-writer.js';
import { printTable, shown } from './result-table.js';
import { startServer } from './server-pair.js';

const KEYS = 100_000;
const VALUE_BYTES = 64;
/** The day is looked at so many times. */
const HOURS = 6;
const POLL_MS = 100;
/** A snapshot each time that the log has doubled, but not below so much. */
const GROWTH = ['--auto-aof-rewrite-percentage', '100', '--auto-aof-rewrite-min-size', '64mb'];

export interface DayPart {
  readonly overwrites: number;
  readonly seconds: number;
  /** Snapshots since the start before. */
  readonly snapshots: number;
  /** The most that all files took. */
  readonly directoryBytesMax: number;
  readonly residentBytesMax: number;
  readonly restartSeconds: number;
}

function directoryBytes(directory: string): number {
  let bytes = 0;
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const stat = statSync(join(directory, name), { throwIfNoEntry: false });
    if (stat?.isFile() === true) bytes += stat.blocks * 512;
  }
  return bytes;
}

async function part(server: ServerProcess, overwrites: number): Promise<DayPart> {
  const started = performance.now();
  const writer = await PacedWriter.start({
    ...{ port: server.port, rate: 0, keys: KEYS, valueBytes: VALUE_BYTES, connections: 50 },
  });
  let done = 0;
  let directoryBytesMax = 0;
  let residentBytesMax = 0;
  while (done < overwrites) {
    await delay(POLL_MS);
    done += (await writer.take()).writes;
    directoryBytesMax = Math.max(directoryBytesMax, directoryBytes(server.directory));
    residentBytesMax = Math.max(residentBytesMax, residentBytes(server.pid));
  }
  await writer.stop();
  const seconds = (performance.now() - started) / 1000;
  const client = await server.connect();
  const snapshots = infoNumber(await readInfo(client, 'persistence'), 'rdb_saves') ?? 0;
  const rewrites = infoNumber(await readInfo(client, 'persistence'), 'aof_rewrites') ?? 0;
  await client.close();
  await server.kill9();
  const restarting = performance.now();
  await server.restart();
  const after = await server.connect();
  if ((await after.command('DBSIZE')) !== KEYS) throw new Error('keys are missing after the restart');
  const restartSeconds = (performance.now() - restarting) / 1000;
  await after.close();
  return {
    ...{ overwrites: done, seconds, snapshots: Math.max(snapshots, rewrites) },
    ...{ directoryBytesMax, residentBytesMax, restartSeconds },
  };
}

/** Prints a row for each part of the day. */
export async function overwriteForADay(options: BenchmarkOptions): Promise<DayPart[]> {
  const [overwrites = 0] = options.counts('overwrites');
  await using server = await startServer('holdfast', options, { args: GROWTH });
  await loadKeys({ port: server.port, count: KEYS, valueBytes: VALUE_BYTES });
  const parts: DayPart[] = [];
  for (let hour = 0; hour < HOURS; hour++) parts.push(await part(server, overwrites / HOURS));
  printTable(
    ['overwrites', 's', 'snapshots', 'directory MB', 'resident MB', 'restart s'],
    parts.map((each) => [
      ...[String(each.overwrites), shown(each.seconds, 1), String(each.snapshots)],
      ...[shown(each.directoryBytesMax / 1e6), shown(each.residentBytesMax / 1e6), shown(each.restartSeconds, 2)],
    ]),
  );
  return parts;
}

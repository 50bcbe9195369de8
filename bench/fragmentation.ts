/**
 * `npm run bench -- fragmentation`: what is left of memory when small values are deleted and large ones take their place,
 * and what values of some sizes cost. Holdfast and Redis, each with its defaults.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { residentBytes } from '../test/support/process-memory.js';
import type { RespClient } from '../test/support/resp-client.js';
import { infoNumber, readInfo } from '../test/support/server-info.js';
import type { ServerKind, ServerProcess } from '../test/support/server-process.js';
import { BenchmarkOptions } from './benchmark-options.js';
import { CommandStream, commandText } from './command-stream.js';
import { loadedKey } from './key-loader.js';
import { judge, printJsonLine, printTable, shown, type Target } from './result-table.js';
import { serverDefaults, serverKinds, startServer } from './server-pair.js';

const MEGABYTE = 1e6;
const KEYS_PER_DELETE = 100;
/** One key in so many stays. */
const KEPT_SHARE = 10;
const REFILL_VALUE_BYTES = 2048;
const REFILL_STEP = 1000;

interface Reading {
  readonly usedBytes: number;
  readonly residentBytes: number;
}

interface Refill {
  readonly server: ServerKind;
  readonly count: number;
  readonly empty: Reading;
  readonly loaded: Reading;
  readonly deleted: Reading;
  readonly refilled: Reading;
  /** Resident bytes per used byte at the end, of the whole process, and of what it took since it was empty. */
  readonly ratio: number;
  readonly grownRatio: number;
}

interface ValueCost {
  readonly server: ServerKind;
  readonly valueBytes: number;
  readonly count: number;
  /** Bytes a byte of value: as used_memory says, and of resident memory grown. */
  readonly used: number;
  readonly resident: number;
}

async function read(server: ServerProcess, client: RespClient): Promise<Reading> {
  const info = await readInfo(client, 'memory');
  return { usedBytes: infoNumber(info, 'used_memory') ?? 0, residentBytes: residentBytes(server.pid) };
}

/** Values of 40 to 99 bytes. */
async function loadSmall(port: number, count: number): Promise<void> {
  const stream = await CommandStream.open(port);
  for (let i = 0; i < count; i++) await stream.send(commandText('SET', loadedKey(i), 'v'.repeat(40 + (i % 60))));
  await stream.finish();
}

async function deleteMost(port: number, count: number): Promise<void> {
  const stream = await CommandStream.open(port);
  let keys: string[] = [];
  for (let i = 0; i < count; i++) {
    if (i % KEPT_SHARE !== 0) keys.push(loadedKey(i));
    if (keys.length < KEYS_PER_DELETE && i < count - 1) continue;
    await stream.send(commandText('DEL', ...keys));
    keys = [];
  }
  await stream.finish();
}

/** Adds values of 2 KB until used memory is what it was. */
async function refill(server: ServerProcess, client: RespClient, usedBytes: number): Promise<void> {
  const value = 'r'.repeat(REFILL_VALUE_BYTES);
  for (let i = 0; (await read(server, client)).usedBytes < usedBytes; ) {
    const stream = await CommandStream.open(server.port);
    for (const end = i + REFILL_STEP; i < end; i++) await stream.send(commandText('SET', `refill:${i}`, value));
    await stream.finish();
  }
}

async function measureRefill(kind: ServerKind, count: number, options: BenchmarkOptions): Promise<Refill> {
  const idleMs = options.number('idle') * 1000;
  await using server = await startServer(kind, options);
  const client = await server.connect();
  await delay(Math.min(idleMs, 2000));
  const empty = await read(server, client);
  await loadSmall(server.port, count);
  await delay(idleMs);
  const loaded = await read(server, client);
  await deleteMost(server.port, count);
  await delay(idleMs);
  const deleted = await read(server, client);
  await refill(server, client, loaded.usedBytes);
  await delay(idleMs);
  const refilled = await read(server, client);
  return {
    ...{ server: kind, count, empty, loaded, deleted, refilled },
    ratio: refilled.residentBytes / refilled.usedBytes,
    grownRatio: (refilled.residentBytes - empty.residentBytes) / refilled.usedBytes,
  };
}

async function measureValue(kind: ServerKind, valueBytes: number, options: BenchmarkOptions): Promise<ValueCost> {
  const count = Math.ceil((options.number('megabytes') * MEGABYTE) / valueBytes);
  await using server = await startServer(kind, options);
  const client = await server.connect();
  const empty = await read(server, client);
  const stream = await CommandStream.open(server.port);
  const value = 'v'.repeat(valueBytes);
  for (let i = 0; i < count; i++) await stream.send(commandText('SET', loadedKey(i), value));
  await stream.finish();
  await delay(options.number('idle') * 1000);
  const loaded = await read(server, client);
  const bytes = count * valueBytes;
  return {
    ...{ server: kind, valueBytes, count },
    used: (loaded.usedBytes - empty.usedBytes) / bytes,
    resident: (loaded.residentBytes - empty.residentBytes) / bytes,
  };
}

function printRefills(refills: readonly Refill[]): void {
  const cell = ({ usedBytes, residentBytes: resident }: Reading): string =>
    `${shown(usedBytes / MEGABYTE, 0)} / ${shown(resident / MEGABYTE, 0)}`;
  printTable(
    ['server, used / RSS in MB', 'empty', 'loaded', 'deleted', 'refilled', 'RSS / used', 'of what it grew'],
    refills.map((each) => [
      `${each.server} ${shown(each.count / 1e6, 1)} m`,
      ...[each.empty, each.loaded, each.deleted, each.refilled].map(cell),
      shown(each.ratio, 2),
      shown(each.grownRatio, 2),
    ]),
  );
}

/**
 * @param args --counts 1.5m,6m (small values), --sizes 1024,2048,3072,6144 (bytes of a value), --megabytes 256 (values of
 *   each size), --idle S (seconds of rest before memory is read).
 */
export async function runFragmentationBenchmark(args: string[]): Promise<void> {
  const options = new BenchmarkOptions(args, {
    counts: '1.5m,6m',
    sizes: '1024,2048,3072,6144',
    megabytes: '256',
    idle: '10',
    ...serverDefaults,
  });
  const refills: Refill[] = [];
  const costs: ValueCost[] = [];
  for (const kind of serverKinds(options)) {
    for (const count of options.counts('counts')) {
      refills.push(await measureRefill(kind, count, options));
      console.error(`${kind} ${count}: ${shown(refills.at(-1)?.ratio, 2)}`);
    }
    if (options.list('sizes').length === 0) continue;
    for (const size of options.counts('sizes')) {
      costs.push(await measureValue(kind, size, options));
      console.error(`${kind} values of ${size}: ${shown(costs.at(-1)?.resident, 2)}`);
    }
  }
  printRefills(refills);
  printTable(
    ['values', 'server', 'used / bytes', 'RSS grown / bytes'],
    costs.map((each) => [`${each.valueBytes} bytes`, each.server, shown(each.used, 3), shown(each.resident, 3)]),
  );
  const target = (atLeast: number, aim: number): Target => ({ atLeast, aim, better: 'less' });
  const checks = [
    ...refills
      .filter(({ server }) => server === 'holdfast')
      .map((each) => ({ name: `RSS / used, ${each.count} keys`, figure: each.ratio, target: target(1.5, 1.3) })),
    ...costs
      .filter(({ server }) => server === 'holdfast')
      .map((each) => ({ name: `cost of ${each.valueBytes} bytes`, figure: each.used, target: target(1.25, 1.2) })),
  ];
  printTable(
    ['check', 'figure', 'at most', 'aim', 'verdict'],
    checks.map(({ name, figure, target: goal }) => [
      name,
      `${shown(figure, 2)} x`,
      `${goal.atLeast} x`,
      `${goal.aim} x`,
      judge(figure, goal),
    ]),
  );
  printJsonLine('fragmentation', { refills, costs, checks });
}

/** RDB files exchanged with a real redis-server and its checker, both ways. */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { TestEngine } from '../../support/test-engine.js';
import { FIXED_DEADLINE_MS } from '../differential/command-generator.js';
import { dumpOfEngine, dumpOfRedis } from '../differential/dump.js';
import { fillDataset, loadDataset, writeDataset } from './dataset-files.js';
import { readFile } from './recorded-file.js';

const SEED = Number(process.env.HOLDFAST_TEST_SEED ?? 4711);
/** Not a persistent server: the file is all that it starts from. */
const ARGS = ['--appendonly', 'no', '--save', '', '--enable-debug-command', 'yes'];

function filled(): TestEngine {
  const engine = new TestEngine();
  // Deadlines are absolute ones, and nothing expires while the test runs.
  engine.clock.ms = FIXED_DEADLINE_MS;
  fillDataset(engine, SEED, 3000);
  return engine;
}

describeWith(['redis-server'], 'files exchanged with redis-server', () => {
  const directory = makeTemporaryDirectory('rdb');
  const path = join(directory, 'dump.rdb');
  const servers: ServerProcess[] = [];

  afterAll(async () => {
    for (const server of servers) await server.dispose();
    removeTemporaryDirectory(directory);
  });

  async function redis(...args: string[]): Promise<ServerProcess> {
    const server = await ServerProcess.start({ kind: 'redis', directory, args: [...ARGS, ...args] });
    servers.push(server);
    return server;
  }

  test.each([
    ['compressed', {}],
    ['not compressed', { compress: false }],
    ['without checksum', { checksum: false }],
  ] as const)('a file of ours, %s: redis-check-rdb passes, redis-server loads it', async (_, options) => {
    const engine = filled();
    writeFileSync(path, writeDataset(engine, options).file);
    const check = spawnSync('redis-check-rdb', [path], { encoding: 'utf8' });
    expect(check.stdout).toContain('checksum' in options ? 'checksum' : 'RDB looks OK!');
    expect(check.status).toBe(0);
    const server = await redis();
    const client = await server.connect('raw');
    expect(await dumpOfRedis(client)).toEqual(dumpOfEngine(engine));
    await server.stop();
  });

  test.each([
    ['compressed', []],
    ['not compressed', ['--rdbcompression', 'no']],
    ['without checksum', ['--rdbchecksum', 'no']],
    ['with ages', ['--maxmemory-policy', 'allkeys-lru', '--maxmemory', '1gb']],
    ['with counters of use', ['--maxmemory-policy', 'allkeys-lfu', '--maxmemory', '1gb']],
  ] as const)('a file of redis-server, %s: loaded as it is, and ours is no longer', async (_, args) => {
    const engine = filled();
    writeFileSync(path, writeDataset(engine).file);
    const server = await redis(...args);
    const client = await server.connect('raw');
    const dump = await dumpOfRedis(client);
    await client.command('SAVE');
    await server.stop();
    const file = readFileSync(path);
    const { engine: loaded, loader } = loadDataset(file);
    expect(dumpOfEngine(loaded)).toEqual(dump);
    expect(loader.auxiliaryFields.get('redis-bits')).toBe('64');
    const ages = readFile(file).keys;
    expect(ages.every(({ idleSeconds }) => idleSeconds >= 0)).toBe(args[1] === 'allkeys-lru');
    expect(ages.every(({ frequency }) => frequency > 0)).toBe(args[1] === 'allkeys-lfu');
    if (args.length > 2) return;
    const ours = writeDataset(loaded, { compress: args[0] !== '--rdbcompression' }).file;
    expect(ours.length).toBeLessThan(statSync(path).size * 1.01);
  });
});

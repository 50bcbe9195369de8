/** The append-only files of a real redis-server in the data directory: what a start makes of them, alone and beside a log. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDataset } from '../support/dataset-dump.js';
import { readDigest } from '../support/quiet-restart.js';
import { describeWith } from '../support/require-servers.js';
import type { RespClient } from '../support/resp-client.js';
import { readInfo } from '../support/server-info.js';
import type { ServerProcess } from '../support/server-process.js';
import { serversOfATest } from '../support/servers-of-a-test.js';
import { checkSnapshots } from '../support/snapshot-check.js';

const { start, temporary } = serversOfATest('append-only', { args: ['--save', ''] });

const FAR = '4000000000000';
async function startError(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  return String(error);
}

async function dataset(server: ServerProcess): Promise<string[]> {
  const keys = await readDataset(await server.connect('buffers'));
  return keys.map((each) => JSON.stringify(each)).sort();
}

async function fill(client: RespClient): Promise<void> {
  const keys = Array.from({ length: 300 }, (_, i) => ['SET', `key:${i}`, `value ${i} `.repeat(i % 50), 'PXAT', FAR]);
  await client.pipeline(keys);
  await client.command('SELECT', '9');
  await client.command('SET', 'in nine', 'é\r\n');
  await client.command('SELECT', '0');
}

async function change(client: RespClient): Promise<void> {
  await client.command('DEL', 'key:7');
  await client.command('PERSIST', 'key:8');
  await client.command('MULTI');
  await client.command('SELECT', '2');
  await client.command('SET', 'a', '1', 'EX', '100000');
  await client.command('INCRBYFLOAT', 'a', '1.5');
  await client.command('EXEC');
  await client.command('APPEND', 'a', 'x'.repeat(300_000));
  await client.command('COPY', 'a', 'b', 'DB', '5');
  await client.command('SWAPDB', '5', '6');
  await client.command('SET', 'gone', '1', 'PX', '1');
  await client.command('SELECT', '7');
  await client.command('SET', 'flushed', '1');
  await client.command('FLUSHDB');
  await client.command('SELECT', '2');
}

/** An append-only directory, alone in a directory of its own, and what was in it. */
async function made(options: { args?: string[]; last?: (client: RespClient) => Promise<unknown> } = {}) {
  const redis = await start({ kind: 'redis', args: ['--appendfsync', 'no', ...(options.args ?? [])] });
  const client = await redis.connect();
  await fill(client);
  await client.command('BGREWRITEAOF');
  await redis.outputMatching(/Background AOF rewrite finished successfully/);
  await change(client);
  const expected = await dataset(redis);
  await options.last?.(client);
  await redis.stop();
  const directory = temporary();
  cpSync(join(redis.directory, 'appendonlydir'), join(directory, 'appendonlydir'), { recursive: true });
  const files = readdirSync(join(directory, 'appendonlydir'));
  const tail = join(directory, 'appendonlydir', files.find((name) => name.endsWith('.incr.aof'))!);
  return { directory, expected, tail };
}

describeWith(['redis-server'], 'an append-only directory', () => {
  test.each([
    ['snapshot in front', ['--aof-use-rdb-preamble', 'yes']],
    ['commands only', ['--aof-use-rdb-preamble', 'no', '--aof-timestamp-enabled', 'yes']],
  ])(
    'alone is loaded and becomes the snapshot at sequence 0: %s',
    async (_, args) => {
      const { directory, expected } = await made({ args });
      const server = await start({ directory });
      expect(await dataset(server)).toEqual(expected);
      expect(server.output).toMatch(/appendonlydir is loaded: 30\d keys, of \d+ commands/);
      expect(checkSnapshots(directory)).toMatchObject([{ sequence: 0, epoch: 0 }]);
      const client = await server.connect();
      const info = await readInfo(client, 'persistence');
      expect(Number(info.get('rdb_last_load_keys_loaded'))).toBeGreaterThanOrEqual(expected.length);
      expect(info.get('snapshot_loaded_from')).toBe('snapshot');
      await client.command('SET', 'behind', 'it');
      const digest = await readDigest(server);
      await server.kill9();
      // What was loaded may stay: this server knows it.
      await server.restart();
      expect(await readDigest(server)).toBe(digest);
      await (await server.connect()).command('SAVE');
      await server.stop();
      // Also in another place, where none of the files is the same one any more.
      const moved = join(temporary(), 'moved');
      cpSync(directory, moved, { recursive: true });
      const again = await start({ directory: moved });
      expect(await readDigest(again)).toBe(digest);
    },
    60_000,
  );

  test('a tail in the middle of a command or a transaction is left out as aof-load-truncated says', async () => {
    const { directory, expected, tail } = await made();
    const { size } = statSync(tail);
    appendFileSync(tail, '*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*3\r\n$3\r\nSE');
    const refused = await startError(start({ directory, args: ['--aof-load-truncated', 'no'] }));
    expect(refused).toMatch(/appendonlydir cannot be loaded: .*\.incr\.aof, at byte \d+: a MULTI has no EXEC/);
    expect(refused).toContain('aof-load-truncated yes');
    const bytes = readFileSync(tail);
    const server = await start({ directory });
    expect(server.output).toContain(`.incr.aof ends in the middle of something, what lies behind byte ${size}`);
    expect(await dataset(server)).toEqual(expected);
    // The files of another server are not shortened.
    expect(readFileSync(tail)).toEqual(bytes);
    await server.kill9();
    await server.restart();
    expect(await dataset(server)).toEqual(expected);
  }, 60_000);

  test('beside a log stops the start, and both ways on work', async () => {
    const { directory, expected, tail } = await made();
    const server = await start();
    await (await server.connect()).command('SET', 'mine', '1');
    await server.stop();
    renameSync(join(directory, 'appendonlydir'), join(server.directory, 'appendonlydir'));
    for (let attempt = 0; attempt < 2; attempt++) {
      const refused = await startError(server.restart());
      expect(refused).toMatch(/appendonlydir belongs to a Redis.*move the directory away.*--dir/);
    }
    renameSync(join(server.directory, 'appendonlydir'), join(directory, 'appendonlydir'));
    await server.restart();
    expect(await (await server.connect()).command('GET', 'mine')).toBe('1');
    const restored = await start({ directory });
    expect(await dataset(restored)).toEqual(expected);
    await restored.stop();
    // A Redis went on with them: what it wrote would be lost in silence.
    const { size } = statSync(tail);
    appendFileSync(tail, '*2\r\n$3\r\nDEL\r\n$5\r\nkey:1\r\n');
    expect(await startError(restored.restart())).toContain('is not what this server began with');
    truncateSync(tail, size);
    await restored.restart();
    expect(await dataset(restored)).toEqual(expected);
  }, 60_000);

  test('with other types is refused with key and type, and nothing is left behind', async () => {
    const { directory } = await made({ last: (client) => client.command('HSET', 'user', 'name', 'x') });
    const refused = await startError(start({ directory }));
    expect(refused).toContain("the command 'HSET' says that key 'user' of database 2 is a hash");
    expect(readdirSync(directory).sort()).toEqual(['appendonlydir', 'log']);
    expect(readdirSync(join(directory, 'log'))).toEqual(['lock']);
    const inSnapshot = await made({
      last: async (client) => {
        await client.command('RPUSH', 'jobs', '1');
        await client.command('BGREWRITEAOF');
        await new Promise<void>((resolve, reject) => {
          const look = async () => {
            const info = await readInfo(client, 'persistence');
            if (info.get('aof_rewrite_in_progress') === '0' && info.get('aof_rewrite_scheduled') === '0') resolve();
            else setImmediate(() => look().catch(reject));
          };
          look().catch(reject);
        });
      },
    });
    expect(await startError(start({ directory: inSnapshot.directory }))).toMatch(
      /\.base\.rdb, at byte \d+: .*key 'jobs' of database 2 is a list \(quicklist 2\) \(type 18\), which is not supported/,
    );
  }, 60_000);

  test('damage, a missing file and two datasets are refused', async () => {
    const { directory, tail } = await made();
    const whole = readFileSync(tail);
    const damaged = Buffer.from(whole);
    damaged[whole.indexOf('\r\n$') + 2] = 0;
    writeFileSync(tail, damaged);
    expect(await startError(start({ directory }))).toMatch(/\.incr\.aof, at byte \d+: here is no command/);
    renameSync(tail, `${tail}.away`);
    expect(await startError(start({ directory }))).toMatch(/it names .*\.incr\.aof, which is not there/);
    renameSync(`${tail}.away`, tail);
    writeFileSync(tail, whole);
    writeFileSync(join(directory, 'dump.rdb'), '');
    expect(await startError(start({ directory }))).toContain('holds both dump.rdb and appendonlydir');
    renameSync(join(directory, 'dump.rdb'), join(directory, 'other.rdb'));
    await start({ directory });
    expect(existsSync(join(directory, 'dump.rdb'))).toBe(true);
  }, 60_000);

  test('with other names: those of the configuration, else the one manifest that is there', async () => {
    const { directory, expected } = await made({ args: ['--appendfilename', 'queue.aof'] });
    renameSync(join(directory, 'appendonlydir'), join(directory, 'theirs'));
    const server = await start({ directory, args: ['--appenddirname', 'theirs'] });
    expect(await dataset(server)).toEqual(expected);
  }, 60_000);

  test('the single file of a Redis before 7', async () => {
    const { directory, expected, tail } = await made({ args: ['--aof-use-rdb-preamble', 'yes'] });
    const folder = join(directory, 'appendonlydir');
    const base = readdirSync(folder).find((name) => name.endsWith('.base.rdb'))!;
    const alone = temporary();
    writeFileSync(join(alone, 'appendonly.aof'), Buffer.concat([readFileSync(join(folder, base)), readFileSync(tail)]));
    const server = await start({ directory: alone });
    expect(await dataset(server)).toEqual(expected);
    await server.kill9();
    await server.restart();
    expect(await dataset(server)).toEqual(expected);
  }, 60_000);
});

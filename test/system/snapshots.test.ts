/** Snapshots with the real process: what a start begins with, what is trimmed, and what an operator does with the files. */
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.js';
import { readDigest } from '../support/quiet-restart.js';
import { describeWith } from '../support/require-servers.js';
import type { RespClient } from '../support/resp-client.js';
import { type InfoFields, readInfo } from '../support/server-info.js';
import { type ServerProcess, ServerStartError } from '../support/server-process.js';
import { serversOfATest } from '../support/servers-of-a-test.js';
import { checkSnapshots } from '../support/snapshot-check.js';

const { start, temporary } = serversOfATest('snapshots', { args: ['--save', ''] });

/** Overwrites of the same keys, by one client, pipelined. */
async function write(client: RespClient, count: number, keys: number, valueBytes = 100): Promise<void> {
  const value = 'v'.repeat(valueBytes);
  for (let done = 0; done < count; ) {
    const batch: Promise<unknown>[] = [];
    for (let i = 0; i < 500 && done < count; i++, done++) {
      batch.push(client.command('SET', `key:${done % keys}`, `${done}:${value}`));
    }
    await Promise.all(batch);
  }
}

async function persistence(client: RespClient): Promise<InfoFields> {
  return readInfo(client, 'persistence');
}

const files = (server: ServerProcess): string[] => readdirSync(join(server.directory, 'snapshots')).sort();
const loadedFrom = (server: ServerProcess): string =>
  /"msg":"(the [a-z ]+) [0-9-]+\.\w+ is loaded/.exec(server.output)?.[1] ?? 'nothing';

function bytesOf(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
}

describe('a start', () => {
  test('begins with the image, else the newest snapshot, else the older one, and folds the rest', async () => {
    const server = await start();
    const client = await server.connect();
    await write(client, 3000, 1000);
    expect(await client.command('SAVE')).toBe('OK');
    await write(client, 2000, 1500);
    await client.command('PEXPIREAT', 'key:1', '4000000000000');
    expect(await client.command('SAVE')).toBe('OK');
    await client.command('SET', 'behind', 'both');
    const digest = await readDigest(server);
    const [older, newer] = checkSnapshots(server.directory);

    await server.kill9();
    await server.restart();
    expect(loadedFrom(server)).toBe('the page image');
    expect(await readDigest(server)).toBe(digest);

    await server.kill9();
    const path = join(server.directory, 'snapshots');
    const image = files(server).find((name) => name.endsWith('.image'))!;
    const bytes = readFileSync(join(path, image));
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(join(path, image), bytes);
    await server.restart();
    expect(server.output).toMatch(/the page image .* is not used: .*damaged/);
    expect(loadedFrom(server)).toBe('the snapshot');
    expect(await readDigest(server)).toBe(digest);
    expect(files(server)).not.toContain(image);

    await server.kill9();
    const damaged = readFileSync(join(path, newer!.file));
    damaged[damaged.length >> 1]! ^= 1;
    writeFileSync(join(path, newer!.file), damaged);
    await server.restart();
    expect(server.output).toContain(`the snapshot ${newer!.file} is not used`);
    expect(server.output).toContain(`the snapshot ${older!.file} is loaded`);
    expect(await readDigest(server)).toBe(digest);
    // What is damaged does not count any more, and is there for whoever wants to find out.
    expect(checkSnapshots(server.directory)).toEqual([older]);
    expect(files(server)).toContain(`${newer!.file}.damaged`);
  }, 60_000);

  test('is refused where the log was trimmed and no snapshot reaches it, and changes nothing', async () => {
    const server = await start({ env: { HOLDFAST_TEST_SNAPSHOT_FAULTS: 'rollBytes=1' } });
    const client = await server.connect();
    for (let i = 0; i < 4; i++) {
      await write(client, 50, 10);
      const roll = client.command('SAVE');
      await write(client, 5000, 10);
      expect(await roll).toBe('OK');
    }
    await server.stop();
    expect(readdirSync(join(server.directory, 'log'))).not.toContain('0000000000000001.log');
    const snapshots = join(server.directory, 'snapshots');
    renameSync(snapshots, `${snapshots}.away`);
    rmSync(join(server.directory, 'dump.rdb'));
    const before = readdirSync(join(server.directory, 'log'));
    await expect(server.restart()).rejects.toThrow(/the log begins with sequence \d+ and no sound snapshot/);
    expect(readdirSync(join(server.directory, 'log'))).toEqual(before);
    rmSync(snapshots, { recursive: true, force: true });
    renameSync(`${snapshots}.away`, snapshots);
    await server.restart();
    expect(await (await server.connect()).command('DBSIZE')).toBe(10);
  }, 60_000);

  test('works from a copy of the directory in another place', async () => {
    const server = await start();
    const client = await server.connect();
    await write(client, 2000, 500);
    await client.command('SAVE');
    await write(client, 100, 50);
    const digest = await readDigest(server);
    await server.stop();
    const directory = join(temporary(), 'moved');
    cpSync(server.directory, directory, { recursive: true });
    const moved = await start({ directory });
    expect(await readDigest(moved)).toBe(digest);
  }, 60_000);
});

describe('the log', () => {
  test('stays bounded under overwrites of the same keys, and so does the start', async () => {
    const server = await start();
    const client = await server.connect();
    const sizes: number[] = [];
    for (let round = 0; round < 6; round++) {
      await write(client, 12_000, 1000);
      expect(await client.command('BGREWRITEAOF')).toBe('Background append only file rewriting started');
      // The cut lies behind a roll only if somebody writes meanwhile.
      await pollUntil('the end of the snapshot', async () => {
        await write(client, 50, 1000);
        return (await persistence(client)).get('aof_rewrite_in_progress') === '0';
      });
      sizes.push(Number((await persistence(client)).get('log_size_bytes')));
    }
    const info = await persistence(client);
    expect(info.get('aof_last_bgrewrite_status')).toBe('ok');
    expect(info.get('aof_rewrites')).toBe('6');
    expect(Number(info.get('log_trimmed_bytes'))).toBeGreaterThan(2_000_000);
    expect(sizes.at(-1)).toBeLessThan(sizes[2]! * 1.5);
    // Zeroed room ahead is not counted in the log's own size.
    expect(bytesOf(join(server.directory, 'log'))).toBeLessThan(sizes.at(-1)! + (20 << 20));
    const digest = await readDigest(server);
    await server.kill9();
    await server.restart();
    expect(await readDigest(server)).toBe(digest);
    expect(checkSnapshots(server.directory)).toHaveLength(2);
  }, 120_000);

  test('is trimmed by itself when it has grown enough', async () => {
    const args = ['--save', '', '--auto-aof-rewrite-min-size', '1mb', '--auto-aof-rewrite-percentage', '100'];
    const server = await start({ args });
    const client = await server.connect();
    await pollUntil('three snapshots', async () => {
      await write(client, 2000, 1000);
      return Number((await persistence(client)).get('rdb_saves')) >= 3;
    });
    await server.outputMatching(/a snapshot begins: the log has grown by \d+ bytes/, 'a snapshot by growth');
  }, 60_000);

  test('a save point takes a snapshot, and `save ""` none', async () => {
    const server = await start({ args: ['--save', '1', '10'] });
    const client = await server.connect();
    await write(client, 20, 20);
    await pollUntil('a snapshot', async () => (await persistence(client)).get('rdb_saves') === '1');
    expect((await persistence(client)).get('rdb_changes_since_last_save')).toBe('0');
    expect(await client.command('CONFIG', 'SET', 'save', '')).toBe('OK');
    expect(await client.command('CONFIG', 'GET', 'save')).toEqual(['save', '']);
  }, 60_000);
});

describe('a snapshot that is wrong', () => {
  test.each(['skipRecord=3', 'alterByte=500'])('is never published: %s', async (faults) => {
    const server = await start({ env: { HOLDFAST_TEST_SNAPSHOT_FAULTS: faults } });
    const client = await server.connect();
    await write(client, 500, 500);
    for (let i = 0; i < 2; i++) expect(((await client.command('SAVE')) as Error).message).toBe('ERR');
    const info = await persistence(client);
    expect(info.get('rdb_last_bgsave_status')).toBe('err');
    expect(info.get('snapshot_failures_in_row')).toBe('2');
    expect(info.get('snapshots')).toBe('0');
    await server.outputMatching(/snapshots keep failing/, 'the warning');
    expect(checkSnapshots(server.directory)).toEqual([]);
    expect(existsSync(join(server.directory, 'dump.rdb'))).toBe(false);
    expect(await client.command('SET', 'still', 'serving')).toBe('OK');
  });
});

describe('the end', () => {
  test('leaves an image where the next start gains by it; NOSAVE leaves none, SAVE a snapshot', async () => {
    const server = await start();
    let client = await server.connect();
    await write(client, 300, 300, 40_000);
    await server.stop();
    expect(server.output).toContain('a page image is left for the next start');
    await server.restart();
    expect(loadedFrom(server)).toBe('the page image');
    client = await server.connect();
    await client.command('SET', 'one', 'more');
    const digest = await readDigest(server);
    client.command('SHUTDOWN', 'SAVE').catch(() => {});
    await server.exited;
    expect(checkSnapshots(server.directory)).toHaveLength(1);
    await server.restart();
    expect(await readDigest(server)).toBe(digest);
    rmSync(join(server.directory, 'snapshots'), { recursive: true });
    client = await server.connect();
    client.command('SHUTDOWN', 'NOSAVE').catch(() => {});
    await server.exited;
    expect(server.output).not.toContain('a page image is left');
  }, 60_000);
});

describe('SHUTDOWN SAVE', () => {
  test('does not end the server where the snapshot fails; FORCE and NOSAVE do', async () => {
    for (const words of [['SHUTDOWN', 'SAVE', 'FORCE', 'NOW'], ['SHUTDOWN', 'NOSAVE', 'FORCE'], ['SHUTDOWN']]) {
      const server = await start({ env: { HOLDFAST_TEST_SNAPSHOT_FAULTS: 'skipRecord=3' } });
      const client = await server.connect();
      const other = await server.connect();
      await write(client, 50, 50);
      const refused = client.command('SHUTDOWN', 'SAVE');
      const meanwhile = other.command('SET', 'during', '1');
      expect(((await refused) as Error).message).toBe('ERR Errors trying to SHUTDOWN. Check logs.');
      expect(await meanwhile).toBe('OK');
      expect(await client.command('SET', 'behind', '1')).toBe('OK');
      expect((await persistence(client)).get('rdb_last_bgsave_status')).toBe('err');
      client.command(...words).catch(() => {});
      expect(await server.exited).toEqual({ code: 0, signal: null });
      await server.restart();
      expect(await (await server.connect()).command('DBSIZE')).toBe(52);
    }
  }, 60_000);
});

describeWith(['redis-server'], 'the files of a Redis', () => {
  test('dump.rdb alone becomes the snapshot at sequence 0, and ours is one for Redis', async () => {
    const redis = await start({ kind: 'redis', args: ['--enable-debug-command', 'yes'] });
    const theirs = await redis.connect();
    await write(theirs, 2000, 700);
    await theirs.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    for (const key of ['past:1', 'past:2']) await theirs.command('SET', key, 'x', 'PX', '1');
    await theirs.command('SELECT', '3');
    await theirs.command('SET', 'in', 'three', 'PXAT', '4000000000000');
    await theirs.command('SAVE');
    const directory = temporary();
    cpSync(join(redis.directory, 'dump.rdb'), join(directory, 'dump.rdb'));

    const server = await start({ directory });
    const client = await server.connect();
    expect(await client.command('DBSIZE')).toBe(700);
    expect(checkSnapshots(directory)).toMatchObject([{ sequence: 0, epoch: 0 }]);
    const info = await persistence(client);
    expect(info.get('rdb_last_load_keys_loaded')).toBe('701');
    expect(info.get('rdb_last_load_keys_expired')).toBe('2');
    await client.command('SET', 'behind', 'it');
    const digest = await readDigest(server);
    await server.kill9();
    // The file that was loaded may stay: this server knows it.
    await server.restart();
    expect(await readDigest(server)).toBe(digest);
    await (await server.connect()).command('SAVE');
    await server.stop();

    const back = temporary();
    cpSync(join(directory, 'dump.rdb'), join(back, 'dump.rdb'));
    const reader = await start({ kind: 'redis', directory: back, args: ['--appendonly', 'no'] });
    const again = await reader.connect();
    expect(await again.command('DBSIZE')).toBe(701);
    expect(await again.command('GET', 'behind')).toBe('it');
    await again.command('SELECT', '3');
    expect(await again.command('PEXPIRETIME', 'in')).toBe(4_000_000_000_000);
  }, 60_000);

  test('a dump.rdb that somebody put beside a log stops the start, and both ways on work', async () => {
    const server = await start();
    const client = await server.connect();
    await write(client, 100, 100);
    await client.command('SAVE');
    const older = readFileSync(join(server.directory, 'dump.rdb'));
    await write(client, 200, 150);
    await client.command('SAVE');
    await server.stop();
    const path = join(server.directory, 'dump.rdb');
    // Also an older one of this log: its owner expects a restore.
    writeFileSync(path, older);
    const refused = await server.restart().then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(refused).toBeInstanceOf(ServerStartError);
    expect(String(refused)).toMatch(/dump\.rdb was not written by this server.*move the file away.*--dir/s);

    const directory = temporary();
    renameSync(path, join(directory, 'dump.rdb'));
    const restored = await start({ directory });
    expect(await (await restored.connect()).command('DBSIZE')).toBe(100);
    await server.restart();
    expect(await (await server.connect()).command('DBSIZE')).toBe(150);
  }, 60_000);
});

/** Snapshots of the real process on a disk that has hardly room for them: the log comes first. */
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.js';
import { readDigest } from '../support/quiet-restart.js';
import { describeWith } from '../support/require-servers.js';
import type { RespClient } from '../support/resp-client.js';
import { readInfo } from '../support/server-info.js';
import { smallDiskServer } from '../support/small-disk-server.js';
import { checkSnapshots } from '../support/snapshot-check.js';

const DISK_BYTES = 112 << 20;
const KEPT_FREE = 16 << 20;
const KEYS = 200;
const VALUE_BYTES = 50_000;
/** Looks in a row at which nothing has changed: the log zeroes a megabyte in a fraction of one. */
const QUIET_POLLS = 20;

const small = smallDiskServer();

/** A server on a small disk, with 10 MB that nothing compresses. */
async function start(...args: string[]): Promise<{ client: RespClient; snapshots: string }> {
  const server = await small.start(DISK_BYTES, ['--save', '', ...args]);
  const client = await server.connect();
  for (let i = 0; i < KEYS; i++) expect(await client.command('SET', `key:${i}`, randomBytes(VALUE_BYTES))).toBe('OK');
  await logAtRest();
  return { client, snapshots: join(small.disk.directory, 'snapshots') };
}

/** The log has zeroed the room that it wants ahead: it takes none while a test counts bytes. */
async function logAtRest(): Promise<void> {
  let before = -1;
  let quiet = 0;
  await pollUntil('the log at rest', () => {
    const now = free();
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    return Promise.resolve(quiet === QUIET_POLLS);
  });
}

/** The first write behind a snapshot begins a new segment of the log. */
async function writeMore(client: RespClient): Promise<void> {
  expect(await client.command('SET', 'one', 'more')).toBe('OK');
  await logAtRest();
}

const free = (): number => {
  const { bavail, bsize } = statfsSync(small.disk.directory);
  return bavail * bsize;
};

/** Takes room until so many bytes are free. */
function leave(bytes: number): void {
  writeFileSync(join(small.disk.directory, 'filler'), Buffer.alloc(Math.max(0, free() - bytes)));
}

const work = (snapshots: string): string[] => readdirSync(snapshots).filter((name) => name.startsWith('work.'));

describeWith(['tmpfs'], 'a small disk', () => {
  test('no room for the image: the snapshot fails, leaves nothing, and the log goes on', async () => {
    const { client, snapshots } = await start();
    leave(KEPT_FREE + (1 << 20));
    const before = free();
    expect(((await client.command('SAVE')) as Error).message).toBe('ERR');
    const info = await readInfo(client, 'persistence');
    expect(info.get('rdb_last_bgsave_status')).toBe('err');
    expect(info.get('snapshot_last_error')).toMatch(/the disk has \d+ bytes left, \d+ are to be written/);
    expect(work(snapshots)).toEqual([]);
    expect(free()).toBeGreaterThanOrEqual(before - (1 << 20));
    expect(await client.command('SET', 'still', 'taken')).toBe('OK');
    small.disk.free();
    expect(await client.command('SAVE')).toBe('OK');
    expect(checkSnapshots(small.server.directory)).toHaveLength(1);
  }, 60_000);

  test('no room for the file behind the image: nothing is left of either, and the one before stays', async () => {
    const { client, snapshots } = await start();
    expect(await client.command('SAVE')).toBe('OK');
    const listed = checkSnapshots(small.server.directory);
    const image = statSync(join(snapshots, readdirSync(snapshots).find((name) => name.endsWith('.image'))!)).size;
    await writeMore(client);
    // Without the old image it is just enough for the new one, and for half of the file.
    leave(KEPT_FREE + (5 << 20));
    expect(((await client.command('SAVE')) as Error).message).toBe('ERR');
    expect(work(snapshots)).toEqual([]);
    expect(free()).toBeGreaterThan(KEPT_FREE + image);
    expect(checkSnapshots(small.server.directory)).toEqual(listed);
    const digest = await readDigest(small.server);
    await small.server.kill9();
    await small.server.restart();
    expect(await readDigest(small.server)).toBe(digest);
  }, 60_000);

  test('the old image makes room for the new snapshot; a copy that has none is not made', async () => {
    const { client, snapshots } = await start();
    expect(await client.command('SAVE')).toBe('OK');
    const dump = statSync(join(small.server.directory, 'dump.rdb'));
    await writeMore(client);
    // Enough for the file, and for no copy.
    leave(KEPT_FREE + (15 << 20));
    expect(await client.command('SAVE')).toBe('OK');
    await small.server.outputMatching(/the page image .* is given up: the disk has no room/, 'the image given up');
    await small.server.outputMatching(/dump\.rdb was not replaced: the disk has \d+ bytes left/, 'the copy not made');
    expect(statSync(join(small.server.directory, 'dump.rdb')).ino).toBe(dump.ino);
    expect(checkSnapshots(small.server.directory)).toHaveLength(2);
    expect(readdirSync(snapshots).filter((name) => name.endsWith('.image'))).toHaveLength(1);
    expect(free()).toBeGreaterThanOrEqual(KEPT_FREE);
    const digest = await readDigest(small.server);
    await small.server.kill9();
    await small.server.restart();
    expect(await readDigest(small.server)).toBe(digest);
    expect(existsSync(join(small.server.directory, 'dump.rdb'))).toBe(true);
  }, 60_000);

  test('one that was due is tried again once there is room', async () => {
    const { client } = await start('--save', '1', '1');
    leave(KEPT_FREE);
    await client.command('SET', 'changed', '1');
    await pollUntil('a failure', async () => {
      return Number((await readInfo(client, 'persistence')).get('snapshot_failures_in_row')) >= 1;
    });
    small.disk.free();
    await pollUntil('a snapshot', async () => {
      return (await readInfo(client, 'persistence')).get('rdb_last_bgsave_status') === 'ok';
    });
    expect(checkSnapshots(small.server.directory).length).toBeGreaterThan(0);
  }, 60_000);
});

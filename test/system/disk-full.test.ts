/**
 * A disk without room for the next segment, with the real process on a small tmpfs: writes are refused before they are
 * executed, reads go on, writing resumes by itself, and a restart on the full disk works.
 */
import { expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.js';
import { readDigest, restartQuietly } from '../support/quiet-restart.js';
import { describeWith } from '../support/require-servers.js';
import type { RespClient } from '../support/resp-client.js';
import { smallDiskServer } from '../support/small-disk-server.js';

const DISK_BYTES = 96 << 20;
const VALUE = 'x'.repeat(50_000);
const MISCONF = 'MISCONF Errors writing to the AOF file: No space left on device';

const small = smallDiskServer();

/** Writes keys until the server refuses one; returns how many it took. */
async function writeUntilRefused(client: RespClient, prefix: string): Promise<number> {
  for (let i = 0; ; i++) {
    const reply = await client.command('SET', `${prefix}${i}`, VALUE);
    if (reply === 'OK') continue;
    expect((reply as Error).message).toBe(MISCONF);
    return i;
  }
}

async function expectAll(client: RespClient, prefix: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    expect(await client.command('STRLEN', `${prefix}${i}`), `${prefix}${i} of ${count}`).toBe(VALUE.length);
  }
  expect(await client.command('EXISTS', `${prefix}${count}`)).toBe(0);
}

describeWith(['tmpfs'], 'a full disk', () => {
  test('refuses writes, serves reads, and writes again once there is room', async () => {
    const running = await small.start(DISK_BYTES);
    const client = await running.connect();
    small.disk.fill();
    const written = await writeUntilRefused(client, 'a');
    expect(written).toBeGreaterThan(0);
    await expectAll(client, 'a', written);
    expect(await client.command('DBSIZE')).toBe(written);
    expect(((await client.command('PING')) as Error).message).toBe(MISCONF);
    expect(((await client.command('DEL', 'a0')) as Error).message).toBe(MISCONF);
    expect(await client.command('CONFIG', 'GET', 'dir')).toEqual(['dir', running.directory]);
    small.disk.free();
    await pollUntil('a write that is taken', async () => (await client.command('SET', 'again', 'x')) === 'OK');
    expect(await client.command('PING')).toBe('PONG');
    await restartQuietly(running, 'kill');
    const after = await running.connect();
    await expectAll(after, 'a', written);
    expect(await after.command('GET', 'again')).toBe('x');
  });

  test('does not keep a server from starting', async () => {
    const running = await small.start(DISK_BYTES);
    const client = await running.connect();
    expect(await client.command('SET', 'expiring', 'x', 'PX', 1)).toBe('OK');
    small.disk.fill();
    const written = await writeUntilRefused(client, 'b');
    await running.kill9();
    small.disk.fill();
    await running.restart();
    const after = await running.connect();
    await expectAll(after, 'b', written);
    expect(await after.command('GET', 'expiring')).toBeNull();
    const digest = await readDigest(running);
    // A second start on the disk that is as full as before, this time after an orderly end.
    expect((await running.stop()).code).toBe(0);
    small.disk.fill();
    await running.restart();
    await expectAll(await running.connect(), 'b', written);
    expect(await readDigest(running)).toBe(digest);
    small.disk.free();
    const last = await running.connect();
    await pollUntil('a write that is taken', async () => (await last.command('SET', 'again', 'x')) === 'OK');
  });
});

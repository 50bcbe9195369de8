/**
 * DEBUG RELOAD and DEBUG LOADAOF with the real process: the dataset afterwards is the one before, nothing that was
 * acknowledged is lost, and a rebuild that fails ends the server.
 */
import { closeSync, openSync, readdirSync, writeSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.js';
import { readDigest, restartQuietly } from '../support/quiet-restart.js';
import type { RespClient } from '../support/resp-client.js';
import { readInfo } from '../support/server-info.js';
import type { ServerProcess } from '../support/server-process.js';
import { serversOfATest } from '../support/servers-of-a-test.js';
import { checkSnapshots } from '../support/snapshot-check.js';

const DEBUG = ['--save', '', '--enable-debug-command', 'yes'];
const { start } = serversOfATest('reload', { args: DEBUG });

/** Every shape of a record: short and long keys and values, integers, deadlines, two databases, swapped ones. */
async function fill(client: RespClient, keys = 3000): Promise<void> {
  const commands: (string | number)[][] = [];
  for (let i = 0; i < keys; i++) commands.push(['SET', `key:${i}`, `value ${i} ${'x'.repeat(i % 300)}`]);
  for (let i = 0; i < keys; i += 7) commands.push(['DEL', `key:${i}`]);
  for (let i = 0; i < 50; i++) commands.push(['PEXPIREAT', `key:${i * 8 + 1}`, 4_000_000_000_000 + i]);
  commands.push(['SET', 'large', 'y'.repeat(300_000)], ['SET', 'k'.repeat(2000), '1'], ['INCR', 'k'.repeat(2000)]);
  commands.push(
    ['APPEND', 'large', 'z'],
    ['SELECT', 3],
    ['SET', 'three', '3'],
    ['SWAPDB', 3, 5],
    ['SET', 'other', '0'],
  );
  commands.push(['FLUSHDB'], ['SET', 'after', 'flush'], ['SELECT', 0]);
  await Promise.all(commands.map(([name, ...rest]) => client.command(String(name), ...rest)));
}

/** Changes a byte of the oldest segment, whose entries a start without a snapshot has to fold. */
function damageLog(server: ServerProcess): string {
  const directory = join(server.directory, 'log');
  const file = join(
    directory,
    readdirSync(directory)
      .filter((name) => name.endsWith('.log'))
      .sort()[0]!,
  );
  const fd = openSync(file, 'r+');
  writeSync(fd, 'damage', 512 * 4 + 200);
  closeSync(fd);
  return file;
}

describe('DEBUG RELOAD', () => {
  test('rebuilds the same dataset from a new snapshot, again and again, and a restart finds it', async () => {
    const server = await start();
    const client = await server.connect();
    await fill(client);
    const digest = await readDigest(server);
    for (let round = 0; round < 3; round++) {
      expect(await client.command('DEBUG', 'RELOAD')).toBe('OK');
      expect(await readDigest(server)).toBe(digest);
      expect(await client.command('GET', 'key:1')).toMatch(/^value 1 /);
      expect(await client.command('PEXPIRETIME', 'key:1')).toBe(4_000_000_000_000);
    }
    expect(checkSnapshots(server.directory).at(-1)!.digest).toBe(digest);
    expect(server.output).toContain('is loaded');
    // What is written behind it goes on from the same sequence.
    expect(await client.command('SET', 'behind', 'reload')).toBe('OK');
    await restartQuietly(server, 'kill');
    await restartQuietly(server, 'stop');
  }, 60_000);

  test('loses nothing that was acknowledged to writers beside it, and lets nobody see less', async () => {
    const server = await start();
    const admin = await server.connect();
    await fill(admin, 1000);
    let ending = false;
    const counts: number[] = [];
    const writer = async (number: number): Promise<void> => {
      const client = await server.connect();
      let count = 0;
      while (!ending) {
        expect(await client.command('INCR', `count:${number}`)).toBe(++count);
        expect(await client.command('GET', `count:${number}`)).toBe(String(count));
      }
      counts[number] = count;
      await client.close();
    };
    const walker = async (): Promise<void> => {
      const client = await server.connect();
      while (!ending) expect(((await client.command('KEYS', 'key:*')) as string[]).length).toBe(857);
      await client.close();
    };
    const load = [...[0, 1, 2, 3].map(writer), walker()];
    for (let round = 0; round < 4; round++) {
      expect(await admin.command('DEBUG', round % 2 === 0 ? 'RELOAD' : 'LOADAOF')).toBe('OK');
    }
    ending = true;
    await Promise.all(load);
    await server.kill9();
    await server.restart();
    const client = await server.connect();
    for (const [number, count] of counts.entries()) {
      expect(await client.command('GET', `count:${number}`)).toBe(String(count));
    }
  }, 60_000);

  test('waits for a command that has begun and has still to change the dataset', async () => {
    const server = await start();
    const [client, admin] = [await server.connect(), await server.connect()];
    await fill(client, 100);
    const answers: (() => void)[] = [];
    const target = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => answers.push(() => socket.write('+OK\r\n+OK\r\n')));
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    const { port } = target.address() as AddressInfo;
    const order: string[] = [];
    const migrated = client
      .command('MIGRATE', '127.0.0.1', port, 'key:1', 0, 20_000)
      .then(() => order.push('migrated'));
    await pollUntil('the key is on its way', () => answers.length > 0);
    const reloaded = admin.command('DEBUG', 'LOADAOF').then(() => order.push('reloaded'));
    // Long enough for a reload that does not wait; one that does is held up by nothing else.
    setTimeout(() => answers[0]!(), 500);
    await Promise.all([migrated, reloaded]);
    target.close();
    expect(order).toEqual(['migrated', 'reloaded']);
    expect(await client.command('EXISTS', 'key:1')).toBe(0);
    await restartQuietly(server, 'kill');
  }, 60_000);

  test('keeps keys whose time is up until the log says that they are gone', async () => {
    const server = await start();
    const client = await server.connect();
    await client.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    await client.command('SET', 'gone', '1', 'PX', 1);
    await client.command('SET', 'stays', '1');
    const timeMs = async (): Promise<number> => {
      const [seconds, micros] = (await client.command('TIME')) as [string, string];
      return Number(seconds) * 1000 + Number(micros) / 1000;
    };
    const until = (await timeMs()) + 5;
    await pollUntil('the time is up', async () => (await timeMs()) > until);
    const size = await client.command('DBSIZE');
    expect(await client.command('DEBUG', 'RELOAD')).toBe('OK');
    expect(await client.command('DBSIZE')).toBe(size);
    await pollUntil('it is gone', async () => (await client.command('GET', 'gone')) === null);
    expect(await client.command('DBSIZE')).toBe(1);
    await restartQuietly(server, 'kill');
  });

  test('a snapshot that fails drops nothing', async () => {
    const server = await start({ env: { HOLDFAST_TEST_SNAPSHOT_FAULTS: 'alterByte=30' } });
    const client = await server.connect();
    await fill(client, 100);
    const digest = await readDigest(server);
    expect(String(await client.command('DEBUG', 'RELOAD'))).toMatch(/ERR nothing was reloaded: .*checksum/);
    expect(await readDigest(server)).toBe(digest);
    expect(await client.command('SET', 'on', 'and on')).toBe('OK');
    // What a reload holds back goes on.
    expect(await client.command('SET', 'short', 'lived', 'PX', 1)).toBe('OK');
    await pollUntil('it is expired', async () => (await readInfo(client, 'stats')).get('expired_keys') === '1');
  });

  test('a server that is told to end meanwhile ends behind it, with a whole dataset', async () => {
    const server = await start();
    const client = await server.connect();
    await fill(client, 20_000);
    const digest = await readDigest(server);
    client.command('DEBUG', 'RELOAD').catch(() => {});
    await server.outputMatching(/a snapshot begins/);
    expect(await server.stop()).toMatchObject({ code: 0 });
    expect(server.output).toMatch(/: rebuilt/);
    await server.restart();
    expect(await readDigest(server)).toBe(digest);
  }, 60_000);
});

describe('DEBUG LOADAOF', () => {
  test('folds the whole log, or what lies behind the newest snapshot', async () => {
    const server = await start({ env: { HOLDFAST_TEST_SNAPSHOT_FAULTS: 'rollBytes=1' } });
    const client = await server.connect();
    expect(await client.command('DEBUG', 'LOADAOF')).toBe('OK');
    await fill(client);
    const whole = await readDigest(server);
    expect(await client.command('DEBUG', 'LOADAOF')).toBe('OK');
    expect(await readDigest(server)).toBe(whole);
    expect(checkSnapshots(server.directory)).toEqual([]);
    for (let i = 0; i < 4; i++) {
      const saved = client.command('SAVE');
      const other = await server.connect();
      await fill(other, 500 * (i + 1));
      expect(await saved).toBe('OK');
      await other.command('SET', 'tail', String(i));
      const digest = await readDigest(server);
      expect(await client.command('DEBUG', 'LOADAOF')).toBe('OK');
      expect(await readDigest(server)).toBe(digest);
      await other.close();
    }
    await restartQuietly(server, 'kill');
  }, 60_000);

  test('a log that cannot be folded ends the server, which answers nobody from half a dataset', async () => {
    const server = await start();
    const client = await server.connect();
    await fill(client);
    const file = damageLog(server);
    const other = await server.connect();
    const reload = client.command('DEBUG', 'LOADAOF');
    const read = other.command('GET', 'key:1');
    const replies = await Promise.allSettled([reload, read]);
    expect(replies[0]!.status).toBe('rejected');
    // It was read before the reload began, or not at all.
    if (replies[1]!.status === 'fulfilled') expect(replies[1].value).toMatch(/^value 1 /);
    expect((await server.exited).code).toBeGreaterThan(0);
    expect(server.output).toContain(file);
    await expect(server.restart()).rejects.toThrow(/damage|checksum|segment/i);
  });
});

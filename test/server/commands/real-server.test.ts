/** The server's commands over real sockets: what they do to connections, and what two connections see of each other. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../../support/poll-until.js';
import { describeWith } from '../../support/require-servers.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

let server: ServerProcess;
const directory = makeTemporaryDirectory('commands');
const socket = join(directory, 'socket');

beforeAll(async () => {
  server = await ServerProcess.start({ kind: 'holdfast', unixSocket: socket });
});
afterAll(async () => {
  await server?.dispose();
  removeTemporaryDirectory(directory);
});

function fieldsOf(line: string): Map<string, string> {
  const fields = line.trim().split(' ');
  return new Map(fields.map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]));
}

async function clientList(client: RespClient): Promise<Map<string, string>[]> {
  return ((await client.command('CLIENT', 'LIST')) as string).trim().split('\n').map(fieldsOf);
}

async function infoField(client: RespClient, section: string, name: string): Promise<string | undefined> {
  const text = (await client.command('INFO', section)) as string;
  return new RegExp(`^${name}:(.*)\r$`, 'm').exec(text)?.[1];
}

describe('CLIENT', () => {
  test('LIST shows addresses, names and what a connection does', async () => {
    const client = await server.connect();
    const unix = await RespClient.connect({ path: socket });
    await unix.command('CLIENT', 'SETNAME', 'local');
    const id = String(await client.command('CLIENT', 'ID'));
    const lines = await clientList(client);
    const own = lines.find((line) => line.get('id') === id)!;
    const { localPort } = client.socket;
    expect(own.get('addr')).toBe(`127.0.0.1:${localPort}`);
    expect(own.get('laddr')).toBe(`127.0.0.1:${server.port}`);
    expect(own.get('cmd')).toBe('client|list');
    const other = lines.find((line) => line.get('name') === 'local')!;
    expect(other.get('addr')).toBe(`${socket}:0`);
    expect(other.get('flags')).toBe('U');
    await unix.close();
  });

  test('KILL closes another connection', async () => {
    const client = await server.connect();
    const victim = await server.connect();
    const id = (await victim.command('CLIENT', 'ID')) as number;
    expect(await client.command('CLIENT', 'KILL', 'ID', id)).toBe(1);
    await victim.closed;
    expect((await clientList(client)).some((line) => line.get('id') === String(id))).toBe(false);
  });

  test('KILL of itself replies first', async () => {
    const client = await server.connect();
    const id = (await client.command('CLIENT', 'ID')) as number;
    expect(await client.command('CLIENT', 'KILL', 'ID', id, 'SKIPME', 'no')).toBe(1);
    await client.closed;
  });
});

describe('INFO memory', () => {
  test('says what an empty server uses: what was used at the start, and after all keys are gone', async () => {
    const empty = await ServerProcess.start({ kind: 'holdfast' });
    const client = await empty.connect();
    const [startup, dataset] = [await infoField(client, 'memory', 'used_memory_startup'), 'used_memory_dataset'];
    expect(await infoField(client, 'memory', 'used_memory')).toBe(startup);
    expect(await infoField(client, 'memory', dataset)).toBe('0');
    for (let i = 0; i < 1000; i++) await client.command('SET', `key:${i}`, 'x'.repeat(100), 'EX', 1000);
    expect(Number(await infoField(client, 'memory', dataset))).toBeGreaterThan(100_000);
    expect(await client.command('FLUSHALL')).toBe('OK');
    expect(await infoField(client, 'memory', 'used_memory')).toBe(startup);
    await empty.dispose();
  });
});

describeWith(['redis-server'], 'CLIENT LIST beside Redis', () => {
  test('has the fields of Redis in their order, and those of 7.2', async () => {
    const redis = await ServerProcess.start({ kind: 'redis' });
    const names: string[][] = [];
    for (const each of [server, redis]) {
      const client = await each.connect();
      names.push([...fieldsOf(String(await client.command('CLIENT', 'INFO'))).keys()]);
      await client.close();
    }
    await redis.dispose();
    expect(names[0]).toEqual([...names[1]!, 'lib-name', 'lib-ver']);
  });
});

describe('QUIT, RESET and HELLO', () => {
  test('QUIT answers what came before it, replies OK and closes', async () => {
    const client = await server.connect();
    expect(await client.pipeline([['SET', 'q', '1'], ['QUIT']])).toEqual(['OK', 'OK']);
    await client.closed;
  });

  test('HELLO 3 changes the protocol of its own reply and of what follows', async () => {
    const client = await server.connect('raw');
    const hello = (await client.command('HELLO', '3')) as Buffer;
    expect(hello.toString()).toMatch(/^%7\r\n/);
    expect(((await client.command('GET', 'nosuch')) as Buffer).toString()).toBe('_\r\n');
    expect(((await client.command('RESET')) as Buffer).toString()).toBe('+RESET\r\n');
    expect(((await client.command('GET', 'nosuch')) as Buffer).toString()).toBe('$-1\r\n');
  });
});

describe('WAIT and WAITAOF', () => {
  test('WAIT rests while others are served, then replies; what follows on its connection comes after it', async () => {
    const waiting = await server.connect();
    const other = await server.connect();
    const replies = waiting.pipeline([
      ['SET', 'w', '1'],
      ['WAIT', '1', '1500'],
      ['GET', 'w'],
    ]);
    await pollUntil('a blocked client', async () => (await infoField(other, 'clients', 'blocked_clients')) === '1');
    expect(await other.command('PING')).toBe('PONG');
    expect(await replies).toEqual(['OK', 0, '1']);
    expect(await infoField(other, 'clients', 'blocked_clients')).toBe('0');
  });

  test('a connection that goes away while it waits is forgotten', async () => {
    const waiting = await server.connect();
    const other = await server.connect();
    waiting.command('WAIT', '1', '0').catch(() => {});
    await pollUntil('a blocked client', async () => (await infoField(other, 'clients', 'blocked_clients')) === '1');
    await waiting.close();
    await pollUntil('no blocked client', async () => (await infoField(other, 'clients', 'blocked_clients')) === '0');
  });

  test('WAITAOF replies 1 once what was written is committed', async () => {
    const client = await server.connect();
    expect(
      await client.pipeline([
        ['SET', 'w', '2'],
        ['WAITAOF', '1', '0', '0'],
      ]),
    ).toEqual(['OK', [1, 0]]);
    const [appended, committed] = await Promise.all(
      ['log_appended_sequence', 'log_committed_sequence'].map((name) => infoField(client, 'persistence', name)),
    );
    expect(committed).toBe(appended);
  });
});

describe('CONFIG SET', () => {
  test('requirepass is asked of new connections, and of old ones after RESET', async () => {
    const own = await ServerProcess.start({ kind: 'holdfast', args: ['--requirepass', 'p\xfcss'] });
    const client = await own.connect();
    expect(String(await client.command('GET', 'a'))).toMatch(/NOAUTH Authentication required/);
    expect(String(await client.command('AUTH', 'wrong'))).toMatch(/WRONGPASS/);
    expect(await client.command('AUTH', 'p\xfcss')).toBe('OK');
    expect(await client.command('CONFIG', 'SET', 'requirepass', 'other')).toBe('OK');
    expect(await client.command('GET', 'a')).toBeNull();
    await client.command('RESET');
    expect(String(await client.command('GET', 'a'))).toMatch(/NOAUTH/);
    const locked = await own.connect();
    expect(String(await locked.command('GET', 'a'))).toMatch(/NOAUTH/);
    expect(await client.command('AUTH', 'default', 'other')).toBe('OK');
    expect(await client.command('CONFIG', 'SET', 'requirepass', '')).toBe('OK');
    expect(await locked.command('GET', 'a')).toBeNull();
    await own.dispose();
  });

  test('maxclients turns the next one away', async () => {
    const own = await ServerProcess.start({ kind: 'holdfast' });
    const client = await own.connect();
    expect(await client.command('CONFIG', 'SET', 'maxclients', '1')).toBe('OK');
    const late = await own.connect('raw');
    expect(((await late.next()) as Buffer).toString()).toBe('-ERR max number of clients reached\r\n');
    expect(await infoField(client, 'stats', 'rejected_connections')).toBe('1');
    await own.dispose();
  });

  test('maxmemory stops writes that need memory, and reads and deletes go on', async () => {
    const own = await ServerProcess.start({ kind: 'holdfast' });
    const client = await own.connect();
    await client.command('SET', 'a', 'x'.repeat(100_000));
    expect(await client.command('CONFIG', 'SET', 'maxmemory', '50k')).toBe('OK');
    expect(String(await client.command('SET', 'b', '1'))).toMatch(/^Error: OOM command not allowed|^ReplyError: OOM/);
    expect(((await client.command('GET', 'a')) as string).length).toBe(100_000);
    expect(await client.command('DEL', 'a')).toBe(1);
    expect(await client.command('SET', 'b', '1')).toBe('OK');
    await own.dispose();
  });
});

describeWith(['redis-server'], 'beside Redis', () => {
  test('CLIENT LIST has the fields of Redis 7.0 in their order, then those of 7.2', async () => {
    const redis = await ServerProcess.start({ kind: 'redis' });
    const theirs = [...(await clientList(await redis.connect()))[0]!.keys()];
    const ours = [...(await clientList(await server.connect()))[0]!.keys()];
    await redis.dispose();
    expect(ours).toEqual([...theirs, 'lib-name', 'lib-ver']);
  });
});

/** CLIENT REPLY, PAUSE and UNBLOCK over real sockets: what one connection does to others, and to itself. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pollUntil } from '../../support/poll-until.js';
import type { RespClient } from '../../support/resp-client.js';
import { infoNumber, readInfo } from '../../support/server-info.js';
import { ServerProcess } from '../../support/server-process.js';

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({ kind: 'holdfast' });
});
afterAll(() => server?.dispose());

async function blockedClients(client: RespClient): Promise<number | undefined> {
  return infoNumber(await readInfo(client, 'clients'), 'blocked_clients');
}

async function untilBlocked(client: RespClient, count: number): Promise<void> {
  await pollUntil(`${count} blocked clients`, async () => (await blockedClients(client)) === count);
}

/** Names of the error replies, other replies as they are. */
function plain(replies: readonly unknown[]): unknown[] {
  return replies.map((reply) => (reply instanceof Error ? reply.message : reply));
}

describe('CLIENT REPLY', () => {
  test('OFF sends nothing until ON, errors included', async () => {
    const client = await server.connect();
    client.write(
      'CLIENT REPLY OFF\r\nPING\r\nSET quiet 1\r\nNOSUCH\r\nGET\r\nCLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nGET quiet\r\n',
    );
    client.write('CLIENT REPLY ON\r\nGET quiet\r\n');
    expect([await client.next(), await client.next()]).toEqual(['OK', '1']);
    expect(client.repliesReceived).toBe(2);
    await client.close();
  });

  test('SKIP leaves out the next reply only, also one of many slices', async () => {
    const client = await server.connect();
    client.write(
      'CLIENT REPLY SKIP\r\nPING\r\nECHO one\r\nCLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nECHO two\r\nECHO three\r\n',
    );
    client.write('CLIENT REPLY SKIP\r\nKEYS *\r\nECHO four\r\n');
    const replies = [await client.next(), await client.next(), await client.next()];
    expect(replies).toEqual(['one', 'three', 'four']);
    await client.close();
  });

  test('large replies are left out too, and do not fill the memory', async () => {
    const client = await server.connect();
    await client.command('SET', 'large', Buffer.alloc(3_000_000, 'x'));
    client.write(
      `CLIENT REPLY OFF\r\n${'GET large\r\n'.repeat(200)}CLIENT REPLY SKIP\r\nMGET large large\r\nCLIENT REPLY ON\r\n`,
    );
    expect(await client.next()).toBe('OK');
    expect(await client.command('STRLEN', 'large')).toBe(3_000_000);
    await client.close();
  });

  test('RESET turns replies on again', async () => {
    const client = await server.connect();
    client.write('CLIENT REPLY OFF\r\nPING\r\nRESET\r\nPING\r\n');
    expect([await client.next(), await client.next()]).toEqual(['RESET', 'PONG']);
    await client.close();
  });
});

describe('CLIENT PAUSE', () => {
  test('WRITE lets reads run and writes wait, in order, until UNPAUSE', async () => {
    const operator = await server.connect();
    const client = await server.connect();
    await client.command('SET', 'p', '0');
    await operator.command('CLIENT', 'PAUSE', '1000000', 'WRITE');
    const replies = client.pipeline([['GET', 'p'], ['INCR', 'p'], ['GET', 'p'], ['PING']]);
    await untilBlocked(operator, 1);
    await pollUntil('the reply to what does not wait', () => client.outstanding === 3);
    const list = String(await operator.command('CLIENT', 'LIST', 'ID', String(await id(operator, client))));
    expect(list).toMatch(/ flags=b /);
    expect(await operator.command('GET', 'p')).toBe('0');
    // What is refused anyway is refused at once.
    const other = await server.connect();
    expect(plain([await other.command('SET', 'p')])).toEqual(["ERR wrong number of arguments for 'set' command"]);
    expect(await operator.command('CLIENT', 'UNPAUSE')).toBe('OK');
    expect(await replies).toEqual(['0', 1, '1', 'PONG']);
    expect(await blockedClients(operator)).toBe(0);
    for (const each of [operator, client, other]) await each.close();
  });

  test('ALL lets everybody wait, and ends by itself', async () => {
    const operator = await server.connect();
    const watcher = await server.connect();
    await watcher.command('MONITOR');
    await operator.command('CLIENT', 'PAUSE', '3000');
    const client = await server.connect();
    const replies = client.pipeline([['PING'], ['ECHO', 'x']]);
    const unpause = operator.command('CLIENT', 'UNPAUSE');
    // A monitor does not wait, so it can ask who does.
    await pollUntil('two waiting clients', async () => {
      const info = await watcher.command('INFO', 'clients');
      return String(info).includes('blocked_clients:2');
    });
    expect(client.repliesReceived).toBe(0);
    expect(await replies).toEqual(['PONG', 'x']);
    expect(await unpause).toBe('OK');
    for (const each of [operator, client, watcher]) await each.close();
  });

  test('keeps keys whose time is up, and hides them', async () => {
    const operator = await server.connect();
    await operator.command('FLUSHALL');
    await operator.command('SET', 'soon', '1', 'PX', '50');
    await operator.command('CLIENT', 'PAUSE', '1000000', 'WRITE');
    await pollUntil('the end of the key', async () => (await operator.command('GET', 'soon')) === null);
    expect(await operator.command('KEYS', '*')).toEqual([]);
    expect(await operator.command('DBSIZE')).toBe(1);
    await operator.command('CLIENT', 'UNPAUSE');
    await pollUntil('its removal', async () => (await operator.command('DBSIZE')) === 0);
    await operator.close();
  });

  test('a longer pause and a wider one stay', async () => {
    const operator = await server.connect();
    const client = await server.connect();
    await operator.command('CLIENT', 'PAUSE', '1000000', 'WRITE');
    await operator.command('CLIENT', 'PAUSE', '1', 'WRITE');
    const written = client.command('SET', 'p', '1');
    await untilBlocked(operator, 1);
    await operator.command('CLIENT', 'UNPAUSE');
    expect(await written).toBe('OK');
    for (const each of [operator, client]) await each.close();
  });

  test('clients that leave while they wait are forgotten', async () => {
    const operator = await server.connect();
    await operator.command('SET', 'left', 'before');
    await operator.command('CLIENT', 'PAUSE', '1000000', 'WRITE');
    for (let i = 0; i < 20; i++) {
      const client = await server.connect();
      void client.command('SET', 'left', 'after').catch(() => {});
      await untilBlocked(operator, 1);
      await client.close();
      await untilBlocked(operator, 0);
    }
    await operator.command('CLIENT', 'UNPAUSE');
    expect(await operator.command('GET', 'left')).toBe('before');
    await operator.close();
  });

  test('what waits is bounded: reading stops', async () => {
    const operator = await server.connect();
    const client = await server.connect();
    await operator.command('CLIENT', 'PAUSE', '1000000', 'WRITE');
    const value = 'x'.repeat(1000);
    const commands = Array.from({ length: 20_000 }, (_, i) => ['SET', `w${i % 10}`, value]);
    const replies = client.pipeline(commands);
    await untilBlocked(operator, 1);
    await pollUntil('input that waits', async () => {
      const held = infoNumber(await readInfo(operator, 'clients'), 'query_buffer_bytes')!;
      expect(held).toBeLessThan(1024 * 1024);
      return held > 60_000;
    });
    await operator.command('CLIENT', 'UNPAUSE');
    expect(new Set(await replies)).toEqual(new Set(['OK']));
    for (const each of [operator, client]) await each.close();
  });
});

describe('CLIENT UNBLOCK', () => {
  test.each([
    [[], 0],
    [['TIMEOUT'], 0],
    [['ERROR'], 'UNBLOCKED client unblocked via CLIENT UNBLOCK'],
  ] as const)('ends WAIT: %j', async (reason, expected) => {
    const operator = await server.connect();
    const client = await server.connect();
    const number = await id(operator, client);
    const waited = client.command('WAIT', '1', '0');
    await untilBlocked(operator, 1);
    expect(await operator.command('CLIENT', 'UNBLOCK', number, ...reason)).toBe(1);
    expect(plain([await waited])).toEqual([expected]);
    expect(await operator.command('CLIENT', 'UNBLOCK', number, ...reason)).toBe(0);
    expect(await client.command('PING')).toBe('PONG');
    for (const each of [operator, client]) await each.close();
  });

  test('does not end a pause', async () => {
    const operator = await server.connect();
    const client = await server.connect();
    const number = await id(operator, client);
    await operator.command('CLIENT', 'PAUSE', '1000000', 'WRITE');
    const written = client.command('SET', 'u', '1');
    await untilBlocked(operator, 1);
    expect(await operator.command('CLIENT', 'UNBLOCK', number)).toBe(0);
    await operator.command('CLIENT', 'UNPAUSE');
    expect(await written).toBe('OK');
    for (const each of [operator, client]) await each.close();
  });
});

/** The number of a connection that may be waiting, asked of another one. */
async function id(operator: RespClient, client: RespClient): Promise<number> {
  const list = String(await operator.command('CLIENT', 'LIST'));
  const line = list.split('\n').find((each) => each.includes(` addr=127.0.0.1:${client.socket.localPort} `));
  return Number(/^id=(\d+)/.exec(line!)![1]);
}

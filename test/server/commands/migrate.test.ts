/** MIGRATE over real sockets: to a redis-server, back from it, and to servers that fail in every way. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import type { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';

const NOTHING_HERE = 1;

/** The reply, an error as its text. */
async function ask(client: RespClient, ...args: (string | number)[]): Promise<unknown> {
  const reply = await client.command(...args);
  return reply instanceof Error ? reply.message : reply;
}

describeWith(['redis-server'], 'MIGRATE', () => {
  let ours: ServerProcess;
  let theirs: ServerProcess;
  let client: RespClient;
  let target: RespClient;

  beforeAll(async () => {
    ours = await ServerProcess.start({ kind: 'holdfast' });
    theirs = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no', '--requirepass', 'secret'] });
    client = await ours.connect();
    target = await theirs.connect();
    await target.command('AUTH', 'secret');
  });

  afterAll(async () => {
    await ours.dispose();
    await theirs.dispose();
  });

  afterEach(async () => {
    await client.command('FLUSHALL');
    await client.command('SELECT', 0);
    await target.command('FLUSHALL');
    await target.command('SELECT', 0);
  });

  const migrate = (...args: (string | number)[]): Promise<unknown> =>
    ask(client, 'MIGRATE', '127.0.0.1', theirs.port, ...args);

  test('a key goes, with its deadline, and is gone here', async () => {
    await client.command('SET', 'a', 'value', 'PX', 100_000);
    expect(await migrate('a', 3, 1000, 'AUTH', 'secret')).toBe('OK');
    expect(await client.command('EXISTS', 'a')).toBe(0);
    await target.command('SELECT', 3);
    expect(await target.command('GET', 'a')).toBe('value');
    const left = Number(await target.command('PTTL', 'a'));
    expect(left > 90_000 && left <= 100_000).toBe(true);
  });

  test('many keys, of every length; missing ones are passed over', async () => {
    const values = ['', '1', 'x'.repeat(100), 'random '.repeat(30_000), '\0\r\n'];
    const keys = values.map((_, i) => `k${i}`);
    for (const [i, key] of keys.entries()) await client.command('SET', key, values[i]!);
    expect(await migrate('', 0, 5000, 'COPY', 'AUTH2', 'default', 'secret', 'KEYS', 'none', ...keys)).toBe('OK');
    expect(await target.command('MGET', ...keys)).toEqual(values);
    expect(await client.command('DBSIZE')).toBe(values.length);
    expect(await migrate('', 0, 5000, 'AUTH', 'secret', 'KEYS', ...keys)).toMatch(
      /^ERR Target instance replied with error: BUSYKEY/,
    );
    expect(await client.command('DBSIZE')).toBe(values.length);
    expect(await migrate('', 0, 5000, 'REPLACE', 'AUTH', 'secret', 'KEYS', ...keys)).toBe('OK');
    expect(await client.command('DBSIZE')).toBe(0);
  });

  test('keys that are acknowledged go, others stay', async () => {
    for (const key of ['a', 'b', 'c']) await client.command('SET', key, key);
    await target.command('SET', 'b', 'taken');
    expect(await migrate('', 0, 1000, 'AUTH', 'secret', 'KEYS', 'a', 'b', 'c')).toMatch(/BUSYKEY/);
    expect(await client.command('KEYS', '*')).toEqual(['b']);
    expect(await target.command('GET', 'c')).toBe('c');
  });

  test('what it removed stays removed after a crash', async () => {
    await client.command('SET', 'a', '1');
    await client.command('SET', 'b', '1');
    expect(await migrate('a', 0, 1000, 'AUTH', 'secret')).toBe('OK');
    await ours.kill9();
    await ours.restart();
    client = await ours.connect();
    expect(await client.command('KEYS', '*')).toEqual(['b']);
  });

  test('from redis-server to here, and within this server', async () => {
    await target.command('SET', 'a', 'from redis', 'PX', 50_000);
    expect(await target.command('MIGRATE', '127.0.0.1', ours.port, 'a', 2, 1000)).toBe('OK');
    await client.command('SELECT', 2);
    expect(await client.command('GET', 'a')).toBe('from redis');
    expect(await client.command('MIGRATE', '127.0.0.1', ours.port, 'a', 5, 1000)).toBe('OK');
    expect(await client.command('DBSIZE')).toBe(0);
    await client.command('SELECT', 5);
    expect(await client.command('GET', 'a')).toBe('from redis');
    await client.command('SELECT', 0);
  });

  test("errors have Redis' words", async () => {
    const same = async (...args: (string | number)[]): Promise<string> => {
      const [reply, expected] = [await ask(client, 'MIGRATE', ...args), await ask(target, 'MIGRATE', ...args)];
      expect(reply).toBe(expected);
      return String(expected);
    };
    await client.command('SET', 'a', '1');
    await target.command('SET', 'a', '1');
    expect(await same('127.0.0.1', 'x', 'none', 0, 10)).toBe('NOKEY');
    expect(await same('127.0.0.1', NOTHING_HERE, 'a', 0, 1000)).toMatch(/^IOERR .* writing/);
    expect(await same('127.0.0.1', 'port', 'a', 0, 1000)).toMatch(/^IOERR /);
    expect(await same('no.such.host.invalid', 1, 'a', 0, 1000)).toMatch(/^IOERR .* connecting/);
    await same('127.0.0.1', 1, 'a', 'x', 10);
    await same('127.0.0.1', 1, 'a', 0, '1.5');
    await same('127.0.0.1', 1, 'a', 0, 10, 'FOO');
    await same('127.0.0.1', 1, 'a', 0, 10, 'AUTH');
    await same('127.0.0.1', 1, 'a', 0, 10, 'AUTH2', 'x');
    await same('127.0.0.1', 1, 'a', 0, 10, 'KEYS', 'b');
    await same('127.0.0.1', 1, '', 0, 10, 'KEYS');
    expect(await migrate('a', 99, 1000, 'AUTH', 'secret')).toBe(
      'ERR Target instance replied with error: ERR DB index is out of range',
    );
    expect(await migrate('a', 0, 1000, 'AUTH', 'wrong')).toMatch(/^ERR Target instance replied with error: WRONGPASS/);
    // The connection that is kept has told its password before, as in Redis.
    expect(await migrate('a', 0, 1000)).toMatch(/BUSYKEY/);
    expect(await client.command('EXISTS', 'a')).toBe(1);
  });

  test('COMMAND knows its keys', async () => {
    const getKeys = (...args: string[]): Promise<unknown> => client.command('COMMAND', 'GETKEYS', 'MIGRATE', ...args);
    expect(await getKeys('h', '1', 'a', '0', '1')).toEqual(['a']);
    expect(await getKeys('h', '1', '', '0', '1', 'AUTH', 'keys', 'KEYS', 'a', 'b')).toEqual(['a', 'b']);
    for (const what of ['INFO', 'DOCS']) {
      const [info, expected] = [
        await client.command('COMMAND', what, 'migrate'),
        await target.command('COMMAND', what, 'migrate'),
      ];
      expect(info).toEqual(expected);
    }
  });

  describe('a target that misbehaves', () => {
    let server: Server;
    const sockets = new Set<Socket>();
    let received: string;
    let arrived: () => void;

    /** Serves one connection after the other by these. */
    async function serve(...behaviours: ((socket: Socket, chunk: string) => void)[]): Promise<number> {
      received = '';
      arrived = () => {};
      let connections = 0;
      server = createServer((socket) => {
        const behave = behaviours[Math.min(connections++, behaviours.length - 1)]!;
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('data', (chunk) => {
          received += chunk.toString('latin1');
          behave(socket, chunk.toString('latin1'));
          arrived();
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as { port: number }).port;
    }

    afterEach(() => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      server.close();
    });

    const send = (port: number, timeoutMs: number, ...more: string[]): Promise<unknown> =>
      ask(client, 'MIGRATE', '127.0.0.1', port, 'a', 0, timeoutMs, ...more);

    test('says nothing: the time-out ends it, other clients go on meanwhile', async () => {
      await client.command('SET', 'a', '1');
      const port = await serve(() => {});
      const migrating = send(port, 300);
      const other = await ours.connect();
      expect(await other.command('GET', 'a')).toBe('1');
      expect(await migrating).toBe('IOERR error or timeout reading to target instance');
      expect(await client.command('EXISTS', 'a')).toBe(1);
    });

    test('closes a connection that was kept: it is tried once more', async () => {
      await client.command('SET', 'a', '1');
      const port = await serve(
        (socket) => socket.destroy(),
        (socket) => socket.write('+OK\r\n+OK\r\n'),
      );
      expect(await send(port, 1000)).toBe('OK');
      expect(await client.command('EXISTS', 'a')).toBe(0);
    });

    test('closes every connection', async () => {
      await client.command('SET', 'a', '1');
      const port = await serve((socket) => socket.destroy());
      expect(await send(port, 1000)).toBe('IOERR error or timeout reading to target instance');
      expect(await client.command('EXISTS', 'a')).toBe(1);
    });

    test('sends nonsense', async () => {
      await client.command('SET', 'a', '1');
      const port = await serve((socket) => socket.write('nonsense\r\n'));
      expect(await send(port, 1000)).toMatch(/^IOERR error or timeout/);
      expect(await client.command('EXISTS', 'a')).toBe(1);
    });

    test('a key that changes before its acknowledgement stays', async () => {
      await client.command('SET', 'a', '1');
      const other = await ours.connect();
      let socket: Socket | undefined;
      const port = await serve((connected) => {
        socket = connected;
      });
      const has = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const migrating = send(port, 5000);
      await has;
      await other.command('APPEND', 'a', '2');
      socket!.write('+OK\r\n+OK\r\n');
      expect(await migrating).toMatch(/^ERR a key was changed while it was copied/);
      expect(await client.command('GET', 'a')).toBe('12');
    });

    test('the connection is kept, its database remembered, and INFO counts it', async () => {
      const port = await serve((socket, chunk) => socket.write('+OK\r\n'.repeat(chunk.split('\r\n*').length)));
      await client.command('SET', 'a', '1');
      expect(await send(port, 1000)).toBe('OK');
      expect(await client.command('INFO', 'stats')).toMatch(/migrate_cached_sockets:[1-9]/);
      await client.command('SET', 'a', '1');
      expect(await send(port, 1000, 'COPY')).toBe('OK');
      expect(received.match(/SELECT/g)?.length).toBe(1);
      expect(received.match(/RESTORE/g)?.length).toBe(2);
      expect(sockets.size).toBe(1);
    });

    test('a client that is gone takes its command with it', async () => {
      await client.command('SET', 'a', '1');
      const port = await serve(() => {});
      const leaving = await ours.connect();
      const has = new Promise<void>((resolve) => {
        arrived = resolve;
      });
      const ended = new Promise<void>((resolve) =>
        server.once('connection', (socket) => socket.once('close', () => resolve())),
      );
      leaving.command('MIGRATE', '127.0.0.1', port, 'a', 0, 60_000).catch(() => {});
      await has;
      await leaving.close();
      await ended;
      expect(await client.command('EXISTS', 'a')).toBe(1);
    });
  });
});

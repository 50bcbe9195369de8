import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Listener, type ListenOptions } from '../../../server/connections/listener.js';
import { RespClient, type ServerAddress } from '../../support/resp-client.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { SmallServer } from './small-server.js';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function start(options: Partial<ListenOptions>): Promise<SmallServer> {
  const server = await SmallServer.start(options);
  closers.push(() => server.close());
  return server;
}

async function ping(address: ServerAddress): Promise<unknown> {
  const client = await RespClient.connect(address);
  closers.push(() => client.socket.destroy());
  return client.command('PING');
}

function temporaryDirectory(): string {
  const directory = makeTemporaryDirectory('listener');
  closers.push(() => removeTemporaryDirectory(directory));
  return directory;
}

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

describe.each([true, false])('with internals: %s', (internals) => {
  test('several addresses share one free port', async () => {
    const addresses = ['127.0.0.1', '127.0.0.2', ...(hasIpv6 ? ['::1'] : [])];
    const server = await start({ addresses, internals });
    for (const host of addresses) {
      expect(await ping({ host, port: server.listener.port })).toBe('PONG');
    }
    const shown = [...server.registry.all.values()].map(({ address, localAddress }) => [address, localAddress]);
    expect(shown[1]).toEqual([expect.stringMatching(/^127\.0\.0\.\d:\d+$/), `127.0.0.2:${server.listener.port}`]);
    if (hasIpv6) expect(shown[2]![0]).toMatch(/^\[::1\]:\d+$/);
  });

  test('every address', async () => {
    const server = await start({ addresses: ['*', '-::*'], internals });
    expect(await ping({ host: '127.0.0.3', port: server.listener.port })).toBe('PONG');
  });

  test('a unix socket with its permissions, removed at the end', async () => {
    const path = join(temporaryDirectory(), 'socket');
    const server = await start({ unixSocket: path, unixSocketPermissions: 0o700, internals });
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(await ping({ path })).toBe('PONG');
    const connection = server.registry.byId(1)!;
    expect(connection).toMatchObject({ address: `${path}:0`, localAddress: `${path}:0`, unixSocket: true });
    server.listener.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(existsSync(path)).toBe(false);
  });
});

test('an address that the machine does not have is an error, unless it is optional', async () => {
  const server = await start({ addresses: ['127.0.0.1', '-203.0.113.1'] });
  expect(await ping(server.address)).toBe('PONG');
  const other = new Listener({ addresses: ['127.0.0.1', '203.0.113.1'], port: 0 }, () => {});
  await expect(other.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  const none = new Listener({ addresses: ['-203.0.113.1'], port: 0 }, () => {});
  await expect(none.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
});

test('a port in use is an error of its own, and nothing stays open', async () => {
  const other = createServer();
  closers.push(() => other.close());
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const listener = new Listener({ addresses: ['127.0.0.2', '127.0.0.1'], port }, () => {});
  await expect(listener.listen()).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(`port ${port} is in use`),
  });
  const again = new Listener({ addresses: ['127.0.0.2'], port }, () => {});
  await again.listen();
  again.close();
});

test('a file that is not a socket is not removed for one', async () => {
  const path = join(temporaryDirectory(), 'precious');
  writeFileSync(path, 'data');
  const listener = new Listener({ addresses: [], port: 0, unixSocket: path }, () => {});
  await expect(listener.listen()).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
  expect(statSync(path).size).toBe(4);
});

test('the socket that a killed server left is replaced', async () => {
  const path = join(temporaryDirectory(), 'socket');
  const program = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  spawnSync(process.execPath, ['-e', program, path]);
  expect(statSync(path).isSocket()).toBe(true);
  await start({ addresses: [], unixSocket: path });
  expect(await ping({ path })).toBe('PONG');
});

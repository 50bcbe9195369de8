/**
 * A server inside another program: `import { startServer } from 'holdfast'`. The compiled package is used, because the
 * server thread is a file of its own.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { projectRoot } from '../../support/project-root.js';
import { RespClient } from '../../support/resp-client.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { runModule } from '../support/run-program.js';

const entry = join(projectRoot, 'dist/server/index.js');
const { startServer, ConfigError, ServerError } = (await import(
  pathToFileURL(entry).href
)) as typeof import('../../../server/index.js');

const directories: string[] = [];
const servers: { close(): Promise<void> }[] = [];

function temporary(): string {
  const directory = makeTemporaryDirectory('embedded');
  directories.push(directory);
  return directory;
}

async function start(options: Parameters<typeof startServer>[0] = {}, hooks: Parameters<typeof startServer>[1] = {}) {
  const server = await startServer({ port: 0, dir: temporary(), ...options }, hooks);
  servers.push(server);
  return server;
}

function connect(port: number): Promise<RespClient> {
  return RespClient.connect({ host: '127.0.0.1', port });
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close().catch(() => {});
  for (const directory of directories.splice(0)) removeTemporaryDirectory(directory);
});

describe('startServer', () => {
  test('hands back where it serves, and what was written is there the next time', async () => {
    const dir = temporary();
    const first = await start({ dir });
    expect(first.port).toBeGreaterThan(0);
    expect(first.directory).toBe(dir);
    expect(first.keys).toBe(0);
    const client = await connect(first.port);
    expect(await client.command('SET', 'a', '1')).toBe('OK');
    await first.close();
    await first.closed;
    const second = await start({ dir });
    expect(second.keys).toBe(1);
    expect(await (await connect(second.port)).command('GET', 'a')).toBe('1');
  });

  test('closing twice is closing once', async () => {
    const server = await start();
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });

  test('takes options as a program writes them', async () => {
    const unixsocket = join(temporary(), 'socket');
    const server = await start({ unixsocket, maxclients: 100, 'protected-mode': false, save: [], bind: ['127.0.0.1'] });
    expect(server.unixSocket).toBe(unixsocket);
    const client = await RespClient.connect({ path: unixsocket });
    expect(await client.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '100']);
    expect(await client.command('CONFIG', 'GET', 'protected-mode')).toEqual(['protected-mode', 'no']);
    expect(await client.command('CONFIG', 'GET', 'save')).toEqual(['save', '']);
    expect(await client.command('CONFIG', 'GET', 'bind')).toEqual(['bind', '127.0.0.1']);
  });

  test('several servers live in one process', async () => {
    const one = await start();
    const other = await start();
    const clients = [await connect(one.port), await connect(other.port)];
    await clients[0]!.command('SET', 'a', '1');
    expect(await clients[1]!.command('GET', 'a')).toBeNull();
  });

  test('log lines come as JSON to whoever asks for them', async () => {
    const lines: string[] = [];
    const server = await start({}, { onLogLine: (line) => lines.push(line) });
    await server.close();
    const messages = lines.map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(messages).toContainEqual(expect.stringMatching(/^ready to accept connections on port \d+/));
  });

  test('SHUTDOWN of a client resolves closed', async () => {
    const server = await start();
    (await connect(server.port)).command('SHUTDOWN').catch(() => {});
    await server.closed;
  });
});

describe('what goes wrong', () => {
  test('an option that cannot be used', async () => {
    await expect(startServer({ port: 70_000 })).rejects.toThrow(ConfigError);
    await expect(startServer({ port: 70_000 })).rejects.toThrow(/between 0 and 65535/);
    await expect(startServer({ nosuch: 1 } as object)).rejects.toThrow(/there is no option 'nosuch'/);
  });

  test('a port in use', async () => {
    const server = await start();
    const second = start({ port: server.port });
    await expect(second).rejects.toMatchObject({ code: 'PORT_IN_USE' });
    await expect(second).rejects.toThrow(ServerError);
  });

  test('a directory that another server of the same process holds', async () => {
    const server = await start();
    await expect(start({ dir: server.directory })).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    expect(await (await connect(server.port)).command('PING')).toBe('PONG');
  });

  test('a directory is free again once its server is closed', async () => {
    const server = await start();
    await server.close();
    await start({ dir: server.directory });
  });
});

describe('the program around it', () => {
  const fatal = `
    import { startServer } from 'holdfast';
    import net from 'node:net';
    const signals = ['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'unhandledRejection'];
    const server = await startServer({ port: 0, dir: process.env.DIR });
    console.log('listeners', signals.map((name) => process.listenerCount(name)).join());
    const socket = net.connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    let received = '';
    socket.on('data', (chunk) => { received += chunk; });
    for (let i = 0; i < 50; i++) setTimeout(() => socket.write('SET a ' + i + '\\r\\n'), i * 5);
    const ended = new Promise((resolve) => socket.on('close', resolve));
    const error = await server.closed.then(() => 'no error', (failure) => failure);
    await ended;
    console.log('error', error.name, error.code);
    console.log('answered', received.split('+OK').length - 1 < 50);
    await server.close().catch((failure) => console.log('close', failure.code));
    delete process.env.HOLDFAST_TEST_LOG_FAULTS;
    const again = await startServer({ port: 0, dir: process.env.DIR });
    console.log('again', again.keys);
    await again.close();
    console.log('still here');
  `;

  test('lives on when the log fails, and is told why', async () => {
    const { code, errors, output } = await runModule(fatal, {
      env: { DIR: temporary(), HOLDFAST_TEST_LOG_FAULTS: 'eioSyncAt=5' },
    });
    expect(errors).toBe('');
    expect(output.trim().split('\n')).toEqual([
      'listeners 0,0,0,0,0',
      'error ServerError LOG_FAILED',
      'answered true',
      'close LOG_FAILED',
      'again 1',
      'still here',
    ]);
    expect(code).toBe(0);
  });

  test('ends by itself once the server is closed, and needs to handle no rejection', async () => {
    const text = `
      import { startServer } from 'holdfast';
      const server = await startServer({ port: 0, dir: process.env.DIR });
      await startServer({ port: server.port, dir: process.env.DIR + '2' }).catch((error) => console.log(error.code));
      await server.close();
      console.log('closed');
    `;
    const { code, errors, output } = await runModule(text, { env: { DIR: temporary() } });
    expect({ code, errors, output }).toEqual({ code: 0, errors: '', output: 'PORT_IN_USE\nclosed\n' });
  });
});

test('the compiled package is there', () => {
  expect(existsSync(entry)).toBe(true);
});

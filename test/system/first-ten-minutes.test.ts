/** What a person meets who starts Holdfast for the first time: the directory, the port, the signals, the messages. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '../support/project-root.js';
import { describeWith } from '../support/require-servers.js';
import { RespClient } from '../support/resp-client.js';
import { runProgram } from '../support/run-program.js';
import { ServerProcess } from '../support/server-process.js';
import { serversOfATest } from '../support/servers-of-a-test.js';

const { own, start, temporary } = serversOfATest('first');

const MAIN = join(projectRoot, 'dist/server/main.js');
const holdfast = (directory: string, ...args: string[]) => runProgram(process.execPath, [MAIN, ...args], { directory });

/** The JSON line that says that it serves. */
function readyLine(server: ServerProcess): Record<string, unknown> {
  const line = server.output.split('\n').find((text) => text.startsWith('{') && /ready/i.test(text));
  return JSON.parse(line!) as Record<string, unknown>;
}

describe('the command line', () => {
  test('--version and --help', async () => {
    const version = await holdfast(temporary(), '--version');
    expect(version.stdout).toMatch(/^Holdfast v=\d+\.\d+\.\d+/);
    expect(version.code).toBe(0);
    const help = await holdfast(temporary(), '--help');
    expect(help.stdout).toContain('Usage: holdfast [file.conf]');
    expect(help.code).toBe(0);
  });

  test('an option that does not exist is named', async () => {
    const result = await holdfast(temporary(), '--no-such-option', 'yes');
    expect(result.code).toBe(1);
    expect(`${result.stdout}${result.stderr}`).toContain('no-such-option');
  });

  test('a configuration file, and options that win over it', async () => {
    const directory = temporary();
    const file = join(directory, 'holdfast.conf');
    writeFileSync(file, '# a comment\nmaxclients 77\ntimeout 5\n');
    const server = await start({ args: ['--timeout', '0'], directory, configFile: file });
    const client = await server.connect();
    expect(await client.command('CONFIG', 'GET', 'maxclients')).toEqual(['maxclients', '77']);
    expect(await client.command('CONFIG', 'GET', 'timeout')).toEqual(['timeout', '0']);
  });
});

describe('the directory', () => {
  test('is ./data when none is named; the ready line says which, the port and the keys', async () => {
    const home = temporary();
    const run = () =>
      ServerProcess.start({
        kind: 'holdfast',
        workingDirectory: home,
        directory: join(home, 'data'),
        defaultDirectory: true,
      });
    const server = await run();
    own(server);
    expect(readyLine(server)).toMatchObject({ port: server.port, keys: 0 });
    expect(server.output).toContain(join(home, 'data'));
    expect(existsSync(join(home, 'data', 'log'))).toBe(true);
    const client = await server.connect();
    await client.pipeline([
      ['SET', 'a', '1'],
      ['SET', 'b', '2'],
      ['SELECT', '3'],
      ['SET', 'c', '3'],
    ]);
    await server.kill9();
    await server.restart();
    expect(readyLine(server)).toMatchObject({ port: server.port, keys: 3 });
  });

  for (const name of ['dump.rdb', 'appendonlydir', 'appendonly.aof']) {
    test(`with ${name} of a Redis that cannot be read stops every start in one sentence`, async () => {
      const directory = temporary();
      if (name.endsWith('dir')) mkdirSync(join(directory, name));
      else writeFileSync(join(directory, name), 'REDIS0011');
      for (let attempt = 0; attempt < 2; attempt++) {
        const { code, stdout, stderr } = await holdfast(directory, '--port', '0', '--dir', directory);
        expect(code).toBe(1);
        expect(stderr.trim().split('\n')).toHaveLength(1);
        expect(stderr).toContain(name);
        expect(stdout).not.toMatch(/ready/i);
      }
      expect(readdirSync(directory).filter((entry) => entry !== 'log')).toEqual([name]);
      // Where the directory was locked to read it, nothing but the lock is left.
      const log = join(directory, 'log');
      if (existsSync(log)) expect(readdirSync(log)).toEqual(['lock']);
    });
  }

  test('belongs to one server at a time; a kill leaves no lock behind', async () => {
    const first = await start();
    const client = await first.connect();
    await client.command('SET', 'kept', 'value');
    const second = await holdfast(first.directory, '--port', '0', '--dir', first.directory);
    expect(second.code).toBe(1);
    expect(second.stderr.trim().split('\n')).toHaveLength(1);
    expect(second.stderr).toMatch(/another|lock|in use/i);
    expect(await client.command('GET', 'kept')).toBe('value');
    await first.kill9();
    await first.restart();
    expect(await (await first.connect()).command('GET', 'kept')).toBe('value');
  });
});

describe('the port', () => {
  test('in use: one line with the port and the way on', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const { port } = blocker.address() as { port: number };
    const directory = temporary();
    const result = await holdfast(directory, '--port', String(port), '--dir', directory);
    blocker.close();
    expect(result.code).toBe(1);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).toContain(`port ${port}`);
    expect(result.stderr).toMatch(/npm start -- --port \d+/);
  });

  test('a unix socket beside it', async () => {
    const path = join(temporary(), 'holdfast.sock');
    const server = await start({ unixSocket: path });
    const client = await RespClient.connect({ path });
    expect(await client.command('SET', 'via', 'socket')).toBe('OK');
    expect(await (await server.connect()).command('GET', 'via')).toBe('socket');
    await client.close();
    expect((await server.stop()).code).toBe(0);
    expect(existsSync(path)).toBe(false);
  });
});

describe('the end', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} commits, seals and exits with 0`, async () => {
      const server = await start();
      const client = await server.connect();
      const replies = client.pipeline(Array.from({ length: 5000 }, (_, i) => ['SET', `key:${i}`, i]));
      const settled = Promise.allSettled([replies]);
      expect(await server.stop(signal)).toEqual({ code: 0, signal: null });
      await settled;
      await server.restart();
      expect(server.output).not.toMatch(/torn/i);
    });
  }

  for (const words of [['SHUTDOWN'], ['SHUTDOWN', 'NOSAVE'], ['SHUTDOWN', 'SAVE']]) {
    test(`${words.join(' ')} keeps everything`, async () => {
      const server = await start();
      const client = await server.connect();
      expect(await client.command('SET', 'kept', 'value')).toBe('OK');
      client.command(...words).catch(() => {});
      expect(await server.exited).toEqual({ code: 0, signal: null });
      await server.restart();
      expect(await (await server.connect()).command('GET', 'kept')).toBe('value');
    });
  }
});

describeWith(['redis-server'], 'a Redis on the same port', () => {
  test('is told apart from a failure', async () => {
    const redis = await ServerProcess.start({ kind: 'redis' });
    own(redis);
    const directory = temporary();
    const result = await holdfast(directory, '--port', String(redis.port), '--dir', directory);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`port ${redis.port}`);
    expect(await (await redis.connect()).command('PING')).toBe('PONG');
  });
});

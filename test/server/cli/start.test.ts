/** Starting the real program: what it reads, what it refuses, what it prints, and how it ends. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pollUntil } from '../../support/poll-until.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { serversOfATest } from '../../support/servers-of-a-test.js';
import { runHoldfast } from '../support/run-program.js';

const { own, start, temporary } = serversOfATest('cli');

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

function listenSomewhere(): Promise<{ port: number; server: Server }> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      resolve({ port: (server.address() as { port: number }).port, server });
    });
  });
}

describe('without serving', () => {
  test('--help and --version', async () => {
    const help = await runHoldfast(['--help']);
    expect(help.code).toBe(0);
    expect(help.output).toMatch(/^Usage: holdfast \[file\.conf\]/);
    const version = await runHoldfast(['--version']);
    expect(version.code).toBe(0);
    expect(version.output).toMatch(/^Holdfast v=\d+\.\d+\.\d+ redis=7\.0\.15 node=v/);
  });

  test.each([
    [['--nosuch', '1'], "holdfast: command line: 'nosuch 1': there is no option 'nosuch'"],
    [['--port'], "holdfast: command line: 'port': wrong number of arguments"],
    [['--port', 'x'], "holdfast: command line: 'port x': argument couldn't be parsed into an integer"],
    [['-x'], "holdfast: '-x' belongs to no option: try --help"],
    [['--maxmemory', '65gb'], /at most 64gb/],
  ])('%j is refused with one line', async (args, message) => {
    const { code, errors, output } = await runHoldfast(args, { cwd: temporary() });
    expect(code).toBe(1);
    expect(lines(errors)).toHaveLength(1);
    expect(errors.trim()).toMatch(message);
    expect(output).toBe('');
  });

  test('a configuration file that cannot be read', async () => {
    const { code, errors } = await runHoldfast(['./nosuch.conf'], { cwd: temporary() });
    expect(code).toBe(1);
    expect(errors).toMatch(/^holdfast: cannot read the configuration file \/.*\/nosuch\.conf: .*\n$/);
  });
});

describe('what stands in the way', () => {
  test.each([
    [['--logfile', '/nonexistent/x'], /^holdfast: cannot write the logfile \/nonexistent\/x: /],
    [['--unixsocket', '/nonexistent/s'], /^holdfast: cannot listen on the unix socket \/nonexistent\/s: /],
    [['--bind', '192.0.2.1'], /^holdfast: cannot listen on 192\.0\.2\.1: /],
    [['--dir', '/proc/x'], /^holdfast: cannot use the directory \/proc\/x: /],
  ])('%j', async (args, message) => {
    const { code, errors, output } = await runHoldfast(['--port', '0', ...args], { cwd: temporary() });
    expect(code).toBe(1);
    expect(lines(errors + output)).toHaveLength(1);
    expect(errors).toMatch(message);
  });

  test('a port in use: one line that names it and another one', async () => {
    const { port, server } = await listenSomewhere();
    const { code, errors, output } = await runHoldfast(['--port', String(port)], { cwd: temporary() });
    server.close();
    expect(code).toBe(1);
    expect(lines(errors + output)).toHaveLength(1);
    expect(errors).toContain(`port ${port} is in use`);
    expect(errors).toContain(`npm start -- --port ${port + 1}`);
  });

  test('an appendonly.aof that is none', async () => {
    const directory = temporary();
    writeFileSync(join(directory, 'appendonly.aof'), 'x');
    const { code, errors } = await runHoldfast(['--port', '0', '--dir', directory]);
    expect(code).toBe(1);
    expect(errors).toMatch(/appendonly\.aof cannot be loaded: appendonly\.aof, at byte 0: .*move it away/);
  });

  test('a dump.rdb that is none', async () => {
    const directory = temporary();
    writeFileSync(join(directory, 'dump.rdb'), 'x');
    const { code, errors } = await runHoldfast(['--port', '0', '--dir', directory]);
    expect(code).toBe(1);
    expect(errors).toMatch(/dump\.rdb cannot be loaded: RDB, at byte \d.*move it away/);
  });

  test('a directory that another server holds', async () => {
    const server = await start();
    const { code, errors, output } = await runHoldfast(['--port', '0', '--dir', server.directory]);
    expect(code).toBe(1);
    expect(lines(errors + output)).toHaveLength(1);
    const client = await server.connect();
    expect(await client.command('PING')).toBe('PONG');
  });

  test('a directory that is a file', async () => {
    const directory = temporary();
    writeFileSync(join(directory, 'data'), '');
    const { code, errors } = await runHoldfast(['--port', '0'], { cwd: directory });
    expect(code).toBe(1);
    expect(errors).toMatch(/^holdfast: cannot use the directory \/.*\/data: .*\n$/);
  });
});

describe('serving', () => {
  test('the ready line has port, directory and key count', async () => {
    const server = await start();
    const client = await server.connect();
    await client.command('SET', 'a', '1');
    await client.command('SET', 'b', '1');
    await server.stop();
    await server.restart();
    const ready = lines(server.output)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .find((line) => 'port' in line);
    expect(ready).toMatchObject({ port: server.port, dir: server.directory, keys: 2 });
    expect(ready?.msg).toBe(`ready to accept connections on port ${server.port}, 2 keys in ${server.directory}`);
  });

  test('dir is ./data under the working directory by default', async () => {
    const directory = temporary();
    const server = await ServerProcess.start({ kind: 'holdfast', directory, args: ['--dir', './data'] });
    own(server);
    const client = await server.connect();
    expect(await client.command('CONFIG', 'GET', 'dir')).toEqual(['dir', join(directory, 'data')]);
    expect(existsSync(join(directory, 'data', 'log'))).toBe(true);
  });

  test('a file, what it includes, and options that override both', async () => {
    const directory = temporary();
    writeFileSync(join(directory, 'inner.conf'), 'timeout 7\nmaxclients 50\n');
    writeFileSync(join(directory, 'outer.conf'), `include ${join(directory, 'inner.conf')}\nmaxclients 60\nport 1\n`);
    const { output, errors, code } = await startAndAsk([
      join(directory, 'outer.conf'),
      '--port',
      '0',
      '--timeout',
      '9',
    ]);
    expect(errors).toBe('');
    expect(code).toBe(0);
    expect(output).toEqual({ timeout: '9', maxclients: '60', port: '0' });
  });

  test('the configuration may come from the standard input', async () => {
    const { output } = await startAndAsk(['-', '--port', '0'], 'timeout 11\n');
    expect(output).toMatchObject({ timeout: '11' });
  });

  test('what a file asks for and cannot have is said once', async () => {
    const server = await start({ args: ['--appendfsync', 'everysec', '--maxmemory', '0'] });
    const warnings = lines(server.output).map((line) => JSON.parse(line) as { level: number; msg: string });
    expect(warnings.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/appendfsync stays always/),
      expect.stringMatching(/maxmemory is 0/),
    ]);
  });

  test('logfile takes the lines, loglevel thins them out', async () => {
    const directory = temporary();
    const logfile = join(directory, 'holdfast.txt');
    const server = await ServerProcess.spawn({ kind: 'holdfast', args: ['--logfile', logfile] });
    own(server);
    const ready = await pollUntil(
      'the ready line',
      () => existsSync(logfile) && /ready/.test(readFileSync(logfile, 'utf8')),
    );
    expect(ready).toBe(true);
    expect(server.output).toBe('');
    expect((await server.stop()).code).toBe(0);
    const quiet = await ServerProcess.spawn({ kind: 'holdfast', args: ['--loglevel', 'warning'] });
    own(quiet);
    await pollUntil('the log', () => existsSync(join(quiet.directory, 'log', `${'0'.repeat(15)}1.log`)));
    expect((await quiet.stop()).code).toBe(0);
    expect(quiet.output).toBe('');
  });
});

/** Starts the program with these arguments in a directory of its own, asks for some options, and ends it. */
async function startAndAsk(
  args: string[],
  input = '',
): Promise<{ output: unknown; errors: string; code: number | null }> {
  const directory = temporary();
  const logfile = join(directory, 'log.txt');
  const socket = join(directory, 's');
  const finished = runHoldfast([...args, '--logfile', logfile, '--unixsocket', socket], { cwd: directory, input });
  await pollUntil('the ready line', () => existsSync(logfile) && /ready to accept/.test(readFileSync(logfile, 'utf8')));
  const client = await RespClient.connect({ path: socket });
  const pairs = (await client.command('CONFIG', 'GET', 'timeout', 'maxclients', 'port')) as string[];
  const output: Record<string, string> = {};
  for (let i = 0; i < pairs.length; i += 2) output[pairs[i]!] = pairs[i + 1]!;
  client.command('SHUTDOWN').catch(() => {});
  const { code, errors } = await finished;
  return { output, errors, code };
}

describe('ending', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('%s commits, seals and exits 0', async (signal) => {
    const server = await start();
    const client = await server.connect();
    await client.command('SET', 'a', '1');
    expect(await server.stop(signal)).toEqual({ code: 0, signal: null });
    const { output } = await runHoldfast(['log', 'inspect', server.directory]);
    expect(output).toMatch(/^sealed: /m);
    expect(output).toMatch(/^1 \S+ default@127\.0\.0\.1:\d+ SET "a" "1"$/m);
  });

  test.each([['SHUTDOWN'], ['SHUTDOWN', 'NOSAVE'], ['SHUTDOWN', 'SAVE', 'NOW']])(
    '%j commits and exits 0',
    async (...command) => {
      const server = await start();
      const client = await server.connect();
      await client.command('SET', 'a', '1');
      client.command(...(command as [string])).catch(() => {});
      expect(await server.exited).toEqual({ code: 0, signal: null });
      await server.restart();
      expect(await (await server.connect()).command('GET', 'a')).toBe('1');
    },
  );

  test('a write on its way is committed before the end, and its reply arrives', async () => {
    const directory = temporary();
    const hold = join(directory, 'hold');
    const server = await start({
      env: { HOLDFAST_TEST_LOG_FAULTS: `holdFile=${hold}` },
      args: ['--commit-inline', 'no'],
    });
    const client = await server.connect();
    await client.command('SET', 'a', '0');
    writeFileSync(hold, '');
    const reply = client.command('SET', 'a', '1');
    reply.catch(() => {});
    const other = await server.connect();
    await pollUntil('an uncommitted write', async () =>
      /log_appended_sequence:2\r/.test((await other.command('INFO', 'persistence')) as string),
    );
    const exited = server.stop('SIGTERM');
    await server.outputMatching(/committing, sealing/);
    rmSync(hold);
    expect(await reply).toBe('OK');
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  test('a second signal ends it at once with another code', async () => {
    const directory = temporary();
    const hold = join(directory, 'hold');
    const server = await start({
      env: { HOLDFAST_TEST_LOG_FAULTS: `holdFile=${hold}` },
      args: ['--commit-inline', 'no'],
    });
    const client = await server.connect();
    await client.command('SET', 'a', '0');
    writeFileSync(hold, '');
    client.command('SET', 'a', '1').catch(() => {});
    const other = await server.connect();
    await pollUntil('an uncommitted write', async () =>
      /log_appended_sequence:2\r/.test((await other.command('INFO', 'persistence')) as string),
    );
    process.kill(server.pid, 'SIGTERM');
    await server.outputMatching(/committing, sealing/);
    expect(await server.stop('SIGINT')).toEqual({ code: 130, signal: null });
  });

  test('a log that fails ends it with one line and a code other than 0', async () => {
    const server = await start({ env: { HOLDFAST_TEST_LOG_FAULTS: 'eioSyncAt=3' } });
    const client = await server.connect();
    for (let i = 0; i < 10; i++) client.command('SET', 'a', String(i)).catch(() => {});
    await client.command('PING').catch(() => {});
    for (let i = 0; i < 10; i++) await client.command('SET', 'a', String(i)).catch(() => {});
    const { code } = await server.exited;
    expect(code).toBe(1);
    expect(lines(server.output).filter((line) => line.startsWith('holdfast: '))).toHaveLength(1);
  });
});

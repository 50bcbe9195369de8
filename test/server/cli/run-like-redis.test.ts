/** The real program run as Redis is run: with a distribution's file, a pidfile, under systemd, with CONFIG REWRITE. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { pollUntil } from '../../support/poll-until.js';
import { RespClient } from '../../support/resp-client.js';
import { serversOfATest } from '../../support/servers-of-a-test.js';
import { removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { runHoldfast } from '../support/run-program.js';

const { start, temporary } = serversOfATest('like-redis');

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly port?: number;
}

function logLines(text: string): LogLine[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}

async function readyPort(logfile: string): Promise<number> {
  const lines = await pollUntil('the ready line', () => {
    const text = existsSync(logfile) ? readFileSync(logfile, 'utf8') : '';
    return /ready to accept/.test(text) && logLines(text);
  });
  return lines.find((line) => line.msg.startsWith('ready'))!.port!;
}

function shownPairs(reply: unknown): Map<string, string> {
  const words = reply as string[];
  const pairs = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) pairs.set(words[i]!, words[i + 1]!);
  return pairs;
}

/** Debian's file where it is installed, else what it says. */
function stockFile(directory: string): string {
  const path = join(directory, 'redis.conf');
  const installed = '/etc/redis/redis.conf';
  writeFileSync(path, existsSync(installed) ? readFileSync(installed) : STOCK);
  return path;
}

const STOCK = `
bind 127.0.0.1 -::1
port 6379
timeout 0
daemonize yes
pidfile /run/redis/redis-server.pid
loglevel notice
logfile /var/log/redis/redis-server.log
databases 16
always-show-logo no
set-proc-title yes
proc-title-template "{title} {listen-addr} {server-mode}"
dbfilename dump.rdb
dir /var/lib/redis
oom-score-adj-values 0 200 800
appendonly no
appendfilename "appendonly.aof"
appendfsync everysec
auto-aof-rewrite-min-size 64mb
notify-keyspace-events ""
list-max-listpack-size -2
client-output-buffer-limit normal 0 0 0
client-output-buffer-limit replica 256mb 64mb 60
client-output-buffer-limit pubsub 32mb 8mb 60
jemalloc-bg-thread yes
`;

describe("a distribution's redis.conf", () => {
  test('starts the server with dir, port, logfile and pidfile overridden, and is said what differs once', async () => {
    const directory = temporary();
    const file = stockFile(directory);
    const data = join(directory, 'data');
    // Relative names lie in dir, as for a redis-server.
    const options = ['--dir', data, '--port', '0', '--logfile', 'server.log', '--pidfile', 'server.pid'];
    const finished = runHoldfast([file, ...options], { cwd: directory });
    const logfile = join(data, 'server.log');
    const port = await readyPort(logfile);
    const lines = logLines(readFileSync(logfile, 'utf8'));
    expect(lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^appendonly stays yes, appendfsync stays always: /),
    ]);
    expect(lines.filter(({ msg }) => /daemonize/.test(msg))).toHaveLength(1);
    const client = await RespClient.connect({ host: '127.0.0.1', port });
    const shown = shownPairs(await client.command('CONFIG', 'GET', 'append*', 'daemonize', 'dir'));
    expect(shown.get('appendonly')).toBe('yes');
    expect(shown.get('appendfsync')).toBe('always');
    expect(shown.get('daemonize')).toBe('yes');
    expect(shown.get('dir')).toBe(data);
    expect(await client.command('CONFIG', 'SET', 'appendfsync', 'everysec')).toMatchObject({
      message: expect.stringMatching(/^ERR CONFIG SET failed .* it is always 'always': every write is in the log/),
    });
    expect(await client.command('SET', 'a', '1')).toBe('OK');
    const pidfile = join(data, 'server.pid');
    const pid = Number(readFileSync(pidfile, 'latin1'));
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain('main.js');
    client.command('SHUTDOWN').catch(() => {});
    const { code, output, errors } = await finished;
    expect({ code, output, errors }).toEqual({ code: 0, output: '', errors: '' });
    expect(existsSync(pidfile)).toBe(false);
  });

  test('a pidfile that cannot be written is said, and not in the way', async () => {
    const server = await start({ args: ['--pidfile', '/nonexistent/x.pid'] });
    expect(server.output).toMatch(/the pidfile \/nonexistent\/x\.pid cannot be written/);
  });

  test('a start that fails leaves the pidfile of the one that runs', async () => {
    const directory = temporary();
    const pidfile = join(directory, 'server.pid');
    const server = await start({ args: ['--pidfile', pidfile] });
    const second = await runHoldfast(['--port', '0', '--dir', server.directory, '--pidfile', pidfile]);
    expect(second.code).toBe(1);
    expect(readFileSync(pidfile, 'latin1')).toBe(`${server.pid}\n`);
  });
});

describe('CONFIG REWRITE', () => {
  test('and a restart with the file gives the same CONFIG GET *', async () => {
    const directory = temporary();
    const configFile = join(directory, 'holdfast.conf');
    writeFileSync(configFile, '# kept\ntimeout 3\nsave 900 1\nslave-priority 7\n');
    const args = ['--maxclients', '77'];
    const server = await start({ configFile, args });
    const client = await server.connect();
    for (const [name, value] of [
      ...[
        ['hz', '50'],
        ['maxmemory', '1234567890'],
        ['requirepass', 'a "b\xe9'],
        ['save', '60 5 30 6'],
      ],
      ...[
        ['client-output-buffer-limit', 'normal 1mb 2 3'],
        ['notify-keyspace-events', 'KEA'],
        ['oom-score-adj-values', '1 2 3'],
      ],
      ...[
        ['latency-tracking-info-percentiles', '1 99.5'],
        ['maxmemory-clients', '5%'],
        ['lua-time-limit', '9'],
      ],
    ] as [string, string][]) {
      expect(await client.command('CONFIG', 'SET', name, Buffer.from(value, 'latin1')), name).toBe('OK');
    }
    const before = shownPairs(await client.command('CONFIG', 'GET', '*'));
    expect(await client.command('CONFIG', 'REWRITE')).toBe('OK');
    const text = readFileSync(configFile, 'latin1');
    expect(text).toMatch(/^# kept\ntimeout 3\nsave 60 5\nreplica-priority 7\n# Generated by CONFIG REWRITE\n/);
    await server.stop();
    await server.restart({ args: [] });
    const after = await server.connect();
    await after.command('AUTH', Buffer.from('a "b\xe9', 'latin1'));
    expect(shownPairs(await after.command('CONFIG', 'GET', '*'))).toEqual(before);
  });

  test('without a file, and with one that cannot be written', async () => {
    const server = await start({});
    const client = await server.connect();
    expect(await client.command('CONFIG', 'REWRITE')).toMatchObject({
      message: 'ERR The server is running without a config file',
    });
    const directory = temporary();
    mkdirSync(join(directory, 'conf'));
    const configFile = join(directory, 'conf', 'holdfast.conf');
    writeFileSync(configFile, '');
    const other = await start({ configFile });
    removeTemporaryDirectory(join(directory, 'conf'));
    const second = await other.connect();
    expect(await second.command('CONFIG', 'REWRITE')).toMatchObject({
      message: 'ERR Rewriting config file: No such file or directory',
    });
    expect(await second.command('PING')).toBe('PONG');
  });
});

describe('what is protected', () => {
  test('takes changes where the options say so; the directory of a running server stays', async () => {
    const server = await start({ args: ['--enable-protected-configs', 'local', '--enable-module-command', 'yes'] });
    const client = await server.connect();
    expect(await client.command('CONFIG', 'SET', 'dbfilename', 'other.rdb')).toBe('OK');
    expect(await client.command('CONFIG', 'SET', 'dir', server.directory)).toBe('OK');
    expect(await client.command('CONFIG', 'SET', 'dir', '.')).toBe('OK');
    expect(await client.command('CONFIG', 'SET', 'dir', '/')).toMatchObject({
      message: expect.stringMatching(/argument 'dir'\) - the log of a running server cannot move/),
    });
    expect(await client.command('CONFIG', 'GET', 'd*r')).toEqual(['dir', server.directory]);
    expect(await client.command('MODULE', 'LOAD', '/x.so')).toMatchObject({
      message: 'ERR Error loading the extension. Please check the server logs.',
    });
    expect(await client.command('MODULE', 'UNLOAD', 'x')).toMatchObject({
      message: 'ERR Error unloading module: no such module with that name',
    });
  });

  test('is refused without them, in Redis’ words', async () => {
    const server = await start({ args: ['--enable-debug-command', 'no'] });
    const client = await server.connect();
    for (const command of [
      ['DEBUG', 'DIGEST'],
      ['MODULE', 'LOAD', '/x.so'],
    ] as [string, ...string[]][]) {
      expect(await client.command(...command)).toMatchObject({
        message:
          `ERR ${command[0]} command not allowed. If the enable-${command[0].toLowerCase()}-command option is set to ` +
          '"local", you can run it from a local connection, otherwise you need to set this option in the ' +
          'configuration file, and then restart the server.',
      });
    }
    expect(await client.command('CONFIG', 'SET', 'dir', '/')).toMatchObject({
      message: "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
    });
  });
});

describe('rename-command', () => {
  test('clients find commands by their new names only, and the log is read by the old ones', async () => {
    const directory = temporary();
    const configFile = join(directory, 'holdfast.conf');
    const long = 'b840fc02d524045429941cc15f59e41cb7be6c52';
    writeFileSync(configFile, `rename-command SET ${long}\nrename-command FLUSHALL ""\nrename-command GET set\n`);
    const server = await start({ configFile });
    const client = await server.connect();
    expect(await client.command(long.toUpperCase(), 'a', '1')).toBe('OK');
    expect(await client.command('SET', 'a')).toBe('1');
    expect(await client.command('GET', 'a')).toMatchObject({
      message: expect.stringMatching(/^ERR unknown command 'GET'/),
    });
    expect(await client.command('FLUSHALL')).toMatchObject({ message: expect.stringMatching(/^ERR unknown command/) });
    expect(await client.command(long)).toMatchObject({
      message: "ERR wrong number of arguments for 'set' command",
    });
    await server.kill9();
    writeFileSync(configFile, '');
    await server.restart();
    expect(await (await server.connect()).command('GET', 'a')).toBe('1');
  });

  test.each([
    ['rename-command nosuch x', /No such command in rename-command/],
    ['rename-command GET set', /Target command name already exists/],
    ['rename-command GET ""\nrename-command get x', /No such command/],
    [`rename-command GET ${'x'.repeat(65)}`, /longer than 64 bytes/],
  ])('%s stops the start', async (text, message) => {
    const directory = temporary();
    const configFile = join(directory, 'holdfast.conf');
    writeFileSync(configFile, text);
    const { code, errors } = await runHoldfast([configFile, '--port', '0', '--dir', directory]);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });
});

const hasNotify = spawnSync('systemd-notify', ['--version']).status === 0 && spawnSync('python3', ['-V']).status === 0;

/** Receives datagrams on a unix socket and prints each as a line; descriptors that come along are closed. */
const RECEIVER = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    data, fds, _, _ = socket.recv_fds(s, 65536, 16)
    for fd in fds: os.close(fd)
    print(data.decode().replace('\\n', ' '), flush=True)
`;

describe.skipIf(!hasNotify)('supervised', () => {
  async function receiver(path: string): Promise<{ text(): string; end(): void }> {
    const child = spawn('python3', ['-c', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await pollUntil('the receiver', () => text.includes('bound'));
    return { text: () => text, end: () => void child.kill('SIGKILL') };
  }

  test.each(['systemd', 'auto'])('%s is told that the server is ready and that it stops', async (mode) => {
    const socket = join(temporary(), 'notify');
    const systemd = await receiver(socket);
    try {
      const server = await start({ args: ['--supervised', mode], env: { NOTIFY_SOCKET: socket } });
      await pollUntil('READY=1', () => systemd.text().includes('READY=1'));
      expect(systemd.text()).toContain('STATUS=Ready to accept connections');
      await server.stop();
      await pollUntil('STOPPING=1', () => systemd.text().includes('STOPPING=1'));
      expect(systemd.text().indexOf('READY=1')).toBeLessThan(systemd.text().indexOf('STOPPING=1'));
      expect(server.output).not.toMatch(/"level":[456]0/);
    } finally {
      systemd.end();
    }
  });

  test('no is told nothing, and systemd without a socket warns', async () => {
    const socket = join(temporary(), 'notify');
    const systemd = await receiver(socket);
    try {
      const server = await start({ env: { NOTIFY_SOCKET: socket } });
      await server.stop();
      expect(systemd.text()).toBe('bound\n');
    } finally {
      systemd.end();
    }
    const alone = await start({ args: ['--supervised', 'systemd'], env: { NOTIFY_SOCKET: '' } });
    expect(alone.output).toMatch(/there is no NOTIFY_SOCKET/);
    const auto = await start({ args: ['--supervised', 'auto'], env: { NOTIFY_SOCKET: '' } });
    expect(auto.output).not.toMatch(/NOTIFY_SOCKET/);
  });
});

test('supervised systemd without the program systemd-notify warns and serves', async () => {
  const server = await start({
    args: ['--supervised', 'systemd'],
    env: { NOTIFY_SOCKET: '/nonexistent/notify', PATH: '/nonexistent' },
  });
  await pollUntil('the warning', () => /systemd-notify cannot be run/.test(server.output));
  expect(await (await server.connect()).command('PING')).toBe('PONG');
});

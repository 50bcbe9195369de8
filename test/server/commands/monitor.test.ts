/** MONITOR over real sockets: what it shows, when, to whom, and what ends it. Beside Redis: the same lines. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { HeldLog } from '../../support/held-log.js';
import { pollUntil } from '../../support/poll-until.js';
import { describeWith } from '../../support/require-servers.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

/** A connection in monitor mode, and what it was shown. */
async function monitor(server: ServerProcess): Promise<RespClient> {
  const client = await server.connect('raw');
  expect(String(await client.command('MONITOR'))).toBe('+OK\r\n');
  return client;
}

/** Lines without time and address, up to and without the command ECHO END. */
async function linesUntilEnd(client: RespClient): Promise<string[]> {
  const lines: string[] = [];
  for (;;) {
    const line = String(await client.next()).trimEnd();
    if (line.endsWith('"ECHO" "END"')) return lines;
    expect(line).toMatch(/^\+\d+\.\d{6} \[\d+ \S+\] "/);
    lines.push(line.replace(/^\S+ \[(\d+) \S+\]/, '$1'));
  }
}

/** Commands as bytes: whatever can be shown of a command. */
const COMMANDS: readonly (readonly (string | Buffer)[])[] = [
  ['set', 'a', 'b'],
  ['SELECT', '3'],
  ['set', 'k', 'a"b\\\n\r\t\x07\b\x00\x01\x7f'],
  ['echo', Buffer.from([0xff, 0x80, 0x20])],
  ['echo', ''],
  ['auth', 'default', 'secret'],
  ['auth', 'secret'],
  ['hello', '2', 'auth', 'default', 'secret', 'setname', 'me'],
  ['config', 'get', 'port'],
  ['client', 'list'],
  ['client', 'setname', 'x'],
  ['CLIENT', 'ID'],
  ['get'],
  ['nosuch', 'a'],
  ['get', 'a', 'b'],
  ['incr', 'k'],
  ['keys', '*'],
  ['mset', 'a', '1', 'b', '2'],
  ['slowlog', 'len'],
  ['wait', '0', '0'],
  ['select', '0'],
  ['ping', 'x'.repeat(500)],
];

describe('MONITOR', () => {
  let server: ServerProcess;
  const directory = makeTemporaryDirectory('monitor');
  const socket = join(directory, 'socket');
  beforeAll(async () => {
    server = await ServerProcess.start({ kind: 'holdfast', unixSocket: socket });
  });
  afterAll(async () => {
    await server?.dispose();
    removeTemporaryDirectory(directory);
  });

  test('names the database and the address of the client', async () => {
    const watcher = await monitor(server);
    const client = await server.connect();
    const unix = await RespClient.connect({ path: socket });
    await client.command('SELECT', '7');
    await unix.command('PING');
    const lines = [String(await watcher.next()), String(await watcher.next())];
    expect(lines[0]).toContain(`[7 127.0.0.1:${client.socket.localPort}] "SELECT" "7"\r\n`);
    expect(lines[1]).toContain(`[0 unix:${socket}] "PING"\r\n`);
    for (const each of [watcher, client, unix]) await each.close();
  });

  test('RESET ends it, QUIT and closing do too', async () => {
    const watchers = [await monitor(server), await monitor(server), await monitor(server)];
    const client = await server.connect();
    const [resetting, quitting, closing] = watchers as [RespClient, RespClient, RespClient];
    expect(String(await client.command('CLIENT', 'INFO'))).toMatch(/ flags=N /);
    const list = String(await client.command('CLIENT', 'LIST'));
    expect(list.split('\n').filter((line) => line.includes(' flags=O '))).toHaveLength(3);
    expect(String(await resetting.next())).toContain('"CLIENT" "INFO"');
    expect(String(await resetting.command('RESET'))).toBe('+RESET\r\n');
    expect(String(await resetting.command('GET', 'nosuch'))).toBe('$-1\r\n');
    quitting.write('QUIT\r\n');
    await quitting.closed;
    await closing.close();
    await pollUntil('no monitors', async () => !String(await client.command('CLIENT', 'LIST')).includes(' flags=O '));
    await client.command('PING');
    expect(String(await resetting.command('ECHO', 'mine'))).toBe('$4\r\nmine\r\n');
    for (const each of [resetting, client]) await each.close();
  });

  test('a monitor may not look at keys, and is shown its own commands', async () => {
    const watcher = await monitor(server);
    expect(String(await watcher.command('GET', 'a'))).toBe("-ERR Replica can't interact with the keyspace\r\n");
    watcher.write('MONITOR\r\nPING\r\n');
    const replies = [String(await watcher.next()), String(await watcher.next())];
    expect(replies[0]).toBe('+PONG\r\n');
    expect(replies[1]).toMatch(/ "PING"\r\n$/);
    await watcher.close();
  });

  test('a monitor that does not read is closed at its limit; nobody else notices', async () => {
    const operator = await server.connect();
    await operator.command('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 4mb 0 0');
    const watcher = await monitor(server);
    watcher.socket.pause();
    const value = 'x'.repeat(10_000);
    await pollUntil('the end of the monitor', async () => {
      await operator.pipeline(Array.from({ length: 50 }, () => ['SET', 'large', value]));
      return !String(await operator.command('CLIENT', 'LIST')).includes(' flags=O ');
    });
    const info = String(await operator.command('INFO', 'stats'));
    expect(info).toContain('client_output_buffer_limit_disconnections:1');
    await operator.command('CONFIG', 'SET', 'client-output-buffer-limit', 'normal 0 0 0');
    watcher.socket.resume();
    for (const each of [watcher, operator]) await each.close();
  });

  describeWith(['redis-cli'], 'with redis-cli', () => {
    test('redis-cli MONITOR prints the lines', async () => {
      const cli = spawn('redis-cli', ['-p', String(server.port), 'MONITOR'], { stdio: ['ignore', 'pipe', 'ignore'] });
      let output = '';
      cli.stdout.on('data', (chunk: Buffer) => {
        output += chunk.toString();
      });
      await pollUntil('the OK', () => output.startsWith('OK\n'));
      const client = await server.connect();
      await client.command('SET', 'a', '1');
      await pollUntil('the line', () => output.includes('"SET" "a" "1"\n'));
      cli.kill();
      await client.close();
    });
  });
});

test('waiting for the log is an event of its own, and no execution', async () => {
  const log = await HeldLog.start();
  try {
    const client = await log.server.connect();
    const operator = await log.server.connect();
    await operator.command('CONFIG', 'SET', 'latency-monitor-threshold', '20', 'slowlog-log-slower-than', '20000');
    await operator.command('SLOWLOG', 'RESET');
    log.hold();
    const written = client.command('SET', 'held', '1');
    await log.executed(client, 'set');
    await delay(30);
    log.release();
    expect(await written).toBe('OK');
    const latest = (await operator.command('LATENCY', 'LATEST')) as [string, number, number, number][];
    const wait = latest.find(([event]) => event === 'commit-wait');
    expect(wait?.[2]).toBeGreaterThanOrEqual(20);
    const slow = (await operator.command('SLOWLOG', 'GET')) as unknown[][];
    expect(slow.filter((entry) => String(entry[3]).startsWith('SET'))).toEqual([]);
    expect(String(await operator.command('INFO', 'persistence'))).toMatch(
      /log_commit_wait_usec:p50=.*p100=[2-9]?\d{5,}/,
    );
  } finally {
    await log.dispose();
  }
});

test('a line is not seen before what it shows is durable', async () => {
  const log = await HeldLog.start();
  try {
    const watcher = await monitor(log.server);
    const client = await log.server.connect();
    log.hold();
    const written = client.command('SET', 'held', '1');
    await log.executed(client, 'set');
    await log.settle();
    const seen = watcher.repliesReceived;
    // Of the observer's own commands all that ran before the write may be there; the write may not.
    for (let i = 1; i < seen; i++) expect(String(await watcher.next())).not.toContain('"SET"');
    expect(client.outstanding).toBe(1);
    log.release();
    expect(await written).toBe('OK');
    await pollUntil('the line', async () => String(await watcher.next()).includes('"SET" "held" "1"'));
  } finally {
    await log.dispose();
  }
});

describeWith(['redis-server'], 'beside Redis', () => {
  const servers: ServerProcess[] = [];
  beforeAll(async () => {
    for (const kind of ['holdfast', 'redis'] as const) servers.push(await ServerProcess.start({ kind }));
  });
  afterAll(async () => {
    for (const server of servers) await server.dispose();
  });

  test('the lines are the same', async () => {
    const shown: string[][] = [];
    for (const server of servers) {
      const watcher = await monitor(server);
      const client = await server.connect('raw');
      for (const command of COMMANDS) await client.command(command[0]!, ...command.slice(1));
      await client.command('ECHO', 'END');
      shown.push(await linesUntilEnd(watcher));
      for (const each of [watcher, client]) await each.close();
    }
    expect(shown[0]).toEqual(shown[1]);
    expect(shown[0]!.length).toBeGreaterThan(12);
  });
});

/** Clients that people use, unmodified, against the real process. */
import { connect } from 'node:net';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.js';
import { pollUntil } from '../support/poll-until.js';
import { describeWith, pythonWithRedis } from '../support/require-servers.js';
import { encodeCommand, RespClient } from '../support/resp-client.js';
import { runProgram } from '../support/run-program.js';
import { ServerProcess } from '../support/server-process.js';
import { systemUnderTest } from '../support/system-under-test.js';

let server: ServerProcess;
beforeAll(async () => {
  server = await ServerProcess.start({ kind: systemUnderTest });
});
afterEach(async () => {
  const client = await server.connect();
  await client.command('FLUSHALL');
  await client.close();
});
afterAll(() => server?.dispose());

describeWith(['redis-cli'], 'redis-cli', () => {
  const cli = (...args: string[]) => runProgram('redis-cli', ['-p', String(server.port), ...args]);

  test('runs commands, also with binary-safe output and in RESP3', async () => {
    expect((await cli('SET', 'cli', 'a "quoted" value')).stdout).toBe('OK\n');
    expect((await cli('GET', 'cli')).stdout).toBe('a "quoted" value\n');
    expect((await cli('-3', 'GET', 'cli')).stdout).toBe('a "quoted" value\n');
    expect((await cli('NOSUCHCOMMAND')).stdout).toMatch(/^ERR unknown command 'NOSUCHCOMMAND'/);
    expect((await cli('--scan', '--pattern', 'cl*')).stdout).toBe('cli\n');
  });

  test('shows what the server says about itself', async () => {
    expect((await cli('INFO', 'server')).stdout).toContain('redis_version:7.0.15');
    expect((await cli('--no-raw', 'COMMAND', 'COUNT')).stdout).toMatch(/^\(integer\) \d+\n$/);
  });

  test('--pipe with 300,000 commands finishes', { timeout: 120_000 }, async () => {
    function* commands(): Generator<Buffer> {
      for (let first = 0; first < 300_000; first += 1000) {
        const group = Array.from({ length: 1000 }, (_, i) =>
          encodeCommand(['SET', `pipe:${first + i}`, 'x'.repeat(64)]),
        );
        yield Buffer.concat(group);
      }
    }
    const result = await runProgram('redis-cli', ['-p', String(server.port), '--pipe'], { input: commands() });
    expect(result.stdout).toContain('errors: 0, replies: 300000');
    expect((await cli('GET', 'pipe:299999')).stdout).toBe(`${'x'.repeat(64)}\n`);
  });
});

describeWith(['redis-benchmark'], 'redis-benchmark', () => {
  test('-t ping,set,get,incr,mset', { timeout: 120_000 }, async () => {
    const args = [
      '-p',
      String(server.port),
      '-t',
      'ping,set,get,incr,mset',
      '-n',
      '20000',
      '-r',
      '1000',
      '-q',
      '--csv',
    ];
    const { code, stdout, stderr } = await runProgram('redis-benchmark', args);
    expect(`${stdout}${stderr}`).not.toMatch(/error/i);
    expect(code).toBe(0);
    const names = stdout.split('\n').map((line) => line.split('"')[1]);
    expect(names).toEqual(
      expect.arrayContaining(['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']),
    );
  });
});

describe('ioredis', () => {
  test('commands, pipelines, errors, scan streams', async () => {
    const client = new Redis({ host: '127.0.0.1', port: server.port });
    try {
      expect(await client.set('io', 'value', 'PX', 100_000, 'NX')).toBe('OK');
      expect(await client.get('io')).toBe('value');
      expect(await client.getBuffer('io')).toEqual(Buffer.from('value'));
      const results = await client.pipeline().incr('io:n').incrby('io:n', 41).get('io:n').exec();
      expect(results).toEqual([
        [null, 1],
        [null, 42],
        [null, '42'],
      ]);
      await expect(client.incr('io')).rejects.toThrow('ERR value is not an integer or out of range');
      const found: string[] = [];
      for await (const keys of client.scanStream({ match: 'io*' })) found.push(...(keys as string[]));
      expect(found.sort()).toEqual(['io', 'io:n']);
      expect(await client.mget('io', 'none', 'io:n')).toEqual(['value', null, '42']);
    } finally {
      client.disconnect();
    }
  });

  test('its ready check waits while the server loads', { timeout: 180_000 }, async () => {
    await using own = await ServerProcess.start({ kind: systemUnderTest, port: await freePort() });
    const writer = await own.connect();
    const count = 400_000;
    for (let first = 0; first < count; first += 2000) {
      await writer.pipeline(Array.from({ length: 2000 }, (_, i) => ['SET', `load:${first + i}`, 'x'.repeat(100)]));
    }
    await own.kill9();
    await own.relaunch({ port: own.port });
    const probe = await pollUntil('a first connection', () => RespClient.connect(own.address).catch(() => undefined));
    const early = await probe.command('GET', 'load:0');
    const client = new Redis({ host: '127.0.0.1', port: own.port, maxRetriesPerRequest: null });
    let ready = 0;
    client.on('ready', () => ready++);
    try {
      expect(await client.get(`load:${count - 1}`)).toBe('x'.repeat(100));
      expect(ready).toBe(1);
      expect(await client.dbsize()).toBe(count);
    } finally {
      client.disconnect();
    }
    // Without this the test would not have seen a loading server.
    expect(String(early)).toContain('LOADING');
    await probe.close();
  });
});

describe('node-redis', () => {
  for (const RESP of [2, 3] as const) {
    test(`commands and automatic pipelining, RESP${RESP}`, async () => {
      const client = createClient({ RESP, socket: { host: '127.0.0.1', port: server.port, reconnectStrategy: false } });
      await client.connect();
      try {
        const key = `node-redis:${RESP}`;
        expect(await client.set(key, 'value', { expiration: { type: 'PX', value: 100_000 } })).toBe('OK');
        expect(await client.get(key)).toBe('value');
        const numbers = await Promise.all(Array.from({ length: 500 }, () => client.incr(`${key}:n`)));
        expect(numbers).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
        await expect(client.incr(key)).rejects.toThrow('ERR value is not an integer or out of range');
        expect(await client.mGet([key, 'none'])).toEqual(['value', null]);
        expect(await client.exists(key)).toBe(1);
        expect(await client.ttl(key)).toBeGreaterThan(0);
        const found: string[] = [];
        for await (const keys of client.scanIterator({ MATCH: `${key}*` })) found.push(...keys);
        expect(found.sort()).toEqual([key, `${key}:n`]);
      } finally {
        client.destroy();
      }
    });
  }
});

describeWith(['redis-py'], 'redis-py', () => {
  test('a pipeline of 200,000 SETs and GETs of 1 KB, sent before a reply is read', { timeout: 180_000 }, async () => {
    const program = `
import redis, sys
client = redis.Redis(port=int(sys.argv[1]))
pipeline = client.pipeline(transaction=False)
for i in range(100000):
    pipeline.set('py:%d' % i, b'%06d' % i + b'x' * 1018)
    pipeline.get('py:%d' % i)
replies = pipeline.execute()
assert len(replies) == 200000
for i in range(100000):
    assert replies[2 * i] is True, replies[2 * i]
    assert replies[2 * i + 1] == b'%06d' % i + b'x' * 1018
print('done')
`;
    const result = await runProgram(pythonWithRedis()!, ['-c', program, String(server.port)]);
    expect(result.stderr).toBe('');
    expect(result.stdout).toBe('done\n');
  });
});

describe('a person with a terminal', () => {
  test('inline commands, as telnet and nc send them', async () => {
    const socket = connect(server.port, '127.0.0.1');
    let output = '';
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('data', (chunk) => {
      output += chunk.toString();
    });
    socket.write('PING\r\nSET inline "two words"\nGET inline\r\n\r\nQUIT\r\n');
    await closed;
    expect(output).toBe('+PONG\r\n+OK\r\n$9\r\ntwo words\r\n+OK\r\n');
  });
});

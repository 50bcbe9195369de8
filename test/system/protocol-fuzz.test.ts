/** Bytes that no client should send, against the real process: no crash, bounded memory, everyone else is served. */
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { descriptorLimit } from '../support/descriptor-limit.js';
import { residentBytes } from '../support/process-memory.js';
import { describeWith } from '../support/require-servers.js';
import { encodeCommand, type RespClient, type ServerAddress } from '../support/resp-client.js';
import { SeededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';
import { systemUnderTest } from '../support/system-under-test.js';

const random = SeededRandom.fromEnvironment('HOLDFAST_TEST_SEED');
const CONNECTIONS = 10_000;
/** Descriptors that the two processes need beside the connections. */
const DESCRIPTORS_BESIDE = 200;

let server: ServerProcess;
let other: RespClient;
beforeAll(async () => {
  server = await ServerProcess.start({ kind: systemUnderTest, args: ['--maxclients', String(CONNECTIONS + 100)] });
  other = await server.connect();
});
afterAll(() => server?.dispose());

function open(address: ServerAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = 'path' in address ? connect(address.path) : connect(address.port, address.host);
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/** Sends pieces, ends the writing side, and collects what comes back until the server closes. */
async function exchange(address: ServerAddress, pieces: readonly Buffer[]): Promise<Buffer> {
  const socket = await open(address);
  const replies: Buffer[] = [];
  socket.on('data', (chunk) => replies.push(chunk));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  socket.end();
  await closed;
  return Buffer.concat(replies);
}

async function othersAreServed(): Promise<void> {
  expect(await other.command('PING')).toBe('PONG');
}

/** Requests that break the protocol, or nearly do. */
const malformed: readonly string[] = [
  ...['*2147483647\r\n', '*2147483648\r\n', '*99999999999999999999\r\n', '*-2\r\n', '*abc\r\n', '*1 \r\n', '*\r\n'],
  ...[
    '*1\r\n$-2\r\n',
    '*1\r\n$-1\r\n',
    '*1\r\n$629145600\r\n',
    '*1\r\n$536870913\r\n',
    '*1\r\n$abc\r\n',
    '*1\r\n$\r\n',
  ],
  ...[
    '*1\r\n:1\r\n',
    '*2\r\n$3\r\nGET\r\n+x\r\n',
    '*1\r\nPING\r\n',
    `*${'1'.repeat(70_000)}`,
    `*1\r\n$${'1'.repeat(70_000)}`,
  ],
  ...[
    'x'.repeat(70_000),
    'SET "unbalanced\r\n',
    "SET 'unbalanced\r\n",
    'SET "a"b c\r\n',
    'PING "\\x41\\n"\r\n',
    '\r\n\r\n\r\n',
  ],
  ...[
    '*0\r\n*1\r\n$4\r\nPING\r\n',
    '*-1\r\n*1\r\n$4\r\nPING\r\n',
    '*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n',
    '*1\r\n$0\r\n\r\n',
  ],
  ...[
    '\0\0\0\0\r\n',
    '*1\r\n$4\r\nPING\n\r',
    '*1\n$4\r\nPING\r\n',
    '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\nPING\r\n',
  ],
  ...[
    '*01\r\n$4\r\nPING\r\n',
    '*+1\r\n$4\r\nPING\r\n',
    '*1\r\n$04\r\nPING\r\n',
    '*1\r\n$4 \r\nPING\r\n',
    'GET /x HTTP/1.1\r\nHost: x\r\n\r\n',
  ],
  ...[
    '*1\r\n$4\r\nPOST\r\n',
    'POST / HTTP/1.1\r\n\r\n',
    'Host: localhost\r\n',
    '*5000000\r\n$1\r\na\r\n',
    '*1\r\n$100000000\r\nabc',
  ],
];

describe(`protocol fuzz (seed ${random.seed})`, () => {
  test('malformed requests end with an error or a closed connection', async () => {
    for (const text of malformed) {
      const reply = (await exchange(server.address, [Buffer.from(text, 'latin1')])).toString('latin1');
      expect(reply.length, JSON.stringify(text.slice(0, 60))).toBeLessThan(2000);
      await othersAreServed();
    }
  });

  test('random bytes', async () => {
    const tokens = [
      '*1\r\n',
      '*3\r\n',
      '$3\r\n',
      '$-1\r\n',
      '\r\n',
      'SET',
      'GET',
      'key',
      'PING',
      '\n',
      '"',
      "'",
      '*',
      '$',
      ' ',
    ];
    for (let i = 0; i < 500; i++) {
      const pieces = Array.from({ length: random.between(1, 30) }, () =>
        random.chance(0.6) ? Buffer.from(random.pick(tokens)) : random.bytes(random.between(1, 40)),
      );
      await exchange(server.address, random.chance(0.5) ? pieces : [Buffer.concat(pieces)]);
      if (i % 50 === 0) await othersAreServed();
    }
    await othersAreServed();
  });

  test('a pipeline split at every byte', async () => {
    const commands = [
      ['SET', 'split', 'a\r\nb'],
      ['GET', 'split'],
      ['APPEND', 'split', ''],
      ['MSET', 'split:1', '1', 'split:2', '2'],
      ['MGET', 'split:1', 'split:2', 'none'],
    ];
    const bytes = Buffer.concat([...commands.map(encodeCommand), Buffer.from('GET split:1\r\n')]);
    const expected = '+OK\r\n$4\r\na\r\nb\r\n:4\r\n+OK\r\n*3\r\n$1\r\n1\r\n$1\r\n2\r\n$-1\r\n$1\r\n1\r\n';
    for (let at = 1; at < bytes.length; at++) {
      const reply = await exchange(server.address, [bytes.subarray(0, at), bytes.subarray(at)]);
      expect(reply.toString('latin1'), `split at ${at}`).toBe(expected);
    }
    const single = await exchange(
      server.address,
      Array.from(bytes, (byte) => Buffer.of(byte)),
    );
    expect(single.toString('latin1')).toBe(expected);
  });

  test('a client that never reads its replies costs bounded memory', { timeout: 120_000 }, async () => {
    const value = Buffer.alloc(1 << 20, 'x');
    expect(await other.command('SET', 'large', value)).toBe('OK');
    const before = residentBytes(server.pid);
    const deaf = await open(server.address);
    deaf.pause();
    // 4 GiB of replies from 80 KB of requests.
    const request = encodeCommand(['GET', 'large']);
    deaf.write(Buffer.concat(Array.from({ length: 4096 }, () => request)));
    const writer = await server.connect();
    for (let i = 0; i < 2000; i++) expect(await writer.command('SET', `beside:${i}`, i)).toBe('OK');
    expect(residentBytes(server.pid) - before).toBeLessThan(400e6);
    deaf.destroy();
    await othersAreServed();
  });

  test('an oversized value is refused and the next client may have a large one', { timeout: 120_000 }, async () => {
    const announced = await exchange(server.address, [Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\na\r\n$629145600\r\n')]);
    expect(announced.toString()).toBe('-ERR Protocol error: invalid bulk length\r\n');
    const large = Buffer.alloc(20 << 20, 'y');
    expect(await other.command('SET', 'twenty', large)).toBe('OK');
    expect(await other.command('STRLEN', 'twenty')).toBe(large.length);
    expect(await other.command('DEL', 'twenty')).toBe(1);
  });

  const connections = Math.min(CONNECTIONS, descriptorLimit() - DESCRIPTORS_BESIDE);
  test(`${connections} idle connections`, { timeout: 120_000 }, async () => {
    const idle: RespClient[] = [];
    try {
      while (idle.length < connections) {
        const group = Math.min(250, connections - idle.length);
        const opened = await Promise.all(Array.from({ length: group }, () => server.connect()));
        await Promise.all(opened.map((client) => client.command('PING')));
        idle.push(...opened);
      }
      await othersAreServed();
      expect(await other.command('SET', 'beside', 'idle')).toBe('OK');
      // They are not forgotten either.
      for (let i = 0; i < 100; i++) expect(await random.pick(idle).command('GET', 'beside')).toBe('idle');
    } finally {
      await Promise.all(idle.map((client) => client.close()));
    }
    await othersAreServed();
  });
});

describeWith(['redis-server'], 'protocol errors beside Redis', () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ kind: 'redis' });
  });
  afterAll(() => redis?.dispose());

  test('the same bytes get the same answer', async () => {
    for (const text of malformed) {
      const bytes = [Buffer.from(text, 'latin1')];
      const ours = await exchange(server.address, bytes);
      const theirs = await exchange(redis.address, bytes);
      expect(ours.toString('latin1'), JSON.stringify(text.slice(0, 60))).toBe(theirs.toString('latin1'));
    }
  });
});

/** Connections over real sockets, on the bare handles and on Node's public interface. */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { descriptorLimit } from '../../support/descriptor-limit.js';
import { pollUntil } from '../../support/poll-until.js';
import { encodeCommand, RespClient } from '../../support/resp-client.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { SmallServer } from './small-server.js';

function commands(...lines: string[]): Buffer {
  return Buffer.concat(lines.map((line) => encodeCommand(line.split(' '))));
}

/** Collects what a socket receives; resolves once there are so many bytes. */
function receive(socket: Socket, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const collect = (piece: Buffer): void => {
      pieces.push(piece);
      length += piece.length;
      if (length < bytes) return;
      socket.off('data', collect);
      resolve(Buffer.concat(pieces));
    };
    socket.on('data', collect);
    socket.once('close', () => reject(new Error(`closed after ${length} of ${bytes} bytes`)));
  });
}

/** Everything until the other side ends. */
function receiveAll(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    socket.once('end', () => resolve(text));
    socket.once('close', () => resolve(text));
  });
}

describe.each([true, false])('with internals: %s', (internals) => {
  let server: SmallServer;

  beforeEach(async () => {
    server = await SmallServer.start({ internals });
  });

  afterEach(() => {
    server.close();
    expect(server.registry.totals).toMatchObject({ parkedBytes: 0, unsentBytes: 0, queryBufferBytes: 0 });
  });

  test('a pipeline, byte by byte', async () => {
    const socket = await server.socket();
    socket.setNoDelay(true);
    const input = commands('SET k v', 'GET k', 'PING hello', 'ARGS a b');
    const reply = receive(socket, 40);
    for (const byte of input) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    expect((await reply).toString()).toBe('+OK\r\n$1\r\nv\r\n$5\r\nhello\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n');
  });

  test('large values in both directions', async () => {
    const socket = await server.socket();
    const value = new SeededRandom(1).bytes(5_000_000);
    const header = `+OK\r\n$${value.length}\r\n`;
    const reply = receive(socket, header.length + value.length + 2);
    socket.write(Buffer.concat([encodeCommand(['SET', 'k', value]), encodeCommand(['GET', 'k'])]));
    const received = await reply;
    expect(received.subarray(0, header.length).toString()).toBe(header);
    expect(received.subarray(header.length, -2).equals(value)).toBe(true);
  });

  test('parked replies leave when the log says so', async () => {
    server.commit.held = true;
    const socket = await server.socket();
    const first = receive(socket, 7);
    socket.write(commands('PING', 'SET k v', 'PING'));
    expect((await first).toString()).toBe('+PONG\r\n');
    await pollUntil('all is executed', () => server.processor.executed === 3);
    const rest = receive(socket, 12);
    server.commit.commitAll();
    expect((await rest).toString()).toBe('+OK\r\n+PONG\r\n');
  });

  test('a whole pipeline is sent before anything is read', async () => {
    const client = await server.socket();
    const count = 20_000;
    const value = 'v'.repeat(1024);
    const pieces: Buffer[] = [];
    for (let i = 0; i < count; i++) pieces.push(commands(`SET k${i} ${value}`, `GET k${i}`));
    const input = Buffer.concat(pieces);
    client.pause();
    await new Promise((resolve) => client.write(input, resolve));
    const expected = `+OK\r\n$1024\r\n${value}\r\n`;
    const replies = receive(client, count * expected.length);
    client.resume();
    const received = await replies;
    expect(received.length).toBe(count * expected.length);
    expect(received.toString('latin1') === expected.repeat(count)).toBe(true);
  });

  test('a client that never reads is bounded, and others are served', async () => {
    const slow = await server.socket();
    slow.pause();
    slow.write(commands(`SET k ${'v'.repeat(10_000)}`));
    slow.write(Buffer.concat(Array.from({ length: 20_000 }, () => commands('GET k'))));
    await pollUntil('the client is behind', () => server.registry.unsentBytes > 100_000);
    const client = await RespClient.connect(server.address);
    for (let i = 0; i < 100; i++) expect(await client.command('PING')).toBe('PONG');
    expect(server.registry.unsentBytes).toBeLessThan(400_000);
    expect(server.processor.executed).toBeLessThan(15_000);
    const replies = receive(slow, 5 + 20_000 * 10_010);
    slow.resume();
    expect((await replies).length).toBe(5 + 20_000 * 10_010);
    client.socket.destroy();
  });

  test('a client that ends its side gets all replies, then the end', async () => {
    server.commit.held = true;
    const socket = await server.socket();
    const all = receiveAll(socket);
    socket.end(commands('SET k v', 'GET k', 'PING'));
    await pollUntil('all is executed', () => server.processor.executed === 3);
    server.commit.commitAll();
    expect(await all).toBe('+OK\r\n$1\r\nv\r\n+PONG\r\n');
    await pollUntil('the connection is gone', () => server.registry.count === 0);
  });

  test('QUIT and a protocol error end the connection behind their reply', async () => {
    const endings: readonly (readonly [Buffer, string])[] = [
      [commands('PING', 'QUIT', 'PING'), '+PONG\r\n+OK\r\n'],
      [
        Buffer.concat([commands('PING'), Buffer.from('*x\r\n'), Buffer.alloc(500_000, 'x')]),
        '+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n',
      ],
    ];
    for (const [input, expected] of endings) {
      const socket = await server.socket();
      const all = receiveAll(socket);
      socket.write(input);
      expect(await all).toBe(expected);
    }
    await pollUntil('the connections are gone', () => server.registry.count === 0);
  });

  test('a reset connection is forgotten', async () => {
    server.commit.held = true;
    const socket = await server.socket();
    socket.write(commands('SET k v'));
    await pollUntil('it is executed', () => server.processor.executed === 1);
    socket.resetAndDestroy();
    await pollUntil('the connection is gone', () => server.registry.count === 0);
    server.commit.commitAll();
  });

  test('closeAll() sends nothing', async () => {
    server.commit.held = true;
    const sockets = await Promise.all(Array.from({ length: 20 }, () => server.socket()));
    const all = sockets.map(receiveAll);
    for (const socket of sockets) socket.write(commands('SET k v'));
    await pollUntil('all are executed', () => server.processor.executed === 20);
    server.registry.closeAll();
    server.commit.commitAll();
    expect(await Promise.all(all)).toEqual(sockets.map(() => ''));
  });

  test('more than maxclients, in their words', async () => {
    server.limits.maxclients = 1;
    await server.socket();
    await pollUntil('the first is there', () => server.registry.count === 1);
    const second = await server.socket();
    second.write(commands('PING'));
    expect(await receiveAll(second)).toBe('-ERR max number of clients reached\r\n');
  });

  test('random bytes harm nobody', async () => {
    const random = SeededRandom.fromEnvironment('HOLDFAST_SEED');
    const client = await RespClient.connect(server.address);
    const pieces = [
      '*',
      '$',
      '\r\n',
      '*3\r\n$3\r\nSET\r\n',
      '*2147483647\r\n',
      '$-2\r\n',
      '$629145600\r\n',
      '"',
      ' PING\r\n',
      '*1\r\n$4\r\nPING\r\n',
    ];
    for (let round = 0; round < 150; round++) {
      const socket = await server.socket();
      const input = Buffer.concat(
        Array.from({ length: random.between(1, 30) }, () =>
          random.chance(0.5) ? random.bytes(random.below(50)) : Buffer.from(random.pick(pieces)),
        ),
      );
      const over = receiveAll(socket);
      socket.end(input);
      await over;
      expect(await client.command('PING'), `seed ${random.seed}, round ${round}`).toBe('PONG');
    }
    await pollUntil('only the well-behaved client is left', () => server.registry.count === 1);
    client.socket.destroy();
  });
});

/** Opens connections, one PING each, then rests until its input ends. */
const IDLE_CLIENTS = `
const net = require('node:net');
const [port, count] = process.argv.slice(1).map(Number);
let open = 0, next = 0;
function connect() {
  if (next++ >= count) return;
  const socket = net.connect(port, '127.0.0.1', () => socket.write('PING\\r\\n'));
  socket.once('data', () => { if (++open === count) console.log('open'); connect(); });
  socket.on('error', (error) => { console.log(error.message); process.exit(1); });
}
for (let i = 0; i < 100; i++) connect();
process.stdin.resume().on('end', () => process.exit(0));
`;

const IDLE_COUNT = 10_000;

describe.skipIf(descriptorLimit() < IDLE_COUNT + 500)(`${IDLE_COUNT} idle connections`, () => {
  test('are held while others are served, and forgotten when they are gone', async () => {
    const server = await SmallServer.start();
    server.limits.maxclients = IDLE_COUNT + 10;
    const clients = spawn(process.execPath, ['-e', IDLE_CLIENTS, String(server.listener.port), String(IDLE_COUNT)]);
    let output = '';
    clients.stdout.on('data', (piece: Buffer) => {
      output += piece.toString();
    });
    await pollUntil('all are connected', () => output !== '');
    expect(output).toBe('open\n');
    expect(server.registry.count).toBe(IDLE_COUNT);
    const client = await RespClient.connect(server.address);
    for (let i = 0; i < 100; i++) expect(await client.command('PING')).toBe('PONG');
    client.socket.destroy();
    clients.stdin.end();
    await pollUntil('all are gone', () => server.registry.count === 0);
    server.close();
  });
});

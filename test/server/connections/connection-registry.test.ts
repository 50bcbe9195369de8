/** Who may connect, long commands, failures, limits, and the ways to close; over transports in memory. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeCommand } from '../../support/resp-client.js';
import { MemoryTransport } from './memory-transport.js';
import { SmallServer, turns } from './small-server.js';

let server: SmallServer;

beforeEach(() => {
  server = new SmallServer();
});

afterEach(() => {
  server.close();
  expect(server.registry.totals).toMatchObject({ parkedBytes: 0, unsentBytes: 0, queryBufferBytes: 0 });
  expect(server.processor.tasks.every((task) => task.cancelled || task.done)).toBe(true);
});

function commands(...lines: string[]): Buffer {
  return Buffer.concat(lines.map((line) => encodeCommand(line.split(' '))));
}

describe('accepting', () => {
  test('connections are numbered from 1 and known by their number', () => {
    const clients = [server.client(), server.client()];
    expect(clients.map(({ connection }) => connection.session.id)).toEqual([1, 2]);
    expect(server.registry.byId(2)).toBe(clients[1]!.connection);
    expect([...server.registry.all.keys()]).toEqual([1, 2]);
    expect(server.registry.byId(3)).toBeUndefined();
  });

  test('one more than maxclients is refused', () => {
    server.limits.maxclients = 2;
    server.client();
    const second = server.client();
    const { transport } = server.client();
    expect([transport.text, transport.finished]).toEqual(['-ERR max number of clients reached\r\n', true]);
    transport.owner!.inputEnded();
    expect(transport.destroyed).toBe(true);
    expect(server.registry).toMatchObject({ count: 2, accepted: 2, rejected: 1 });
    second.transport.owner!.inputEnded();
    expect(server.client().transport.text).toBe('');
  });

  test('protected mode refuses other machines while there is no password', () => {
    const distant = (): MemoryTransport => {
      const transport = new MemoryTransport();
      transport.local = false;
      server.registry.accept(transport);
      return transport;
    };
    const refused = distant();
    expect(refused.text).toMatch(/^-DENIED Redis is running in protected mode .* from the outside\.\r\n$/);
    expect(refused.finished).toBe(true);
    expect(server.client().transport.finished).toBe(false);
    server.limits.hasPassword = true;
    expect(distant().finished).toBe(false);
    server.limits.hasPassword = false;
    server.limits.protectedMode = false;
    expect(distant().finished).toBe(false);
  });

  test('with a password a session begins without a user, and with lower limits', () => {
    server.limits.hasPassword = true;
    const { transport, connection } = server.client();
    expect(connection.session.authenticated).toBe(false);
    transport.send(encodeCommand(Array(11).fill('x')));
    expect(transport.text).toBe('-ERR Protocol error: unauthenticated multibulk length\r\n');
    const other = server.client().transport;
    other.send(Buffer.concat([commands('AUTH x'), encodeCommand(Array(11).fill('x'))]));
    expect(other.text).toBe("+OK\r\n-ERR unknown command 'x'\r\n");
  });

  test('keepalive is set as configured', () => {
    expect(server.client().transport.keepaliveSeconds).toBe(300);
    server.limits.tcpKeepaliveSeconds = 0;
    expect(server.client().transport.keepaliveSeconds).toBe(-1);
  });
});

describe('long commands', () => {
  test('run in slices while others are served, and nothing behind them runs', async () => {
    const { transport, connection } = server.client();
    transport.send(commands('PING', 'COUNT 3', 'PING'));
    expect(transport.text).toBe('+PONG\r\n');
    expect(connection.blocked).toBe(true);
    const other = server.client().transport;
    other.send(commands('PING'));
    expect(other.text).toBe('+PONG\r\n');
    transport.send(commands('PING'));
    await turns(10);
    expect(transport.text).toBe(`+PONG\r\n${'+part\r\n'.repeat(3)}+OK\r\n+PONG\r\n+PONG\r\n`);
    expect(connection.blocked).toBe(false);
  });

  test('what a slice writes waits for the sequence that the whole command depends on', async () => {
    server.commit.held = true;
    const { transport } = server.client();
    const other = server.client().transport;
    transport.send(commands('COUNT 5'));
    await turns(2);
    other.send(commands('SET k v'));
    await turns(10);
    expect(transport.text).toBe('');
    server.commit.commitAll();
    expect(transport.text).toBe(`${'+part\r\n'.repeat(5)}+OK\r\n`);
  });

  test('a resting command costs no turns, and goes on when it is woken', async () => {
    const { transport, connection } = server.client();
    transport.send(commands('REST', 'PING'));
    await turns(5);
    expect([transport.text, connection.queued, server.registry.blockedCount]).toEqual(['', false, 1]);
    server.processor.tasks[0]!.resting = false;
    server.registry.wake(connection.session);
    await turns();
    expect(transport.text).toBe('+OK\r\n+PONG\r\n');
  });

  test('a client that goes away ends its resting command', () => {
    const { transport } = server.client();
    transport.send(commands('REST'));
    transport.owner!.inputEnded();
    expect([transport.destroyed, server.processor.tasks[0]!.cancelled, server.registry.count]).toEqual([true, true, 0]);
  });

  test('a killed client ends its long command', async () => {
    const { transport, connection } = server.client();
    transport.send(commands('COUNT 100'));
    server.registry.kill(connection);
    await turns();
    expect([transport.text, server.processor.tasks[0]!.cancelled]).toEqual(['', true]);
  });

  test('reading stops when enough is there for later', async () => {
    const { transport } = server.client();
    transport.send(commands('REST'));
    transport.send(Buffer.concat(Array.from({ length: 6000 }, () => commands('PING'))));
    expect(transport.reading).toBe(false);
    server.processor.tasks[0]!.resting = false;
    server.registry.wake(server.registry.byId(1)!.session);
    await turns(20);
    expect([transport.outputLength, transport.reading]).toEqual([5 + 6000 * 7, true]);
  });
});

describe('exceptions', () => {
  test('an error reply replaces what the command had written', () => {
    const { transport } = server.client();
    transport.send(commands('PING', 'THROW replied', 'PING'));
    expect(transport.text).toBe('+PONG\r\n-ERR planned\r\n+PONG\r\n');
  });

  test('one connection is closed, the others are served', () => {
    const { transport } = server.client();
    const other = server.client().transport;
    transport.send(commands('PING', 'THROW close', 'PING'));
    expect([transport.text, transport.destroyed]).toEqual(['', true]);
    other.send(commands('PING'));
    expect(other.text).toBe('+PONG\r\n');
    expect(server.warnings).toHaveLength(1);
  });

  test('when memory may be ahead of the log every connection is closed and nothing more leaves', () => {
    server.commit.held = true;
    const waiting = server.client().transport;
    const { transport } = server.client();
    waiting.send(commands('SET k v'));
    transport.send(commands('PING', 'THROW fatal', 'PING'));
    server.commit.commitAll();
    expect([waiting.text, transport.text, waiting.destroyed, transport.destroyed]).toEqual(['', '', true, true]);
    expect(server.fatalErrors).toHaveLength(1);
    expect(server.registry.count).toBe(0);
  });

  test('a request of HTTP is closed without a word', () => {
    for (const line of ['POST / HTTP/1.1\r\n', 'Host: example.org\r\n']) {
      const { transport } = server.client();
      transport.send(line);
      expect([transport.text, transport.destroyed]).toEqual(['', true]);
    }
  });
});

describe('limits', () => {
  test('an incomplete command above client-query-buffer-limit', () => {
    server.limits.queryBufferBytesMax = 1_000_000;
    const { transport } = server.client();
    transport.send('*2\r\n$4\r\nECHO\r\n$500000000\r\n');
    for (let i = 0; i < 20 && !transport.destroyed; i++) transport.send(Buffer.alloc(60_000));
    expect(transport.destroyed).toBe(true);
    expect(server.registry).toMatchObject({ closedForInput: 1, count: 0 });
  });

  test('the positions of very many small arguments count too', async () => {
    server.limits.queryBufferBytesMax = 1_000_000;
    const { transport } = server.client();
    transport.send('*1000000\r\n');
    const some = Buffer.from('$0\r\n\r\n'.repeat(10_000));
    let sent = 0;
    for (; sent < 20 && !transport.destroyed; sent++) transport.send(some);
    expect(transport.destroyed).toBe(true);
    expect(sent * some.length).toBeLessThan(1_000_000);
  });

  test('hard limit of the output', () => {
    server.limits.outputBufferLimits = {
      ...server.limits.outputBufferLimits,
      normal: { hardBytes: 100_000, softBytes: 0, softSeconds: 0 },
    };
    const { transport } = server.client();
    transport.room = 0;
    transport.send(commands('BIG 1 90000'));
    expect(transport.destroyed).toBe(false);
    transport.send(commands('BIG 1 9000'));
    expect(transport.destroyed).toBe(false);
    transport.send(commands('BIG 1 9000'));
    expect([transport.destroyed, server.registry.closedForOutput]).toEqual([true, 1]);
  });

  test('soft limit of the output: only for as long as it says', () => {
    server.limits.outputBufferLimits = {
      ...server.limits.outputBufferLimits,
      normal: { hardBytes: 0, softBytes: 50_000, softSeconds: 10 },
    };
    const { transport } = server.client();
    transport.room = 0;
    transport.send(commands('BIG 1 60000'));
    server.skip(9000);
    transport.drain(30_000);
    transport.send(commands('PING'));
    server.skip(9000);
    transport.send(commands('BIG 1 30000'));
    server.skip(9000);
    expect(transport.destroyed).toBe(false);
    server.skip(2000);
    expect([transport.destroyed, server.registry.closedForOutput]).toEqual([true, 1]);
  });

  test('all clients together: the largest is closed, unless it may not be', () => {
    server.limits.maxmemoryClientsBytes = 1_000_000;
    const clients = [400_000, 300_000, 200_000].map((bytes) => {
      const client = server.client();
      client.transport.send(`*1\r\n$${bytes}\r\n`);
      client.transport.send(Buffer.alloc(bytes - 1));
      return client;
    });
    clients[0]!.connection.noEvict = true;
    expect(server.registry.count).toBe(3);
    const { transport } = server.client();
    transport.send('*1\r\n$200000\r\n');
    transport.send(Buffer.alloc(150_000));
    expect(clients.map((client) => client.transport.destroyed)).toEqual([false, true, false]);
    expect([transport.destroyed, server.registry.evicted]).toEqual([false, 1]);
  });

  test('without a limit of their own, all clients together may hold a quarter of maxmemory', () => {
    server.processor.maxmemory = 400_000;
    const { transport } = server.client();
    transport.send('*1\r\n$200000\r\n');
    transport.send(Buffer.alloc(40_000));
    expect(transport.destroyed).toBe(false);
    transport.send(Buffer.alloc(60_000));
    expect(transport.destroyed).toBe(true);
  });

  test('the engine is told what connections hold', () => {
    server.commit.uncommittedBytes = 1000;
    const { transport, connection } = server.client();
    transport.send('*1\r\n$200000\r\n');
    transport.send(Buffer.alloc(60_000));
    expect(server.processor.outsideBytes).toBe(
      1000 + connection.queryBufferBytes + connection.queryBufferFreeBytes + 64,
    );
    server.registry.kill(connection);
    expect(server.processor.outsideBytes).toBe(1000);
  });

  test('idle clients are closed after timeout', () => {
    server.limits.timeoutSeconds = 10;
    const idle = server.client().transport;
    const active = server.client().transport;
    const blocked = server.client().transport;
    blocked.send(commands('REST'));
    server.skip(9000);
    active.send(commands('PING'));
    server.skip(2000);
    expect([idle.destroyed, active.destroyed, blocked.destroyed]).toEqual([true, false, false]);
    expect(server.registry.timedOut).toBe(1);
    server.limits.timeoutSeconds = 0;
    server.skip(1_000_000);
    expect(active.destroyed).toBe(false);
  });
});

test('a client that sends no more and takes no replies is closed in the end', () => {
  const { transport } = server.client();
  transport.room = 0;
  transport.send(commands('BIG 1 100000'));
  transport.owner!.inputEnded();
  server.skip(50_000);
  transport.drain(10);
  server.skip(1000);
  server.skip(55_000);
  expect(transport.destroyed).toBe(false);
  server.skip(10_000);
  expect(transport.destroyed).toBe(true);
});

test('input that there is no memory for closes its client alone', () => {
  const { transport } = server.client();
  const other = server.client().transport;
  const allocate = Buffer.allocUnsafeSlow;
  transport.send('*1\r\n$10000000\r\n');
  Buffer.allocUnsafeSlow = () => {
    throw new RangeError('Array buffer allocation failed');
  };
  try {
    transport.send(Buffer.alloc(60_000));
  } finally {
    Buffer.allocUnsafeSlow = allocate;
  }
  expect(transport.destroyed).toBe(true);
  other.send(commands('PING'));
  expect(other.text).toBe('+PONG\r\n');
});

describe('closing', () => {
  test('a client that is over is read until it closes, or for a moment', () => {
    const { transport } = server.client();
    transport.send(commands('QUIT'));
    expect([transport.text, transport.finished, transport.destroyed]).toEqual(['+OK\r\n', true, false]);
    transport.send(commands('PING', 'PING'));
    expect(server.processor.executed).toBe(1);
    server.skip(1000);
    expect(transport.destroyed).toBe(false);
    server.skip(1000);
    expect(transport.destroyed).toBe(true);
  });

  test('a connection that kills itself gets its reply', () => {
    const { transport, connection } = server.client();
    const execute = server.processor.execute.bind(server.processor);
    server.processor.execute = (session) => {
      execute(session);
      server.registry.kill(connection);
    };
    transport.send(commands('PING', 'PING'));
    expect([transport.text, transport.finished]).toEqual(['+PONG\r\n', true]);
  });

  test('a broken connection is forgotten', () => {
    const failed = server.client();
    failed.transport.owner!.failed('reset');
    const unwritable = server.client();
    unwritable.transport.broken = true;
    unwritable.transport.send(commands('PING', 'PING'));
    expect(server.registry.count).toBe(0);
    expect(unwritable.transport.destroyed).toBe(true);
  });

  test('a connection that breaks while replies wait is forgotten', () => {
    server.commit.held = true;
    const { transport } = server.client();
    transport.send(commands('SET k v'));
    transport.broken = true;
    server.commit.commitAll();
    expect([server.registry.count, transport.destroyed]).toEqual([0, true]);
  });

  test('counters of bytes', () => {
    const { transport, connection } = server.client();
    transport.room = 3;
    transport.send(commands('PING'));
    expect(connection).toMatchObject({ bytesReceived: 14, bytesSent: 3, outputBytes: 4, commandsProcessed: 1 });
    transport.drain(100);
    expect(connection).toMatchObject({ bytesSent: 7, outputBytes: 0 });
    expect(server.registry).toMatchObject({ bytesReceived: 14, bytesSent: 7 });
  });
});

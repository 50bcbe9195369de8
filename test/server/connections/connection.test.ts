/** One connection over a transport in memory: what is executed when, and what leaves when. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeCommand } from '../../support/resp-client.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { SmallServer, turns } from './small-server.js';

let server: SmallServer;

beforeEach(() => {
  server = new SmallServer();
});

afterEach(() => {
  server.close();
  // Whatever happened: nothing is counted that is not there.
  expect(server.registry.totals).toMatchObject({ parkedBytes: 0, unsentBytes: 0, queryBufferBytes: 0 });
});

function commands(...lines: string[]): Buffer {
  return Buffer.concat(lines.map((line) => encodeCommand(line.split(' '))));
}

describe('reading', () => {
  test('a pipeline is answered in order with one write', () => {
    const { transport } = server.client();
    transport.send(commands('SET k v', 'GET k', 'PING'));
    expect(transport.text).toBe('+OK\r\n$1\r\nv\r\n+PONG\r\n');
    expect(transport.writes).toBe(1);
  });

  test('an idle connection keeps nothing', () => {
    const { transport, connection } = server.client();
    transport.send(commands('SET k v'));
    expect(connection).toMatchObject({
      queryBufferBytes: 0,
      queryBufferFreeBytes: 0,
      outputBytes: 0,
      outputPieces: 0,
    });
  });

  test('an incomplete command is kept, and completed', () => {
    const { transport, connection } = server.client();
    const input = commands('PING', 'ARGS a b');
    transport.send(input.subarray(0, input.length - 3));
    expect(transport.text).toBe('+PONG\r\n');
    expect(connection.queryBufferBytes).toBe(commands('ARGS a b').length - 3);
    transport.send(input.subarray(input.length - 3));
    expect(transport.text).toBe('+PONG\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n');
    expect(connection.queryBufferBytes).toBe(0);
  });

  test('a large argument in many pieces', async () => {
    const { transport, connection } = server.client();
    const value = Buffer.alloc(3_000_000, 'v');
    const input = encodeCommand(['ARGS', value, 'behind']);
    for (let at = 0; at < input.length; at += 65536) {
      transport.send(input.subarray(at, at + 65536), 4096, true);
      await turns(1);
    }
    expect(transport.output.equals(encodeCommand([value, 'behind']))).toBe(true);
    expect(connection.queryBufferFreeBytes).toBe(0);
  });

  test('nobody gets memory for what is only announced', () => {
    const { transport, connection } = server.client();
    transport.send('*2\r\n$4\r\nECHO\r\n$536870912\r\nabc');
    expect(connection.memoryBytes).toBeLessThan(32 * 1024);
    transport.send('*');
    expect(connection.memoryBytes).toBeLessThan(32 * 1024);
  });

  test('any requests, cut anywhere, are answered as in one piece', async () => {
    const fragment = fc.oneof(
      {
        weight: 20,
        arbitrary: fc
          .array(fc.string({ maxLength: 9 }), { maxLength: 3 })
          .map((words) => encodeCommand(['ARGS', ...words])),
      },
      { weight: 5, arbitrary: fc.nat(9000).map((size) => encodeCommand(['ARGS', 'x'.repeat(size)])) },
      {
        weight: 5,
        arbitrary: fc.constantFrom('PING\r\n', 'ARGS "a b"\n', '\r\n', '*0\r\n').map((text) => Buffer.from(text)),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom('*1\r\n:', '*x\r\n', 'PING "\n', '*1\r\n$3\r\n').map((text) => Buffer.from(text)),
      },
    );
    const requests = fc.array(fragment, { minLength: 1, maxLength: 8 }).map((parts) => Buffer.concat(parts));
    await fc.assert(
      fc.asyncProperty(
        requests,
        fc.array(fc.nat(20_000), { maxLength: 8 }),
        fc.nat(5000),
        async (input, cuts, headroom) => {
          const whole = server.client().transport;
          whole.send(input);
          const { transport, connection } = server.client();
          let from = 0;
          for (const to of [...cuts.sort((a, b) => a - b), input.length]) {
            const piece = input.subarray(from, Math.min(to, input.length));
            from = Math.max(from, Math.min(to, input.length));
            if (piece.length > 0 && !connection.closing) transport.send(piece, headroom);
          }
          expect(transport.text).toBe(whole.text);
          expect(transport.finished).toBe(whole.finished);
          server.registry.closeAll();
        },
      ),
      { numRuns: 400 },
    );
  });

  test('a pipeline cut at every byte', () => {
    const input = Buffer.concat([commands('SET k v', 'GET k', 'ARGS a  b'), Buffer.from('PING\r\nARGS "x y"\n')]);
    const whole = server.client().transport;
    whole.send(input);
    for (let cut = 1; cut < input.length; cut++) {
      const { transport } = server.client();
      transport.send(input.subarray(0, cut), cut % 3 === 0 ? 4096 : 0);
      transport.send(input.subarray(cut), cut % 2 === 0 ? 4096 : 0);
      expect(transport.text).toBe(whole.text);
    }
    const { transport } = server.client();
    for (const byte of input) transport.send(Buffer.of(byte), 4096);
    expect(transport.text).toBe(whole.text);
  });

  test('a long pipeline gives others their turn', async () => {
    const { transport, connection } = server.client();
    const clock = server.registry.clock as { monotonicMicros(): number };
    let now = 0;
    clock.monotonicMicros = () => (now += 1500);
    const input = Buffer.concat(Array.from({ length: 500 }, (_, i) => encodeCommand(['ARGS', `a${i}`])));
    transport.send(input, 4096, true);
    expect(server.processor.executed).toBeLessThan(200);
    expect(transport.reading).toBe(false);
    expect(connection.queryBufferBytes).toBeGreaterThan(0);
    const other = server.client().transport;
    other.send(commands('PING'));
    expect(other.text).toBe('+PONG\r\n');
    await turns(50);
    expect(server.processor.executed).toBe(501);
    expect(transport.text).toBe(
      Array.from({ length: 500 }, (_, i) => `*1\r\n$${`a${i}`.length}\r\na${i}\r\n`).join(''),
    );
    expect(transport.reading).toBe(true);
  });

  test('a full read waits for the next turn, so that others are read first', async () => {
    const { transport } = server.client();
    transport.send(commands('PING'), 4096, true);
    expect(transport.reading).toBe(false);
    await turns();
    expect(transport.reading).toBe(true);
  });
});

describe('parking', () => {
  beforeEach(() => {
    server.commit.held = true;
  });

  test('a reply waits for its sequence, and everything behind it on the connection', () => {
    const { transport, connection } = server.client();
    transport.send(commands('PING', 'SET k v', 'PING', 'SET l w', 'PING'));
    expect(transport.text).toBe('+PONG\r\n');
    expect(connection.outputBytes).toBe(24);
    server.commit.commit(1);
    expect(transport.text).toBe('+PONG\r\n');
    server.commit.commit(2);
    expect(transport.text).toBe('+PONG\r\n+OK\r\n+PONG\r\n+OK\r\n+PONG\r\n');
    expect(transport.writes).toBe(2);
    expect(connection.outputBytes).toBe(0);
  });

  test('turns of one connection are released separately', () => {
    const { transport } = server.client();
    transport.send(commands('SET k v'));
    transport.send(commands('SET l w', 'PING'));
    transport.send(commands('PING'));
    expect(transport.text).toBe('');
    server.commit.commit(1);
    expect(transport.text).toBe('+OK\r\n');
    server.commit.commit(2);
    expect(transport.text).toBe('+OK\r\n+OK\r\n+PONG\r\n+PONG\r\n');
  });

  test('another client that reads what is not committed waits too; one that does not is served', () => {
    const writer = server.client().transport;
    const reader = server.client().transport;
    const other = server.client().transport;
    writer.send(commands('SET k v'));
    reader.send(commands('GET k'));
    other.send(commands('GET l'));
    expect([writer.text, reader.text, other.text]).toEqual(['', '', '$-1\r\n']);
    server.commit.commitAll();
    expect([writer.text, reader.text]).toEqual(['+OK\r\n', '$1\r\nv\r\n']);
  });

  test('many connections share blocks and get their own replies', () => {
    const clients = Array.from({ length: 500 }, () => server.client().transport);
    for (let round = 0; round < 3; round++) {
      for (const [i, transport] of clients.entries()) {
        transport.send(encodeCommand(['SET', `k${i}`, `v${round}-${i}`.repeat(30)]));
      }
      for (const [i, transport] of clients.entries()) transport.send(encodeCommand(['GET', `k${i}`]));
    }
    expect(clients.every((transport) => transport.text === '')).toBe(true);
    server.commit.commitAll();
    for (const [i, transport] of clients.entries()) {
      const values = [0, 1, 2].map((round) => `v${round}-${i}`.repeat(30));
      expect(transport.text).toBe(values.map((value) => `+OK\r\n$${value.length}\r\n${value}\r\n`).join(''));
      expect(transport.writes).toBe(1);
    }
  });

  test('QUIT waits for the replies before it, then the connection ends', () => {
    const { transport } = server.client();
    transport.send(commands('SET k v', 'QUIT', 'SET l w'));
    expect([transport.text, transport.finished]).toEqual(['', false]);
    expect(server.processor.executed).toBe(2);
    server.commit.commitAll();
    expect([transport.text, transport.finished]).toEqual(['+OK\r\n+OK\r\n', true]);
    expect(server.registry.count).toBe(0);
    transport.owner!.inputEnded();
    expect(transport.destroyed).toBe(true);
  });

  test('a protocol error waits for the replies before it, then the connection ends', () => {
    const { transport } = server.client();
    transport.send(Buffer.concat([commands('SET k v'), Buffer.from('*1\r\nx\r\n'), commands('PING')]));
    expect(transport.text).toBe('');
    server.commit.commitAll();
    expect(transport.text).toBe("+OK\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
    expect(transport.finished).toBe(true);
  });

  test('a client that sends no more still gets what it asked for', () => {
    const { transport } = server.client();
    transport.send(commands('SET k v', 'PING'));
    transport.owner!.inputEnded();
    expect(transport.destroyed).toBe(false);
    server.commit.commitAll();
    expect(transport.text).toBe('+OK\r\n+PONG\r\n');
    expect(transport.destroyed).toBe(true);
  });

  test('a killed connection and a closed server let no parked reply leave', () => {
    const killed = server.client();
    const closed = server.client();
    killed.transport.send(commands('SET k v'));
    closed.transport.send(commands('SET l w'));
    server.registry.kill(killed.connection);
    expect(killed.transport.destroyed).toBe(true);
    server.registry.closeAll();
    server.commit.commitAll();
    expect([killed.transport.text, closed.transport.text, closed.transport.destroyed]).toEqual(['', '', true]);
  });
});

describe('long replies', () => {
  test.each([
    [1, 70_000],
    [1, 10_000_000],
    [1000, 1000],
    [3, 200_000],
    [20_000, 10],
  ])('%i strings of %i bytes', (count, bytes) => {
    const { transport } = server.client();
    transport.send(commands('PING', `BIG ${count} ${bytes}`, 'PING'));
    const expected = `+PONG\r\n*${count}\r\n${`$${bytes}\r\n${'x'.repeat(bytes)}\r\n`.repeat(count)}+PONG\r\n`;
    expect(transport.text === expected).toBe(true);
  });

  test('parked as a whole, behind what is parked and in front of what follows', () => {
    server.commit.held = true;
    const { transport } = server.client();
    transport.send(commands('BIG 1 100000', 'SET k v', 'BIG 2 300000', 'GET k', 'BIG 1 70000'));
    const first = `*1\r\n$100000\r\n${'x'.repeat(100_000)}\r\n`;
    expect(transport.text === first).toBe(true);
    server.commit.commitAll();
    const second = `*2\r\n${`$300000\r\n${'x'.repeat(300_000)}\r\n`.repeat(2)}`;
    const third = `*1\r\n$70000\r\n${'x'.repeat(70_000)}\r\n`;
    expect(transport.text === `${first}+OK\r\n${second}$1\r\nv\r\n${third}`).toBe(true);
  });
});

describe('backpressure', () => {
  test('a command for which a view has no room waits in front of its execution, in its place', async () => {
    const { transport } = server.client();
    server.processor.room = false;
    transport.send(commands('SET k v', 'GET k'));
    expect(transport.text).toBe('');
    await turns(2);
    expect(transport.text).toBe('');
    server.processor.room = true;
    server.registry.release(server.commit.committed);
    await turns(2);
    expect(transport.text).toBe('+OK\r\n$1\r\nv\r\n');
  });

  test('no command runs while the log is congested, and nothing is read', async () => {
    const { transport } = server.client();
    server.commit.congested = true;
    transport.send(commands('PING', 'PING'));
    expect([server.processor.executed, transport.reading]).toEqual([0, false]);
    server.commit.congested = false;
    server.commit.onAdvance();
    await turns();
    expect([transport.text, transport.reading]).toEqual(['+PONG\r\n+PONG\r\n', true]);
  });

  test('where every reply waits for a commit, those of a turn leave behind it in their order', async () => {
    const { transport } = server.client();
    server.commit.held = true;
    server.commit.floor = server.commit.write();
    transport.send(commands('PING', 'GET k', 'SET k v', 'PING'));
    expect([server.processor.executed, transport.text]).toEqual([4, '']);
    server.commit.floor = 0;
    server.commit.commit(1);
    // A later turn keeps the order: the SET of the first one is not committed yet.
    transport.send(commands('PING'));
    server.commit.commitAll();
    await turns();
    expect(transport.text).toBe('+PONG\r\n$-1\r\n+OK\r\n+PONG\r\n+PONG\r\n');
  });

  test('congestion in the middle of a pipeline', async () => {
    const { transport } = server.client();
    const write = server.commit.write.bind(server.commit);
    server.commit.write = () => {
      server.commit.congested = true;
      return write();
    };
    transport.send(commands('PING', 'SET k v', 'GET k', 'PI'));
    expect(server.processor.executed).toBe(2);
    server.commit.congested = false;
    server.commit.onAdvance();
    await turns();
    expect(transport.text).toBe("+PONG\r\n+OK\r\n$1\r\nv\r\n-ERR unknown command 'PI'\r\n");
  });

  test('parked bytes stop a connection in mid-buffer, and it goes on when they are released', async () => {
    server.commit.held = true;
    const { transport } = server.client();
    transport.send(encodeCommand(['SET', 'k', 'x'.repeat(100_000)]));
    const gets = Buffer.concat(Array.from({ length: 100 }, () => commands('GET k')));
    transport.send(gets);
    expect(server.processor.executed).toBeLessThan(15);
    expect(transport.reading).toBe(false);
    expect(server.registry.parkedBytes).toBeLessThan(1_300_000);
    server.commit.commitAll();
    await turns(20);
    expect(server.processor.executed).toBe(101);
    expect(transport.outputLength).toBe(5 + 100 * 100_011);
    expect(transport.reading).toBe(true);
  });

  test('parked bytes of all stop everybody', async () => {
    server.commit.held = true;
    const writer = server.client().transport;
    writer.send(encodeCommand(['SET', 'k', 'x'.repeat(1_000_000)]));
    const readers = Array.from({ length: 100 }, () => server.client().transport);
    for (const reader of readers) reader.send(commands('GET k'));
    expect(server.processor.executed).toBeLessThan(72);
    const other = server.client().transport;
    other.send(commands('PING'));
    expect(other.text).toBe('');
    server.commit.commitAll();
    await turns(5);
    expect(server.processor.executed).toBe(102);
    expect(other.text).toBe('+PONG\r\n');
    expect(readers.every((reader) => reader.output.length === 1_000_012)).toBe(true);
  });

  test('a client that does not read is not executed, but read on', async () => {
    const { transport, connection } = server.client();
    transport.room = 1000;
    transport.send(encodeCommand(['SET', 'k', 'x'.repeat(1000)]));
    for (let i = 0; i < 20; i++) {
      expect(transport.reading).toBe(true);
      transport.send(Buffer.concat(Array.from({ length: 2000 }, () => commands('GET k'))));
      await turns(1);
    }
    expect(connection.outputBytes).toBeLessThan(300_000);
    expect(connection.queryBufferBytes).toBeGreaterThan(20 * 2000 * 15);
    expect(server.processor.executed).toBeLessThan(400);
    for (let i = 0; i < 5000 && transport.outputLength < 5 + 40_000 * 1009; i++) {
      transport.drain(100_000);
      await turns(1);
    }
    expect(transport.outputLength).toBe(5 + 40_000 * 1009);
    expect(connection.queryBufferBytes).toBe(0);
  });

  test('reading stops at client-query-buffer-limit while the client does not read', async () => {
    const { transport, connection } = server.client();
    server.limits.queryBufferBytesMax = 100_000;
    transport.room = 0;
    transport.send(encodeCommand(['SET', 'k', 'x'.repeat(50_000)]));
    transport.send(Buffer.concat(Array.from({ length: 10_000 }, () => commands('GET k'))));
    expect([transport.reading, connection.destroyed]).toEqual([false, false]);
    transport.drain(1_000_000_000);
    await turns(300);
    expect(transport.outputLength).toBe(5 + 10_000 * 50_010);
    expect(transport.reading).toBe(true);
  });

  test('pause and resume', async () => {
    const { transport } = server.client();
    server.registry.pause();
    transport.send(commands('PING'));
    expect(server.processor.executed).toBe(0);
    server.registry.resume();
    await turns();
    expect(transport.text).toBe('+PONG\r\n');
  });

  test('flushed() waits for replies that were not sent', async () => {
    server.commit.held = true;
    const { transport } = server.client();
    transport.send(commands('SET k v'));
    let done = false;
    const flushed = server.registry.flushed(60_000).then(() => {
      done = true;
    });
    await turns();
    expect(done).toBe(false);
    server.commit.commitAll();
    await flushed;
    expect(transport.text).toBe('+OK\r\n');
  });
});

/** Random clients that send, read and wait as they like, against what each of them must get. */
test('whatever order things happen in, every client gets its replies in order', async () => {
  const random = SeededRandom.fromEnvironment('HOLDFAST_SEED');
  for (let round = 0; round < 60; round++) {
    const seed = `seed ${random.seed}, round ${round}`;
    server.commit.held = true;
    const clients = Array.from({ length: 6 }, () => ({ ...server.client(), expected: '', unsent: Buffer.alloc(0) }));
    for (const client of clients) client.transport.room = random.below(3000);
    for (let step = 0; step < 120; step++) {
      const client = random.pick(clients);
      const action = random.below(10);
      if (action < 5) {
        const request = randomRequest(random, `${clients.indexOf(client)}-${step}`);
        client.expected += request.reply;
        client.unsent = Buffer.concat([client.unsent, request.bytes]);
      }
      if (action < 7 && client.transport.reading) {
        const length = random.between(0, client.unsent.length);
        if (length > 0) client.transport.send(client.unsent.subarray(0, length), random.pick([0, 100, 4096]));
        client.unsent = client.unsent.subarray(length);
      } else if (action === 7) client.transport.drain(random.pick([0, 1, 50, 5000, 200_000]));
      else if (action === 8) server.commit.commit(random.between(server.commit.committed, server.commit.sequence));
      else await turns(1);
      const sent = client.transport.text;
      expect(client.expected.startsWith(sent), seed).toBe(true);
    }
    for (let i = 0; i < 400; i++) {
      server.commit.commitAll();
      for (const client of clients) {
        client.transport.drain(1_000_000);
        if (!client.transport.reading || client.unsent.length === 0) continue;
        client.transport.send(client.unsent);
        client.unsent = Buffer.alloc(0);
      }
      await turns(1);
      if (clients.every((client) => client.transport.outputLength === client.expected.length)) break;
    }
    for (const client of clients) expect(client.transport.text === client.expected, seed).toBe(true);
    const { totals } = server.registry;
    expect(totals, seed).toMatchObject({ parkedBytes: 0, unsentBytes: 0, queryBufferBytes: 0 });
    server.registry.closeAll();
  }
});

function randomRequest(random: SeededRandom, key: string): { bytes: Buffer; reply: string } {
  switch (random.below(4)) {
    case 0:
      return { bytes: commands('PING'), reply: '+PONG\r\n' };
    case 1:
      return { bytes: commands(`SET ${key} v`), reply: '+OK\r\n' };
    case 2: {
      const value = key.repeat(random.pick([1, 100, 2000]));
      const reply = `+OK\r\n$${value.length}\r\n${value}\r\n`;
      return { bytes: commands(`SET ${key} ${value}`, `GET ${key}`), reply };
    }
    default: {
      const size = random.pick([1, 1000, 40_000, 150_000]);
      const count = random.between(1, 3);
      const reply = `*${count}\r\n${`$${size}\r\n${'x'.repeat(size)}\r\n`.repeat(count)}`;
      return { bytes: commands(`BIG ${count} ${size}`), reply };
    }
  }
}

/**
 * P2 through sockets: with the log held back, every reply that shows an uncommitted change waits for it, whoever asks and
 * whatever the reply is; replies that show none do not wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HeldLog } from '../support/held-log.js';
import type { RespClient } from '../support/resp-client.js';

type Words = readonly string[];

let log: HeldLog;
let writer: RespClient;
beforeAll(async () => {
  log = await HeldLog.start();
});
beforeEach(async () => {
  writer = await log.server.connect();
  expect(await writer.command('FLUSHALL')).toBe('OK');
  await writer.pipeline([
    ['SET', 'clean', 'clean'],
    ['SET', 'old', 'before'],
    ['SET', 'number', '5'],
    // So that the last command of the connection is none of those that a test waits for.
    ['ECHO', 'ready'],
  ]);
});
afterEach(async () => {
  log.release();
  await writer.close();
});
afterAll(() => log?.dispose());

interface Reader {
  readonly client: RespClient;
  readonly reply: Promise<unknown>;
}

/** Sends commands on a connection of their own; the last one is the one to look at. */
async function ask(...commands: readonly Words[]): Promise<Reader> {
  const client = await log.server.connect();
  for (const command of commands.slice(0, -1)) await client.command(...command);
  const last = commands.at(-1)!;
  const reply = client.command(...last).then((value) => (value instanceof Error ? value.message : value));
  await log.executed(client, last[0]!.toLowerCase());
  return { client, reply };
}

const answered = ({ client }: Reader) => client.outstanding === 0;

/** The write is executed and held back; each reader waits, and has the expected reply once the log goes on. */
async function expectWaiting(
  writes: readonly Words[],
  readers: readonly (readonly [Words[], unknown])[],
): Promise<void> {
  log.hold();
  const written = writer.pipeline(writes);
  await log.executed(writer, writes.at(-1)![0]!.toLowerCase());
  const asked: Reader[] = [];
  for (const [commands] of readers) asked.push(await ask(...commands));
  await log.settle();
  expect(writer.outstanding).toBe(writes.length);
  readers.forEach(([commands], i) => {
    expect(answered(asked[i]!), `${commands.at(-1)!.join(' ')} must wait`).toBe(false);
  });
  const clean = await ask(['GET', 'clean']);
  const flushes = writes.some(([name]) => name === 'FLUSHALL' || name === 'FLUSHDB' || name === 'SWAPDB');
  if (!flushes) expect(await clean.reply).toBe('clean');
  log.release();
  await written;
  for (const [i, [commands, expected]] of readers.entries()) {
    expect(await asked[i]!.reply, commands.at(-1)!.join(' ')).toEqual(expected);
  }
}

describe('a reply waits for what it shows', () => {
  test('a key that was just created', async () => {
    await expectWaiting(
      [['SET', 'new', 'value']],
      [
        [[['GET', 'new']], 'value'],
        [[['EXISTS', 'new']], 1],
        [[['SETNX', 'new', 'other']], 0],
        [[['STRLEN', 'new']], 5],
        [[['TYPE', 'new']], 'string'],
        [[['TTL', 'new']], -1],
        [[['MGET', 'clean', 'new']], ['clean', 'value']],
        [[['GETRANGE', 'new', '0', '1']], 'va'],
        [[['MSETNX', 'other', '1', 'new', '2']], 0],
        [[['PERSIST', 'new']], 0],
        [[['EXPIRE', 'new', '100', 'XX']], 0],
      ],
    );
  });

  test('a key that is still missing because the write that deleted it is not committed', async () => {
    await expectWaiting(
      [['DEL', 'old']],
      [
        [[['GET', 'old']], null],
        [[['EXISTS', 'old']], 0],
        [[['DEL', 'old']], 0],
        [[['TTL', 'old']], -2],
        [[['SET', 'old', 'x', 'XX']], null],
        [[['PERSIST', 'old']], 0],
      ],
    );
  });

  test('questions about the whole keyspace', async () => {
    await expectWaiting(
      [['SET', 'new', 'value']],
      [
        [[['DBSIZE']], 4],
        [[['SCAN', '0', 'MATCH', 'nothing*', 'COUNT', '1000']], ['0', []]],
        [[['KEYS', 'nothing*']], []],
        [[['SELECT', '3'], ['DBSIZE']], 0],
      ],
    );
  });

  test('an error that shows what the key holds', async () => {
    await expectWaiting(
      [
        ['SET', 'number', 'text'],
        ['DEL', 'old'],
      ],
      [
        [[['INCR', 'number']], 'ERR value is not an integer or out of range'],
        [[['INCRBYFLOAT', 'number', '1']], 'ERR value is not a valid float'],
        [[['RENAME', 'old', 'elsewhere']], 'ERR no such key'],
      ],
    );
  });

  test('both names of a RENAME', async () => {
    await expectWaiting(
      [['RENAME', 'old', 'renamed']],
      [
        [[['GET', 'old']], null],
        [[['GET', 'renamed']], 'before'],
        [[['RENAMENX', 'number', 'renamed']], 0],
      ],
    );
  });

  test('both ends of a COPY, and what it has copied', async () => {
    await expectWaiting(
      [
        ['SET', 'old', 'after'],
        ['COPY', 'clean', 'copied', 'DB', '3'],
      ],
      [
        [
          [
            ['SELECT', '3'],
            ['GET', 'copied'],
          ],
          'clean',
        ],
        [[['COPY', 'number', 'old']], 0],
        [[['COPY', 'old', 'another']], 1],
        [[['COPY', 'number', 'copied', 'DB', '3']], 0],
        [[['LCS', 'clean', 'old', 'LEN']], 1],
        [[['TOUCH', 'old']], 1],
      ],
    );
    await writer.pipeline([['SELECT', '3'], ['FLUSHDB'], ['SELECT', '0']]);
  });

  test('both databases of a MOVE', async () => {
    await expectWaiting(
      [['MOVE', 'old', '4']],
      [
        [[['GET', 'old']], null],
        [
          [
            ['SELECT', '4'],
            ['GET', 'old'],
          ],
          'before',
        ],
        [[['MOVE', 'old', '5']], 0],
        [[['COPY', 'clean', 'old', 'DB', '4']], 0],
        [[['RANDOMKEY']], expect.any(String)],
      ],
    );
    await writer.pipeline([['SELECT', '4'], ['FLUSHDB'], ['SELECT', '0']]);
  });

  test('a condition that was not met', async () => {
    await expectWaiting(
      [
        ['SET', 'old', 'after'],
        ['DEL', 'number'],
      ],
      [
        [[['SET', 'old', 'x', 'IFEQ', 'before']], null],
        [[['SET', 'old', 'x', 'IFNE', 'after', 'GET']], 'after'],
        [[['SET', 'number', 'x', 'IFEQ', '5']], null],
        [[['DELEX', 'old', 'IFEQ', 'before']], 0],
        [[['DELEX', 'number']], 0],
        [[['DIGEST', 'number']], null],
        [[['MSETEX', '2', 'free', '1', 'old', '2', 'NX', 'EX', '100']], 0],
        [[['MSETEX', '2', 'clean', '1', 'number', '2', 'XX']], 0],
      ],
    );
  });

  test('a deadline that was set or taken away', async () => {
    await expectWaiting(
      [['PEXPIREAT', 'old', '4102444800000']],
      [
        [[['PEXPIRETIME', 'old']], 4102444800000],
        [[['GET', 'old']], 'before'],
      ],
    );
  });

  test('every key after FLUSHALL, in every database that had keys', async () => {
    await writer.pipeline([
      ['SELECT', '9'],
      ['SET', 'ninth', 'value'],
      ['SELECT', '0'],
    ]);
    await expectWaiting(
      [['FLUSHALL']],
      [
        [[['GET', 'old']], null],
        [[['GET', 'never written']], null],
        [[['DBSIZE']], 0],
        [
          [
            ['SELECT', '9'],
            ['GET', 'old'],
          ],
          null,
        ],
      ],
    );
  });

  test('every key of the database after FLUSHDB, and of no other', async () => {
    await writer.pipeline([
      ['SELECT', '1'],
      ['SET', 'elsewhere', 'kept'],
      ['SELECT', '0'],
    ]);
    log.hold();
    const flushed = writer.command('FLUSHDB');
    await log.executed(writer, 'flushdb');
    const here = await ask(['GET', 'old']);
    const elsewhere = await ask(['SELECT', '1'], ['GET', 'elsewhere']);
    expect(await elsewhere.reply).toBe('kept');
    await log.settle();
    expect(answered(here)).toBe(false);
    log.release();
    expect(await flushed).toBe('OK');
    expect(await here.reply).toBeNull();
  });

  test('both databases of a SWAPDB, and no other', async () => {
    await writer.pipeline([
      ['SELECT', '2'],
      ['SET', 'third', 'kept'],
      ['SELECT', '0'],
    ]);
    log.hold();
    const swapped = writer.command('SWAPDB', '0', '1');
    await log.executed(writer, 'swapdb');
    const first = await ask(['GET', 'old']);
    const second = await ask(['SELECT', '1'], ['GET', 'old']);
    const third = await ask(['SELECT', '2'], ['GET', 'third']);
    expect(await third.reply).toBe('kept');
    await log.settle();
    expect([answered(first), answered(second)]).toEqual([false, false]);
    log.release();
    expect(await swapped).toBe('OK');
    expect([await first.reply, await second.reply]).toEqual([null, 'before']);
    await writer.command('SWAPDB', '0', '1');
  });

  test('a key that has expired: its removal must be committed before anyone is told', async () => {
    const lifetimeMs = 1500;
    await writer.command('SET', 'brief', 'value', 'PX', lifetimeMs);
    const before = performance.now();
    log.hold();
    // The log is held back well before the deadline, so no removal can have been committed.
    expect(await (await ask(['GET', 'brief'])).reply).toBe('value');
    await delay(lifetimeMs + 100 - (performance.now() - before));
    const late = await ask(['GET', 'brief']);
    const exists = await ask(['EXISTS', 'brief']);
    expect(await (await ask(['GET', 'clean'])).reply).toBe('clean');
    await log.settle();
    expect([answered(late), answered(exists)]).toEqual([false, false]);
    log.release();
    expect([await late.reply, await exists.reply]).toEqual([null, 0]);
  });

  test('a large write', async () => {
    await expectWaiting([['SET', 'large', 'x'.repeat(3 << 20)]], [[[['STRLEN', 'large']], 3 << 20]]);
  });
});

describe('a reply that shows no uncommitted change does not wait', () => {
  test('PING, commands about the connection, clean keys', async () => {
    log.hold();
    const written = writer.command('SET', 'new', 'value');
    await log.executed(writer, 'set');
    const reader = await log.server.connect();
    expect(await reader.command('PING')).toBe('PONG');
    expect(await reader.command('CLIENT', 'GETNAME')).toBeNull();
    expect(await reader.command('MGET', 'clean', 'old', 'number')).toEqual(['clean', 'before', '5']);
    expect(await reader.command('GET')).toBeInstanceOf(Error);
    expect(writer.outstanding).toBe(1);
    log.release();
    expect(await written).toBe('OK');
  });

  test('but replies of one connection stay in order', async () => {
    log.hold();
    const replies = writer.pipeline([['SET', 'new', 'value'], ['PING'], ['GET', 'clean']]);
    await log.executed(writer, 'get');
    expect(writer.outstanding).toBe(3);
    log.release();
    expect(await replies).toEqual(['OK', 'PONG', 'clean']);
  });

  test('with 10,000 uncommitted keys, under 3 % of reads of clean keys wait', async () => {
    const clean = 3000;
    const readers = await Promise.all(Array.from({ length: clean }, () => log.server.connect()));
    await writer.pipeline(readers.map((_, i) => ['SET', `clean:${i}`, 'x']));
    log.hold();
    const written = writer.pipeline(Array.from({ length: 10_000 }, (_, i) => ['SET', `dirty:${i}`, 'x']));
    await log.executed(writer, 'set');
    const replies = readers.map((reader, i) => reader.command('GET', `clean:${i}`));
    while ((await log.countExecuted('get')) < clean) await log.settle();
    await log.settle();
    const waiting = readers.filter((reader) => reader.outstanding > 0).length;
    expect(writer.outstanding).toBe(10_000);
    expect(waiting).toBeLessThan(clean * 0.03);
    log.release();
    await Promise.all([...replies, written]);
    await Promise.all(readers.map((reader) => reader.close()));
  });
});

/**
 * The engine around its commands: what a reply depends on (no reply shows what could still be lost), what is refused
 * before it runs, how entries are made, what an exception means.
 */
import { beforeEach, describe, expect, test } from 'vitest';
import { ExpiryRefused } from '../../core/database.js';
import { DEPENDENCY_BUCKETS, DependencyTable } from '../../core/dependency-table.js';
import { KeyHash } from '../../core/memory/key-hash.js';
import { Session } from '../../core/session.js';
import { readEffects, TestEngine, type Word } from '../support/test-engine.js';

let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine();
});

/** Runs a command and returns the sequence that its reply waits for. */
function dependencyOf(...words: Word[]): number {
  engine.run(...words);
  return engine.engine.dependency;
}

/** Names whose bucket in the dependency table no other of them shares. */
function namesApart(count: number): string[] {
  const hash = new KeyHash(Uint32Array.of(1, 2, 3, 4));
  const taken = new Set<number>();
  const names: string[] = [];
  for (let i = 0; names.length < count; i++) {
    const bytes = Buffer.from(`name${i}`);
    hash.hash(bytes, 0, bytes.length);
    const bucket = DependencyTable.bucketOf(0, hash.high);
    if (taken.has(bucket)) continue;
    taken.add(bucket);
    names.push(`name${i}`);
  }
  return names;
}

describe('a reply depends on the last write of what it looked at', () => {
  test('its own write, and nothing where nothing was ever written', () => {
    expect(dependencyOf('GET', 'a')).toBe(0);
    expect(dependencyOf('PING')).toBe(0);
    expect(dependencyOf('SET', 'a', '1')).toBe(1);
    expect(dependencyOf('INCR', 'a')).toBe(2);
    expect(dependencyOf('PING')).toBe(0);
    expect(dependencyOf('TIME')).toBe(0);
  });

  // Entry 2 wrote 'a' in database 2, entry 3 removed the key 'none', entry 4 wrote 'a', 'text' and 'long'.
  test.each<[number, ...string[]]>([
    [4, 'GET', 'a'],
    [3, 'GET', 'none'],
    [4, 'STRLEN', 'a'],
    [4, 'GETRANGE', 'a', '0', '1'],
    [3, 'EXISTS', 'none'],
    [4, 'TYPE', 'a'],
    [4, 'TTL', 'a'],
    [3, 'PEXPIRETIME', 'none'],
    [4, 'SETNX', 'a', '2'],
    [4, 'SET', 'a', '2', 'NX'],
    [3, 'SET', 'none', '2', 'XX', 'GET'],
    [4, 'GETEX', 'a'],
    [3, 'GETDEL', 'none'],
    [4, 'MGET', 'none', 'a'],
    [4, 'MSETNX', 'none', '1', 'a', '2'],
    [3, 'PERSIST', 'none'],
    [4, 'EXPIRE', 'a', '10', 'XX'],
    [4, 'RENAME', 'a', 'a'],
    [4, 'RENAMENX', 'a', 'a'],
    [3, 'RENAME', 'none', 'a'],
    [3, 'DEL', 'none', 'none'],
    [4, 'DBSIZE'],
    [4, 'SCAN', '0'],
    [4, 'KEYS', 'none'],
    [4, 'INCR', 'text'],
    [4, 'INCRBYFLOAT', 'text', '1'],
    [4, 'SETRANGE', 'a', '0', ''],
    [3, 'SETRANGE', 'none', '0', ''],
    [4, 'APPEND', 'long', ''],
    [4, 'SUBSTR', 'a', '0', '1'],
    [4, 'SET', 'a', '2', 'IFEQ', 'other'],
    [3, 'SET', 'none', '2', 'IFEQ', '1'],
    [4, 'SET', 'a', '2', 'IFDEQ', '0123456789abcdef', 'GET'],
    [4, 'DELEX', 'a', 'IFNE', '1'],
    [3, 'DELEX', 'none'],
    [4, 'DIGEST', 'a'],
    [4, 'MSETEX', '2', 'none', '1', 'a', '2', 'NX'],
    [4, 'MSETEX', '2', 'none', '1', 'a', '2', 'XX', 'EX', '9'],
    [4, 'LCS', 'none', 'a'],
    [4, 'TOUCH', 'none', 'a'],
    [4, 'OBJECT', 'ENCODING', 'a'],
    [3, 'OBJECT', 'FREQ', 'none'],
    [4, 'RANDOMKEY'],
    [3, 'COPY', 'none', 'a'],
    [4, 'COPY', 'a', 'text'],
    [3, 'MOVE', 'none', '1'],
    [4, 'MOVE', 'a', '2'],
    [0, 'COPY', 'a', 'a'],
    [0, 'SET', 'a', '2', 'NX', 'XX'],
    [5, 'SET', 'a', '2'],
    [5, 'SET', 'a', '2', 'IFEQ', '1'],
    [5, 'DELEX', 'a'],
    [5, 'MSETEX', '1', 'new', '1', 'NX'],
    [5, 'COPY', 'a', 'new'],
    [5, 'COPY', 'a', 'a', 'DB', '3'],
    [5, 'MOVE', 'text', '3'],
    [5, 'GETDEL', 'a'],
    [5, 'RENAME', 'a', 'none'],
  ])('%i: %s %s %s %s %s %s %s', (expected, ...words) => {
    engine.run('COPY', 'other', 'a', 'DB', '2');
    engine.run('MSET', 'a', '1', 'text', 'no number', 'none', '', 'long', 'x'.repeat(50), 'other', '1');
    engine.run('COPY', 'other', 'a', 'DB', '2');
    engine.run('DEL', 'none');
    engine.run('MSET', 'a', '1', 'text', 'no number', 'long', 'x'.repeat(50));
    expect(dependencyOf(...words)).toBe(expected);
    expect(engine.engine.effects.sequence).toBe(Math.max(4, expected));
  });

  test('a key in another bucket waits for nothing', () => {
    const [written, ...others] = namesApart(200);
    engine.run('SET', written!, '1');
    expect(dependencyOf('GET', written!)).toBe(1);
    for (const name of others) expect(dependencyOf('GET', name)).toBe(0);
    expect(dependencyOf('MGET', ...others)).toBe(0);
    expect(dependencyOf('MGET', ...others, written!)).toBe(1);
  });

  test('the same key in another database waits for nothing', () => {
    engine.run('SET', 'a', '1');
    engine.run('SELECT', '1');
    expect(dependencyOf('GET', 'a')).toBe(0);
  });

  test('a key that was deleted, renamed, or has expired', () => {
    const [a, b, c] = namesApart(3) as [string, string, string];
    engine.run('SET', a, '1');
    expect(dependencyOf('DEL', a)).toBe(2);
    expect(dependencyOf('GET', a)).toBe(2);
    engine.run('SET', a, '1');
    engine.run('RENAME', a, b);
    expect(dependencyOf('GET', a)).toBe(4);
    expect(dependencyOf('GET', b)).toBe(4);
    expect(dependencyOf('RENAME', a, b)).toBe(4);
    engine.run('SET', c, '1', 'PX', '10');
    engine.clock.ms += 10;
    expect(dependencyOf('EXISTS', c)).toBe(6);
    expect(dependencyOf('EXISTS', c)).toBe(6);
    expect(dependencyOf('GET', a)).toBe(4);
  });

  test('a key that the engine has expired between commands', () => {
    engine.run('SET', 'a', '1', 'PX', '10');
    engine.clock.ms += 100_000;
    while (engine.background());
    expect(engine.logged()).toEqual([[expect.stringContaining('SET a')], ['UNLINK a']]);
    expect(dependencyOf('GET', 'a')).toBe(2);
  });

  test('FLUSHALL, FLUSHDB and SWAPDB: every key of their databases, whether it was there or not', () => {
    engine.run('SET', 'a', '1');
    engine.run('SELECT', '1');
    engine.run('SET', 'b', '1');
    expect(dependencyOf('GET', 'none')).toBe(0);
    expect(dependencyOf('FLUSHDB')).toBe(3);
    expect(dependencyOf('GET', 'none')).toBe(3);
    engine.run('SELECT', '0');
    expect(dependencyOf('GET', 'none')).toBe(0);
    expect(dependencyOf('SWAPDB', '0', '2')).toBe(4);
    expect(dependencyOf('GET', 'none')).toBe(4);
    engine.run('SELECT', '2');
    expect(dependencyOf('GET', 'other')).toBe(4);
    engine.run('SELECT', '3');
    expect(dependencyOf('GET', 'other')).toBe(0);
    expect(dependencyOf('FLUSHALL')).toBe(5);
    expect(dependencyOf('GET', 'other')).toBe(0);
    engine.run('SELECT', '2');
    expect(dependencyOf('GET', 'other')).toBe(5);
  });

  test('FLUSHDB of a database that uncommitted deletions have emptied waits for them', () => {
    engine.run('SET', 'a', '1');
    engine.run('DEL', 'a');
    expect(dependencyOf('FLUSHDB')).toBe(2);
    expect(dependencyOf('FLUSHALL')).toBe(2);
    expect(engine.engine.effects.sequence).toBe(2);
  });

  test('sequences beyond 2^32', () => {
    const start = 2 ** 32 - 3;
    const other = new TestEngine();
    other.run('SET', 'old', '1');
    engine.engine.beginReplay();
    engine.engine.apply(other.sink.entries[0]!, 0, other.sink.entries[0]!.length);
    engine.engine.endReplay(start);
    for (let i = 1; i <= 10; i++) {
      expect(dependencyOf('SET', `key${i}`, '1')).toBe(start + i);
      expect(dependencyOf('GET', `key${i}`)).toBe(start + i);
    }
    expect(dependencyOf('GET', 'key1')).toBe(start + 1);
    expect(dependencyOf('DBSIZE')).toBe(start + 10);
    expect(start + 10).toBeGreaterThan(2 ** 32);
  });

  test('KEYS in slices depends on the last append when it ends', () => {
    for (let i = 0; i < 3000; i++) engine.run('SET', `key${i}`, '1');
    engine.clock.microsPerReading = 1000;
    engine.engine.args.set(['KEYS', '*'].map((word) => Buffer.from(word)));
    engine.engine.execute(engine.session);
    expect(engine.session.task).toBeDefined();
    const other = engine.newSession();
    engine.runIn(other, 'SET', 'late', '1');
    while (!engine.slice(engine.session, 500));
    expect(engine.engine.dependency).toBe(3001);
  });

  test('with 10,000 keys uncommitted, under 3 % of the reads of clean keys wait', () => {
    engine = new TestEngine({ capture: false });
    for (let i = 0; i < 20_000; i++) engine.run('SET', `clean:${i}`, '1');
    const committed = engine.engine.effects.sequence;
    for (let i = 0; i < 10_000; i++) engine.run('SET', `dirty:${i}`, '1');
    let waiting = 0;
    for (let i = 0; i < 20_000; i++) if (dependencyOf('GET', `clean:${i}`) > committed) waiting++;
    expect(waiting / 20_000).toBeLessThan(0.03);
    expect(waiting).toBeGreaterThan((20_000 * 10_000) / DEPENDENCY_BUCKETS / 2);
    for (let i = 0; i < 10_000; i++) expect(dependencyOf('GET', `dirty:${i}`)).toBeGreaterThan(committed);
  });
});

describe('what is refused before it runs', () => {
  test('unknown commands, wrong numbers of arguments', () => {
    expect(engine.run('nosuch', 'a', 'b')).toBe(
      "-ERR unknown command 'nosuch', with args beginning with: 'a' 'b' \r\n",
    );
    expect(engine.run('get')).toBe("-ERR wrong number of arguments for 'get' command\r\n");
    expect(engine.run('GET', 'a', 'b')).toBe("-ERR wrong number of arguments for 'get' command\r\n");
    expect(engine.engine.table.byFullName('get')!.rejectedCalls).toBe(2);
  });

  test('everything but a few commands before AUTH', () => {
    const stranger = new Session(99, '127.0.0.1:9', 0);
    expect(engine.runIn(stranger, 'GET', 'a')).toBe('-NOAUTH Authentication required.\r\n');
    expect(engine.runIn(stranger, 'nosuch')).toContain('unknown command');
  });

  test('while loading', () => {
    engine.engine.loading = true;
    expect(engine.run('GET', 'a')).toBe('-LOADING Redis is loading the dataset in memory\r\n');
    expect(engine.run('ECHO', 'a')).toBe('$1\r\na\r\n');
    expect(engine.run('SELECT', '1')).toBe('+OK\r\n');
  });

  test('writes, and PING, while the log has no room', () => {
    engine.run('SET', 'a', '1');
    engine.engine.writeRefusal = 'MISCONF no room';
    expect(engine.run('SET', 'a', '2')).toBe('-MISCONF no room\r\n');
    expect(engine.run('DEL', 'a')).toBe('-MISCONF no room\r\n');
    expect(engine.run('PING')).toBe('-MISCONF no room\r\n');
    expect(engine.run('GET', 'a')).toBe('$1\r\n1\r\n');
    engine.engine.writeRefusal = '';
    expect(engine.run('SET', 'a', '2')).toBe('+OK\r\n');
  });

  test('above maxmemory what needs memory is refused; reading, deleting and deadlines go on', () => {
    for (let i = 0; i < 2000; i++) engine.run('SET', `k${i}`, 'x'.repeat(100));
    engine.logged();
    engine.engine.setMaxmemory(engine.engine.usedBytes() - 1000);
    const oom = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    for (const words of [
      ['SET', 'a', '1'],
      ['APPEND', 'k1', 'y'],
      ['INCR', 'n'],
      ['MSET', 'a', '1'],
      ['SETRANGE', 'k1', '5', 'y'],
      ['GETSET', 'k1', 'y'],
    ]) {
      expect(engine.run(...words)).toBe(oom);
    }
    expect(engine.logged()).toEqual([]);
    expect(engine.run('GET', 'k1')).toContain('x');
    expect(engine.run('EXPIRE', 'k1', '100')).toBe(':1\r\n');
    expect(engine.run('PERSIST', 'k1')).toBe(':1\r\n');
    expect(engine.run('RENAME', 'k1', 'k1b')).toBe('+OK\r\n');
    expect(engine.run('DEL', ...Array.from({ length: 1500 }, (_, i) => `k${i}`))).toBe(':1499\r\n');
    expect(engine.run('SET', 'a', '1')).toBe('+OK\r\n');
  });

  test('SETRANGE far behind the end is refused by what it would need, before it changes anything', () => {
    engine.engine.setMaxmemory(engine.engine.usedBytes() + 1_000_000);
    expect(engine.run('SETRANGE', 'a', '500000000', 'x')).toContain('-OOM');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
    expect(engine.run('SETRANGE', 'a', '5', 'x')).toBe(':6\r\n');
    expect(engine.run('SETRANGE', 'a', '500000000', 'x')).toContain('-OOM');
    expect(engine.run('STRLEN', 'a')).toBe(':6\r\n');
  });
});

describe('entries', () => {
  test('one a command, with the origin of its client', () => {
    const other = engine.newSession();
    engine.run('MSET', 'a', '1', 'b', '2');
    engine.runIn(other, 'DEL', 'a', 'b');
    engine.run('GET', 'a');
    expect(engine.sink.origins).toEqual([engine.session.id, other.id]);
    expect(engine.sink.entries.map(readEffects)).toEqual([['MSET a 1 b 2'], ['DEL a b']]);
  });

  test('larger than a batch', () => {
    const large = 'x'.repeat(1_000_000);
    engine.run('SET', 'a', large);
    engine.run('SET', 'b', '1');
    expect(engine.logged()).toEqual([[`SET a ${large}`], ['SET b 1']]);
  });

  test("what a client writes to an expired key is the client's, its removal included", () => {
    engine.run('SET', 'a', '1', 'PX', '10');
    engine.clock.ms += 10;
    engine.run('GETSET', 'a', '2');
    expect(engine.sink.origins).toEqual([engine.session.id, engine.session.id]);
  });
});

test('counters of commands and keys', () => {
  engine.run('SET', 'a', 'text');
  engine.run('INCR', 'a');
  engine.run('GET', 'a');
  engine.run('GET', 'none');
  engine.run('EXISTS', 'none');
  const { table, database, commandsProcessed } = engine.engine;
  expect(table.byFullName('incr')).toMatchObject({ calls: 1, failedCalls: 1, rejectedCalls: 0 });
  expect(table.byFullName('get')).toMatchObject({ calls: 2, failedCalls: 0 });
  expect(database.statistics).toMatchObject({ keyspaceHits: 1, keyspaceMisses: 2, changes: 1, expiredKeys: 0 });
  expect(commandsProcessed).toBe(5);
});

test('an exception after the first change is fatal, one before it closes the connection', () => {
  const { database, effects } = engine.engine;
  engine.run('PING');
  expect(engine.engine.recoverFrom(new Error('before'))).toBe('close');
  expect(engine.engine.recoverFrom(new ExpiryRefused('no room'))).toBe('close');
  engine.run('SET', 'a', '1');
  database.mutated = true;
  expect(engine.engine.recoverFrom(new Error('after'))).toBe('fatal');
  database.mutated = false;
  effects.begin(0, 1);
  expect(engine.engine.recoverFrom(new Error('entry open'))).toBe('fatal');
});

describe('while nothing may end (CLIENT PAUSE)', () => {
  test('keys whose time is up stay, and are absent to reads', () => {
    engine.run('SET', 'a', '1', 'PX', '10');
    engine.clock.ms += 60_000;
    engine.engine.database.keepsExpired = true;
    const { sequence } = engine.engine.effects;
    engine.background();
    expect(engine.run('GET', 'a')).toBe('$-1\r\n');
    expect(engine.run('SCAN', '0', 'COUNT', '100')).toBe('*2\r\n$1\r\n0\r\n*0\r\n');
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
    expect(engine.engine.effects.sequence).toBe(sequence);
    engine.engine.database.keepsExpired = false;
    engine.background();
    expect(engine.run('DBSIZE')).toBe(':0\r\n');
  });

  test('only commands that would run and may write wait, or all that would run', () => {
    const asked = (all: boolean, ...words: string[]): boolean => {
      engine.engine.args.set(words.map((word) => Buffer.from(word)));
      return engine.engine.postpones(engine.session, all);
    };
    expect(asked(false, 'SET', 'a', '1')).toBe(true);
    expect(asked(false, 'GET', 'a')).toBe(false);
    expect(asked(true, 'GET', 'a')).toBe(true);
    expect(asked(true, 'GET')).toBe(false);
    expect(asked(true, 'NOSUCH')).toBe(false);
    engine.session.authenticated = false;
    expect(asked(true, 'SET', 'a', '1')).toBe(false);
  });
});

describe('time', () => {
  interface Told {
    readonly name: string;
    readonly words: readonly string[];
    readonly micros: number;
    readonly calls: number;
  }

  /** Runs commands as one turn, each taking so many microseconds; returns the calls that were told as slow. */
  function turn(slowMicros: number, ...commands: readonly (readonly [micros: number, ...words: string[]])[]): Told[] {
    const told: Told[] = [];
    const { engine: core } = engine;
    core.slowMicros = slowMicros;
    core.slowCalls = {
      slow: (command, _session, { texts }, micros, calls) => {
        told.push({ name: command.fullName, words: texts, micros, calls });
      },
    };
    // One buffer with all of them, as they come from a socket.
    const bytes = Buffer.concat(
      commands.map(([, ...words]) =>
        Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`),
      ),
    );
    core.beginTurn();
    let at = 0;
    for (const [micros, ...words] of commands) {
      const { args } = core;
      args.bytes = bytes;
      args.count = words.length;
      at = bytes.indexOf('$', at);
      words.forEach((word, i) => {
        args.start[i] = bytes.indexOf('\n', at) + 1;
        args.end[i] = args.start[i]! + word.length;
        at = args.end[i]! + 2;
      });
      core.execute(engine.session);
      engine.clock.micros += micros;
    }
    // The parser has looked at what came behind.
    core.args.count = 0;
    core.endTurn();
    return told;
  }

  test('a row of quick commands is told as one, with its last command', () => {
    expect(turn(1000, [10, 'GET', 'a'], [2000, 'GET', 'b'], [10, 'GET', 'c'], [5, 'ECHO', 'x'])).toEqual([
      { name: 'get', words: ['GET', 'c'], micros: 2020, calls: 3 },
    ]);
    expect(turn(1000, [900, 'GET', 'a'], [1, 'GET', 'b'])).toEqual([]);
    expect(turn(1000, [5, 'ECHO', 'x'], [1500, 'GET', 'last'])).toEqual([
      { name: 'get', words: ['GET', 'last'], micros: 1500, calls: 1 },
    ]);
  });

  test('a command whose time does not follow from its arguments is told by itself', () => {
    // The time of a command passes before the next one here, so it counts for that one.
    expect(turn(1000, [0, 'DEL', 'a'], [0, 'DEL', 'b']).length).toBe(0);
    const { table } = engine.engine;
    for (const name of ['get', 'set', 'incr', 'exists', 'ping']) expect(table.byFullName(name)!.timedAlone).toBe(false);
    for (const name of ['keys', 'lcs', 'getrange', 'del', 'mset'])
      expect(table.byFullName(name)!.timedAlone).toBe(true);
  });

  test('every call is in the distribution of its command', () => {
    turn(1000, ...Array.from({ length: 100 }, () => [1, 'GET', 'a'] as const), [1, 'DEL', 'a'], [1, 'DEL', 'b']);
    const { table } = engine.engine;
    expect(table.byFullName('get')!.latencies!.count).toBe(100);
    expect(table.byFullName('del')!.latencies!.count).toBe(2);
  });
});

/** What COMMAND says of each command is what Redis 7.0 says of it; newer commands and subcommands are listed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MapReply, type Resp3Reply, readReply } from '../../support/reply-reader.js';
import { describeWith } from '../../support/require-servers.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { FakeServer } from '../support/fake-server.js';

/** In no Redis 7.0. */
const NEWER = new Set(['waitaof', 'client|setinfo', 'client|no-touch', 'delex', 'digest', 'msetex']);

const fake = new FakeServer();
const commands = [...fake.engine.table.commands.values()];
const names = commands.flatMap((command) => [
  command.fullName,
  ...[...(command.subcommands?.values() ?? [])].map((subcommand) => subcommand.fullName),
]);

function ours(...words: string[]): unknown {
  const client = fake.connect();
  client.run('HELLO', '3');
  return plain(readReply(Buffer.from(client.run(...words), 'latin1'), 0));
}

/** A reply as plain values: maps as objects, strings as text. */
function plain(reply: Resp3Reply): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1');
  if (Array.isArray(reply)) return reply.map(plain);
  if (reply instanceof Set) return [...reply].map(plain);
  if (reply instanceof MapReply) return Object.fromEntries(reply.entries.map(([k, v]) => [String(plain(k)), plain(v)]));
  return reply;
}

/** Subcommands come in any order, and ours may be some of theirs or newer. */
function withoutSubcommands(info: unknown): unknown {
  const copy = [...(info as unknown[])];
  copy[9] = [];
  return copy;
}

type Docs = { subcommands?: unknown; history?: [string, string][]; arguments?: ArgumentDocs[] };
type ArgumentDocs = { since?: string; arguments?: ArgumentDocs[] };

const known = (since = '1'): boolean => Number(since.split('.')[0]) <= 7;

/** What Redis 7.0 can know of a command, subcommands aside. */
function comparableDocs(docs: unknown): unknown {
  const { subcommands: _, ...rest } = docs as Docs;
  if (rest.history !== undefined) rest.history = rest.history.filter(([version]) => known(version));
  if (rest.arguments !== undefined) rest.arguments = rest.arguments.map(withoutNewer);
  return rest;
}

function withoutNewer(argument: ArgumentDocs): ArgumentDocs {
  if (argument.arguments === undefined) return argument;
  return { ...argument, arguments: argument.arguments.filter(({ since }) => known(since)).map(withoutNewer) };
}

describeWith(['redis-server'], 'COMMAND INFO and COMMAND DOCS are those of Redis', () => {
  let redis: ServerProcess;
  let client: RespClient;
  beforeAll(async () => {
    redis = await ServerProcess.start({ kind: 'redis' });
    client = await RespClient.connect(redis.address, 'resp3');
    await client.command('HELLO', '3');
  });
  afterAll(async () => {
    await client?.close();
    await redis?.dispose();
  });

  test.each(names.filter((name) => !NEWER.has(name)))('%s', async (name) => {
    const theirInfo = plain((await client.command('COMMAND', 'INFO', name)) as Resp3Reply) as unknown[];
    const ourInfo = ours('COMMAND', 'INFO', name) as unknown[];
    expect(withoutSubcommands(ourInfo[0])).toEqual(withoutSubcommands(theirInfo[0]));
    const theirDocs = plain((await client.command('COMMAND', 'DOCS', name)) as Resp3Reply) as Record<string, unknown>;
    const ourDocs = ours('COMMAND', 'DOCS', name) as Record<string, unknown>;
    expect(comparableDocs(ourDocs[name])).toEqual(comparableDocs(theirDocs[name]));
  });

  test('what is newer than Redis 7.0 is not known there', async () => {
    for (const name of NEWER) {
      const [info] = plain((await client.command('COMMAND', 'INFO', name)) as Resp3Reply) as unknown[];
      expect(info ?? null, name).toBeNull();
      expect(names).toContain(name);
    }
  });

  test.each(['connection', 'dangerous', 'admin', 'fast', 'slow', 'string', 'keyspace', 'read', 'write', 'geo'])(
    'the category %s holds the same of our commands',
    async (category) => {
      const theirs = plain(
        (await client.command('COMMAND', 'LIST', 'FILTERBY', 'ACLCAT', category)) as Resp3Reply,
      ) as string[];
      const mine = ours('COMMAND', 'LIST', 'FILTERBY', 'ACLCAT', category) as string[];
      const compared = new Set(names.filter((name) => !NEWER.has(name)));
      expect(mine.filter((name) => compared.has(name)).sort()).toEqual(
        theirs.filter((name) => compared.has(name)).sort(),
      );
    },
  );
});

/** As Redis 8.4 publishes them: src/commands/*.json, https://redis.io/docs/latest/commands/. */
const ONE_KEY = {
  begin_search: { type: 'index', spec: { index: 1 } },
  find_keys: { type: 'range', spec: { lastkey: 0, keystep: 1, limit: 0 } },
};
const PUBLISHED: Record<string, unknown[]> = {
  digest: [
    2,
    ['readonly', 'fast'],
    1,
    1,
    1,
    ['@read', '@string', '@fast'],
    [],
    [{ flags: ['RO', 'access'], ...ONE_KEY }],
  ],
  delex: [
    ...[-2, ['write', 'fast'], 1, 1, 1, ['@write', '@string', '@fast'], []],
    [{ flags: ['RW', 'delete', 'variable_flags'], ...ONE_KEY }],
  ],
  msetex: [
    ...[-4, ['write', 'denyoom', 'movablekeys'], 0, 0, 0, ['@write', '@string', '@slow']],
    ['request_policy:multi_shard', 'response_policy:all_succeeded'],
    [
      {
        flags: ['OW', 'update'],
        begin_search: { type: 'index', spec: { index: 1 } },
        find_keys: { type: 'keynum', spec: { keynumidx: 0, firstkey: 1, keystep: 2 } },
      },
    ],
  ],
};

describe('newer commands', () => {
  test.each(Object.entries(PUBLISHED))('COMMAND INFO %s', (name, published) => {
    expect(ours('COMMAND', 'INFO', name)).toEqual([[name, ...published, []]]);
  });

  test('COMMAND DOCS names the version and the words', () => {
    const docs = ours('COMMAND', 'DOCS', 'digest', 'delex', 'msetex') as Record<string, Record<string, unknown>>;
    for (const name of Object.keys(PUBLISHED)) expect(docs[name]).toMatchObject({ since: '8.4.0', group: 'string' });
    const words = JSON.stringify(docs.delex!.arguments).match(/IF\w+/g);
    expect(words).toEqual(['IFEQ', 'IFNE', 'IFDEQ', 'IFDNE']);
    expect(JSON.stringify(docs.msetex!.arguments).match(/"token":"\w+"/g)).toHaveLength(7);
  });

  test.each([
    ['MSETEX 2 a 1 b 2 KEEPTTL', ['a', 'b']],
    ['MSETEX 3 a 1 b 2 c 3', ['a', 'b', 'c']],
    ['DELEX a IFEQ 1', ['a']],
    ['DIGEST a', ['a']],
  ])('COMMAND GETKEYS %s', (line, keys) => {
    expect(ours('COMMAND', 'GETKEYS', ...line.split(' '))).toEqual(keys);
  });

  test.each(['MSETEX 4 a 1 b 2', 'MSETEX 0 a 1', 'MSETEX x a 1', 'MSETEX -1 a 1'])('%s names no keys', (line) => {
    expect(JSON.stringify(ours('COMMAND', 'GETKEYS', ...line.split(' ')))).toContain('Invalid arguments specified');
  });

  test.each([
    ['SET a 1', ['OW', 'update']],
    ['SET a 1 IFEQ 2', ['RW', 'access', 'update']],
    ['SET a 1 ifdne 0123456789abcdef', ['RW', 'access', 'update']],
    ['DELEX a', ['RM', 'delete']],
    ['DELEX a IFNE 1', ['RW', 'access', 'delete']],
  ])('COMMAND GETKEYSANDFLAGS %s', (line, flags) => {
    expect(ours('COMMAND', 'GETKEYSANDFLAGS', ...line.split(' '))).toEqual([['a', flags]]);
  });
});

describe('COMMAND', () => {
  test('counts and lists every command', () => {
    expect(ours('COMMAND', 'COUNT')).toBe(commands.length);
    expect((ours('COMMAND') as unknown[]).length).toBe(commands.length);
    expect((ours('COMMAND', 'INFO') as unknown[]).length).toBe(commands.length);
    expect(Object.keys(ours('COMMAND', 'DOCS') as object)).toEqual([...fake.engine.table.commands.keys()]);
    expect(ours('COMMAND', 'LIST')).toEqual([...fake.engine.table.commands.keys()]);
  });

  test('lists by pattern with subcommands, whatever the case', () => {
    expect(ours('COMMAND', 'LIST', 'FILTERBY', 'PATTERN', 'CONFIG|*')).toEqual(
      names.filter((name) => name.startsWith('config|')),
    );
  });
});

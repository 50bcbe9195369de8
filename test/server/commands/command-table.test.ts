/** What COMMAND says of each command is what Redis 7.0 says of it; newer commands and subcommands are listed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MapReply, type Resp3Reply, readReply } from '../../support/reply-reader.js';
import { describeWith } from '../../support/require-servers.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { FakeServer } from '../support/fake-server.js';

/** In no Redis 7.0. */
const NEWER = new Set(['waitaof', 'client|setinfo']);

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

function docsWithoutSubcommands(docs: unknown): unknown {
  const { subcommands: _, ...rest } = docs as Record<string, unknown>;
  return rest;
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
    expect(docsWithoutSubcommands(ourDocs[name])).toEqual(docsWithoutSubcommands(theirDocs[name]));
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
      const known = new Set(names.filter((name) => !NEWER.has(name)));
      expect(mine.filter((name) => known.has(name)).sort()).toEqual(theirs.filter((name) => known.has(name)).sort());
    },
  );
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

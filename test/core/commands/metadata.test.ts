/**
 * Every command of core/commands is described as Redis 7.0 describes it, field by field: COMMAND INFO and COMMAND DOCS of
 * a real redis-server are read back into declarations and compared with ours.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArgumentSpec, CommandSpec } from '../../../core/commands/command.js';
import { coreCommands } from '../../../core/commands/core-commands.js';
import { MapReply, type Resp3Reply } from '../../support/reply-reader.js';
import { describeWith } from '../../support/require-servers.js';
import type { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';

type Fields = Record<string, unknown>;

/** A reply in plain JavaScript: maps as objects, sets as arrays, strings as text. */
function plain(reply: Resp3Reply): unknown {
  if (reply instanceof MapReply)
    return Object.fromEntries(reply.entries.map(([key, value]) => [plain(key), plain(value)]));
  if (reply instanceof Set) return [...reply].map(plain);
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.toString() : reply;
}

/** Categories that follow from flags: a declaration does not name them. */
function impliedCategories(flags: readonly string[]): Set<string> {
  const implied = new Set([flags.includes('fast') ? '@fast' : '@slow']);
  if (flags.includes('write')) implied.add('@write');
  if (flags.includes('readonly')) implied.add('@read');
  return implied;
}

function definedOnly<T extends object>(fields: T): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function argument(fields: Fields): Fields {
  const {
    name,
    type,
    display_text,
    key_spec_index,
    token,
    summary,
    since,
    deprecated_since,
    flags,
    arguments: inner,
    ...rest
  } = fields;
  expect(rest).toEqual({});
  return definedOnly({
    name,
    type,
    displayText: display_text,
    keySpecIndex: key_spec_index,
    token,
    summary,
    since,
    deprecatedSince: deprecated_since,
    flags,
    arguments: (inner as Fields[] | undefined)?.map(argument),
  });
}

function keySpec(fields: Fields): Fields {
  const begin = fields.begin_search as { type: string; spec: { index: number } };
  const find = fields.find_keys as { type: string; spec: { lastkey: number; keystep: number; limit: number } };
  expect([begin.type, find.type]).toEqual(['index', 'range']);
  const { lastkey, keystep, limit } = find.spec;
  return definedOnly({
    flags: fields.flags,
    notes: fields.notes,
    index: begin.spec.index,
    lastKey: lastkey,
    step: keystep,
    limit,
  });
}

function declarationOf(info: unknown[], docs: Fields): Fields {
  const [name, arity, flags, , , , categories, tips, keys] = info as [
    string,
    number,
    string[],
    0,
    0,
    0,
    string[],
    string[],
    Fields[],
  ];
  const implied = impliedCategories(flags);
  const deprecated = (docs.doc_flags as string[] | undefined)?.includes('deprecated');
  return definedOnly({
    name,
    arity,
    flags,
    categories: categories.filter((category) => !implied.has(category)).map((category) => category.slice(1)),
    group: docs.group,
    since: docs.since,
    complexity: docs.complexity,
    summary: docs.summary,
    deprecated: deprecated ? { since: docs.deprecated_since, replacedBy: docs.replaced_by } : undefined,
    systemCommand: (docs.doc_flags as string[] | undefined)?.includes('syscmd') ? true : undefined,
    history: docs.history,
    tips: tips.length === 0 ? undefined : tips,
    keys: keys.length === 0 ? undefined : keys.map(keySpec),
    arguments: (docs.arguments as Fields[] | undefined)?.map(argument),
  });
}

/** Redis 7.0 cannot know it. */
function isNewer(since: string | undefined): boolean {
  return Number(since?.split('.')[0] ?? 0) > 7;
}

/** What a declaration says without code, and without options that are newer than Redis 7.0. */
function withoutCode(spec: CommandSpec): Fields {
  const { pages, run, subcommands, ...declared } = spec;
  expect(pages).toBeDefined();
  if (subcommands === undefined) expect(run).toBeTypeOf('function');
  return definedOnly({
    ...declared,
    history: declared.history?.filter(([version]) => !isNewer(version)),
    arguments: declared.arguments?.map(withoutNewer),
  });
}

function withoutNewer(declared: ArgumentSpec): ArgumentSpec {
  if (declared.arguments === undefined) return declared;
  return {
    ...declared,
    arguments: declared.arguments.filter(({ since }) => !isNewer(since)).map(withoutNewer),
  };
}

describeWith(['redis-server'], 'declarations against redis-server', () => {
  let server: ServerProcess;
  let client: RespClient;

  beforeAll(async () => {
    server = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no'] });
    client = await server.connect('resp3');
    await client.command('HELLO', 3);
  });

  afterAll(() => server.dispose());

  const known = coreCommands
    .filter(({ since }) => !isNewer(since))
    .flatMap((spec) => [
      [spec.name, spec] as const,
      ...(spec.subcommands ?? []).map((inner) => [`${spec.name}|${inner.name}`, inner] as const),
    ]);
  test.each(known)('%s', async (name, spec) => {
    const info = plain((await client.command('COMMAND', 'INFO', name)) as Resp3Reply) as unknown[][];
    const docs = plain((await client.command('COMMAND', 'DOCS', name)) as Resp3Reply) as Record<string, Fields>;
    const theirs = declarationOf(info[0]!, docs[name]!);
    expect({ ...withoutCode(spec), name }).toEqual(theirs);
  });
});

test('the surface of this release is declared', () => {
  const surface = `
    append copy dbsize decr decrby del delex digest dump echo exists expire expireat expiretime flushall flushdb get getdel getex
    getrange getset incr incrby incrbyfloat keys lcs mget move mset msetex msetnx object persist pexpire pexpireat
    pexpiretime ping psetex pttl randomkey rename renamenx restore restore-asking scan select set setex setnx setrange strlen substr swapdb time
    touch ttl type unlink`;
  expect(coreCommands.map((spec) => spec.name).sort()).toEqual(surface.trim().split(/\s+/));
});

test('arguments name key specifications that exist', () => {
  const check = (spec: CommandSpec, declared: ArgumentSpec): void => {
    if (declared.type === 'key')
      expect(spec.keys?.[declared.keySpecIndex!], `${spec.name} ${declared.name}`).toBeDefined();
    for (const inner of declared.arguments ?? []) check(spec, inner);
  };
  for (const spec of coreCommands) for (const declared of spec.arguments ?? []) check(spec, declared);
});

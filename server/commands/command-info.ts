/** One command as COMMAND and COMMAND INFO tell it: an array of ten elements. */
import type { Command } from '../../core/command-table.js';
import type { KeySpec } from '../../core/commands/command.js';
import type { ReplyWriter } from '../../core/reply-writer.js';
import { aclCategoriesOf } from './acl-categories.js';
import { legacyKeysOf } from './command-keys.js';

/** Flags in the order in which Redis tells them. */
const FLAG_ORDER = [
  ...['write', 'readonly', 'denyoom', 'module', 'admin', 'pubsub', 'noscript', 'blocking', 'loading', 'stale'],
  ...['skip_monitor', 'skip_slowlog', 'asking', 'fast', 'no_auth', 'may_replicate', 'no_async_loading', 'no_multi'],
  ...['movablekeys', 'allow_busy'],
];

const KEY_FLAG_ORDER = [
  'RO',
  'RW',
  'OW',
  'RM',
  'access',
  'update',
  'insert',
  'delete',
  'not_key',
  'incomplete',
  'variable_flags',
];

export function replyCommandInfo(reply: ReplyWriter, command: Command): void {
  const { spec } = command;
  const keys = legacyKeysOf(spec);
  reply.array(10);
  reply.bulkLatin1(command.fullName);
  reply.integer(command.arity);
  replyWords(
    reply,
    FLAG_ORDER.filter((flag) => (spec.flags as readonly string[]).includes(flag)),
  );
  reply.integer(keys.first);
  reply.integer(keys.last);
  reply.integer(keys.step);
  replyWords(
    reply,
    aclCategoriesOf(spec).map((category) => `@${category}`),
  );
  const tips = spec.tips ?? [];
  reply.set(tips.length);
  for (const tip of tips) reply.bulkLatin1(tip);
  const specs = spec.keys ?? [];
  reply.set(specs.length);
  for (const key of specs) replyKeySpec(reply, key);
  const subcommands = command.subcommands ?? new Map<string, Command>();
  // Redis tells the absence of subcommands as an empty set and their presence as an array.
  if (subcommands.size === 0) reply.set(0);
  else reply.array(subcommands.size);
  for (const subcommand of subcommands.values()) replyCommandInfo(reply, subcommand);
}

function replyWords(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.simple(word);
}

/** The flags of a key in the order in which Redis tells them. */
export function replyKeyFlags(reply: ReplyWriter, flags: readonly string[]): void {
  replyWords(
    reply,
    KEY_FLAG_ORDER.filter((flag) => flags.includes(flag)),
  );
}

function replyKeySpec(reply: ReplyWriter, key: KeySpec): void {
  reply.map(key.notes === undefined ? 3 : 4);
  if (key.notes !== undefined) {
    reply.bulkLatin1('notes');
    reply.bulkLatin1(key.notes);
  }
  reply.bulkLatin1('flags');
  replyKeyFlags(reply, key.flags);
  reply.bulkLatin1('begin_search');
  reply.map(2);
  reply.bulkLatin1('type');
  reply.bulkLatin1('keyword' in key ? 'keyword' : 'index');
  reply.bulkLatin1('spec');
  if ('keyword' in key) {
    reply.map(2);
    reply.bulkLatin1('keyword');
    reply.bulkLatin1(key.keyword);
    reply.bulkLatin1('startfrom');
    reply.integer(key.startFrom);
  } else {
    replyNumbers(reply, [['index', key.index]]);
  }
  reply.bulkLatin1('find_keys');
  reply.map(2);
  reply.bulkLatin1('type');
  reply.bulkLatin1('lastKey' in key ? 'range' : 'keynum');
  reply.bulkLatin1('spec');
  replyNumbers(reply, findKeys(key));
}

function findKeys(key: KeySpec): [string, number][] {
  if ('lastKey' in key) {
    return [
      ['lastkey', key.lastKey],
      ['keystep', key.step],
      ['limit', key.limit],
    ];
  }
  return [
    ['keynumidx', key.countAt],
    ['firstkey', key.firstAt],
    ['keystep', key.step],
  ];
}

function replyNumbers(reply: ReplyWriter, numbers: readonly (readonly [string, number])[]): void {
  reply.map(numbers.length);
  for (const [name, value] of numbers) {
    reply.bulkLatin1(name);
    reply.integer(value);
  }
}

/**
 * DEBUG: questions about the dataset and switches for tests, behind an option because they stop everyone else while they
 * run. Only what cannot harm the data: nothing here crashes the server, or changes keys past the log.
 */
import { randomBytes } from 'node:crypto';
import type { CommandSpec } from '../../core/commands/command.js';
import { replyHelp } from '../../core/commands/help-reply.js';
import { encodingName, referenceCount } from '../../core/commands/object.js';
import { ABSENT, type Found } from '../../core/database.js';
import { datasetDigest } from '../../core/dataset-digest.js';
import { ERROR_LOADING } from '../../core/engine.js';
import type { Execution } from '../../core/execution.js';
import { GlobPattern } from '../../core/glob-pattern.js';
import { DIGEST_VERSION, DigestSum } from '../../core/memory/digest-sum.js';
import { StringEncoder } from '../../core/rdb/string-encoder.js';
import { errorText } from '../error-text.js';
import type { ReloadKind, ServerContext } from '../server-context.js';
import { replyOfType } from './debug-protocol.js';
import { integerArgument } from './integer-text.js';
import { isAllowed, notAllowedError } from './protected-action.js';
import { RestingTask } from './resting-task.js';

/** Longest sleep that is granted: a day. */
const SLEEP_MS_MAX = 86_400_000;
/** Longest text that STRINGMATCH-LEN makes. */
const MATCH_BYTES_MAX = 1024 * 1024;
/** Bytes of a value that are digested at once. */
const PIECE_BYTES = 64 * 1024;

interface Subcommand {
  readonly name: string;
  /** Arguments, DEBUG and the name included; negative: at least that many. */
  readonly arity: number;
  readonly help: readonly string[];
  run(server: ServerContext, x: Execution): void;
}

/** Looks up the key in argument i; ABSENT after an error reply. */
function lookup(x: Execution, i: number): Found {
  const found = x.database.lookupQuiet(i);
  if (found === ABSENT) x.reply.error('ERR no such key');
  return found;
}

function objectCommand(_server: ServerContext, x: Execution): void {
  const { database, reply } = x;
  const found = lookup(x, 2);
  if (found === ABSENT) return;
  const { values } = database;
  const serialized = new StringEncoder(true).preparePieces({
    length: values.valueLength(found),
    copy: (from, count, target, at) => values.copyValue(found, from, count, target, at),
  });
  const { byFrequency } = database.accessClock;
  // There is no pointer that would say anything; the record's reference does.
  reply.simple(
    `Value at:0x${found.toString(16)} refcount:${referenceCount(x, found)} encoding:${encodingName(x, found)} ` +
      `serializedlength:${serialized} lru:${byFrequency ? database.frequency() : Math.floor(x.now / 1000) & 0xffffff} ` +
      `lru_seconds_idle:${byFrequency ? 0 : database.idleSeconds()}`,
  );
}

function sdslenCommand(_server: ServerContext, x: Execution): void {
  const found = lookup(x, 2);
  if (found === ABSENT) return;
  if (encodingName(x, found) === 'int') {
    x.reply.error('ERR Not an sds encoded string.');
    return;
  }
  const key = x.args.length(2);
  const value = x.database.values.valueLength(found);
  x.reply.simple(
    `key_sds_len:${key}, key_sds_avail:0, key_zmalloc: ${key}, val_sds_len:${value}, val_sds_avail:0, ` +
      `val_zmalloc: ${value}`,
  );
}

/** For structures that no value here has: the error is Redis' for a value of another one. */
function notEncodedAs(name: string): Subcommand['run'] {
  return (_server, x) => {
    if (lookup(x, 2) !== ABSENT) x.reply.error(`ERR Not a ${name} encoded object.`);
  };
}

function htstatsCommand(server: ServerContext, x: Execution): void {
  const number = integerArgument(x.args, 2);
  const keyspace = number === undefined ? undefined : server.engine.keyspaces[number];
  if (number === undefined) {
    x.reply.error('ERR value is not an integer or out of range');
  } else if (keyspace === undefined) {
    x.reply.error('ERR Out of range database');
  } else {
    const { indexBytes, keysWithExpiry } = keyspace;
    const count = x.database.size(number);
    x.reply.verbatim(
      'txt',
      `[Dictionary HT]\n number of elements: ${count}\n index bytes: ${indexBytes}\n` +
        `[Expires HT]\n number of elements: ${keysWithExpiry}\n`,
    );
  }
}

function htstatsKeyCommand(_server: ServerContext, x: Execution): void {
  if (lookup(x, 2) === ABSENT) return;
  x.reply.error('ERR The value stored at the specified key is not represented using an hash table');
}

function jmapCommand(server: ServerContext, x: Execution): void {
  const { pagesByKind, ...rest } = server.engine.arena.stats;
  let text = '';
  for (const [name, value] of Object.entries(rest)) text += `${name}:${value}\n`;
  x.reply.verbatim('txt', `${text}pagesByKind:${pagesByKind.join(',')}\n`);
}

function digestCommand(server: ServerContext, x: Execution): void {
  x.database.dependOnAll();
  x.reply.simple(datasetDigest(server.engine.arena, server.engine.keyspaces));
}

/** The digest of a value by itself: equal for equal values, whatever their keys, databases and encodings are. */
function digestOfValue(x: Execution, i: number): string {
  const { database } = x;
  const sum = new DigestSum();
  const found = database.lookupQuiet(i);
  if (found !== ABSENT) {
    const { values } = database;
    const length = values.valueLength(found);
    const piece = new Uint8Array(Math.min(PIECE_BYTES, length));
    // Whether there is a deadline counts, when it is does not, as in Redis.
    sum.begin(0, 0, piece, 0, 0, values.hasExpiry(found), 0, 0);
    sum.word(length);
    for (let from = 0; from < length; from += piece.length) {
      const count = Math.min(piece.length, length - from);
      values.copyValue(found, from, count, piece, 0);
      sum.bytes(piece, 0, count);
    }
    sum.end();
  }
  return `v${DIGEST_VERSION}:${sum.text()}`;
}

function digestValueCommand(_server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  reply.array(args.count - 2);
  for (let i = 2; i < args.count; i++) reply.simple(digestOfValue(x, i));
}

/** Stops the server thread, as a command does that takes so long. */
function sleepCommand(_server: ServerContext, x: Execution): void {
  const milliseconds = Math.min(SLEEP_MS_MAX, (Number.parseFloat(x.args.latin1(2, 32)) || 0) * 1000);
  if (milliseconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
  x.reply.ok();
}

function setActiveExpireCommand(server: ServerContext, x: Execution): void {
  server.engine.expiresActively = Number.parseInt(x.args.latin1(2, 32), 10) > 0;
  x.reply.ok();
}

function changeReplicationIdCommand(server: ServerContext, x: Execution): void {
  server.statistics.replicationId = randomBytes(20).toString('hex');
  x.reply.ok();
}

function stringmatchLenCommand(_server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  const length = integerArgument(args, 2);
  if (length === undefined || length < 0 || length > MATCH_BYTES_MAX) {
    reply.error('ERR value is not an integer or out of range');
    return;
  }
  const pattern = new GlobPattern();
  pattern.set(args.bytes, args.start[3]!, args.end[3]!);
  reply.integer(pattern.matches(new Uint8Array(length).fill(LETTER_A), 0, length) ? 1 : 0);
}

const LETTER_A = 97;

/** Redis loads the file that lies there with NOSAVE, and on top of the dataset with the others: both would lose writes. */
const ERROR_RELOAD_OPTION =
  'ERR DEBUG RELOAD takes no options here: NOSAVE, MERGE and NOFLUSH would go behind the log, which has every write';

function reloadCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  for (let i = 2; i < args.count; i++) {
    if (args.is(i, 'MERGE') || args.is(i, 'NOFLUSH') || args.is(i, 'NOSAVE')) continue;
    reply.error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
    return;
  }
  if (args.count > 2) reply.error(ERROR_RELOAD_OPTION);
  else rebuildDataset(server, x, 'snapshot');
}

/** All clients wait, as in Redis; this one is answered when the dataset is whole again. */
function rebuildDataset(server: ServerContext, x: Execution, kind: ReloadKind): void {
  if (server.engine.loading) {
    x.reply.error(ERROR_LOADING);
    return;
  }
  let failure = '';
  const reply = (end: Execution): void => {
    if (failure === '') end.reply.ok();
    else end.reply.error(`ERR nothing was reloaded: ${failure}`);
  };
  const task = new RestingTask(server, x.session, reply, false);
  x.runInSlices(task);
  const reason = `DEBUG ${x.args.latin1(1, 16).toUpperCase()} by ${x.session.address}`;
  server.reload(kind, reason).then(
    () => task.end(),
    (error: unknown) => {
      failure = errorText(error).replace(/[\r\n]+/g, ' ');
      task.end();
    },
  );
}

function logCommand(server: ServerContext, x: Execution): void {
  server.log.warn({ client: x.session.address }, `DEBUG LOG: ${x.args.latin1(2, 1024)}`);
  x.reply.ok();
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'CHANGE-REPL-ID',
    arity: 2,
    help: ['    Change the replication ID that INFO shows.'],
    run: changeReplicationIdCommand,
  },
  { name: 'DIGEST', arity: 2, help: ['    Output a hash signature of the current dataset.'], run: digestCommand },
  {
    name: 'DIGEST-VALUE <key> [<key> ...]',
    arity: -2,
    help: ['    Output a hash signature of the values of all the specified keys.'],
    run: digestValueCommand,
  },
  {
    name: 'ERROR <string>',
    arity: 3,
    help: ['    Return an error with <string> as message, its code word included.'],
    run: (_server, x) => x.reply.error(x.args.latin1(2)),
  },
  { name: 'LOG <message>', arity: 3, help: ['    Write <message> to the server log.'], run: logCommand },
  {
    name: 'HTSTATS <dbid>',
    arity: 3,
    help: ['    Return statistics of the hash table of the specified database.'],
    run: htstatsCommand,
  },
  {
    name: 'HTSTATS-KEY <key>',
    arity: 3,
    help: ["    Like HTSTATS but for the hash table stored at <key>'s value."],
    run: htstatsKeyCommand,
  },
  { name: 'JMAP', arity: 2, help: ['    Show how the memory of keys and values is used.'], run: jmapCommand },
  {
    name: 'OBJECT <key>',
    arity: 3,
    help: ['    Show low level info about `key` and associated value.'],
    run: objectCommand,
  },
  {
    name: 'PROTOCOL <type>',
    arity: 3,
    help: [
      '    Reply with a test value of the specified type. <type> can be: string,',
      '    integer, double, bignum, null, array, set, map, attrib, push, verbatim,',
      '    true, false.',
    ],
    run: (_server, x) => replyOfType(x.reply, x.args.latin1(2, 32)),
  },
  {
    name: 'RELOAD',
    arity: -2,
    help: [
      '    Take a verified snapshot, drop the dataset and rebuild it from the snapshot and',
      '    the log. Every client waits. No options: the log is the truth.',
    ],
    run: reloadCommand,
  },
  {
    name: 'LOADAOF',
    arity: -2,
    help: ['    Drop the dataset and rebuild it from the newest snapshot and the log behind it.'],
    run: (server, x) => rebuildDataset(server, x, 'restart'),
  },
  {
    name: 'SDSLEN <key>',
    arity: 3,
    help: ['    Show the lengths of `key` and its string value.'],
    run: sdslenCommand,
  },
  {
    name: 'SET-ACTIVE-EXPIRE <0|1>',
    arity: 3,
    help: [
      '    Setting it to 0 disables expiring keys in background when they are not',
      '    accessed. Setting it to 1 reenables back the default.',
    ],
    run: setActiveExpireCommand,
  },
  {
    name: 'SLEEP <seconds>',
    arity: 3,
    help: ['    Stop the server for <seconds>. Decimals allowed.'],
    run: sleepCommand,
  },
  {
    name: 'STRINGMATCH-LEN <length> <pattern>',
    arity: 4,
    help: ['    Match <pattern> against <length> times the letter a: 1 or 0.'],
    run: stringmatchLenCommand,
  },
  {
    name: 'LISTPACK <key>',
    arity: 3,
    help: ['    Show low level info about the listpack encoding of <key>.'],
    run: notEncodedAs('listpack'),
  },
  {
    name: 'QUICKLIST <key> [<0|1>]',
    arity: -3,
    help: ['    Show low level info about the quicklist encoding of <key>.'],
    run: notEncodedAs('quicklist'),
  },
];

const HELP: readonly string[] = SUBCOMMANDS.flatMap(({ help, name }) => [name, ...help]);
const WORDS: readonly string[] = SUBCOMMANDS.map(({ name }) => name.split(' ')[0]!);

function findSubcommand({ args }: Execution): Subcommand | undefined {
  const found = SUBCOMMANDS[WORDS.findIndex((word) => args.is(1, word))];
  if (found === undefined) return undefined;
  return (found.arity >= 0 ? args.count === found.arity : args.count >= -found.arity) ? found : undefined;
}

function debugCommand(server: ServerContext, x: Execution): void {
  const { args, reply } = x;
  if (!isAllowed(server, x, server.config.values['enable-debug-command'])) {
    reply.error(notAllowedError('DEBUG', 'enable-debug-command'));
    return;
  }
  const subcommand = findSubcommand(x);
  if (subcommand !== undefined) subcommand.run(server, x);
  else if (args.is(1, 'HELP') && args.count === 2) replyHelp(x, 'DEBUG', HELP);
  else reply.error(`ERR unknown subcommand or wrong number of arguments for '${args.latin1(1, 128)}'. Try DEBUG HELP.`);
}

export function debugCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'debug',
      arity: -2,
      flags: ['admin', 'noscript', 'loading', 'stale'],
      categories: [],
      group: 'server',
      since: '1.0.0',
      complexity: 'Depends on subcommand.',
      summary: 'A container for debugging commands',
      systemCommand: true,
      pages: 0,
      run: (x) => debugCommand(server, x),
    },
  ];
}

/** Commands that compare string values: with a digest, with an argument, with each other. */
import { ABSENT, type Found, type ValueAccess } from '../database.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import { CommonSubsequence } from '../types/common-subsequence.js';
import { copyRange } from '../types/string.js';
import { DIGEST_DIGITS, digestDigits, digestValue } from '../types/string-digest.js';
import type { CommandSpec } from './command.js';
import { readInteger } from './integer-argument.js';
import { PAGES_TO_LOOK_ONCE, PAGES_TO_LOOK_TWICE } from './page-bounds.js';
import { StringOptions } from './string-options.js';
import { acceptsComparison, meetsComparison } from './value-comparison.js';
import { expectString } from './wrong-type.js';

/** Bytes of a cell of the table that Redis' LCS makes, which must stay below proto-max-bulk-len. */
const CELL_BYTES = 4;

const options = new StringOptions();
const minMatch = new Int64();

function digestCommand(x: Execution): void {
  const found = x.database.lookupRead(1);
  if (found === ABSENT) {
    x.reply.nil();
  } else if (expectString(x, found)) {
    digestValue(x.database.values, found);
    x.reply.bulk(digestDigits, 0, DIGEST_DIGITS);
  }
}

function delexCommand(x: Execution): void {
  const { args, database, reply } = x;
  const conditional = args.count > 2;
  if (conditional && !readCondition(x)) return;
  const found = database.lookupWrite(1);
  if (found === ABSENT) {
    reply.integer(0);
    return;
  }
  if (conditional) {
    if (!database.isString(found)) {
      reply.error('ERR Key should be of string type if conditions are specified');
      return;
    }
    if (!meetsComparison(x, found, options)) {
      reply.integer(0);
      return;
    }
  }
  x.logBegin('UNLINK', 2);
  x.logArgument(1);
  database.remove();
  reply.integer(1);
}

/** Reads the condition of a DELEX; on false the error was replied. */
function readCondition(x: Execution): boolean {
  if (x.args.count !== 4) {
    x.reply.error(`ERR wrong number of arguments for '${x.command.fullName}' command`);
    return false;
  }
  if (options.parseDelex(x.args)) return acceptsComparison(x, options);
  x.reply.error('ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE');
  return false;
}

// ---- LCS -----------------------------------------------------------------------------------------------------------

class LcsOptions {
  length = false;
  indexes = false;
  matchLengths = false;
  /** Shorter matches are not told. */
  matchMin = 0;
}

function lcsCommand(x: Execution): void {
  const { database, reply } = x;
  const first = database.lookupRead(1);
  const second = database.lookupRead(2);
  if ((first !== ABSENT && !database.isString(first)) || (second !== ABSENT && !database.isString(second))) {
    reply.error('ERR The specified keys must contain string values');
    return;
  }
  const asked = readLcsOptions(x);
  if (asked === undefined) return;
  const { values } = database;
  const cells = (lengthOf(values, first) + 1) * (lengthOf(values, second) + 1);
  if (cells * CELL_BYTES > database.stringBytesMax) {
    reply.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
    return;
  }
  const common = new CommonSubsequence(bytesOf(values, first), bytesOf(values, second), !asked.length);
  if (asked.indexes) replyMatches(x, common, asked);
  else if (asked.length) reply.integer(common.length);
  else reply.bulk(common.bytes(), 0, common.length);
}

/** Undefined after an error reply. */
function readLcsOptions(x: Execution): LcsOptions | undefined {
  const { args } = x;
  const asked = new LcsOptions();
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, 'IDX')) {
      asked.indexes = true;
    } else if (args.is(i, 'LEN')) {
      asked.length = true;
    } else if (args.is(i, 'WITHMATCHLEN')) {
      asked.matchLengths = true;
    } else if (args.is(i, 'MINMATCHLEN') && i + 1 < args.count) {
      if (!readInteger(x, ++i, minMatch)) return undefined;
      asked.matchMin = Math.max(0, minMatch.toNumber());
    } else {
      x.syntaxError();
      return undefined;
    }
  }
  if (!asked.indexes || !asked.length) return asked;
  x.reply.error('ERR If you want both the length and indexes, please just use IDX.');
  return undefined;
}

function lengthOf(values: ValueAccess, found: Found): number {
  return found === ABSENT ? 0 : values.valueLength(found);
}

/** A copy of the value; nothing for an absent key. */
function bytesOf(values: ValueAccess, found: Found): Uint8Array {
  const length = lengthOf(values, found);
  const bytes = new Uint8Array(length);
  if (length > 0) copyRange(values, found, 0, length, { bytes, position: 0, ensure: () => {} });
  return bytes;
}

function replyMatches(x: Execution, common: CommonSubsequence, asked: LcsOptions): void {
  const { reply } = x;
  const matches = common.matches(asked.matchMin);
  reply.map(2);
  reply.bulkLatin1('matches');
  reply.array(matches.length);
  for (const { firstStart, secondStart, length } of matches) {
    reply.array(asked.matchLengths ? 3 : 2);
    for (const start of [firstStart, secondStart]) {
      reply.array(2);
      reply.integer(start);
      reply.integer(start + length - 1);
    }
    if (asked.matchLengths) reply.integer(length);
  }
  reply.bulkLatin1('len');
  reply.integer(common.length);
}

export const stringCompareCommands: readonly CommandSpec[] = [
  {
    name: 'digest',
    arity: 2,
    flags: ['readonly', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '8.4.0',
    complexity: 'O(N) where N is the length of the string value.',
    summary: 'Returns the XXH3 hash of a string value.',
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run: digestCommand,
  },

  {
    name: 'delex',
    arity: -2,
    flags: ['write', 'fast'],
    categories: ['string'],
    group: 'string',
    since: '8.4.0',
    complexity: 'O(1) for IFEQ/IFNE, O(N) for IFDEQ/IFDNE where N is the length of the string value.',
    summary: 'Conditionally removes the specified key based on value or digest comparison.',
    keys: [{ flags: ['RW', 'delete', 'variable_flags'], index: 1, lastKey: 0, step: 1, limit: 0 }],
    arguments: [
      { name: 'key', type: 'key', keySpecIndex: 0 },
      {
        name: 'condition',
        type: 'oneof',
        flags: ['optional'],
        arguments: [
          { name: 'ifeq-value', type: 'string', token: 'IFEQ' },
          { name: 'ifne-value', type: 'string', token: 'IFNE' },
          { name: 'ifdeq-digest', type: 'string', token: 'IFDEQ' },
          { name: 'ifdne-digest', type: 'string', token: 'IFDNE' },
        ],
      },
    ],
    pages: PAGES_TO_LOOK_ONCE,
    run: delexCommand,
  },

  {
    name: 'lcs',
    arity: -3,
    flags: ['readonly'],
    categories: ['string'],
    group: 'string',
    since: '7.0.0',
    complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
    summary: 'Find longest common substring',
    keys: [{ flags: ['RO', 'access'], index: 1, lastKey: 1, step: 1, limit: 0 }],
    arguments: [
      { name: 'key1', type: 'key', keySpecIndex: 0 },
      { name: 'key2', type: 'key', keySpecIndex: 0 },
      { name: 'len', type: 'pure-token', token: 'LEN', flags: ['optional'] },
      { name: 'idx', type: 'pure-token', token: 'IDX', flags: ['optional'] },
      { name: 'len', type: 'integer', token: 'MINMATCHLEN', flags: ['optional'] },
      { name: 'withmatchlen', type: 'pure-token', token: 'WITHMATCHLEN', flags: ['optional'] },
    ],
    pages: PAGES_TO_LOOK_TWICE,
    run: lcsCommand,
  },
];

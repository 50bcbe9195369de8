/** OBJECT: how a key is kept, and how lately or how often it was used. Asking counts as no use. */
import { ABSENT, type Found } from '../database.js';
import { EVICT_BY_FREQUENCY, EVICT_BY_RECENCY } from '../eviction-policy.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import { ENCODING_EMBSTR, ENCODING_INT } from '../types/string.js';
import type { CommandSpec } from './command.js';
import { replyHelp } from './help-reply.js';
import { PAGES_TO_LOOK_ONCE } from './page-bounds.js';

const SWITCHING =
  'Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.';

/** Integers below this are one object in Redis, whose count of references is fixed. */
const SHARED_INTEGERS = 10_000;
const SHARED_TEXT_BYTES_MAX = 4;
const REFERENCES_SHARED = 0x7fffffff;

const integer = new Int64();
const text = new Uint8Array(SHARED_TEXT_BYTES_MAX);

/** Looks the key up; ABSENT after a nil reply. */
function lookup(x: Execution): Found {
  const found = x.database.lookupQuiet(2);
  if (found === ABSENT) x.reply.nil();
  return found;
}

function encodingCommand(x: Execution): void {
  const found = lookup(x);
  if (found === ABSENT) return;
  x.reply.bulkLatin1(encodingName(x, found));
}

/** Redis' name for how the value is kept. */
export function encodingName(x: Execution, found: Found): string {
  const encoding = x.database.values.encoding(found);
  return encoding === ENCODING_INT ? 'int' : encoding === ENCODING_EMBSTR ? 'embstr' : 'raw';
}

function idletimeCommand(x: Execution): void {
  const { database, reply } = x;
  if (lookup(x) === ABSENT) return;
  if (database.accessClock.byFrequency) {
    reply.error(`ERR An LFU maxmemory policy is selected, idle time not tracked. ${SWITCHING}`);
  } else {
    reply.integer(database.idleSeconds());
  }
}

function freqCommand(x: Execution): void {
  const { database, reply } = x;
  if (lookup(x) === ABSENT) return;
  if (database.accessClock.byFrequency) {
    reply.integer(database.frequency());
  } else {
    reply.error(`ERR An LFU maxmemory policy is not selected, access frequency not tracked. ${SWITCHING}`);
  }
}

function refcountCommand(x: Execution): void {
  const found = lookup(x);
  if (found !== ABSENT) x.reply.integer(referenceCount(x, found));
}

/** How many references Redis would count to the value. */
export function referenceCount(x: Execution, found: Found): number {
  return isShared(x, found) ? REFERENCES_SHARED : 1;
}

/**
 * Whether Redis would keep the value as one of its shared integers: not where a policy needs clocks of their own. Nothing
 * is shared here.
 */
function isShared(x: Execution, found: Found): boolean {
  const { values } = x.database;
  const length = values.valueLength(found);
  if (values.encoding(found) !== ENCODING_INT || length > SHARED_TEXT_BYTES_MAX) return false;
  const { by } = x.engine.eviction.policy;
  if (x.engine.maxmemory > 0 && (by === EVICT_BY_RECENCY || by === EVICT_BY_FREQUENCY)) return false;
  values.copyValue(found, 0, length, text, 0);
  return integer.parse(text, 0, length) && integer.high === 0 && integer.low < SHARED_INTEGERS;
}

function helpCommand(x: Execution): void {
  replyHelp(x, 'OBJECT', [
    'ENCODING <key>',
    '    Return the kind of internal representation used in order to store the value',
    '    associated with a <key>.',
    'FREQ <key>',
    '    Return the access frequency index of the <key>. The returned integer is',
    '    proportional to the logarithm of the recent access frequency of the key.',
    'IDLETIME <key>',
    '    Return the idle time of the <key>, that is the approximated number of',
    '    seconds elapsed since the last access to the key.',
    'REFCOUNT <key>',
    '    Return the number of references of the value associated with the specified',
    '    <key>.',
  ]);
}

/** What is the same for every question about a key. */
function question(name: string, since: string, summary: string, run: (x: Execution) => void): CommandSpec {
  return {
    name,
    arity: 3,
    flags: ['readonly'],
    categories: ['keyspace'],
    group: 'generic',
    since,
    complexity: 'O(1)',
    summary,
    tips: ['nondeterministic_output'],
    keys: [{ flags: ['RO'], index: 2, lastKey: 0, step: 1, limit: 0 }],
    arguments: [{ name: 'key', type: 'key', keySpecIndex: 0 }],
    pages: PAGES_TO_LOOK_ONCE,
    run,
  };
}

export const objectCommands: readonly CommandSpec[] = [
  {
    name: 'object',
    arity: -2,
    flags: [],
    categories: [],
    group: 'generic',
    since: '2.2.3',
    complexity: 'Depends on subcommand.',
    summary: 'A container for object introspection commands',
    pages: 0,
    subcommands: [
      question('encoding', '2.2.3', 'Inspect the internal encoding of a Redis object', encodingCommand),
      question('freq', '4.0.0', 'Get the logarithmic access frequency counter of a Redis object', freqCommand),
      {
        name: 'help',
        arity: 2,
        flags: ['loading', 'stale'],
        categories: ['keyspace'],
        group: 'generic',
        since: '6.2.0',
        complexity: 'O(1)',
        summary: 'Show helpful text about the different subcommands',
        pages: 0,
        run: helpCommand,
      },
      question('idletime', '2.2.3', 'Get the time since a Redis object was last accessed', idletimeCommand),
      question('refcount', '2.2.3', 'Get the number of references to the value of the key', refcountCommand),
    ],
  },
];

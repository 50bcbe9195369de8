/**
 * How a command is declared: one entry, next to its code, from which everything else is made: dispatch, COMMAND,
 * COMMAND DOCS, COMMAND GETKEYS, ACL categories, OOM refusal, cluster key routing, and the reference page in docs/.
 * The words are those of Redis' command reference (https://redis.io/docs/latest/commands/command/).
 */
import type { Execution } from '../execution.js';

export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'admin'
  | 'pubsub'
  | 'noscript'
  | 'blocking'
  | 'loading'
  | 'stale'
  | 'skip_monitor'
  | 'skip_slowlog'
  | 'asking'
  | 'fast'
  | 'no_auth'
  | 'may_replicate'
  | 'no_async_loading'
  | 'no_multi'
  | 'movablekeys'
  | 'allow_busy';

export type CommandGroup =
  | 'string'
  | 'generic'
  | 'connection'
  | 'server'
  | 'list'
  | 'set'
  | 'hash'
  | 'sorted-set'
  | 'stream'
  | 'bitmap'
  | 'hyperloglog'
  | 'geo'
  | 'pubsub'
  | 'scripting'
  | 'transactions'
  | 'cluster';

export type KeySpecFlag =
  | 'RO'
  | 'RW'
  | 'OW'
  | 'RM'
  | 'access'
  | 'update'
  | 'insert'
  | 'delete'
  | 'not_key'
  | 'incomplete'
  | 'variable_flags';

interface KeySpecBase {
  readonly flags: readonly KeySpecFlag[];
  readonly notes?: string;
  /** Argument number of the first key, or of where the counting of `CountedKeySpec` begins. */
  readonly index: number;
  readonly step: number;
}

/** Keys from argument `index`, up to `lastKey` (negative: from the end, relative), every `step`. */
export interface RangeKeySpec extends KeySpecBase {
  /** Relative to the first key when 0 or above (0: one key); counted from the end when negative (-1: the last argument). */
  readonly lastKey: number;
  readonly limit: number;
}

/** Keys whose number is itself an argument. */
export interface CountedKeySpec extends KeySpecBase {
  /** Where that argument and the first key stand, relative to `index`. */
  readonly countAt: number;
  readonly firstAt: number;
}

/** Keys behind a word among the arguments; `index` says nothing. */
export interface KeywordKeySpec extends RangeKeySpec {
  /** Upper case. */
  readonly keyword: string;
  /** Where the search for the word begins: negative, from the end backwards. */
  readonly startFrom: number;
}

/** Where a command's keys stand. */
export type KeySpec = RangeKeySpec | CountedKeySpec | KeywordKeySpec;

export type ArgumentType =
  | 'string'
  | 'integer'
  | 'double'
  | 'key'
  | 'pattern'
  | 'unix-time'
  | 'pure-token'
  | 'oneof'
  | 'block';

export interface ArgumentSpec {
  readonly name: string;
  readonly type: ArgumentType;
  readonly displayText?: string;
  readonly keySpecIndex?: number;
  readonly token?: string;
  readonly summary?: string;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly flags?: readonly ('optional' | 'multiple' | 'multiple_token')[];
  readonly arguments?: readonly ArgumentSpec[];
}

/**
 * An upper bound of the distinct pages that one run of the command may change, lazy expiry included: a number, a
 * function of the arguments, or 'sliced' for a command that runs in slices or only lets go.
 */
export type PageBound = number | 'sliced' | ((x: Execution) => number);

export interface CommandSpec {
  /** Lower case; a subcommand's own word only. */
  readonly name: string;
  /** Arguments, the name included; negative: at least that many. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** ACL categories without '@' that do not follow from the flags. */
  readonly categories: readonly string[];
  readonly group: CommandGroup;
  readonly since: string;
  readonly complexity: string;
  readonly summary: string;
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** True for a command for operators and tests, not for applications: `syscmd` in COMMAND DOCS. */
  readonly systemCommand?: true;
  readonly history?: readonly (readonly [version: string, change: string])[];
  /** Command tips, for example 'nondeterministic_output'. */
  readonly tips?: readonly string[];
  readonly keys?: readonly KeySpec[];
  readonly arguments?: readonly ArgumentSpec[];
  readonly pages: PageBound;
  /** Runs the command: x.args in, x.reply out. Absent only for containers that are nothing but subcommands. */
  readonly run?: (x: Execution) => void;
  readonly subcommands?: readonly CommandSpec[];
}

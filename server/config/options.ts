/**
 * The table of all options of the configuration: every one that Redis 7.0 has, and our own. Each is declared once, in one
 * of the files of options/, and says whether it is honoured, accepted without effect, or refused. CONFIG GET, SET and
 * REWRITE, configuration files, the command line, startServer and docs/configuration.md are all made from this table. A
 * new option is one entry there, and where it acts on the running server, one method of ConfigTarget.
 */
import type { Option } from './option.js';
import { dataTypeOptions } from './options/data-type-options.js';
import { memoryOptions } from './options/memory-options.js';
import { monitoringOptions } from './options/monitoring-options.js';
import { networkOptions } from './options/network-options.js';
import { persistenceOptions } from './options/persistence-options.js';
import { processOptions } from './options/process-options.js';
import { replicationOptions } from './options/replication-options.js';

/** What a running server needs of file descriptors beside its clients. */
export const RESERVED_FILES = 32;

const OPTIONS = {
  ...networkOptions,
  ...memoryOptions,
  ...persistenceOptions,
  ...processOptions,
  ...monitoringOptions,
  ...dataTypeOptions,
  ...replicationOptions,
} satisfies Record<string, Option<unknown>>;

export type OptionName = keyof typeof OPTIONS;

/** The value of every option by its name. */
export type ConfigValues = {
  [K in OptionName]: (typeof OPTIONS)[K] extends Option<infer T> ? T : never;
};

/** The table without its types, for code that handles every option alike. */
export const OPTION_TABLE: ReadonlyMap<string, Option<unknown>> = new Map(Object.entries(OPTIONS));

/** What a name that stands alone in a file of Redis 7.0 means: nothing, since Redis ignores it too. */
export const FORGOTTEN_OPTIONS: ReadonlySet<string> = new Set([
  'list-max-ziplist-entries',
  'list-max-ziplist-value',
  'lua-replicate-commands',
]);

/** The canonical name of an option from its name or alias, in whatever case, or undefined. */
export function findOption(name: string): string | undefined {
  return OPTION_NAMES.get(name.toLowerCase());
}

/** Every name, aliases included, with the canonical name of its option. */
export const OPTION_NAMES: ReadonlyMap<string, string> = namesOf(OPTION_TABLE);

function namesOf(table: ReadonlyMap<string, Option<unknown>>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, { aliases }] of table) {
    for (const known of [name, ...(aliases ?? [])]) {
      if (names.has(known)) throw new Error(`option declared twice: ${known}`);
      names.set(known, name);
    }
  }
  return names;
}

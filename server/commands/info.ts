/** INFO: which sections a client asked for. What stands in them is info-sections.ts'. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import type { ServerContext } from '../server-context.js';
import { formatSection, type InfoFields } from './info-format.js';
import { persistenceFields } from './info-persistence.js';
import {
  clientFields,
  commandStatsFields,
  cpuFields,
  errorStatsFields,
  keyspaceFields,
  latencyStatsFields,
  memoryFields,
  replicationFields,
  serverFields,
  sliceFields,
  statsFields,
} from './info-sections.js';

interface Section {
  readonly name: string;
  readonly title: string;
  /** 'default' is shown when nothing is named, 'all' for ALL, 'everything' for EVERYTHING, 'named' when it is named. */
  readonly shown: 'default' | 'all' | 'everything' | 'named';
  fields(server: ServerContext): InfoFields;
}

const KEYSPACE: Section = { name: 'keyspace', title: 'Keyspace', shown: 'default', fields: keyspaceFields };

/** In the order in which they are shown. */
const SECTIONS: readonly Section[] = [
  { name: 'server', title: 'Server', shown: 'default', fields: serverFields },
  { name: 'clients', title: 'Clients', shown: 'default', fields: clientFields },
  { name: 'memory', title: 'Memory', shown: 'default', fields: memoryFields },
  { name: 'persistence', title: 'Persistence', shown: 'default', fields: persistenceFields },
  { name: 'stats', title: 'Stats', shown: 'default', fields: statsFields },
  { name: 'replication', title: 'Replication', shown: 'default', fields: replicationFields },
  { name: 'cpu', title: 'CPU', shown: 'default', fields: cpuFields },
  { name: 'modules', title: 'Modules', shown: 'default', fields: () => [] },
  { name: 'commandstats', title: 'Commandstats', shown: 'all', fields: commandStatsFields },
  { name: 'errorstats', title: 'Errorstats', shown: 'default', fields: errorStatsFields },
  { name: 'latencystats', title: 'Latencystats', shown: 'all', fields: latencyStatsFields },
  { name: 'cluster', title: 'Cluster', shown: 'default', fields: () => [['cluster_enabled', 0]] },
  KEYSPACE,
  { name: 'slices', title: 'Slices', shown: 'named', fields: sliceFields },
];

const DEFAULT = SECTIONS.filter(({ shown }) => shown === 'default');
const ALL = SECTIONS.filter(({ shown }) => shown === 'default' || shown === 'all');
const EVERYTHING = SECTIONS.filter(({ shown }) => shown !== 'named');

function infoCommand(server: ServerContext, x: Execution): void {
  const { args } = x;
  const asked = new Set<Section>(args.count === 1 ? DEFAULT : []);
  for (let i = 1; i < args.count; i++) {
    for (const section of sectionsOf(args.latin1(i, 64).toLowerCase())) asked.add(section);
  }
  // What shows how many keys there are waits for the newest write, as DBSIZE does.
  if (asked.has(KEYSPACE)) x.database.dependOnAll();
  const texts = SECTIONS.filter((section) => asked.has(section)).map(({ title, fields }) =>
    formatSection(title, fields(server)),
  );
  x.reply.verbatim('txt', texts.join('\r\n'));
}

function sectionsOf(word: string): readonly Section[] {
  if (word === 'default') return DEFAULT;
  if (word === 'all') return ALL;
  if (word === 'everything') return EVERYTHING;
  if (word === 'module_list') return SECTIONS.filter(({ name }) => name === 'modules');
  return SECTIONS.filter(({ name }) => name === word);
}

export function infoCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    {
      name: 'info',
      arity: -1,
      flags: ['loading', 'stale'],
      categories: ['dangerous'],
      group: 'server',
      since: '1.0.0',
      complexity: 'O(1)',
      summary: 'Get information and statistics about the server',
      history: [['7.0.0', 'Added support for taking multiple section arguments.']],
      tips: ['nondeterministic_output', 'request_policy:all_shards', 'response_policy:special'],
      arguments: [{ name: 'section', type: 'string', flags: ['optional', 'multiple'] }],
      pages: 0,
      run: (x) => infoCommand(server, x),
    },
  ];
}

/**
 * Commands of Redis Cluster, answered as a Redis answers that runs alone: CLUSTER, READONLY, READWRITE and ASKING get the
 * error by which clients tell the two apart.
 */
import type { CommandSpec } from '../../core/commands/command.js';
import type { Execution } from '../../core/execution.js';
import { clusterDeclarations } from './cluster-declarations.js';

function refuse(x: Execution): void {
  x.reply.error('ERR This instance has cluster support disabled');
}

const COMMON = {
  arity: 1,
  categories: ['connection'],
  group: 'cluster',
  since: '3.0.0',
  complexity: 'O(1)',
  pages: 0,
  run: refuse,
} as const;

export const clusterCommands: readonly CommandSpec[] = [
  {
    name: 'cluster',
    arity: -2,
    flags: [],
    categories: [],
    group: 'cluster',
    since: '3.0.0',
    complexity: 'Depends on subcommand.',
    summary: 'A container for cluster commands',
    pages: 0,
    subcommands: clusterDeclarations.map((declared) => ({ ...declared, group: 'cluster', pages: 0, run: refuse })),
  },
  {
    ...COMMON,
    name: 'readonly',
    flags: ['loading', 'stale', 'fast'],
    summary: 'Enables read queries for a connection to a cluster replica node',
  },
  {
    ...COMMON,
    name: 'readwrite',
    flags: ['loading', 'stale', 'fast'],
    summary: 'Disables read queries for a connection to a cluster replica node',
  },
  { ...COMMON, name: 'asking', flags: ['fast'], summary: 'Sent by cluster clients after an -ASK redirect' },
];

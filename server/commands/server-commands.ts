/** All commands that need the server around the engine. Those that do not are in core/commands. */
import type { CommandSpec } from '../../core/commands/command.js';
import type { ServerContext } from '../server-context.js';
import { aclCommands } from './acl.js';
import { clientCommands } from './client.js';
import { clusterCommands } from './cluster.js';
import { commandCommands } from './command.js';
import { configCommands } from './config.js';
import { debugCommands } from './debug.js';
import { handshakeCommands } from './handshake.js';
import { infoCommands } from './info.js';
import { latencyCommands } from './latency.js';
import { lolwutCommands } from './lolwut.js';
import { memoryCommands } from './memory.js';
import { migrateCommands } from './migrate.js';
import { moduleCommands } from './module.js';
import { monitorCommands } from './monitor.js';
import { replicationCommands } from './replication.js';
import { shutdownCommands } from './shutdown.js';
import { slowlogCommands } from './slowlog.js';
import { snapshotCommands } from './snapshots.js';
import { waitCommands } from './wait.js';

/**
 * The declarations, bound to a server. The server is looked at only when a command runs, so it may still be in the
 * making.
 */
export function serverCommands(server: ServerContext): readonly CommandSpec[] {
  return [
    ...handshakeCommands(server),
    ...clientCommands(server),
    ...commandCommands(server),
    ...configCommands(server),
    ...infoCommands(server),
    ...waitCommands(server),
    ...snapshotCommands(server),
    ...migrateCommands(server),
    ...shutdownCommands(server),
    ...replicationCommands,
    ...clusterCommands,
    ...aclCommands(server),
    ...moduleCommands(server),
    ...lolwutCommands,
    ...monitorCommands(server),
    ...slowlogCommands(server),
    ...latencyCommands(server),
    ...debugCommands(server),
    ...memoryCommands(server),
  ];
}

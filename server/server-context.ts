/**
 * What the parts of a running server know of each other: commands of server/commands get this one object. Interfaces
 * only; server/server-thread.ts builds it.
 */
import type { Logger } from 'pino';
import type { Engine } from '../core/engine.js';
import type { CommitPipeline } from './commit/commit-pipeline.js';
import type { Config } from './config/config.js';
import type { ConnectionLimits } from './connections/connection-limits.js';
import type { ConnectionRegistry } from './connections/connection-registry.js';

export interface ShutdownOptions {
  /** Why, for the log: 'SIGTERM', 'SHUTDOWN command'. */
  readonly reason: string;
}

export interface ServerContext {
  readonly engine: Engine;
  readonly commit: CommitPipeline;
  readonly connections: ConnectionRegistry;
  readonly limits: ConnectionLimits;
  readonly config: Config;
  readonly log: Logger;
  /** Drains, commits, seals and closes; resolves when the log is closed. */
  shutdown(options: ShutdownOptions): Promise<void>;
}

/**
 * What the parts of a running server know of each other: commands of server/commands get this one object. Interfaces
 * only; server/server-core.ts builds it.
 */
import type { Logger } from 'pino';
import type { Engine } from '../core/engine.js';
import type { CommitPipeline } from './commit/commit-pipeline.js';
import type { Config } from './config/config.js';
import type { ConnectionLimits } from './connections/connection-limits.js';
import type { ConnectionRegistry } from './connections/connection-registry.js';
import type { ServerClock } from './engine-clock.js';
import type { ExecutionWatch } from './execution-watch.js';
import type { MemoryReturn } from './memory-return.js';
import type { MonitorFeed } from './monitor-feed.js';
import type { ServerStatistics } from './server-statistics.js';
import type { SliceMeter } from './slice-meter.js';
import type { SnapshotManager } from './snapshots/snapshot-manager.js';
import type { ViewRoom } from './snapshots/view-room.js';

export interface ShutdownOptions {
  /** Why, for the log: 'SIGTERM', 'SHUTDOWN command'. */
  readonly reason: string;
  /** A snapshot first, or not even a page image; without it an image where the next start gains by it. */
  readonly save?: 'snapshot' | 'nothing';
  /** The server ends also where that snapshot cannot be taken; otherwise it goes on then. */
  readonly force?: boolean;
}

/** What a running server's dataset is rebuilt from: a snapshot taken for that, or what a restart would use. */
export type ReloadKind = 'snapshot' | 'restart';

/** What a server is, fixed once it listens. */
export interface ServerFacts {
  /** TCP port that it listens on. */
  readonly port: number;
  /** Unix socket that it listens on, or ''. */
  readonly unixSocket: string;
  /** Data directory, absolute. */
  readonly directory: string;
  /** Configuration file, absolute, or ''. */
  readonly configFile: string;
}

/** The recovery, as INFO shows it. */
export interface LoadingState {
  /** Wall clock in ms. */
  startedAtMs: number;
  loadedBytes: number;
  totalBytes: number;
}

/** Room on the disk of the log, as the log's events tell it. */
export interface LogSpace {
  low: boolean;
  freeBytes: number;
}

export interface ServerContext {
  readonly engine: Engine;
  readonly commit: CommitPipeline;
  readonly connections: ConnectionRegistry;
  readonly monitors: MonitorFeed;
  readonly limits: ConnectionLimits;
  readonly config: Config;
  readonly log: Logger;
  readonly facts: ServerFacts;
  readonly loading: LoadingState;
  readonly logSpace: LogSpace;
  readonly snapshots: SnapshotManager;
  readonly clock: ServerClock;
  readonly slices: SliceMeter;
  /** Commands that wait until a snapshot's view has room for their copies. */
  readonly viewRoom: ViewRoom;
  /** Slow log, latency monitor, waits for the log. */
  readonly watch: ExecutionWatch;
  readonly statistics: ServerStatistics;
  readonly memoryReturn: MemoryReturn;
  /** Error replies by code word, for INFO errorstats. */
  readonly errorCounts: Map<string, number>;
  /** JavaScript heap in use by the process' other threads, in bytes. */
  otherHeapBytes(): number;
  /**
   * Drops the dataset and rebuilds it while all clients wait; see dataset-reload.ts.
   * @throws where nothing was dropped; a failure behind that ends the server.
   */
  reload(kind: ReloadKind, reason: string): Promise<void>;
  /** Drains, commits, seals and closes; resolves when the log is closed. */
  shutdown(options: ShutdownOptions): Promise<void>;
}

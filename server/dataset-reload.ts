/**
 * DEBUG RELOAD and DEBUG LOADAOF: drops the dataset of a running server and rebuilds it from what a restart has, while
 * every client waits. The log is the truth: nothing is dropped before all of it is committed, and afterwards the dataset
 * must be the same one, by its digest. A failure behind the drop ends the server, as one of a start does.
 *
 *   nobody executes ─> commands in slices end ─> committed ─> snapshot (RELOAD) ─> drop ─> load, fold ─> compare ─> serve
 */
import type { Logger } from 'pino';
import { datasetDigest } from '../core/dataset-digest.js';
import type { Engine } from '../core/engine.js';
import type { CommittedLog, LocalLog } from '../log/local/local-log.js';
import { LogError } from '../log/log-error.js';
import type { CommitPipeline } from './commit/commit-pipeline.js';
import type { ConnectionRegistry } from './connections/connection-registry.js';
import { Recovery } from './recovery.js';
import type { ReloadKind } from './server-context.js';
import type { SnapshotService } from './snapshots/snapshot-service.js';

/** How often it is looked whether the commands that run in slices have ended. */
const TASKS_LOOK_MS = 1;

export interface DatasetReloadParts {
  readonly engine: Engine;
  readonly commit: CommitPipeline;
  readonly connections: ConnectionRegistry;
  readonly snapshots: SnapshotService;
  readonly transactionLog: LocalLog;
  readonly log: Logger;
  readonly stopBackground: () => void;
  readonly startBackground: () => void;
  /** The server has failed meanwhile: nothing may go on. */
  readonly failed: () => boolean;
  readonly onFatal: (error: unknown) => void;
}

export class DatasetReload {
  /** The reload that runs; it never rejects. */
  running: Promise<void> | undefined = undefined;
  private readonly parts: DatasetReloadParts;
  /** From the drop to the comparison: the dataset is not whole. */
  private dropped = false;

  constructor(parts: DatasetReloadParts) {
    this.parts = parts;
  }

  /**
   * Between two commands; nothing is executed from here to the end.
   * @param reason for the log: who asked.
   * @throws SnapshotError, LogError, where nothing was dropped
   */
  async run(kind: ReloadKind, reason: string): Promise<void> {
    const { connections, snapshots, startBackground, failed, onFatal } = this.parts;
    if (this.running !== undefined) throw new Error('the dataset is being reloaded already');
    connections.pause();
    const work = this.reload(kind, reason);
    this.running = work.catch(() => {});
    try {
      await work;
    } catch (error) {
      if (this.dropped) onFatal(error);
      throw error;
    } finally {
      this.running = undefined;
      if (!failed()) {
        startBackground();
        snapshots.serve();
        connections.resume();
      }
    }
  }

  private async reload(kind: ReloadKind, reason: string): Promise<void> {
    const { snapshots, stopBackground } = this.parts;
    await this.tasksEnded();
    // What they have freed, expired or evicted is logged by now; from here on nothing makes entries.
    stopBackground();
    snapshots.rest();
    await snapshots.manager.alone(async (take) => {
      const { commit, engine, transactionLog } = this.parts;
      await commit.whenCommitted(engine.effects.sequence);
      if (kind === 'snapshot') await take('bgsave', reason);
      const committed = await transactionLog.committed();
      this.requireWhole(kind, committed);
      await this.rebuild(committed, reason);
    });
  }

  /** Commands that run in slices may hold places in the dataset. They go on while nothing new is executed. */
  private async tasksEnded(): Promise<void> {
    const { commit, connections } = this.parts;
    const busy = (): boolean => {
      for (const { session } of connections.all.values()) {
        if (session.task !== undefined && session.task.touchesDataset !== false) return true;
      }
      return false;
    };
    while (busy()) {
      if (commit.hasFailed) throw new Error('the log has failed');
      await new Promise((resolve) => setTimeout(resolve, TASKS_LOOK_MS));
    }
  }

  /** The log, and for RELOAD the snapshot, end with the last entry that the dataset in memory has seen. */
  private requireWhole(kind: ReloadKind, { tail }: CommittedLog): void {
    const { commit, engine, snapshots } = this.parts;
    if (commit.hasFailed) throw new Error('the log has failed');
    const { sequence } = engine.effects;
    if (tail.lastSequence !== sequence) {
      throw new Error(`the log ends with sequence ${tail.lastSequence}, the dataset with ${sequence}`);
    }
    const newest = snapshots.manager.status.newest?.sequence;
    if (kind === 'snapshot' && newest !== sequence) {
      throw new Error(`the newest snapshot has sequence ${newest}, the dataset ${sequence}`);
    }
  }

  private async rebuild(committed: CommittedLog, reason: string): Promise<void> {
    const { engine, log, snapshots } = this.parts;
    const { tail } = committed;
    const digest = this.digest();
    const started = performance.now();
    this.dropped = true;
    engine.loading = true;
    for (const keyspace of engine.keyspaces) keyspace.detach();
    engine.effects.sequence = 0;
    await snapshots.reload(tail, committed);
    const recovery = new Recovery(engine, () => {});
    await recovery.run(committed.readBatches(engine.effects.sequence), tail.lastSequence);
    const found = this.digest();
    if (found !== digest) {
      throw new LogError('LOG_DAMAGED', `the dataset had digest ${digest} and has ${found} after it was rebuilt`);
    }
    engine.loading = false;
    this.dropped = false;
    const milliseconds = Math.round(performance.now() - started);
    log.info({ sequence: tail.lastSequence, entries: recovery.entries, digest, milliseconds }, `${reason}: rebuilt`);
  }

  private digest(): string {
    const { arena, keyspaces } = this.parts.engine;
    return datasetDigest(arena, keyspaces);
  }
}

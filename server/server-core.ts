/**
 * Puts a server together in its thread: memory, engine, log, commit pipeline, connections; starts it in the order in
 * which a client may see it, and ends it. What each part does is in its own file.
 *
 *   listen ─> lock and scan the log ─> fold it (clients are told LOADING) ─> become the writer ─> serve
 */
import { randomBytes, randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { coreCommands } from '../core/commands/core-commands.js';
import { DiscardingSink } from '../core/effect-writer.js';
import { Engine } from '../core/engine.js';
import { LoadableArena } from '../core/memory/loadable-arena.js';
import { FAULTS_VARIABLE } from '../log/local/fault-files.js';
import { LocalLog } from '../log/local/local-log.js';
import type { LocalLogEvent } from '../log/local/local-log-options.js';
import type { LocalLogWriter } from '../log/local/local-log-writer.js';
import type { LogTail } from '../log/transaction-log.js';
import { Background } from './background.js';
import { serverCommands } from './commands/server-commands.js';
import { CommitPipeline } from './commit/commit-pipeline.js';
import type { Config } from './config/config.js';
import { LiveSettings } from './config/live-settings.js';
import { PAUSE_NONE } from './connections/client-pause.js';
import { type ConnectionLimits, defaultConnectionLimits } from './connections/connection-limits.js';
import { ConnectionRegistry } from './connections/connection-registry.js';
import { Listener } from './connections/listener.js';
import { TurnOutput } from './connections/turn-output.js';
import { CountingReplyWriter } from './counting-reply-writer.js';
import { logDirectoryOf } from './data-directory.js';
import { DatasetReload } from './dataset-reload.js';
import { ServerClock, systemClock } from './engine-clock.js';
import { ExecutionWatch } from './execution-watch.js';
import { MemoryReturn, v8Collect, v8HeapBytes } from './memory-return.js';
import { MonitorFeed } from './monitor-feed.js';
import { Recovery } from './recovery.js';
import { renamedCommands } from './renamed-commands.js';
import type { LoadingState, LogSpace, ReloadKind, ServerContext, ServerFacts } from './server-context.js';
import type { RunningCore, ServerCoreHooks, ServerCoreOptions, ShutdownRequest } from './server-core-seam.js';
import { type GrowingCounters, ServerStatistics } from './server-statistics.js';
import { SliceMeter } from './slice-meter.js';
import type { SnapshotManager } from './snapshots/snapshot-manager.js';
import { SnapshotService } from './snapshots/snapshot-service.js';
import { ViewRoom } from './snapshots/view-room.js';
import { HOLDFAST_VERSION } from './version.js';

/** The feature level that this version writes. */
const FEATURE_LEVEL = 1;
/** How long replies that clients do not read are waited for when the server ends. */
const FLUSH_MS_MAX = 1000;
/** Environment variable for benchmarks: measure slices in CPU time too (2 us each). */
const SLICE_CPU_VARIABLE = 'HOLDFAST_SLICE_CPU';

export class ServerCore implements RunningCore, ServerContext {
  readonly engine: Engine;
  readonly commit: CommitPipeline;
  readonly connections: ConnectionRegistry;
  readonly monitors: MonitorFeed;
  readonly limits: ConnectionLimits = defaultConnectionLimits();
  readonly config: Config;
  readonly log: Logger;
  readonly clock: ServerClock;
  readonly slices: SliceMeter;
  readonly viewRoom: ViewRoom;
  readonly watch = new ExecutionWatch(systemClock.wallMs);
  readonly statistics: ServerStatistics;
  readonly memoryReturn: MemoryReturn;
  readonly errorCounts: Map<string, number>;
  readonly loading: LoadingState = { startedAtMs: Date.now(), loadedBytes: 0, totalBytes: 0 };
  readonly logSpace: LogSpace = { low: false, freeBytes: -1 };
  readonly otherHeapBytes: () => number;
  private readonly options: ServerCoreOptions;
  private readonly hooks: ServerCoreHooks;
  private readonly listener: Listener;
  private readonly background: Background;
  private readonly transactionLog: LocalLog;
  private readonly snapshotService: SnapshotService;
  private readonly datasetReload: DatasetReload;
  private writer: LocalLogWriter | undefined = undefined;
  private failed = false;
  private ending: Promise<void> | undefined = undefined;

  private constructor(options: ServerCoreOptions, hooks: ServerCoreHooks) {
    const { config } = options;
    this.options = options;
    this.hooks = hooks;
    this.config = config;
    this.log = options.log.log;
    this.otherHeapBytes = () => options.otherHeapBytes() + this.transactionLog.threadHeapBytes;
    this.clock = new ServerClock(systemClock, (skewMs) => {
      this.log.warn({ skewMs }, 'the wall clock has jumped ahead; it is followed if it stays there for a minute');
    });
    this.slices = new SliceMeter(() => this.clock.monotonicMicros(), process.env[SLICE_CPU_VARIABLE] === '1');
    this.commit = new CommitPipeline({
      commandsRun: () => this.engine.commandsProcessed,
      nowMs: () => this.clock.nowMs(),
      inline: config.values['commit-inline'],
      watch: this.watch.commitWatch(this.clock),
    });
    const output = new TurnOutput((bytes, overflow) => new CountingReplyWriter(bytes, overflow));
    this.errorCounts = output.writer.errorCounts;
    this.engine = new Engine({
      arena: new LoadableArena(),
      databases: config.values.databases,
      commands: [...coreCommands, ...serverCommands(this)],
      clock: this.clock,
      random: () => randomInt(2 ** 32) / 2 ** 32,
      hashSeed: new Uint32Array(new Uint8Array(randomBytes(16)).buffer),
      reply: output.writer,
      sink: new DiscardingSink(),
    });
    if (config.renames.length > 0) this.engine.rename(renamedCommands(this.engine.table.commands, config.renames));
    this.watch.attach(this.engine);
    this.connections = new ConnectionRegistry({
      processor: this.engine,
      output,
      commit: this.commit,
      limits: this.limits,
      clock: this.clock,
      log: this.log,
      onFatal: (error) => this.fail(error),
      slices: this.slices,
    });
    this.monitors = new MonitorFeed(this.engine);
    const { clientPause } = this.connections;
    clientPause.onChange = () => {
      this.engine.database.keepsExpired = clientPause.mode !== PAUSE_NONE;
    };
    this.viewRoom = new ViewRoom(this.engine.arena, () => this.connections.release(this.commit.committed));
    this.engine.onCrowded = () => this.viewRoom.wait();
    this.statistics = this.makeStatistics();
    this.memoryReturn = new MemoryReturn(this.engine.arena, v8Collect(), {
      commandsPerSecond: () => this.statistics.commandsPerSecond,
      heapBytes: v8HeapBytes,
    });
    this.background = this.makeBackground();
    this.listener = this.makeListener(options);
    this.snapshotService = this.makeSnapshots(options);
    this.transactionLog = new LocalLog({
      directory: logDirectoryOf(options.directory),
      faults: process.env[FAULTS_VARIABLE] ?? '',
      unsafeNoDirectoryLock: config.values['unsafe-no-directory-lock'],
      knownCommitted: this.snapshotService.knownCommitted,
      onEvent: (event) => this.logEvent(event),
    });
    this.datasetReload = this.makeReload();
    if (process.env[FAULTS_VARIABLE]) this.log.warn(`${FAULTS_VARIABLE} is set: the log behaves as if its disk failed`);
    config.attach(new LiveSettings(this.engine, this.limits, this.connections, options.log, this.watch));
  }

  /**
   * Starts a server; resolves once it serves.
   * @throws ServerError when it cannot listen, LogError when the log cannot be used.
   */
  static async start(options: ServerCoreOptions, hooks: ServerCoreHooks): Promise<ServerCore> {
    const core = new ServerCore(options, hooks);
    try {
      await core.begin();
    } catch (error) {
      await core.abandon();
      throw error;
    }
    return core;
  }

  get port(): number {
    return this.listener.port;
  }

  get facts(): ServerFacts {
    const { directory, unixSocket, configFile } = this.options;
    return { port: this.listener.port, unixSocket, directory, configFile };
  }

  get snapshots(): SnapshotManager {
    return this.snapshotService.manager;
  }

  keyCount(): number {
    let keys = 0;
    for (const keyspace of this.engine.keyspaces) keys += keyspace.count;
    return keys;
  }

  // ---- starting ----------------------------------------------------------------------------------------------------

  private async begin(): Promise<void> {
    const { engine, commit, connections } = this;
    engine.loading = true;
    await this.listener.listen();
    connections.start();
    this.statistics.start();
    const tail = await this.transactionLog.open();
    this.hooks.opened();
    this.clock.startAfter(tail.lastTimeMs);
    const recovery = await this.recover(tail);
    this.clock.startAfter(tail.lastTimeMs);
    const writer = await this.transactionLog.acquire(tail.position, {
      node: hostname(),
      address: `${hostname()}:${this.listener.port}`,
      leaseMs: 0,
      version: HOLDFAST_VERSION,
      featureLevel: FEATURE_LEVEL,
      timeMs: this.clock.nowMs(),
    });
    this.writer = writer;
    commit.onAdvance = () => {
      this.background.refreshRefusals();
      connections.release(commit.releasable);
    };
    commit.onFatal = (error) => this.fail(error);
    const { epoch, idx } = tail.position;
    commit.attach(writer, engine.effects, tail.lastSequence, { epoch, idx, runningChecksum: tail.runningChecksum });
    engine.logAdmits = (bytes) => commit.admits(bytes);
    await this.snapshotService.begin(recovery.entries, recovery.bytes);
    engine.loading = false;
    this.background.start(this.config.values.hz);
    this.snapshotService.serve();
    connections.resume();
  }

  /** Loads the newest snapshot and folds the log behind it. */
  private async recover(tail: LogTail): Promise<Recovery> {
    const { engine, loading, transactionLog } = this;
    loading.startedAtMs = Date.now();
    loading.totalBytes = tail.sizeBytes;
    await this.snapshotService.load(tail, transactionLog);
    const recovery = new Recovery(engine, () => {
      loading.loadedBytes = recovery.bytes;
      loading.totalBytes = tail.sizeBytes;
      const { entries } = recovery;
      this.hooks.loading({ loadedBytes: recovery.bytes, totalBytes: tail.sizeBytes, entries });
    });
    const started = performance.now();
    const loadedSequence = engine.effects.sequence;
    await recovery.run(transactionLog.readBatches(loadedSequence), tail.lastSequence);
    const milliseconds = Math.round(performance.now() - started);
    const { entries, bytes } = recovery;
    if (entries > 0) this.log.info({ entries, bytes, milliseconds }, 'the log is folded');
    return recovery;
  }

  reload(kind: ReloadKind, reason: string): Promise<void> {
    return this.datasetReload.run(kind, reason);
  }

  /** Ends what was begun of a start that failed. */
  private async abandon(): Promise<void> {
    this.failed = true;
    this.stopServing();
    try {
      await this.snapshotService.stop();
      await this.transactionLog.close();
    } catch (error) {
      this.log.debug(error, 'closing the log after a failed start');
    }
  }

  // ---- ending ------------------------------------------------------------------------------------------------------

  shutdown(request: ShutdownRequest): Promise<void> {
    const { running } = this.datasetReload;
    // Half a dataset must not become the page image, nor the snapshot, of the next start.
    if (running !== undefined) return running.then(() => this.shutdown(request));
    if (request.save === 'snapshot' && this.ending === undefined) return this.saveAndEnd(request);
    this.ending ??= this.end(request);
    return this.ending;
  }

  /** @throws SnapshotError where the snapshot cannot be taken and nobody insists: the server goes on. */
  private async saveAndEnd(request: ShutdownRequest): Promise<void> {
    this.connections.pause();
    try {
      await this.snapshotService.manager.save('bgsave', request.reason);
    } catch (error) {
      // Somebody who did not ask for a snapshot may have ended the server meanwhile.
      if (this.failed) return;
      if (this.ending === undefined && request.force !== true) {
        this.connections.resume();
        throw error;
      }
    }
    this.ending ??= this.end({ ...request, save: 'nothing' });
    return this.ending;
  }

  private async end({ reason, save }: ShutdownRequest): Promise<void> {
    if (this.failed) return;
    this.hooks.ending();
    const { snapshotService } = this;
    this.log.info(`${reason}: committing, sealing the log and ending`);
    this.listener.close();
    this.connections.pause();
    this.background.stop();
    await this.commit.drain();
    await this.connections.flushed(FLUSH_MS_MAX);
    this.stopServing();
    await snapshotService.end(save);
    await this.writer?.flushAndSeal();
    await this.transactionLog.close();
    this.hooks.closed();
  }

  private stopServing(): void {
    this.listener.close();
    this.connections.stop();
    this.statistics.stop();
    this.background.stop();
    this.connections.closeAll();
  }

  /**
   * Memory may be ahead of the log, or the log has failed: every connection is closed at once, nothing that waits is
   * answered, and whoever supervises is told.
   */
  fail(error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    this.stopServing();
    const cause = error instanceof Error ? error : new Error(String(error));
    const told = (): void => this.hooks.fatal(cause);
    const close = (): Promise<void> => this.transactionLog.close();
    // The directory is free only when nobody writes to it any more.
    this.snapshotService.stop().then(close, close).then(told, told);
  }

  // ---- what others ask ---------------------------------------------------------------------------------------------

  private makeBackground(): Background {
    const { clock, commit, engine, memoryReturn, slices, watch } = this;
    return new Background(engine, commit, clock, slices, watch, memoryReturn, (error) => this.fail(error));
  }

  private makeListener({ config, unixSocket }: ServerCoreOptions): Listener {
    const { values } = config;
    const places = {
      addresses: values.bind,
      port: values.port,
      backlog: values['tcp-backlog'],
      unixSocket,
      unixSocketPermissions: values.unixsocketperm,
    };
    return new Listener(places, (transport) => this.connections.accept(transport));
  }

  private makeSnapshots({ directory }: ServerCoreOptions): SnapshotService {
    const { engine, commit, config, log, loading } = this;
    return new SnapshotService({
      engine,
      commit,
      config,
      log,
      directory,
      featureLevel: FEATURE_LEVEL,
      nowMs: systemClock.wallMs,
      onLoading: (loadedBytes, totalBytes) => {
        loading.loadedBytes = loadedBytes;
        loading.totalBytes = totalBytes;
        // Whoever supervises was told that the server is ready: a reload does not take that back.
        if (this.writer === undefined) this.hooks.loading({ loadedBytes, totalBytes, entries: 0 });
      },
      onTrimmed: (bytes) => this.transactionLog.countTrimmed(bytes),
    });
  }

  private makeReload(): DatasetReload {
    const { background, commit, config, connections, engine, log, snapshotService, transactionLog } = this;
    return new DatasetReload({
      engine,
      commit,
      connections,
      snapshots: snapshotService,
      transactionLog,
      log,
      stopBackground: () => background.stop(),
      startBackground: () => background.start(config.values.hz),
      failed: () => this.failed,
      onFatal: (error) => this.fail(error),
    });
  }

  private makeStatistics(): ServerStatistics {
    return new ServerStatistics({
      read: () => this.readCounters(),
      wallMs: systemClock.wallMs,
      monotonicMs: systemClock.monotonicMs,
      runId: randomBytes(20).toString('hex'),
    });
  }

  private readCounters(): GrowingCounters {
    const { engine, connections } = this;
    const { keyspaceHits, keyspaceMisses, expiredKeys, evictedKeys } = engine.database.statistics;
    return {
      commands: engine.commandsProcessed,
      bytesReceived: connections.bytesReceived,
      bytesSent: connections.bytesSent,
      connectionsAccepted: connections.accepted,
      connectionsRejected: connections.rejected,
      clientsEvicted: connections.evicted,
      clientsClosedForOutput: connections.closedForOutput,
      errors: engine.reply.errors,
      keyspaceHits,
      keyspaceMisses,
      expiredKeys,
      evictedKeys,
      reads: connections.totals.reads,
      writes: connections.totals.writes,
    };
  }

  private logEvent(event: LocalLogEvent): void {
    const { log } = this;
    switch (event.type) {
      case 'torn-tail-cut':
        log.warn(event, `${event.file}: a torn tail was cut at offset ${event.offset}; it was never acknowledged`);
        break;
      case 'mark-failed':
        log.warn(event, `the log's mark could not be written: ${event.message}`);
        break;
      case 'space-low':
        this.logSpace.low = true;
        this.logSpace.freeBytes = event.freeBytes;
        log.warn(event, `the disk of the log has only ${event.freeBytes} bytes left`);
        break;
      case 'space-short':
        this.logSpace.low = true;
        log.error(event, 'the disk of the log is full: writes are refused until there is room');
        break;
      case 'space-back':
        this.logSpace.low = false;
        log.info(event, 'the disk of the log has room again: writes are taken');
        break;
      case 'lock-weaker':
        log.warn(event, event.message);
        break;
    }
  }
}

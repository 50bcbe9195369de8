/**
 * A server without sockets and without a log, in the test's own process: the engine with every command, a configuration,
 * and connections that are only entries in a registry. For tests of server/commands.
 */
import { pino } from 'pino';
import { coreCommands } from '../../../core/commands/core-commands.js';
import { DiscardingSink } from '../../../core/effect-writer.js';
import { Engine } from '../../../core/engine.js';
import { Arena } from '../../../core/memory/arena.js';
import { Session } from '../../../core/session.js';
import { serverCommands } from '../../../server/commands/server-commands.js';
import { CommitPipeline } from '../../../server/commit/commit-pipeline.js';
import { Config, type Setting } from '../../../server/config/config.js';
import { LiveSettings } from '../../../server/config/live-settings.js';
import type { MachineFacts } from '../../../server/config/machine-facts.js';
import { ClientPause } from '../../../server/connections/client-pause.js';
import { defaultConnectionLimits } from '../../../server/connections/connection-limits.js';
import type { Connection, ConnectionRegistry } from '../../../server/connections/connection-registry.js';
import type { OutputBlock } from '../../../server/connections/output-block.js';
import { CountingReplyWriter } from '../../../server/counting-reply-writer.js';
import { ServerClock, systemClock } from '../../../server/engine-clock.js';
import { ExecutionWatch } from '../../../server/execution-watch.js';
import { MemoryReturn } from '../../../server/memory-return.js';
import { MonitorFeed } from '../../../server/monitor-feed.js';
import type { ReloadKind, ServerContext, ShutdownOptions } from '../../../server/server-context.js';
import { ServerStatistics } from '../../../server/server-statistics.js';
import { SliceMeter } from '../../../server/slice-meter.js';
import type { SnapshotManager } from '../../../server/snapshots/snapshot-manager.js';
import { type SnapshotKind, SnapshotStatus } from '../../../server/snapshots/snapshot-status.js';
import { ViewRoom } from '../../../server/snapshots/view-room.js';
import type { Argument } from '../../support/resp-client.js';

export const machine: MachineFacts = { memoryBytes: 8 * 1024 ** 3, openFilesMax: 20_000 };

/** What CLIENT LIST shows of a connection, all of it settable. */
export class FakeConnection {
  readonly address: string;
  readonly localAddress = '127.0.0.1:6379';
  readonly unixSocket = false;
  readonly fd = 8;
  createdAtMs = 0;
  lastInteractionMs = 0;
  queryBufferBytes = 26;
  queryBufferFreeBytes = 20_448;
  outputPieces = 0;
  outputBytes = 0;
  memoryBytes = 1000;
  bytesReceived = 0;
  bytesSent = 0;
  commandsProcessed = 0;
  closing = false;
  paused = false;
  noEvict = false;
  /** What MONITOR was shown. */
  delivered = '';

  constructor(readonly session: Session) {
    this.address = session.address;
  }

  deliver(block: OutputBlock): void {
    this.delivered += Buffer.from(block.bytes).toString('latin1');
  }
}

class FakeRegistry {
  readonly all = new Map<number, FakeConnection>();
  readonly killed: number[] = [];
  readonly woken: Session[] = [];
  readonly clientPause = new ClientPause(
    () => performance.now(),
    () => {},
  );
  accepted = 0;
  rejected = 0;
  closedForOutput = 0;
  evicted = 0;
  bytesReceived = 0;
  bytesSent = 0;
  parkedBytes = 0;
  unsentBytes = 0;
  queryBufferBytes = 0;
  /** Told of every woken session. */
  onWake: (session: Session) => void = () => {};

  get count(): number {
    return this.all.size;
  }

  wake(session: Session): void {
    this.woken.push(session);
    this.onWake(session);
  }

  byId(id: number): FakeConnection | undefined {
    return this.all.get(id);
  }

  kill(connection: Connection): void {
    this.killed.push(connection.session.id);
    (connection as unknown as FakeConnection).closing = true;
  }

  closeAll(): void {
    this.all.clear();
  }
}

/** Snapshots that begin and never end. */
class FakeSnapshots {
  readonly status = new SnapshotStatus(0);
  readonly keysDone = 0;
  readonly changes = 0;
  readonly grownBytes = 0;

  start(kind: SnapshotKind): boolean {
    this.status.running = kind;
    return true;
  }

  schedule(kind: SnapshotKind): void {
    this.status.scheduled = kind;
  }

  save(): Promise<void> {
    return Promise.resolve();
  }
}

export class FakeServer {
  readonly registry = new FakeRegistry();
  readonly config: Config;
  readonly engine: Engine;
  readonly context: ServerContext;
  readonly shutdowns: ShutdownOptions[] = [];
  readonly reloads: string[] = [];
  private readonly reply = new CountingReplyWriter(new Uint8Array(1 << 16));
  private sessions = 0;

  constructor(settings: readonly Setting[] = []) {
    const clock = new ServerClock();
    const limits = defaultConnectionLimits();
    const log = pino({ level: 'silent' });
    this.config = new Config(settings, machine);
    const parts = {
      connections: this.registry as unknown as ConnectionRegistry,
      commit: new CommitPipeline({ nowMs: () => clock.nowMs(), commandsRun: () => 0, inline: true }),
      limits,
      config: this.config,
      log,
      facts: { port: 6379, unixSocket: '', directory: '/somewhere/data', configFile: '' },
      loading: { startedAtMs: 0, loadedBytes: 0, totalBytes: 0 },
      logSpace: { low: false, freeBytes: 0 },
      clock,
      watch: new ExecutionWatch(systemClock.wallMs),
      slices: new SliceMeter(() => clock.monotonicMicros(), false),
      viewRoom: new ViewRoom(new Arena(), () => {}),
      errorCounts: this.reply.errorCounts,
      snapshots: new FakeSnapshots() as unknown as SnapshotManager,
      otherHeapBytes: () => 0,
      reload: async (kind: ReloadKind, why: string) => void this.reloads.push(`${kind}: ${why}`),
      shutdown: (options: ShutdownOptions) => {
        this.shutdowns.push(options);
        return Promise.resolve();
      },
    };
    const later = {} as {
      engine: Engine;
      monitors: MonitorFeed;
      statistics: ServerStatistics;
      memoryReturn: MemoryReturn;
    };
    this.context = Object.assign(later, parts);
    this.engine = new Engine({
      arena: new Arena(),
      databases: this.config.values.databases,
      commands: [...coreCommands, ...serverCommands(this.context)],
      clock,
      random: () => 0.5,
      hashSeed: Uint32Array.of(1, 2, 3, 4),
      reply: this.reply,
      sink: new DiscardingSink(),
    });
    later.engine = this.engine;
    later.monitors = new MonitorFeed(this.engine);
    later.memoryReturn = new MemoryReturn(this.engine.arena, () => {}, {
      commandsPerSecond: () => 0,
      heapBytes: () => 0,
    });
    parts.watch.attach(this.engine);
    later.statistics = new ServerStatistics({
      read: () => this.counters(),
      wallMs: () => Date.now(),
      monotonicMs: () => performance.now(),
      runId: 'f'.repeat(40),
    });
    this.config.attach(
      new LiveSettings(
        this.engine,
        limits,
        this.registry,
        { log, setLevel: () => {}, flush: async () => {} },
        parts.watch,
        machine,
      ),
    );
  }

  private counters() {
    const { engine, registry, reply } = this;
    return {
      commands: engine.commandsProcessed,
      bytesReceived: registry.bytesReceived,
      bytesSent: registry.bytesSent,
      connectionsAccepted: registry.accepted,
      connectionsRejected: registry.rejected,
      clientsEvicted: registry.evicted,
      clientsClosedForOutput: registry.closedForOutput,
      errors: reply.errors,
      keyspaceHits: engine.database.statistics.keyspaceHits,
      keyspaceMisses: engine.database.statistics.keyspaceMisses,
      expiredKeys: engine.database.statistics.expiredKeys,
      reads: 0,
      writes: 0,
      evictedKeys: engine.database.statistics.evictedKeys,
    };
  }

  connect(): FakeClient {
    const id = ++this.sessions;
    const session = new Session(id, `127.0.0.1:${40_000 + id}`, this.engine.clock.nowMs());
    session.authenticated = !this.context.limits.hasPassword;
    const connection = new FakeConnection(session);
    connection.createdAtMs = connection.lastInteractionMs = session.connectedAt;
    this.registry.all.set(id, connection);
    this.registry.accepted++;
    return new FakeClient(this, session);
  }

  /** Runs one command; '' while the command goes on in slices. */
  execute(session: Session, words: readonly Argument[]): string {
    const { engine, reply } = this;
    engine.args.set(words.map((word) => Buffer.from(String(word), 'latin1')));
    reply.position = 0;
    engine.execute(session);
    return this.written();
  }

  /** Runs a resting command on that was woken. */
  resume(session: Session): string {
    this.reply.position = 0;
    this.engine.continueTask(session, 1000);
    return this.written();
  }

  private written(): string {
    return Buffer.from(this.reply.bytes.slice(0, this.reply.position)).toString('latin1');
  }
}

export class FakeClient {
  constructor(
    private readonly server: FakeServer,
    readonly session: Session,
  ) {}

  /** The reply as text, one character a byte. */
  run(...words: Argument[]): string {
    return this.server.execute(this.session, words);
  }
}

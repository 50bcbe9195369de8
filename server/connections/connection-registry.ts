/**
 * The connections of a server: who may connect, who is connected, what they hold together, and the ways to close them.
 * Sockets to listen on are in listener.ts, what one connection does in connection.ts.
 */
import { Session } from '../../core/session.js';
import { KeyScout } from '../resp/key-scout.js';
import { RequestParser } from '../resp/request-parser.js';
import { ClientPause } from './client-pause.js';
import type { CommandProcessor, CommitState, ConnectionClock } from './command-processor.js';
import { CONNECTION_BYTES, Connection } from './connection.js';
import type { ConnectionLimits } from './connection-limits.js';
import type { ConnectionLog, ConnectionServices, TurnMeter } from './connection-services.js';
import { ConnectionTotals } from './connection-totals.js';
import { Lingering } from './lingering.js';
import { OutputContext } from './output-queue.js';
import { ReplyGate } from './reply-gate.js';
import type { Transport } from './transport.js';
import type { TurnOutput } from './turn-output.js';
import { TurnQueue } from './turn-queue.js';

export { Connection } from './connection.js';

export interface ConnectionRegistryOptions {
  readonly processor: CommandProcessor;
  /** Where the processor's replies go: `processor.reply` must be its writer. */
  readonly output: TurnOutput;
  readonly commit: CommitState;
  readonly limits: ConnectionLimits;
  readonly clock: ConnectionClock;
  readonly log: ConnectionLog;
  /** An exception after which memory may be ahead of the log; every connection is closed already. */
  readonly onFatal: (error: unknown) => void;
  readonly slices?: TurnMeter;
}

const ERROR_MAXCLIENTS = Buffer.from('-ERR max number of clients reached\r\n');
const ERROR_PROTECTED = Buffer.from(
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the ' +
    'default user. In this mode connections are only accepted from the loopback interface. If you want to connect ' +
    'from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode ' +
    "sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the " +
    'same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. ' +
    'Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by ' +
    "editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the " +
    "server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' " +
    'option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above ' +
    'things in order for the server to start accepting connections from the outside.\r\n',
);

/** The clock of connections ticks so often. */
const TICK_MS = 100;
/** Limits that depend on time are looked at so often. */
const WATCH_MS = 1000;
/** A client that sends no more, and for so long has taken none of its replies, is closed. */
const HALF_OPEN_MS_MAX = 60_000;
/** Without a limit of its own, all clients together may hold this share of maxmemory. */
const CLIENTS_SHARE = 0.25;

export class ConnectionRegistry implements ConnectionServices {
  readonly processor: CommandProcessor;
  readonly parser: RequestParser;
  readonly scout = new KeyScout();
  readonly commit: CommitState;
  readonly output: TurnOutput;
  readonly context: OutputContext;
  readonly totals = new ConnectionTotals();
  readonly limits: ConnectionLimits;
  readonly clock: ConnectionClock;
  readonly turns = new TurnQueue();
  readonly gate = new ReplyGate();
  readonly clientPause: ClientPause;
  readonly log: ConnectionLog;
  readonly slices: TurnMeter | undefined;
  nowMs: number;
  paused = false;
  /** Since the start: connections taken, refused (maxclients, protected mode), and closed by a limit. */
  accepted = 0;
  rejected = 0;
  closedForInput = 0;
  closedForOutput = 0;
  evicted = 0;
  timedOut = 0;
  private readonly connections = new Map<number, Connection>();
  private readonly lingering = new Lingering();
  private readonly onFatal: (error: unknown) => void;
  private nextId = 1;
  private timer: NodeJS.Timeout | undefined = undefined;
  private watchedMs = 0;
  private whenQuiet: (() => void) | undefined = undefined;

  constructor(options: ConnectionRegistryOptions) {
    this.processor = options.processor;
    this.commit = options.commit;
    this.output = options.output;
    this.limits = options.limits;
    this.clock = options.clock;
    this.log = options.log;
    this.slices = options.slices;
    this.onFatal = options.onFatal;
    const monotonicMs = (): number => options.clock.monotonicMicros() / 1000;
    this.clientPause = new ClientPause(monotonicMs, (connection) => this.turns.add(connection));
    this.parser = new RequestParser(options.processor.args, options.limits);
    this.context = new OutputContext(options.output.pool, this.totals);
    this.output.attach(this.context, options.commit);
    this.nowMs = options.clock.nowMs();
    if (options.processor.reply !== options.output.writer)
      throw new Error('the processor writes its replies elsewhere');
  }

  // ---- who is connected --------------------------------------------------------------------------------------------

  /** All connections by id, in the order in which they came. */
  get all(): ReadonlyMap<number, Connection> {
    return this.connections;
  }

  get count(): number {
    return this.connections.size;
  }

  /** Connections whose command waits for an event or runs in slices. */
  get blockedCount(): number {
    let count = 0;
    for (const connection of this.connections.values()) if (connection.blocked) count++;
    return count;
  }

  byId(id: number): Connection | undefined {
    return this.connections.get(id);
  }

  get parkedBytes(): number {
    return this.totals.parkedBytes;
  }

  get unsentBytes(): number {
    return this.totals.unsentBytes;
  }

  get queryBufferBytes(): number {
    return this.totals.queryBufferBytes;
  }

  get bytesReceived(): number {
    return this.totals.bytesReceived;
  }

  get bytesSent(): number {
    return this.totals.bytesSent;
  }

  /** Everything that is kept for connections, in bytes. */
  get memoryBytes(): number {
    const { parkedBytes, unsentBytes, queryBufferBytes } = this.totals;
    return parkedBytes + unsentBytes + queryBufferBytes + this.connections.size * CONNECTION_BYTES;
  }

  /** Takes a new connection, or refuses it with Redis' words. */
  accept(transport: Transport): void {
    const { limits } = this;
    if (this.connections.size >= limits.maxclients) {
      this.refuse(transport, ERROR_MAXCLIENTS);
      return;
    }
    if (limits.protectedMode && !limits.hasPassword && !transport.local) {
      this.refuse(transport, ERROR_PROTECTED);
      return;
    }
    this.accepted++;
    const session = new Session(this.nextId++, transport.address, this.clock.nowMs());
    session.authenticated = !limits.hasPassword;
    const connection = new Connection(this, transport, session);
    session.owner = connection;
    this.connections.set(session.id, connection);
    if (limits.tcpKeepaliveSeconds > 0) transport.setKeepalive(limits.tcpKeepaliveSeconds);
    connection.start();
  }

  private refuse(transport: Transport, error: Uint8Array): void {
    this.rejected++;
    this.lingering.refuse(transport, error);
  }

  // ---- the log's side ----------------------------------------------------------------------------------------------

  /** The log has advanced, or congestion has ended: replies leave, stopped connections go on. */
  release(committed: number): void {
    if (this.gate.count === 0) return;
    this.slices?.begin();
    this.gate.release(committed);
    this.publish();
    this.slices?.end();
  }

  /** A resting command of this session can go on. */
  wake(session: Session): void {
    const connection = this.connections.get(session.id);
    if (connection !== undefined) this.turns.add(connection);
  }

  /** No more commands are executed, from the next one on; replies still leave. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.gate.release(this.commit.committed);
  }

  /** Resolves when no connection has a reply that was not sent, or after so many ms. */
  flushed(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.endFlush(), milliseconds);
      this.whenQuiet = () => {
        clearTimeout(timer);
        resolve();
      };
      this.checkQuiet();
    });
  }

  private checkQuiet(): void {
    if (this.totals.parkedBytes === 0 && this.totals.unsentBytes === 0) this.endFlush();
  }

  private endFlush(): void {
    const { whenQuiet } = this;
    this.whenQuiet = undefined;
    whenQuiet?.();
  }

  publish(): void {
    const { parkedBytes, unsentBytes, queryBufferBytes } = this.totals;
    const held = parkedBytes + unsentBytes + queryBufferBytes;
    const { processor, limits } = this;
    processor.outsideBytes = held + this.commit.uncommittedBytes;
    processor.uncountedBytes = this.commit.uncommittedBytes;
    if (this.whenQuiet !== undefined) this.checkQuiet();
    const limit = limits.maxmemoryClientsBytes > 0 ? limits.maxmemoryClientsBytes : processor.maxmemory * CLIENTS_SHARE;
    if (limit > 0 && held > limit) this.evict(limit);
  }

  // ---- closing -----------------------------------------------------------------------------------------------------

  /**
   * Closes a connection without sending what is left. A session that runs a command now gets its own reply first: it is
   * closed after that.
   */
  kill(connection: Connection): void {
    if (this.output.serves(connection)) connection.session.closing = true;
    else this.drop(connection);
  }

  /** Closes every connection at once; no parked reply leaves. */
  closeAll(): void {
    this.turns.stop();
    this.clientPause.stop();
    this.gate.clear();
    for (const connection of this.connections.values()) connection.destroy();
    this.connections.clear();
    this.lingering.closeAll();
    this.endFlush();
  }

  drop(connection: Connection): void {
    connection.destroy();
    this.connections.delete(connection.session.id);
    this.lingering.remove(connection);
    this.publish();
  }

  dropForInput(connection: Connection): void {
    this.closedForInput++;
    this.log.warn({ client: connection.address }, 'client closed: it reached client-query-buffer-limit');
    this.drop(connection);
  }

  dropForOutput(connection: Connection): void {
    this.closedForOutput++;
    this.log.warn({ client: connection.address }, 'client closed: it reached client-output-buffer-limit');
    this.drop(connection);
  }

  retire(connection: Connection): void {
    this.connections.delete(connection.session.id);
    this.lingering.add(connection);
  }

  discard(connection: Connection): void {
    this.lingering.remove(connection);
    connection.destroy();
  }

  fatal(error: unknown): void {
    this.closeAll();
    this.onFatal(error);
  }

  /** Closes the largest clients until all together hold less than the limit. */
  private evict(limit: number): void {
    const { totals } = this;
    while (totals.parkedBytes + totals.unsentBytes + totals.queryBufferBytes > limit) {
      let largest: Connection | undefined;
      let bytes = 0;
      for (const connection of this.connections.values()) {
        const { memoryBytes } = connection;
        if (memoryBytes <= bytes || connection.noEvict || connection.memoryBytes <= CONNECTION_BYTES) continue;
        largest = connection;
        bytes = memoryBytes;
      }
      if (largest === undefined) return;
      this.evicted++;
      this.log.warn(
        { client: largest.address, bytes },
        'client closed: all clients together reached maxmemory-clients',
      );
      largest.destroy();
      this.connections.delete(largest.session.id);
    }
  }

  // ---- time --------------------------------------------------------------------------------------------------------

  /** Starts the clock of the connections: time-outs and soft limits. */
  start(): void {
    this.timer ??= setInterval(() => this.tick(), TICK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** Ten times a second. */
  tick(): void {
    this.nowMs = this.clock.nowMs();
    if (this.nowMs - this.watchedMs < WATCH_MS) return;
    this.watchedMs = this.nowMs;
    this.watch();
  }

  /** Once a second: what depends on time. */
  private watch(): void {
    this.lingering.watch();
    const { timeoutSeconds } = this.limits;
    for (const connection of this.connections.values()) {
      if (connection.outputBytes > 0 && !connection.checkOutputLimits()) continue;
      const idleMs = this.nowMs - connection.lastInteractionMs;
      const idleMsMax = timeoutSeconds === 0 || connection.blocked ? Number.POSITIVE_INFINITY : timeoutSeconds * 1000;
      const gone = connection.halfOpen && connection.output.unsentBytes > 0 && idleMs > HALF_OPEN_MS_MAX;
      if (idleMs <= idleMsMax && !gone) continue;
      this.timedOut++;
      this.log.debug({ client: connection.address }, 'client closed: idle');
      this.drop(connection);
    }
  }

  get sliceMicros(): number {
    return this.turns.sliceMicros;
  }
}

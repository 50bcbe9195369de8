/**
 * One client: what it sent and was not executed, the turn in which its commands run, and why it may have to wait. What
 * happens to its replies is in turn-output.ts and output-queue.ts; who is connected in connection-registry.ts.
 *
 *   received ─> turn: parse, execute, reply ─> settle: what now? ─┬─ wait for bytes
 *                  ^                                              ├─ wait for the log, or for the client to read
 *                  └──────── TurnQueue <─────────────────────────┴─ others first, then go on
 */
import { REPLIES_OFF, REPLIES_ON, REPLIES_SKIP_NEXT, REPLIES_SKIPPED, type Session } from '../../core/session.js';
import type { PartialRequest } from '../resp/partial-request.js';
import { PARSE_COMPLETE, PARSE_INCOMPLETE } from '../resp/request-parser.js';
import { PAUSE_ALL, PAUSE_NONE } from './client-pause.js';
import type { OutputBufferLimits } from './connection-limits.js';
import type { ConnectionServices } from './connection-services.js';
import { InputQueue } from './input-queue.js';
import type { OutputBlock } from './output-block.js';
import { OutputQueue } from './output-queue.js';
import { type Transport, type TransportOwner, WRITE_FAILED } from './transport.js';

/** Nothing stands in the way of the next command. */
const STOP_NONE = 0;
/** Nothing of this connection will be executed any more. */
const STOP_CLOSING = 1;
/** A command runs in slices. */
const STOP_TASK = 2;
/** The log must advance first, or a view must be read on. Reading stops too. */
const STOP_LOG = 3;
/** The client must read first. Reading goes on: it may send all it has before it reads. */
const STOP_UNSENT = 4;
/** Others come first. */
const STOP_TURN = 5;
/** CLIENT PAUSE. */
const STOP_PAUSED = 6;

/** Replies of one connection that may wait for the log, in bytes. */
const PARKED_BYTES_MAX = 1024 * 1024;
/** Replies of all connections that may wait for the log, in bytes. */
export const PARKED_BYTES_TOTAL_MAX = 64 * 1024 * 1024;
/** Replies that a client may leave unread before its commands stop, in bytes. */
const UNSENT_BYTES_MAX = 128 * 1024;
/** Input that is read ahead while others come first, in bytes. */
const AHEAD_BYTES_MAX = 64 * 1024;
/** Positions in a buffer have 31 bits. */
const INPUT_BYTES_MAX = 0x7fffffff - 1024 * 1024;
/** With less than this to run, looking ahead for keys gains nothing. */
const SCOUT_BYTES_MIN = 256;
/** How long one connection's turn may take, in microseconds. */
const TURN_MICROS = 2000;
/** Cost of commands after which the clock is read; a simple command costs about 8. */
const COST_PER_LOOK = 256;

export class Connection implements TransportOwner {
  readonly session: Session;
  readonly transport: Transport;
  readonly output = new OutputQueue();
  /** Engine time in ms. */
  readonly createdAtMs: number;
  /** Engine time in ms of the last bytes in either direction; exact to the tick of the registry. */
  lastInteractionMs: number;
  bytesReceived = 0;
  commandsProcessed = 0;
  /** CLIENT NO-EVICT. */
  noEvict = false;
  /** Which of the output limits hold. */
  outputClass: keyof OutputBufferLimits = 'normal';
  /** In the queue of those that get a turn. */
  queued = false;
  /** In the list of those whose replies wait for the log, or who wait for it themselves. */
  gated = false;
  destroyed = false;
  private readonly services: ConnectionServices;
  private input: InputQueue | undefined = undefined;
  private partial: PartialRequest | undefined = undefined;
  private stop = STOP_NONE;
  private reading = true;
  /** Reading goes on in the next turn. */
  private readLater = false;
  private inputDone = false;
  /** The last reply was sent, and the other side was told. */
  private finished = false;
  /** An exception ended what could be done for this connection. */
  private failing = false;
  /** Memory of the input as it was last counted. */
  private countedInput = 0;
  /** Where the next command begins, once the current one was parsed. */
  private position = 0;
  private cost = 0;
  private turnEndMicros = 0;
  /** Engine time in ms since when the output is above its soft limit; 0 while it is not. */
  private softLimitSinceMs = 0;

  constructor(services: ConnectionServices, transport: Transport, session: Session) {
    this.services = services;
    this.transport = transport;
    this.session = session;
    this.createdAtMs = session.connectedAt;
    this.lastInteractionMs = session.connectedAt;
  }

  // ---- what others see ---------------------------------------------------------------------------------------------

  get address(): string {
    return this.transport.address;
  }

  get localAddress(): string {
    return this.transport.localAddress;
  }

  get unixSocket(): boolean {
    return this.transport.unixSocket;
  }

  /** File descriptor, -1 where unknown. */
  get fd(): number {
    return this.transport.fd;
  }

  /** Bytes of input that were not executed. */
  get queryBufferBytes(): number {
    return this.input === undefined ? 0 : this.input.length;
  }

  /** Room in the connection's own input buffers. */
  get queryBufferFreeBytes(): number {
    return this.input === undefined ? 0 : this.input.memoryBytes - this.input.length;
  }

  /** Pieces of output that wait. */
  get outputPieces(): number {
    return this.output.pieces;
  }

  /** Replies that were not sent, parked or not taken by the operating system. */
  get outputBytes(): number {
    return this.output.parkedBytes + this.output.unsentBytes;
  }

  /** Everything that is kept for this connection. */
  get memoryBytes(): number {
    return CONNECTION_BYTES + this.inputMemory() + this.output.memoryBytes;
  }

  get bytesSent(): number {
    return this.output.bytesSent;
  }

  /** True once nothing more of it will be executed. */
  get closing(): boolean {
    return this.session.closing || this.destroyed || this.finished;
  }

  /** True when the other side sends no more, and only replies are left. */
  get halfOpen(): boolean {
    return this.inputDone && this.session.task === undefined;
  }

  /** True while a command of it waits for something or runs in slices. */
  get blocked(): boolean {
    return this.session.task !== undefined || this.paused;
  }

  /** True while its next command waits for the end of CLIENT PAUSE. */
  get paused(): boolean {
    return this.stop === STOP_PAUSED;
  }

  /** True while what its command writes is thrown away. */
  get muted(): boolean {
    const { replies } = this.session;
    return replies === REPLIES_OFF || replies === REPLIES_SKIPPED;
  }

  // ---- reading -----------------------------------------------------------------------------------------------------

  start(): void {
    this.transport.start(this);
  }

  received(bytes: Uint8Array, from: number, to: number, more: boolean): void {
    const { services } = this;
    this.bytesReceived += to - from;
    services.totals.bytesReceived += to - from;
    services.totals.reads++;
    this.lastInteractionMs = services.nowMs;
    if (this.closing) return;
    if (this.stop === STOP_NONE) {
      this.beginTurn();
      this.take(bytes, from, to);
      this.endTurn();
      if (more) this.readLater = true;
    } else {
      this.take(bytes, from, to);
    }
    this.settle();
  }

  /** Runs or keeps what was read. The engine's exceptions do not come here; what does is that there is no memory for it. */
  private take(bytes: Uint8Array, from: number, to: number): void {
    try {
      if (this.stop === STOP_NONE) {
        this.feed(bytes, from, to);
      } else {
        this.input ??= new InputQueue();
        this.input.append(bytes, from, to);
      }
    } catch (error) {
      this.giveUp(error);
    }
  }

  private giveUp(error: unknown): void {
    this.failing = true;
    this.stop = STOP_CLOSING;
    this.services.log.error({ client: this.address, err: error }, 'client closed: its input cannot be kept');
  }

  inputEnded(): void {
    if (this.finished) {
      this.services.discard(this);
      return;
    }
    this.inputDone = true;
    // A command that waits for an event has nobody left to tell.
    if (this.session.task?.resting === true || this.paused) this.failing = true;
    this.settle();
  }

  failed(_reason: string): void {
    this.services.drop(this);
  }

  /** Runs what bytes[from, to) complete; what is incomplete or may not run yet is kept. */
  private feed(bytes: Uint8Array, from: number, to: number): void {
    let at = from;
    while (at < to) {
      const { input } = this;
      if (input === undefined || input.length === 0) {
        at = this.execute(bytes, at, to);
        if (at < to && !this.closing) this.keep(bytes, at, to);
        return;
      }
      const moved = input.moveBefore(bytes, at, to);
      if (moved >= 0) {
        at = moved;
        continue;
      }
      const missing = this.missing();
      const take = InputQueue.share(missing, at, to);
      input.appendFront(bytes, at, at + take, missing - take);
      at += take;
      input.consume(this.execute(input.bytes, input.start, input.end));
      if (this.stop !== STOP_NONE) {
        if (at < to && !this.closing) input.append(bytes, at, to);
        return;
      }
    }
  }

  /** Runs what is kept, as far as it may run now. */
  private feedKept(): void {
    const { input } = this;
    try {
      while (input !== undefined && !this.closing) {
        if (input.frontLength > 0) input.consume(this.execute(input.bytes, input.start, input.end));
        if (this.stop !== STOP_NONE || !input.pull(this.missing())) return;
      }
    } catch (error) {
      this.giveUp(error);
    }
  }

  private keep(bytes: Uint8Array, from: number, to: number): void {
    this.input ??= new InputQueue();
    if (this.stop === STOP_NONE) this.input.appendFront(bytes, from, to, this.partial?.missing(to - from) ?? 0);
    else this.input.append(bytes, from, to);
  }

  /** Bytes that the incomplete command at the front is known to lack. */
  private missing(): number {
    return this.partial?.missing(this.input!.frontLength) ?? 0;
  }

  // ---- executing ---------------------------------------------------------------------------------------------------

  /**
   * Executes the commands of bytes[from, to) until one is incomplete or may not run; sets `stop`.
   * @returns where the first command begins that was not executed.
   */
  private execute(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    for (;;) {
      try {
        return this.run(bytes, at, to);
      } catch (error) {
        if (!this.recover(error)) return to;
        at = this.position;
      }
    }
  }

  private run(bytes: Uint8Array, from: number, to: number): number {
    const { services, session } = this;
    const { parser, processor, output } = services;
    let at = from;
    let scouted = from;
    this.position = from;
    for (;;) {
      this.stop = this.obstacle();
      if (this.stop !== STOP_NONE) return at;
      if (at >= scouted && to - at >= SCOUT_BYTES_MIN && this.partial === undefined) {
        scouted = Math.max(at + 1, services.scout.look(bytes, at, to, processor.prefetchOf(session)));
      }
      const status = parser.parse(bytes, at, to, this.partial, session.authenticated);
      if (status === PARSE_INCOMPLETE) {
        this.partial = parser.partial;
        return parser.position;
      }
      this.partial = undefined;
      if (status !== PARSE_COMPLETE) {
        this.refuse(parser.error);
        return to;
      }
      const behind = parser.position;
      this.position = behind;
      if (!processor.hasRoom()) {
        this.stop = STOP_LOG;
        return at;
      }
      if (isCrossProtocol(services)) return this.refuseCrossProtocol(to);
      if (services.clientPause.mode !== PAUSE_NONE && this.mustWait()) {
        this.stop = STOP_PAUSED;
        return at;
      }
      const before = output.writer.position;
      processor.execute(session);
      this.commandsProcessed++;
      if (session.replies !== REPLIES_ON) this.replyUnlessMuted();
      else if (session.task === undefined) output.replied(processor.dependency);
      else output.unfinished();
      this.cost += 8 + processor.args.count + ((behind - at) >>> 9) + (Math.abs(output.writer.position - before) >>> 9);
      at = behind;
    }
  }

  /** Whether the parsed command has to wait for the end of CLIENT PAUSE. */
  private mustWait(): boolean {
    const { clientPause, processor } = this.services;
    return !this.session.monitors && processor.postpones(this.session, clientPause.mode === PAUSE_ALL);
  }

  /** A command has run on a connection that may not want its reply. */
  private replyUnlessMuted(): void {
    const { output, processor } = this.services;
    const { session } = this;
    if (this.muted) output.takeBack();
    else if (session.task === undefined) output.replied(processor.dependency);
    else output.unfinished();
    if (session.task !== undefined) return;
    if (session.replies === REPLIES_SKIPPED) session.replies = REPLIES_ON;
    else if (session.replies === REPLIES_SKIP_NEXT) session.replies = REPLIES_SKIPPED;
  }

  /** Why the next command may not run now. */
  private obstacle(): number {
    const { services, session, output } = this;
    if (session.task !== undefined) return STOP_TASK;
    if (session.closing || this.destroyed || services.output.broken) return STOP_CLOSING;
    if (services.paused || services.commit.congested) return STOP_LOG;
    if (output.parkedBytes >= PARKED_BYTES_MAX) return STOP_LOG;
    if (services.totals.parkedBytes >= PARKED_BYTES_TOTAL_MAX) return STOP_LOG;
    if (output.unsentBytes >= UNSENT_BYTES_MAX) return STOP_UNSENT;
    return this.cost >= COST_PER_LOOK && this.turnIsOver() ? STOP_TURN : STOP_NONE;
  }

  private turnIsOver(): boolean {
    this.cost = 0;
    const now = this.services.clock.monotonicMicros();
    if (this.turnEndMicros === 0) this.turnEndMicros = now + TURN_MICROS;
    return now >= this.turnEndMicros;
  }

  /** A protocol error: it is replied in its place, and nothing more is executed. */
  private refuse(error: string): void {
    const { services, session } = this;
    services.processor.reply.error(error);
    services.output.replied(0);
    session.closing = true;
    this.stop = STOP_CLOSING;
    services.log.debug({ client: this.address, id: session.id }, error);
  }

  /** A web page made a browser send HTTP here: Redis closes without a word. */
  private refuseCrossProtocol(to: number): number {
    const { services } = this;
    services.log.warn({ client: this.address }, 'possible attack: a client sent POST or Host: as a command; closed');
    this.failing = true;
    this.stop = STOP_CLOSING;
    return to;
  }

  /** An exception out of the engine. Returns true when the connection goes on behind the command. */
  private recover(error: unknown): boolean {
    const { services, session } = this;
    const intact = services.output.takeBack();
    session.task?.cancel();
    session.task = undefined;
    this.partial = undefined;
    const outcome = services.processor.recoverFrom(error);
    if (outcome === 'replied' && intact) {
      if (session.replies !== REPLIES_ON) this.replyUnlessMuted();
      else services.output.replied(services.processor.dependency);
      return true;
    }
    this.failing = true;
    this.stop = STOP_CLOSING;
    if (outcome === 'fatal') services.fatal(error);
    else
      services.log.error({ client: this.address, err: error }, 'a command failed unexpectedly; its client is closed');
    return false;
  }

  // ---- turns -------------------------------------------------------------------------------------------------------

  private beginTurn(): void {
    const { output, processor, slices } = this.services;
    const micros = processor.beginTurn();
    slices?.begin(micros);
    output.begin(this);
    this.cost = 0;
    this.turnEndMicros = 0;
  }

  private endTurn(): void {
    const { output, processor, slices } = this.services;
    const micros = processor.endTurn();
    if (this.destroyed || this.failing) output.abandon();
    else output.end();
    if (output.broken) this.failing = true;
    slices?.end(micros);
  }

  /** Its turn in the queue has come. */
  takeTurn(): void {
    this.queued = false;
    if (this.destroyed || this.finished) return;
    this.readLater = false;
    if (this.stop !== STOP_NONE || this.input !== undefined) {
      this.beginTurn();
      if (this.session.task !== undefined) this.runSlice();
      if (this.session.task === undefined) {
        this.stop = STOP_NONE;
        this.feedKept();
      }
      this.endTurn();
    }
    this.settle();
  }

  /** One slice of a long command. */
  private runSlice(): void {
    const { services, session } = this;
    try {
      if (session.task!.resting === true) return;
      const done = services.processor.continueTask(session, services.sliceMicros);
      if (session.replies !== REPLIES_ON) {
        this.replyUnlessMuted();
      } else if (done) {
        services.output.finished(services.processor.dependency);
      } else {
        services.output.unfinished();
      }
    } catch (error) {
      if (!this.recover(error)) return;
      services.output.finished(services.processor.dependency);
    }
  }

  /** After anything happened: decides what this connection waits for. */
  private settle(): void {
    if (this.destroyed || this.finished) return;
    const { services, session, output } = this;
    if (this.failing) {
      services.drop(this);
      return;
    }
    if (this.input !== undefined && (this.input.length === 0 || session.closing)) this.input = undefined;
    this.countInput();
    if (!this.withinLimits()) return;
    if (output.parked || this.stop === STOP_LOG) services.gate.add(this);
    if (this.stop === STOP_PAUSED) services.clientPause.add(this);
    if (this.stop === STOP_TURN || this.readLater || (this.stop === STOP_TASK && session.task?.resting !== true)) {
      services.turns.add(this);
    }
    const ended = session.closing || (this.inputDone && this.stop === STOP_NONE);
    if (ended && output.empty) this.finish();
    else this.updateReading();
    services.publish();
  }

  private updateReading(): void {
    const reading = !this.inputDone && !this.readLater && this.wantsInput();
    if (reading === this.reading) return;
    this.reading = reading;
    if (reading) this.transport.readStart();
    else this.transport.readStop();
  }

  private wantsInput(): boolean {
    switch (this.stop) {
      case STOP_LOG:
        return false;
      case STOP_UNSENT:
        return this.queryBufferBytes < this.services.limits.queryBufferBytesMax;
      case STOP_TASK:
      case STOP_TURN:
      case STOP_PAUSED:
        return this.queryBufferBytes < AHEAD_BYTES_MAX;
      default:
        return true;
    }
  }

  // ---- replies -----------------------------------------------------------------------------------------------------

  /** The log has advanced: sends what may leave. Returns true while it still waits for the log. */
  release(committed: number): boolean {
    if (this.destroyed || this.finished) return false;
    const { services, output } = this;
    if (output.parked) {
      this.lastInteractionMs = services.nowMs;
      if (!output.release(services.context, this.transport, committed)) {
        services.drop(this);
        return false;
      }
    }
    if (this.stop === STOP_LOG) services.turns.add(this);
    else if (output.empty && (this.session.closing || this.inputDone)) this.settle();
    return output.parked;
  }

  sent(): void {
    if (this.destroyed) return;
    const { services, output } = this;
    this.lastInteractionMs = services.nowMs;
    if (!output.sent(services.context, this.transport)) {
      services.drop(this);
      return;
    }
    if (this.stop === STOP_UNSENT && output.unsentBytes < UNSENT_BYTES_MAX / 2) services.turns.add(this);
    this.settle();
  }

  /**
   * Sends what is no reply to a command of this connection, behind everything that it has been sent: a whole block, once
   * `sequence` is committed. Not while any connection has its turn.
   */
  deliver(block: OutputBlock, sequence: number): void {
    if (this.closing) return;
    const { output, services, transport } = this;
    const { context } = services;
    const { committed } = services.commit;
    const end = block.bytes.length;
    if (!output.empty || sequence > committed) {
      output.add(context, block, 0, end, sequence, committed);
    } else if (output.write(context, transport, block, 0, end) === WRITE_FAILED) {
      services.drop(this);
      return;
    }
    this.settle();
  }

  // ---- limits ------------------------------------------------------------------------------------------------------

  private inputMemory(): number {
    return (this.input?.memoryBytes ?? 0) + (this.partial?.memoryBytes ?? 0);
  }

  private countInput(): void {
    const memory = this.input === undefined ? 0 : this.inputMemory();
    this.services.totals.queryBufferBytes += memory - this.countedInput;
    this.countedInput = memory;
  }

  /** Closes the connection when it is above a limit. */
  private withinLimits(): boolean {
    const { services, input } = this;
    // What waits because the client does not read is bounded by not reading from it; an incomplete command is not.
    if (this.stop === STOP_NONE && input !== undefined) {
      const bytes = input.length + (this.partial?.memoryBytes ?? 0);
      if (bytes > Math.min(services.limits.queryBufferBytesMax, INPUT_BYTES_MAX)) {
        services.dropForInput(this);
        return false;
      }
    }
    if (this.outputBytes > 0 || this.softLimitSinceMs > 0) return this.checkOutputLimits();
    return true;
  }

  /** Closes the connection when its output is above a limit; also called once a second. False when it was closed. */
  checkOutputLimits(): boolean {
    const { services } = this;
    if (this.output.refresh(services.context, this.transport) > 0) this.lastInteractionMs = services.nowMs;
    const limit = services.limits.outputBufferLimits[this.outputClass];
    const bytes = this.outputBytes;
    if (limit.hardBytes > 0 && bytes >= limit.hardBytes) {
      services.dropForOutput(this);
      return false;
    }
    if (limit.softBytes === 0 || bytes < limit.softBytes) {
      this.softLimitSinceMs = 0;
    } else if (this.softLimitSinceMs === 0) {
      this.softLimitSinceMs = Math.max(1, services.nowMs);
    } else if (services.nowMs - this.softLimitSinceMs > limit.softSeconds * 1000) {
      services.dropForOutput(this);
      return false;
    }
    return true;
  }

  // ---- the end -----------------------------------------------------------------------------------------------------

  /** Everything was said: tells the other side, and reads on until it closes, so that it gets the last reply. */
  private finish(): void {
    this.finished = true;
    this.input = undefined;
    this.partial = undefined;
    this.countInput();
    if (this.inputDone) {
      this.services.drop(this);
      return;
    }
    if (!this.reading) this.transport.readStart();
    this.reading = true;
    this.transport.finish();
    this.services.retire(this);
  }

  /** Closes at once and lets go of everything; only for the registry. */
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.transport.destroy();
    if (this.paused) this.services.clientPause.remove(this);
    this.session.task?.cancel();
    this.session.task = undefined;
    this.input = undefined;
    this.partial = undefined;
    this.countInput();
    this.output.drop(this.services.context);
  }
}

/** About what an idle connection costs, in bytes. */
export const CONNECTION_BYTES = 2048;

const LETTER_P = 80;
const LETTER_H = 72;

/** True when the parsed command is the first line of an HTTP request. */
function isCrossProtocol(services: ConnectionServices): boolean {
  const { args } = services.processor;
  const first = args.bytes[args.start[0]!]! & 0xdf;
  if (first !== LETTER_P && first !== LETTER_H) return false;
  return args.is(0, 'POST') || args.is(0, 'HOST:');
}

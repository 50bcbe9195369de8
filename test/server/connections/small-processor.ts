/**
 * A small in-memory stand-in for the engine and the commit pipeline, so that connections can be tested over real sockets
 * and on their own: a handful of commands, and a log that commits when the test says so.
 */
import { Arguments } from '../../../core/arguments.js';
import { ReplyWriter } from '../../../core/reply-writer.js';
import type { Session } from '../../../core/session.js';
import type { SlicedTask } from '../../../core/sliced-task.js';
import type { CommandProcessor, CommitState } from '../../../server/connections/command-processor.js';
import { TurnOutput } from '../../../server/connections/turn-output.js';
import type { KeyFetcher } from '../../../server/resp/key-scout.js';

/** A log in memory: sequences are committed by commitAll() or commit(). */
export class SmallCommit implements CommitState {
  committed = 0;
  congested = false;
  floor = 0;
  uncommittedBytes = 0;
  /** Sequence of the last write. */
  sequence = 0;
  /** False: a write is committed at once. */
  held = false;
  onAdvance: () => void = () => {};

  replyFloor(): number {
    return this.floor;
  }

  write(): number {
    this.sequence++;
    if (!this.held) this.committed = this.sequence;
    return this.sequence;
  }

  commit(sequence: number): void {
    this.committed = sequence;
    this.onAdvance();
  }

  commitAll(): void {
    this.commit(this.sequence);
  }
}

/** Thrown by the command THROW; `outcome` is what recoverFrom() will say. */
class PlannedError extends Error {
  readonly outcome: 'replied' | 'close' | 'fatal';

  constructor(outcome: 'replied' | 'close' | 'fatal') {
    super(outcome);
    this.outcome = outcome;
  }
}

/** Counts to a number of steps, writing something at each. */
class CountingTask implements SlicedTask {
  resting: boolean;
  cancelled = false;
  done = false;
  private left: number;
  private readonly processor: SmallProcessor;

  constructor(processor: SmallProcessor, steps: number, resting: boolean) {
    this.processor = processor;
    this.left = steps;
    this.resting = resting;
    this.processor.tasks.push(this);
  }

  step(): boolean {
    const { reply } = this.processor;
    if (this.left-- > 0) {
      reply.constant(PART);
      return false;
    }
    reply.ok();
    this.done = true;
    return true;
  }

  cancel(): void {
    this.cancelled = true;
  }
}

const NOTHING_TO_FETCH: KeyFetcher = { add: () => {}, fetch: () => {} };
const PART = Buffer.from('+part\r\n');

export class SmallProcessor implements CommandProcessor {
  /** False: no command may begin. */
  room = true;
  readonly args = new Arguments();
  readonly output = new TurnOutput((bytes, overflow) => new ReplyWriter(bytes, overflow));
  readonly reply = this.output.writer;
  dependency = 0;
  maxmemory = 0;
  outsideBytes = 0;
  uncountedBytes = 0;
  executed = 0;
  readonly tasks: CountingTask[] = [];
  private readonly commit: SmallCommit;
  private readonly values = new Map<string, Buffer>();
  private readonly sequences = new Map<string, number>();

  constructor(commit: SmallCommit) {
    this.commit = commit;
  }

  private bytes(i: number): Buffer {
    const { args } = this;
    return Buffer.from(args.bytes.subarray(args.start[i]!, args.end[i]!));
  }

  prefetchOf(): KeyFetcher {
    return NOTHING_TO_FETCH;
  }

  beginTurn(): number {
    return performance.now() * 1000;
  }

  endTurn(): number {
    return performance.now() * 1000;
  }

  /** SET waits for the end of a pause of writes. */
  postpones(_session: Session, all: boolean): boolean {
    return all || this.args.is(0, 'SET');
  }

  execute(session: Session): void {
    const { args, reply } = this;
    this.executed++;
    this.dependency = 0;
    reply.protocol = session.protocol;
    const name = args.latin1(0).toUpperCase();
    session.lastCommand = name.toLowerCase();
    if (name === 'PING') {
      if (args.count > 1) this.bulk(this.bytes(1));
      else reply.simple('PONG');
    } else if (name === 'ARGS') this.replyArguments();
    else if (name === 'SET') this.set();
    else if (name === 'GET') this.get();
    else if (name === 'BIG') this.big(Number(args.latin1(1)), Number(args.latin1(2)));
    else if (name === 'AUTH') {
      session.authenticated = true;
      reply.ok();
    } else if (name === 'QUIT') {
      reply.ok();
      session.closing = true;
    } else if (name === 'COUNT') session.task = new CountingTask(this, Number(args.latin1(1)), false);
    else if (name === 'REST') session.task = new CountingTask(this, 0, true);
    else if (name === 'THROW') {
      reply.simple('half a reply');
      throw new PlannedError(args.latin1(1) as 'replied' | 'close' | 'fatal');
    } else reply.error(`ERR unknown command '${args.latin1(0, 64)}'`);
  }

  /** Replies the arguments as they were understood. */
  private replyArguments(): void {
    const { args, reply } = this;
    reply.array(args.count - 1);
    for (let i = 1; i < args.count; i++) reply.bulk(args.bytes, args.start[i]!, args.end[i]!);
  }

  private set(): void {
    const key = this.args.latin1(1);
    this.values.set(key, this.bytes(2));
    this.dependency = this.commit.write();
    this.sequences.set(key, this.dependency);
    this.reply.ok();
  }

  private get(): void {
    const key = this.args.latin1(1);
    this.dependency = this.sequences.get(key) ?? 0;
    const value = this.values.get(key);
    if (value === undefined) this.reply.nil();
    else this.bulk(value);
  }

  private bulk(value: Buffer): void {
    this.reply.bulk(value, 0, value.length);
  }

  /** BIG count bytes: an array of so many strings of so many bytes. */
  private big(count: number, bytes: number): void {
    const value = Buffer.alloc(bytes, 'x');
    this.reply.array(count);
    for (let i = 0; i < count; i++) this.bulk(value);
  }

  hasRoom(): boolean {
    return this.room;
  }

  continueTask(session: Session): boolean {
    this.reply.protocol = session.protocol;
    const done = session.task!.step(undefined as never);
    if (!done) return false;
    session.task = undefined;
    this.dependency = this.commit.sequence;
    return true;
  }

  recoverFrom(error: unknown): 'replied' | 'close' | 'fatal' {
    if (!(error instanceof PlannedError)) throw error;
    this.dependency = this.commit.sequence;
    if (error.outcome === 'replied') this.reply.error('ERR planned');
    return error.outcome;
  }
}

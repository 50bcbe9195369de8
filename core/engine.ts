/**
 * The engine: runs one command at a time against the dataset, synchronously, and folds entries of the log. It imports
 * no sockets, files, timers or clocks. In: a session, a parsed command, the time. Out: reply bytes in `reply`, effects in
 * `effects`, and in `dependency` the sequence that must be committed before the reply may leave the process.
 */
import { AccessClock } from './access-clock.js';
import { Arguments } from './arguments.js';
import {
  Command,
  CommandTable,
  FLAG_DENYOOM,
  FLAG_LOADING,
  FLAG_MAY_REPLICATE,
  FLAG_NO_AUTH,
  FLAG_READONLY,
  FLAG_WRITE,
} from './command-table.js';
import { CommandTrace, type TracedArguments } from './command-trace.js';
import type { CommandSpec } from './commands/command.js';
import { Database, ExpiryRefused } from './database.js';
import type { DatabasePrefetch } from './database-prefetch.js';
import { EffectReader } from './effect-reader.js';
import { type EffectSink, EffectWriter } from './effect-writer.js';
import { EVICTING, Eviction, NOTHING_TO_EVICT } from './eviction.js';
import type { EvictionPolicy } from './eviction-policy.js';
import { Execution } from './execution.js';
import type { Arena } from './memory/arena.js';
import { Defragmenter } from './memory/defragmenter.js';
import { LoadableKeyspace } from './memory/loadable-keyspace.js';
import { RandomNumbers } from './random-numbers.js';
import { ReplyWriter } from './reply-writer.js';
import { Session } from './session.js';
import { STRING_BYTES_MAX } from './types/string.js';

/** Where the engine's time comes from. */
export interface EngineClock {
  /** Engine time in ms; never runs backwards (docs/architecture.md). */
  nowMs(): number;
  /** A monotonic clock in microseconds, for statistics and slices. */
  monotonicMicros(): number;
  /** What the monotonic clock showed at the last nowMs() or monotonicMicros(): a reading less for every command. */
  readonly micros: number;
}

export interface EngineOptions {
  readonly arena: Arena;
  readonly databases: number;
  readonly commands: readonly CommandSpec[];
  readonly clock: EngineClock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Secret of the key hash, 4 words. */
  readonly hashSeed: Uint32Array;
  readonly reply: ReplyWriter;
  readonly sink: EffectSink;
}

/** What of a slow command's arguments is kept: as many, and as many bytes of each, as Redis' slow log does. */
export const TRACED_ARGUMENTS_MAX = 32;
export const TRACED_BYTES_MAX = 128;

/**
 * Is told of calls that took long. Quick commands are timed in rows: then `micros` is the time of `calls` calls of one
 * command, of which the last one is described.
 */
export interface SlowCallObserver {
  slow(command: Command, session: Session, traced: TracedArguments, micros: number, calls: number): void;
}

/** Is told of every command that ran, while its arguments are still there: MONITOR. */
export interface CommandObserver {
  /** @param sequence what must be committed before anyone may be shown that the command ran. */
  executed(session: Session, command: Command, args: Arguments, sequence: number): void;
}

/** An effect from the log that cannot be applied: the log is damaged, or was made by a newer version. */
export class ReplayError extends Error {
  readonly code = 'REPLAY';
}

const REPLAY_SPEC: CommandSpec = {
  name: 'replay',
  arity: 1,
  flags: [],
  categories: [],
  group: 'server',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: 'Stands for no command.',
  pages: 0,
  run: () => {},
};

/** Memory that a credit covers before used memory is summed up again. */
const CREDIT_BYTES_MAX = 256 * 1024;
/** Beyond its arguments, what one key can cost: record header, table entry and its share of a page split, expiry index. */
const KEY_OVERHEAD_BYTES = 96;

/** Calls of one command, and bytes of arguments and reply of one call, after which the clock is read. */
const TIMED_CALLS_MAX = 32;
const TIMED_BYTES_MAX = 4096;

const REPLAY_REPLY_BYTES = 1024;

/** Commands with longer arguments ask the log for room before they run; shorter ones fit into the batch that is open. */
const LARGE_ENTRY_BYTES = 128 * 1024;
/** What the log adds to each argument. */
const EFFECT_OVERHEAD_BYTES = 16;

/** Redis' error for writes that cannot reach its log. */
export const ERROR_NO_SPACE = 'MISCONF Errors writing to the AOF file: No space left on device';
const ERROR_OOM = "OOM command not allowed when used memory > 'maxmemory'.";
export const ERROR_LOADING = 'LOADING Redis is loading the dataset in memory';
const ERROR_MONITOR = "ERR Replica can't interact with the keyspace";
const ERROR_NO_AUTH = 'NOAUTH Authentication required.';

export class Engine {
  readonly args = new Arguments();
  readonly reply: ReplyWriter;
  readonly effects: EffectWriter;
  readonly arena: Arena;
  readonly keyspaces: LoadableKeyspace[];
  readonly database: Database;
  readonly accessClock: AccessClock;
  readonly eviction: Eviction;
  /** Commands as clients name them. */
  table: CommandTable;
  /** Commands as the log names them. */
  private readonly loggedTable: CommandTable;
  readonly defragmenter: Defragmenter;
  readonly execution: Execution;
  readonly random: () => number;
  readonly clock: EngineClock;
  /** What the last reply depends on; 0 for nothing. */
  dependency = 0;
  commandsProcessed = 0;
  /** True while the dataset is being rebuilt: only commands flagged `loading` run. */
  loading = false;
  /** Error text that writes (and PING) get, '' for none: the log has no room. */
  writeRefusal = '';
  /** Whether the log has room for an entry of so many bytes; asked before a command with large arguments runs. */
  logAdmits: (bytes: number) => boolean = () => true;
  /** Cap in bytes on everything that counts as used memory; 0 for none. */
  maxmemory = 0;
  /** Told when a command has to wait for room for copies, see `hasRoom`. */
  onCrowded: () => void = () => {};
  /** Bytes that count as used memory outside of the engine: uncommitted effects, parked replies, client buffers. */
  outsideBytes = 0;
  /** Of these, what eviction does not go by, because evicting makes more of it: uncommitted effects. */
  uncountedBytes = 0;
  /** True inside of a script or EXEC: those evict before they begin and never in between. */
  atomic = false;
  /** Used memory of an engine without a key. */
  readonly startupBytes: number;
  /** Highest used memory seen. */
  peakBytes = 0;
  private memoryCredit = 0;
  /** Between beginTurn() and endTurn(). */
  private inTurn = false;
  /** Engine time in ms at the last reading of the clock. */
  private turnMs = 0;
  /** The command that runs, the monotonic clock when its row began, and its calls since. */
  private timed: Command | undefined = undefined;
  private timedSince = 0;
  private timedCalls = 0;
  /** Rows of calls that took at least this many microseconds are told to `slowCalls`. */
  slowMicros = Number.POSITIVE_INFINITY;
  slowCalls: SlowCallObserver | undefined = undefined;
  /** Undefined while nobody monitors. */
  observer: CommandObserver | undefined = undefined;
  /** Calls that share a reading of the clock at most: 1 times every call by itself. */
  timedCallsMax = TIMED_CALLS_MAX;
  /** Whether the distribution of times is kept for every command. */
  tracksLatency = true;
  /** False leaves keys whose time is up to the lookups that find them (DEBUG SET-ACTIVE-EXPIRE). */
  expiresActively = true;
  /** What the last background() took to remove expired keys. */
  expiryMicros = 0;
  /** What the last background() took to move records together; 0 where it did not come to that. */
  defragmentationMicros = 0;
  private readonly trace = new CommandTrace();
  private sliceEndMicros = 0;
  private readonly noCommand = new Command(REPLAY_SPEC, undefined);
  private readonly replaySession = new Session(0, '', 0);
  /** Replies of folded effects go nowhere; clients are answered meanwhile through `reply`. */
  private readonly replayReply = new ReplyWriter(new Uint8Array(REPLAY_REPLY_BYTES));
  private readonly effectReader = new EffectReader();
  private expiryDatabase = 0;

  constructor(options: EngineOptions) {
    this.arena = options.arena;
    this.reply = options.reply;
    this.clock = options.clock;
    this.random = options.random;
    this.effects = new EffectWriter(options.sink);
    this.keyspaces = [];
    for (let i = 0; i < options.databases; i++) {
      this.keyspaces.push(new LoadableKeyspace(i + 1, options.arena, options.hashSeed));
    }
    const random = new RandomNumbers(options.random);
    this.accessClock = new AccessClock(random);
    this.database = new Database(this.keyspaces, this.effects, this.args, this.accessClock);
    this.defragmenter = new Defragmenter(this.arena, this.keyspaces, () => this.clock.monotonicMicros());
    this.eviction = new Eviction(
      this,
      this.keyspaces,
      this.database,
      this.effects,
      this.arena,
      this.accessClock,
      random,
      () => this.clock.monotonicMicros(),
    );
    this.table = new CommandTable(options.commands);
    this.loggedTable = this.table;
    this.replaySession.authenticated = true;
    this.execution = new Execution(
      this,
      this.args,
      this.reply,
      this.effects,
      this.database,
      this.replaySession,
      this.noCommand,
    );
    this.startupBytes = this.usedBytes();
  }

  // ---- one command -------------------------------------------------------------------------------------------------

  /**
   * Runs the command in `args` for a session; the reply is appended to `reply`, `dependency` says what it waits for.
   * Where `session.task` is set afterwards the command runs on in slices (continueTask) and has not replied yet.
   * May throw: see recoverFrom().
   */
  execute(session: Session): void {
    const alone = !this.inTurn;
    if (alone) this.beginTurn();
    const { args, database, effects, execution: x } = this;
    this.reply.protocol = session.protocol;
    this.begin(session, this.turnMs);
    const command = this.admit(session);
    if (command !== undefined) {
      x.command = command;
      session.lastCommand = command.fullName;
      const { errors, produced } = this.reply;
      if (command !== this.timed) this.closeTiming(command);
      this.trace.note(args);
      command.run!(x);
      if (effects.open) {
        const sequence = effects.seal();
        if (sequence > database.dependency) database.dependency = sequence;
      }
      command.calls++;
      if (this.reply.errors !== errors) command.failedCalls++;
      this.commandsProcessed++;
      const work = args.span() + Math.abs(this.reply.produced - produced);
      if (++this.timedCalls >= this.timedCallsMax || work > TIMED_BYTES_MAX || command.timedAlone) {
        this.closeTiming(command);
      }
      if (this.observer !== undefined && !this.loading) this.tellObserver(session, command);
      if (args.count > 1024) args.shrink(1024);
    }
    this.dependency = database.dependency;
    if (alone) this.endTurn();
  }

  /**
   * Begins a row of commands that run without a pause. The clock is read here, at the end, and in between whenever the
   * command changes or much was done: a reading costs as much as a tenth of a GET.
   * @returns the monotonic clock in microseconds.
   */
  beginTurn(): number {
    this.turnMs = this.clock.nowMs();
    this.inTurn = true;
    this.timed = undefined;
    this.timedCalls = 0;
    this.timedSince = this.clock.micros;
    return this.clock.micros;
  }

  /** Ends the row. @returns the monotonic clock in microseconds. */
  endTurn(): number {
    this.closeTiming(undefined);
    this.trace.forget();
    this.inTurn = false;
    return this.clock.micros;
  }

  /** What has passed is the time of the commands since the last reading, which were all the same. */
  private closeTiming(next: Command | undefined): void {
    if (this.timedCalls > 0 || next === undefined) {
      this.turnMs = this.clock.nowMs();
      const { micros } = this.clock;
      if (this.timed !== undefined) this.countTime(this.timed, micros - this.timedSince, this.timedCalls);
      this.timedSince = micros;
      this.timedCalls = 0;
    }
    this.timed = next;
  }

  private tellObserver(session: Session, command: Command): void {
    const { args, database, effects } = this;
    // What a long command will show is not known yet.
    const sequence = session.task === undefined ? database.dependency : effects.sequence;
    this.observer!.executed(session, command, args, sequence);
  }

  /**
   * True when the command in `args` would be run and may change the dataset, or with `all` when it would be run at all:
   * CLIENT PAUSE lets it wait. What gets an error by its name or its arguments gets it at once.
   */
  postpones(session: Session, all: boolean): boolean {
    const { args, table } = this;
    let command = table.find(args);
    if (command?.subcommands !== undefined && args.count > 1) command = table.findSubcommand(command, args);
    if (command?.run === undefined) return false;
    const { arity, flags } = command;
    if (arity >= 0 ? args.count !== arity : args.count < -arity) return false;
    if (!session.authenticated && (flags & FLAG_NO_AUTH) === 0) return false;
    return all || (flags & (FLAG_WRITE | FLAG_MAY_REPLICATE)) !== 0;
  }

  private countTime(command: Command, micros: number, calls: number): void {
    command.microseconds += micros;
    if (calls === 0) return;
    const { session } = this.execution;
    if (session.task !== undefined) {
      const traced = this.trace.read(this.args, TRACED_ARGUMENTS_MAX, TRACED_BYTES_MAX);
      session.slicedRun = { command, traced, micros: micros / calls };
      if (calls > 1 && this.tracksLatency) command.recordLatency((micros / calls) * (calls - 1), calls - 1);
      return;
    }
    if (this.tracksLatency) command.recordLatency(micros, calls);
    if (micros < this.slowMicros) return;
    const traced = this.trace.read(this.args, TRACED_ARGUMENTS_MAX, TRACED_BYTES_MAX);
    this.slowCalls?.slow(command, session, traced, micros, calls);
  }

  /** A command that ran in slices is done. */
  private countSlices(session: Session): void {
    const run = session.slicedRun;
    session.slicedRun = undefined;
    if (run === undefined) return;
    const { command, traced, micros } = run;
    if (this.tracksLatency) command.recordLatency(micros, 1);
    if (micros >= this.slowMicros) this.slowCalls?.slow(command, session, traced, micros, 1);
  }

  private begin(session: Session | undefined, now: number): void {
    const { database, effects, execution: x } = this;
    effects.session = session;
    x.session = session ?? this.replaySession;
    x.now = now;
    if (now !== database.now && now > 0) this.accessClock.setTime(now);
    database.now = now;
    database.touches = !x.session.noTouch;
    database.dependency = 0;
    database.mutated = false;
    database.select(x.session.database);
  }

  /** Finds the command and refuses what may not run now, in Redis' order; undefined after an error reply. */
  private admit(session: Session): Command | undefined {
    const { args, table } = this;
    let command = table.find(args);
    if (command === undefined) return this.reject(undefined, this.unknownCommand());
    if (command.subcommands !== undefined && args.count > 1) {
      const subcommand = table.findSubcommand(command, args);
      if (subcommand === undefined) return this.reject(undefined, this.unknownSubcommand(command));
      command = subcommand;
    }
    const arity = command.arity;
    if (arity >= 0 ? args.count !== arity : args.count < -arity) {
      return this.reject(command, `ERR wrong number of arguments for '${command.fullName}' command`);
    }
    const flags = command.flags;
    if (!session.authenticated && (flags & FLAG_NO_AUTH) === 0) return this.reject(command, ERROR_NO_AUTH);
    if ((flags & FLAG_DENYOOM) !== 0 && !this.roomBefore(args.span() + args.count * KEY_OVERHEAD_BYTES)) {
      return this.reject(command, ERROR_OOM);
    }
    if (this.writeRefusal !== '' && ((flags & FLAG_WRITE) !== 0 || command.fullName === 'ping')) {
      return this.reject(command, this.writeRefusal);
    }
    if ((flags & FLAG_DENYOOM) !== 0 && args.span() > LARGE_ENTRY_BYTES && !this.logAdmits(this.effectBytesMax())) {
      return this.reject(command, ERROR_NO_SPACE);
    }
    if (this.loading && (flags & FLAG_LOADING) === 0) return this.reject(command, ERROR_LOADING);
    if (session.monitors && (flags & (FLAG_WRITE | FLAG_READONLY | FLAG_MAY_REPLICATE)) !== 0) {
      return this.reject(command, ERROR_MONITOR);
    }
    if (command.run === undefined) {
      return this.reject(command, `ERR wrong number of arguments for '${command.fullName}' command`);
    }
    return command;
  }

  /** An upper bound of the entry that a command with these arguments makes. */
  private effectBytesMax(): number {
    return this.args.span() + this.args.count * EFFECT_OVERHEAD_BYTES;
  }

  /** See `Execution.admitEntry`. Short entries fit into the batch that is open. */
  admitEntry(bytes: number): boolean {
    if (bytes <= LARGE_ENTRY_BYTES || this.logAdmits(bytes)) return true;
    this.reply.error(ERROR_NO_SPACE);
    return false;
  }

  private reject(command: Command | undefined, error: string): undefined {
    if (command !== undefined) command.rejectedCalls++;
    this.reply.error(error);
    return undefined;
  }

  private unknownCommand(): string {
    const { args } = this;
    let shown = '';
    for (let i = 1; i < args.count && shown.length < 128; i++) {
      shown += `'${cString(args.latin1(i, 128 - shown.length))}' `;
    }
    return `ERR unknown command '${cString(args.latin1(0, 128))}', with args beginning with: ${shown}`;
  }

  private unknownSubcommand(command: Command): string {
    const word = cString(this.args.latin1(1, 128));
    return `ERR unknown subcommand '${word}'. Try ${command.fullName.toUpperCase()} HELP.`;
  }

  // ---- room for a view's copies ------------------------------------------------------------------------------------

  /**
   * Whether the command in `args` may begin: an open view has room for the copies of all pages that it may change. One
   * that has begun never waits.
   */
  hasRoom(): boolean {
    const { view } = this.arena;
    if (view === null || view.room(this.pageBound())) return true;
    this.onCrowded();
    return false;
  }

  /** What the command in `args` declares. One in slices has no bound and goes by what each slice may change. */
  private pageBound(): number {
    const { args, table } = this;
    let command = table.find(args);
    if (command?.subcommands !== undefined && args.count > 1) command = table.findSubcommand(command, args);
    if (command === undefined || (command.arity >= 0 ? args.count !== command.arity : args.count < -command.arity))
      return 0;
    const { pages } = command;
    if (typeof pages === 'number') return pages;
    return pages === 'sliced' ? PAGES_OF_SLICE : pages(this.execution);
  }

  // ---- long commands -----------------------------------------------------------------------------------------------

  /**
   * Runs one slice of the session's long command.
   * @param budgetMicros how long the slice may take.
   * @returns true when the command is done and its reply written; `dependency` is set then.
   */
  continueTask(session: Session, budgetMicros: number): boolean {
    const task = session.task;
    if (task === undefined) throw new Error('the session has no command in slices');
    const { database, effects, execution: x } = this;
    this.reply.protocol = session.protocol;
    this.begin(session, this.clock.nowMs());
    const started = this.clock.monotonicMicros();
    this.sliceEndMicros = started + budgetMicros;
    const done = task.step(x);
    if (effects.open) effects.seal();
    const run = session.slicedRun;
    if (run !== undefined) {
      const micros = this.clock.monotonicMicros() - started;
      run.micros += micros;
      run.command.microseconds += micros;
    }
    if (done) {
      session.task = undefined;
      this.countSlices(session);
    }
    // A task may write a long reply over several slices: what it has written depends on all that it can have seen.
    database.dependOnAll();
    this.dependency = database.dependency;
    return done;
  }

  /** Lets clients find commands by these names only, in lower case; the log keeps those that were declared. */
  rename(names: ReadonlyMap<string, Command>): void {
    this.table = this.loggedTable.renamed(names);
  }

  sliceOver(): boolean {
    return this.clock.monotonicMicros() >= this.sliceEndMicros;
  }

  /**
   * Removes expired keys, evicts others above maxmemory, frees detached memory and moves records out of sparse pages until the
   * budget is used up.
   * @param mayExpire false while the log cannot take the removals, or while this node is not the writer.
   * @returns true when work is left that could be done at once.
   */
  background(budgetMicros: number, mayExpire: boolean): boolean {
    const started = this.clock.monotonicMicros();
    this.sliceEndMicros = started + budgetMicros;
    let left = false;
    this.expiryMicros = this.defragmentationMicros = 0;
    if (mayExpire && !this.database.keepsExpired && this.arena.room(PAGES_OF_SLICE)) {
      this.begin(undefined, this.clock.nowMs());
      left = this.expiresActively && this.expireDue();
      this.expiryMicros = this.clock.monotonicMicros() - started;
      left = this.evictInBackground() || left;
    }
    while (this.sweepOnce()) {
      if (this.sliceOver()) return true;
    }
    left = this.defragmenter.step(this.sliceEndMicros) || left;
    this.defragmentationMicros = this.defragmenter.stepMicros;
    return left;
  }

  /** One step of freeing what was detached; true while more is left. */
  private sweepOnce(): boolean {
    let left = this.arena.sweep(SWEEP_PAGES) > 0;
    for (const keyspace of this.keyspaces) if (keyspace.sweep(SWEEP_PAGES) > 0) left = true;
    return left;
  }

  /** Removes keys whose time is up, one entry a batch of keys; true when the budget ran out before the keys did. */
  private expireDue(): boolean {
    const { database, effects } = this;
    for (let turn = 0; turn < this.keyspaces.length; turn++) {
      database.select(this.expiryDatabase);
      for (;;) {
        const removed = database.expireDue(EXPIRE_KEYS);
        if (effects.open) effects.seal();
        if (removed === 0) break;
        if (this.sliceOver()) return true;
      }
      this.expiryDatabase = (this.expiryDatabase + 1) % this.keyspaces.length;
    }
    return false;
  }

  /** For keys of the session's database. */
  prefetchOf(session: Session): DatabasePrefetch {
    const { prefetch } = this.database;
    prefetch.number = session.database;
    return prefetch;
  }

  // ---- replay ------------------------------------------------------------------------------------------------------

  /** Starts folding the log: nothing expires, nothing is logged or refused. */
  beginReplay(): void {
    this.effects.enabled = false;
    this.database.expires = false;
    // Folding knows no time; what it stores counts as used now.
    this.accessClock.setTime(this.clock.nowMs());
    this.execution.replaying = true;
  }

  /** Ends folding at this sequence; the next entry made gets the one behind it. */
  endReplay(sequence: number): void {
    this.effects.enabled = true;
    this.effects.sequence = sequence;
    this.database.expires = true;
    this.execution.replaying = false;
    this.memoryCredit = 0;
    this.replayReply.bytes = new Uint8Array(REPLAY_REPLY_BYTES);
  }

  /**
   * Fetches from memory what folding the next entries will look at, so that it does not wait for each one's in turn.
   * Changes nothing. @param starts, ends ranges of `bytes`, at most PREFETCH_KEYS_MAX.
   */
  prefetch(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number): void {
    const { effectReader } = this;
    // An entry of another database begins with SELECT; what its number is taken for here does no harm.
    const { prefetch } = this.database;
    prefetch.number = 0;
    for (let i = 0; i < count; i++) {
      if (!effectReader.firstArgument(bytes, starts[i]!, ends[i]!)) continue;
      prefetch.add(bytes, effectReader.argumentStart, effectReader.argumentEnd);
    }
    prefetch.fetch();
  }

  /**
   * Folds the effects of one entry: bytes[start, end).
   * @throws ReplayError when an effect is not well-formed, is unknown, or fails.
   */
  apply(bytes: Uint8Array, start: number, end: number): void {
    const { args, replayReply: reply, effectReader, execution: x, loggedTable: table } = this;
    this.replaySession.database = 0;
    this.begin(this.replaySession, 0);
    const errors = reply.errors;
    x.reply = reply;
    let at = start;
    while (at < end) {
      at = effectReader.read(bytes, at, end, args);
      if (at < 0) throw new ReplayError('malformed effect');
      let command = table.find(args);
      if (command?.subcommands !== undefined && args.count > 1) command = table.findSubcommand(command, args);
      if (command?.run === undefined) throw new ReplayError(`unknown effect '${args.latin1(0, 64)}'`);
      x.command = command;
      reply.position = 0;
      command.run(x);
      if (reply.errors !== errors) {
        throw new ReplayError(`effect '${args.latin1(0, 64)}' failed: ${reply.lastError}`);
      }
    }
    x.reply = this.reply;
    this.effects.sequence++;
  }

  /**
   * Begins taking over what a Redis has done: nothing is logged, nothing expires, no limit refuses anything.
   * @returns what ends it and sets the limits back.
   */
  beginImport(): () => void {
    const { database, effects, maxmemory } = this;
    const { stringBytesMax } = database;
    effects.enabled = false;
    database.expires = false;
    database.stringBytesMax = STRING_BYTES_MAX;
    this.setMaxmemory(0);
    return () => {
      effects.enabled = true;
      database.expires = true;
      database.stringBytesMax = stringBytesMax;
      this.setMaxmemory(maxmemory);
    };
  }

  /**
   * Runs the command in `args` as a Redis' append-only file has it. A deadline that is relative counts from now.
   * @returns the error that the command replied; '' where it was done.
   */
  importCommand(session: Session): string {
    const { args, replayReply: reply, execution: x } = this;
    const command = this.table.find(args);
    if (command?.run === undefined) return 'it is unknown';
    const { arity } = command;
    if (arity >= 0 ? args.count !== arity : args.count < -arity) {
      return `ERR wrong number of arguments for '${command.fullName}' command`;
    }
    this.begin(session, this.clock.nowMs());
    const { errors } = reply;
    reply.position = 0;
    x.reply = reply;
    x.command = command;
    command.run(x);
    x.reply = this.reply;
    this.effects.discard();
    if (session.task !== undefined) throw new Error(`an import cannot run ${command.fullName} in slices`);
    return reply.errors === errors ? '' : reply.lastError;
  }

  // ---- memory ------------------------------------------------------------------------------------------------------

  /** Bytes that count against maxmemory. */
  usedBytes(): number {
    let used = this.arena.usedBytes + this.outsideBytes + this.database.taskBytes;
    for (const keyspace of this.keyspaces) used += keyspace.indexBytes;
    used += this.arena.viewBytes;
    if (used > this.peakBytes) this.peakBytes = used;
    return used;
  }

  /** Forgets the credit after a change of maxmemory or of what counts. */
  setMaxmemory(bytes: number): void {
    this.maxmemory = bytes;
    this.memoryCredit = 0;
  }

  /** True when that many bytes more stay below the cap and the arena can provide them. */
  affordable(bytes: number): boolean {
    if (this.maxmemory > 0) {
      if (bytes > this.memoryCredit) {
        const room = this.roomFor(bytes);
        if (room < bytes) return false;
        this.memoryCredit = Math.min(room, CREDIT_BYTES_MAX + bytes);
      }
      this.memoryCredit -= bytes;
    }
    return this.arena.reserve(bytes);
  }

  /** Bytes below the cap; values that were let go of are freed first where that is needed to have `bytes` of them. */
  private roomFor(bytes: number): number {
    let room = this.room();
    for (const keyspace of this.keyspaces) {
      while (room < bytes && keyspace.released.sweep(SWEEP_PAGES) > 0) room = this.room();
    }
    return Math.max(room, this.room());
  }

  /** Bytes below maxmemory, negative above it. */
  room(): number {
    // What a view holds comes back by itself once it is read; evicting would only add to it.
    const uncounted = this.eviction.enabled ? this.uncountedBytes + this.arena.viewBytes : 0;
    return this.maxmemory - this.usedBytes() + uncounted;
  }

  setEvictionPolicy(policy: EvictionPolicy): void {
    this.eviction.setPolicy(policy);
    this.memoryCredit = 0;
  }

  /** affordable() before a command that needs memory begins: keys may have to go for it. */
  private roomBefore(bytes: number): boolean {
    if (this.affordable(bytes)) return true;
    if (this.maxmemory === 0 || this.atomic || !this.eviction.enabled) return false;
    // Nothing can be evicted that cannot be logged; the command gets the log's error.
    if (this.database.engineWritesRefused) return this.writeRefusal !== '';
    if (this.eviction.makeRoom(bytes) === NOTHING_TO_EVICT) return false;
    this.memoryCredit = 0;
    return this.arena.reserve(bytes);
  }

  /** Evicts keys until the budget is used up; true where memory is above the limit still. */
  private evictInBackground(): boolean {
    if (this.maxmemory === 0) return false;
    const exceeded = this.room() < 0;
    this.eviction.noteExceeded(exceeded);
    if (!exceeded || !this.eviction.enabled) return false;
    const micros = this.sliceEndMicros - this.clock.monotonicMicros();
    return micros > 0 && this.eviction.makeRoom(0, micros) === EVICTING;
  }

  /** affordable(), with the OOM error as the reply when it is not. In replay only the arena's word counts. */
  reserve(bytes: number): boolean {
    if (this.execution.replaying) {
      if (this.arena.reserve(bytes)) return true;
      throw new ReplayError('out of memory while the log is folded');
    }
    if (this.affordable(bytes)) return true;
    // The command has begun: keys go afterwards to make up for it, as in Redis.
    const later = this.eviction.enabled && bytes <= this.maxmemory && this.eviction.hasCandidates;
    if (later && this.arena.reserve(bytes)) return true;
    this.reply.error(ERROR_OOM);
    return false;
  }

  /**
   * The same without the cap, for commands that Redis runs above maxmemory too (EXPIRE, RENAME, PERSIST): only memory
   * that the operating system refuses stops them.
   */
  reserveUncapped(bytes: number): boolean {
    if (this.arena.reserve(bytes)) return true;
    if (this.execution.replaying) throw new ReplayError('out of memory while the log is folded');
    this.reply.error(ERROR_OOM);
    return false;
  }

  // ---- errors ------------------------------------------------------------------------------------------------------

  /**
   * Says what an exception out of execute(), continueTask() or background() means.
   * @returns 'replied' when an error reply was written and serving goes on; 'close' when nothing was changed and only
   * the connection must be closed; 'fatal' when memory may be ahead of the log: the process must rebuild or stop.
   */
  recoverFrom(error: unknown): 'replied' | 'close' | 'fatal' {
    if (this.effects.open || this.database.mutated) return 'fatal';
    this.dependency = Math.max(this.database.dependency, this.effects.sequence);
    if (error instanceof ExpiryRefused && this.writeRefusal !== '') {
      this.reply.error(this.writeRefusal);
      return 'replied';
    }
    return 'close';
  }
}

/** Pages that a slice changes, as far as room for copies goes: a record for each expired key that it removes. */
const PAGES_OF_SLICE = 64;
const SWEEP_PAGES = 256;
const EXPIRE_KEYS = 64;

/** C prints a string up to its first NUL. */
function cString(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

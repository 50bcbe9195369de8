/**
 * An engine without a server for tests: runs commands in the test process, keeps the entries that it logs, has a clock
 * that the test moves. With `debug` every command runs under the debug arena and its declared page bound.
 */
import { coreCommands } from '../../core/commands/core-commands.js';
import { DiscardingSink, type EffectSink, type EffectWriter, ENTRY_HEADER_BYTES } from '../../core/effect-writer.js';
import { Engine, type EngineClock } from '../../core/engine.js';
import { Arena } from '../../core/memory/arena.js';
import { DebugArena } from '../../core/memory/debug-arena.js';
import { ReplyWriter } from '../../core/reply-writer.js';
import { Session } from '../../core/session.js';

/** Time that only the test moves. */
export class ManualClock implements EngineClock {
  ms = 1_700_000_000_000;
  micros = 0;
  /** Added to the monotonic clock at each reading: makes slices end. */
  microsPerReading = 0;

  nowMs(): number {
    return this.ms;
  }

  monotonicMicros(): number {
    this.micros += this.microsPerReading;
    return this.micros;
  }
}

/** Keeps the effects of every entry. */
export class CapturingSink implements EffectSink {
  readonly originGeneration = 0;
  readonly entries: Uint8Array[] = [];
  readonly origins: number[] = [];
  private readonly buffer = new Uint8Array(1 << 16);

  nextBatch(writer: EffectWriter): void {
    writer.bytes = this.buffer;
    writer.position = 0;
    writer.limit = this.buffer.length;
  }

  writeOrigin(_writer: EffectWriter, session: Session): void {
    session.origin = session.id;
    session.originGeneration = 0;
  }

  sealed(writer: EffectWriter): void {
    this.keep(writer.bytes, writer.position);
    writer.position = 0;
  }

  sealedLarge(_writer: EffectWriter, bytes: Uint8Array, length: number): void {
    this.keep(bytes, length);
  }

  private keep(bytes: Uint8Array, length: number): void {
    this.entries.push(bytes.slice(ENTRY_HEADER_BYTES, length));
    this.origins.push(new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true));
  }
}

export type Word = string | number | Uint8Array;

export interface TestEngineOptions {
  /** Run under the debug arena. */
  readonly debug?: boolean;
  /** Keep entries; else they are dropped. */
  readonly capture?: boolean;
  readonly databases?: number;
  readonly hashSeed?: Uint32Array;
  readonly clock?: ManualClock;
  /** A number in [0, 1); always 0.5 by default. */
  readonly random?: () => number;
}

function toBytes(word: Word): Uint8Array {
  return typeof word === 'object' ? word : Uint8Array.from(Buffer.from(String(word), 'latin1'));
}

export class TestEngine {
  readonly clock: ManualClock;
  readonly sink = new CapturingSink();
  readonly arena: Arena;
  readonly debugArena: DebugArena | undefined;
  readonly reply = new ReplyWriter(new Uint8Array(1 << 16));
  readonly engine: Engine;
  readonly session: Session;
  private sessions = 0;

  constructor(options: TestEngineOptions = {}) {
    this.clock = options.clock ?? new ManualClock();
    this.debugArena = options.debug ? new DebugArena() : undefined;
    this.arena = this.debugArena ?? new Arena();
    this.engine = new Engine({
      arena: this.arena,
      databases: options.databases ?? 16,
      commands: coreCommands,
      clock: this.clock,
      random: options.random ?? (() => 0.5),
      hashSeed: options.hashSeed ?? Uint32Array.of(1, 2, 3, 4),
      reply: this.reply,
      sink: options.capture === false ? new DiscardingSink() : this.sink,
    });
    this.session = this.newSession();
  }

  newSession(): Session {
    const session = new Session(++this.sessions, '127.0.0.1:1', this.clock.ms);
    session.authenticated = true;
    return session;
  }

  /** Runs a command of the usual session and returns its reply, one character a byte. */
  run(...words: Word[]): string {
    return this.runIn(this.session, ...words);
  }

  runIn(session: Session, ...words: Word[]): string {
    return Buffer.from(this.runBytes(session, words.map(toBytes))).toString('latin1');
  }

  /** Runs a command to its end, also one in slices, and returns the bytes of its reply. */
  runBytes(session: Session, args: readonly Uint8Array[]): Uint8Array {
    const { engine, reply } = this;
    reply.position = 0;
    engine.args.set(args);
    this.beginChecked(session);
    engine.execute(session);
    this.debugArena?.commandEnd();
    while (session.task !== undefined) this.slice(session);
    return reply.bytes.slice(0, reply.position);
  }

  /** One slice of the session's long command; true when it is done. */
  slice(session: Session, budgetMicros = 1_000): boolean {
    this.debugArena?.commandBegin('slice', Number.POSITIVE_INFINITY);
    const done = this.engine.continueTask(session, budgetMicros);
    this.debugArena?.commandEnd();
    return done;
  }

  /** What the engine does between commands; true when more could be done at once. */
  background(budgetMicros = 1_000_000, mayExpire = true): boolean {
    this.debugArena?.commandBegin('background', Number.POSITIVE_INFINITY);
    const left = this.engine.background(budgetMicros, mayExpire);
    this.debugArena?.commandEnd();
    return left;
  }

  /** Entries logged since the last call, each as the text of its commands, without frames: ['SET a 1', ...]. */
  logged(): string[][] {
    const entries = this.sink.entries.splice(0).map(readEffects);
    this.sink.origins.length = 0;
    return entries;
  }

  /** Folds entries of another engine's log. */
  fold(entries: readonly Uint8Array[]): void {
    const { engine } = this;
    engine.beginReplay();
    for (const entry of entries) {
      this.debugArena?.commandBegin('replay', Number.POSITIVE_INFINITY);
      engine.apply(entry, 0, entry.length);
      this.debugArena?.commandEnd();
    }
    engine.endReplay(engine.effects.sequence);
  }

  private beginChecked(session: Session): void {
    const { debugArena, engine } = this;
    if (debugArena === undefined) return;
    // What ran before, or in between, may have left another database selected than the one that the bound is about.
    engine.database.select(session.database);
    let command = engine.table.find(engine.args);
    if (command?.subcommands !== undefined && engine.args.count > 1) {
      command = engine.table.findSubcommand(command, engine.args);
    }
    const bound = command === undefined ? 0 : command.pages;
    const pages =
      bound === 'sliced' ? Number.POSITIVE_INFINITY : typeof bound === 'number' ? bound : bound(engine.execution);
    debugArena.commandBegin(command?.fullName ?? 'unknown', pages);
  }
}

/** The commands of an entry, arguments joined by blanks, one character a byte. */
export function readEffects(entry: Uint8Array): string[] {
  const text = Buffer.from(entry).toString('latin1');
  const commands: string[] = [];
  let at = 0;
  const number = (): number => {
    const end = text.indexOf('\r\n', at);
    const value = Number(text.slice(at + 1, end));
    at = end + 2;
    return value;
  };
  while (at < text.length) {
    const words: string[] = [];
    for (let left = number(); left > 0; left--) {
      const length = number();
      words.push(text.slice(at, at + length));
      at += length + 2;
    }
    commands.push(words.join(' '));
  }
  return commands;
}

/**
 * What a command handler sees: its arguments, the place for its reply, the dataset, the effects it must log, the time.
 * One object is reused for every command. A handler validates, reserves memory, then mutates and logs what it did.
 */
import type { Arguments } from './arguments.js';
import type { Command } from './command-table.js';
import type { Database } from './database.js';
import type { EffectWriter } from './effect-writer.js';
import type { Engine } from './engine.js';
import type { ReplyWriter } from './reply-writer.js';
import type { Session } from './session.js';
import type { SlicedTask } from './sliced-task.js';

export class Execution {
  readonly engine: Engine;
  readonly args: Arguments;
  reply: ReplyWriter;
  readonly effects: EffectWriter;
  readonly database: Database;
  session: Session;
  command: Command;
  /** Engine time in ms, frozen for the command (for the whole script or EXEC). 0 in replay: nothing expires there. */
  now = 0;
  /** True while effects from the log are folded: no clock, no limit, no configuration decides anything. */
  replaying = false;

  constructor(
    engine: Engine,
    args: Arguments,
    reply: ReplyWriter,
    effects: EffectWriter,
    database: Database,
    session: Session,
    command: Command,
  ) {
    this.engine = engine;
    this.args = args;
    this.reply = reply;
    this.effects = effects;
    this.database = database;
    this.session = session;
    this.command = command;
  }

  /** Logs the command as it was asked: for commands whose outcome is a function of dataset and arguments. */
  logVerbatim(): void {
    const { args, effects } = this;
    if (!effects.enabled) return;
    effects.begin(this.database.number, args.count);
    effects.word(this.command.effectName);
    for (let i = 1; i < args.count; i++) effects.argument(args.bytes, args.start[i]!, args.end[i]!);
  }

  /** Begins a logged effect in the selected database: NAME and `count - 1` arguments that must follow. */
  logBegin(name: string, count: number): void {
    if (!this.effects.enabled) return;
    this.effects.begin(this.database.number, count);
    this.effects.word(name);
  }

  /** One argument of a logged effect: argument i of the command. */
  logArgument(i: number): void {
    this.effects.argument(this.args.bytes, this.args.start[i]!, this.args.end[i]!);
  }

  /**
   * Makes sure that the command may use `bytes` more memory, before its first mutation. On false the OOM error was
   * replied and the handler must return at once. Commands flagged denyoom have had their arguments' size reserved by
   * the dispatcher already; only growth beyond that needs a call.
   */
  reserve(bytes: number): boolean {
    return this.engine.reserve(bytes);
  }

  /**
   * Makes sure that the log has room for an entry of that many bytes, where the entry can be longer than the arguments,
   * before the command's first mutation. On false Redis' disk error was replied and the handler must return at once.
   */
  admitEntry(bytes: number): boolean {
    return this.engine.admitEntry(bytes);
  }

  /** Continues the command in slices; the handler writes no reply and returns. Not in replay, scripts or EXEC. */
  runInSlices(task: SlicedTask): void {
    this.session.task = task;
  }

  /** True when the running slice has used up its time. */
  sliceOver(): boolean {
    return this.engine.sliceOver();
  }

  syntaxError(): void {
    this.reply.error('ERR syntax error');
  }
}

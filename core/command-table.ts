/**
 * The command table: finds a command by the bytes of its name, and counts what was run. Declarations are in
 * core/commands and server/commands; what the table asserts of them at load is in `compile`.
 */
import type { Arguments } from './arguments.js';
import type { CommandFlag, CommandSpec, PageBound } from './commands/command.js';
import type { Execution } from './execution.js';
import { LatencyHistogram } from './latency-histogram.js';

export const FLAG_WRITE = 1 << 0;
export const FLAG_READONLY = 1 << 1;
export const FLAG_DENYOOM = 1 << 2;
export const FLAG_NO_AUTH = 1 << 3;
export const FLAG_LOADING = 1 << 4;
export const FLAG_ADMIN = 1 << 5;
export const FLAG_FAST = 1 << 6;
export const FLAG_MAY_REPLICATE = 1 << 7;
export const FLAG_SKIP_MONITOR = 1 << 8;
export const FLAG_SKIP_SLOWLOG = 1 << 9;

const BITS: Partial<Record<CommandFlag, number>> = {
  write: FLAG_WRITE,
  readonly: FLAG_READONLY,
  denyoom: FLAG_DENYOOM,
  no_auth: FLAG_NO_AUTH,
  loading: FLAG_LOADING,
  admin: FLAG_ADMIN,
  fast: FLAG_FAST,
  may_replicate: FLAG_MAY_REPLICATE,
  skip_monitor: FLAG_SKIP_MONITOR,
  skip_slowlog: FLAG_SKIP_SLOWLOG,
};

/** A declared command, compiled for dispatch, with its counters. */
export class Command {
  readonly spec: CommandSpec;
  /** 'get', 'client|id'. */
  readonly fullName: string;
  /** How the command is named in the log: 'GET'. */
  readonly effectName: string;
  readonly arity: number;
  readonly flags: number;
  readonly pages: PageBound;
  readonly run: ((x: Execution) => void) | undefined;
  readonly parent: Command | undefined;
  readonly subcommands: Map<string, Command> | undefined;
  calls = 0;
  microseconds = 0;
  rejectedCalls = 0;
  failedCalls = 0;
  /** How long the calls took; from the first one on that is timed. */
  latencies: LatencyHistogram | undefined = undefined;
  /** True when a call's time does not follow from its arguments and reply, so that no other call shares its reading. */
  readonly timedAlone: boolean;

  constructor(spec: CommandSpec, parent: Command | undefined) {
    this.spec = spec;
    this.fullName = parent === undefined ? spec.name : `${parent.fullName}|${spec.name}`;
    this.effectName = spec.name.toUpperCase();
    this.arity = spec.arity;
    let flags = 0;
    for (const flag of spec.flags) flags |= BITS[flag] ?? 0;
    this.flags = flags;
    this.pages = spec.pages;
    this.timedAlone = (flags & FLAG_FAST) === 0 && !spec.complexity.startsWith('O(1)');
    this.run = spec.run;
    this.parent = parent;
    this.subcommands = spec.subcommands === undefined ? undefined : new Map();
    for (const subcommand of spec.subcommands ?? []) {
      if (this.subcommands?.has(subcommand.name))
        throw new Error(`subcommand declared twice: ${this.fullName}|${subcommand.name}`);
      this.subcommands?.set(subcommand.name, new Command(subcommand, this));
    }
    assertSound(this);
  }

  /** Adds the time of so many calls, in microseconds, to the distribution. */
  recordLatency(micros: number, calls: number): void {
    this.latencies ??= new LatencyHistogram();
    this.latencies.record(micros / calls, calls);
  }

  resetCounters(): void {
    this.latencies = undefined;
    this.calls = 0;
    this.microseconds = 0;
    this.rejectedCalls = 0;
    this.failedCalls = 0;
    for (const subcommand of this.subcommands?.values() ?? []) subcommand.resetCounters();
  }
}

function assertSound(command: Command): void {
  const { spec, fullName } = command;
  if (spec.name !== spec.name.toLowerCase()) throw new Error(`command name must be lower case: ${spec.name}`);
  if ((command.flags & FLAG_WRITE) !== 0 && (command.flags & FLAG_READONLY) !== 0) {
    throw new Error(`command is both write and read-only: ${fullName}`);
  }
  if (command.run === undefined && command.subcommands === undefined)
    throw new Error(`command without code: ${fullName}`);
  for (const key of spec.keys ?? []) {
    if ('keyword' in key) continue;
    if (key.index < 1 || key.index >= Math.abs(spec.arity))
      throw new Error(`key position outside the arity: ${fullName}`);
  }
  if (spec.keys !== undefined && (command.flags & (FLAG_WRITE | FLAG_READONLY)) === 0) {
    throw new Error(`command with keys is neither write nor read-only: ${fullName}`);
  }
}

/** Longest name of a command, in bytes: renamed ones may be hashes. */
export const NAME_LENGTH_MAX = 64;

export class CommandTable {
  /** Every command by its lower-case name, in order of declaration. */
  readonly commands = new Map<string, Command>();
  private slots: (Command | undefined)[] = [];
  private names: Uint8Array[] = [];
  private mask = 0;

  constructor(specs: readonly CommandSpec[]) {
    for (const spec of specs) {
      if (this.commands.has(spec.name)) throw new Error(`command declared twice: ${spec.name}`);
      this.commands.set(spec.name, new Command(spec, undefined));
    }
    this.compile();
  }

  /**
   * A table of the same commands under other names, in which clients look; what is in the log goes by the first names.
   * @param names byte strings in lower case, of at most NAME_LENGTH_MAX bytes.
   */
  renamed(names: ReadonlyMap<string, Command>): CommandTable {
    const table = new CommandTable([]);
    for (const [name, command] of names) table.commands.set(name, command);
    table.compile();
    return table;
  }

  /** Finds the command that argument 0 names, or undefined. Allocates nothing. */
  find(args: Arguments): Command | undefined {
    const bytes = args.bytes;
    const start = args.start[0]!;
    const length = args.end[0]! - start;
    if (length > NAME_LENGTH_MAX) return undefined;
    let hash = length;
    for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + (bytes[start + i]! | 32)) | 0;
    let slot = (hash ^ (hash >>> 15)) & this.mask;
    for (;;) {
      const command = this.slots[slot];
      if (command === undefined) return undefined;
      const name = this.names[slot]!;
      if (name.length === length) {
        let i = 0;
        while (i < length && lower(bytes[start + i]!) === name[i]!) i++;
        if (i === length) return command;
      }
      slot = (slot + 1) & this.mask;
    }
  }

  /** Finds a subcommand by argument 1, or undefined. */
  findSubcommand(command: Command, args: Arguments): Command | undefined {
    if (args.length(1) > NAME_LENGTH_MAX) return undefined;
    return command.subcommands?.get(args.latin1(1).toLowerCase());
  }

  /** Finds 'get' or 'client|id', or undefined. */
  byFullName(fullName: string): Command | undefined {
    const [name = '', subcommand] = fullName.toLowerCase().split('|');
    const command = this.commands.get(name);
    return subcommand === undefined ? command : command?.subcommands?.get(subcommand);
  }

  resetCounters(): void {
    for (const command of this.commands.values()) command.resetCounters();
  }

  private compile(): void {
    let size = 64;
    while (size < this.commands.size * 4) size *= 2;
    this.mask = size - 1;
    this.slots = new Array<Command | undefined>(size).fill(undefined);
    this.names = new Array<Uint8Array>(size).fill(new Uint8Array(0));
    for (const [name, command] of this.commands) {
      let hash = name.length;
      for (let i = 0; i < name.length; i++) hash = (Math.imul(hash, 31) + (name.charCodeAt(i) | 32)) | 0;
      let slot = (hash ^ (hash >>> 15)) & this.mask;
      while (this.slots[slot] !== undefined) slot = (slot + 1) & this.mask;
      this.slots[slot] = command;
      this.names[slot] = Uint8Array.from(name, (character) => character.charCodeAt(0));
    }
  }
}

function lower(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

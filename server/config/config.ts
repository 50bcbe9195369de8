/**
 * The configuration of one server: the values of all options, read from a file, a command line or a program at the
 * start, and by CONFIG GET and SET afterwards. What options there are is in options.ts; how files are written in
 * config-file.ts.
 */

import { resolve } from 'node:path';
import { byteString, pathOf } from './byte-string.js';
import { ConfigError, ConfigValueError } from './config-error.js';
import type { ConfigTarget } from './config-target.js';
import type { MachineFacts } from './machine-facts.js';
import {
  type ConfigValues,
  findOption,
  MAXMEMORY_BYTES_MAX,
  OPTION_TABLE,
  type Option,
  RESERVED_FILES,
} from './options.js';

/** One option as it was asked for at the start. */
export interface Setting {
  /** Name in any case. Texts are byte strings: one character a byte. */
  readonly name: string;
  readonly words: readonly string[];
  /** Where it was read, for errors: 'holdfast.conf, line 3' or 'command line'. */
  readonly where: string;
}

const DEFAULT_MEMORY_SHARE = 0.7;

export class Config {
  /** The values by the name of the option. Written by this class only. */
  readonly values: Readonly<ConfigValues>;
  /** What whoever starts the server should know of its configuration, one sentence each. */
  readonly warnings: string[] = [];
  private readonly raw: Map<string, unknown>;
  private target: ConfigTarget | undefined = undefined;

  /**
   * @param settings in order; a later one replaces an earlier one of the same option.
   * @param workingDirectory what a relative `dir` starts from.
   * @throws ConfigError
   */
  constructor(settings: readonly Setting[], facts: MachineFacts, workingDirectory = process.cwd()) {
    this.raw = new Map();
    for (const [name, option] of OPTION_TABLE) this.raw.set(name, option.initial);
    this.raw.set('maxmemory', defaultMaxmemory(facts));
    this.values = valuesView(this.raw);
    for (const setting of settings) this.load(setting);
    this.raw.set('dir', byteString(resolve(workingDirectory, pathOf(this.values.dir))));
    this.fitToMachine(settings, facts);
  }

  private load({ name, words, where }: Setting): void {
    const shown = [name, ...words].join(' ');
    const found = findOption(name);
    if (found === undefined) throw new ConfigError(`${where}: '${shown}': there is no option '${name}'`);
    const option = OPTION_TABLE.get(found)!;
    if (words.length === 0 || (words.length > 1 && !option.kind.multiple)) {
      throw new ConfigError(`${where}: '${shown}': wrong number of arguments`);
    }
    try {
      const split = option.kind.multiple && words.length === 1 ? words[0]!.split(' ') : words;
      const value = option.kind.parse(split, this.raw.get(found));
      if (option.fixed !== undefined && option.kind.format(value) !== option.kind.format(option.initial)) {
        this.warnings.push(`${where}: ${found} stays ${option.kind.format(option.initial)}: ${option.fixed}`);
        return;
      }
      refuseImpossible(found, value);
      this.raw.set(found, value);
    } catch (error) {
      if (!(error instanceof ConfigValueError)) throw error;
      throw new ConfigError(`${where}: '${shown}': ${error.message}`);
    }
  }

  private fitToMachine(settings: readonly Setting[], facts: MachineFacts): void {
    if (this.values.maxmemory === 0) {
      this.warnings.push('maxmemory is 0: nothing keeps the dataset below the memory of this machine');
    }
    const most = Math.max(1, facts.openFilesMax - RESERVED_FILES);
    if (this.values.maxclients <= most) return;
    if (settings.some(({ name }) => name.toLowerCase() === 'maxclients')) {
      this.warnings.push(
        `maxclients is ${most}, not ${this.values.maxclients}: the limit of open files is ${facts.openFilesMax}`,
      );
    }
    this.raw.set('maxclients', most);
  }

  /**
   * Makes a server follow this configuration from now on: applies every value once.
   * @throws ConfigValueError when the server cannot follow one.
   */
  attach(target: ConfigTarget): void {
    this.target = target;
    for (const [name, option] of OPTION_TABLE) option.apply?.(target, this.raw.get(name));
  }

  /** An option as CONFIG GET shows it. The name is a canonical one. */
  shown(name: string): string {
    return OPTION_TABLE.get(name)!.kind.format(this.raw.get(name));
  }

  /**
   * CONFIG SET: all of the pairs, or none.
   * @param pairs name, value, name, value ... as byte strings.
   * @returns '' or the error text.
   */
  set(pairs: readonly string[]): string {
    const refusal = refuseNames(pairs);
    if (refusal !== '') return refusal;
    const before = new Map<string, unknown>();
    const applied: string[] = [];
    let asked = '';
    try {
      for (let i = 0; i < pairs.length; i += 2) {
        const name = findOption(pairs[i]!)!;
        asked = name;
        const value = this.parseChange(name, OPTION_TABLE.get(name)!, pairs[i + 1]!);
        before.set(name, this.raw.get(name));
        this.raw.set(name, value);
      }
      for (let i = 0; i < pairs.length; i += 2) {
        const name = findOption(pairs[i]!)!;
        asked = name;
        this.apply(name);
        applied.push(name);
      }
    } catch (error) {
      for (const [name, value] of before) this.raw.set(name, value);
      // What refused its value has changed nothing; what came before it follows the old values again.
      for (const name of applied) this.apply(name);
      if (!(error instanceof ConfigValueError)) throw error;
      return failure(asked, error.message);
    }
    return '';
  }

  private apply(name: string): void {
    if (this.target !== undefined) OPTION_TABLE.get(name)!.apply?.(this.target, this.raw.get(name));
  }

  private parseChange(name: string, option: Option<unknown>, text: string): unknown {
    const { kind } = option;
    const value = kind.parse(kind.multiple ? text.split(' ') : [text], this.raw.get(name));
    if (option.fixed !== undefined && kind.format(value) !== kind.format(option.initial)) {
      throw new ConfigValueError(`it is always '${kind.format(option.initial)}': ${option.fixed}`);
    }
    refuseImpossible(name, value);
    return value;
  }
}

/** What must hold of a value beyond its kind. */
function refuseImpossible(name: string, value: unknown): void {
  if (name === 'maxmemory' && (value as number) > MAXMEMORY_BYTES_MAX) {
    throw new ConfigValueError('argument must be at most 64gb, which is what this version can address');
  }
}

/** The first thing wrong with the names of CONFIG SET, or ''. */
function refuseNames(pairs: readonly string[]): string {
  const seen = new Set<string>();
  let duplicate = '';
  for (let i = 0; i < pairs.length; i += 2) {
    const asked = pairs[i]!;
    const name = findOption(asked);
    if (name === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${asked}'`;
    const changes = OPTION_TABLE.get(name)!.changes;
    if (changes === 'start') return failure(asked, "can't set immutable config");
    if (changes === 'protected') return failure(asked, "can't set protected config");
    if (seen.has(name) && duplicate === '') duplicate = failure(asked, 'duplicate parameter');
    seen.add(name);
  }
  return duplicate;
}

function failure(asked: string, reason: string): string {
  return `ERR CONFIG SET failed (possibly related to argument '${asked}') - ${reason}`;
}

/** What maxmemory is when nobody says: the promise is a bounded memory, so there is always a cap. */
export function defaultMaxmemory(facts: MachineFacts): number {
  return Math.min(Math.floor(facts.memoryBytes * DEFAULT_MEMORY_SHARE), MAXMEMORY_BYTES_MAX);
}

function valuesView(raw: ReadonlyMap<string, unknown>): Readonly<ConfigValues> {
  const view = {};
  for (const name of OPTION_TABLE.keys()) {
    Object.defineProperty(view, name, { enumerable: true, get: () => raw.get(name) });
  }
  return view as ConfigValues;
}

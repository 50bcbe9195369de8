/**
 * The configuration of one server: the values of all options, read from a file, a command line or a program at the
 * start, and by CONFIG GET and SET afterwards. What options there are is in options.ts; how files are written in
 * config-file.ts.
 */

import { resolve } from 'node:path';
import { byteString, pathOf } from './byte-string.js';
import { ConfigError, ConfigValueError } from './config-error.js';
import type { OptionLines } from './config-rewrite.js';
import type { ConfigTarget } from './config-target.js';
import { splitWords } from './config-words.js';
import { Directives, type Rename } from './directives.js';
import type { MachineFacts } from './machine-facts.js';
import type { Option } from './option.js';
import { MAXMEMORY_BYTES_MAX } from './options/memory-options.js';
import {
  type ConfigValues,
  FORGOTTEN_OPTIONS,
  findOption,
  OPTION_NAMES,
  OPTION_TABLE,
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

/** Who asks CONFIG SET for a change, and when. */
export interface ChangeRights {
  /** Whether options that enable-protected-configs protects may be changed. */
  readonly protectedOptions: boolean;
  /** Whether the dataset is still being read. */
  readonly loading: boolean;
}

/** What a start has asked for so far, by the names of options. */
interface Asked {
  readonly seen: Set<string>;
  /** Those that keep their value though another one was asked for. */
  readonly stays: Set<string>;
}

const DEFAULT_MEMORY_SHARE = 0.7;
const ERROR_LOADING = 'LOADING Redis is loading the dataset in memory';

export class Config {
  /** The values by the name of the option. Written by this class only. */
  readonly values: Readonly<ConfigValues>;
  /** What whoever starts the server should know of its configuration, one sentence each. */
  readonly warnings: string[] = [];
  /** What of it changes nothing, in one sentence at most. */
  readonly notices: string[] = [];
  private readonly directives = new Directives();
  private readonly raw: Map<string, unknown>;
  /** What the values are when nothing is set. */
  private readonly defaults: ReadonlyMap<string, unknown>;
  private target: ConfigTarget | undefined = undefined;

  /**
   * @param settings in order; a later one replaces an earlier one of the same option.
   * @param workingDirectory what a relative `dir` starts from.
   * @throws ConfigError
   */
  constructor(settings: readonly Setting[], facts: MachineFacts, workingDirectory = process.cwd()) {
    const clientsMax = Math.max(1, facts.openFilesMax - RESERVED_FILES);
    this.raw = new Map();
    for (const [name, option] of OPTION_TABLE) this.raw.set(name, option.initial);
    this.values = valuesView(this.raw);
    this.raw.set('maxmemory', defaultMaxmemory(facts));
    this.raw.set('maxclients', Math.min(this.values.maxclients, clientsMax));
    this.defaults = new Map(this.raw);
    const asked: Asked = { seen: new Set(), stays: new Set() };
    for (const setting of settings) this.load(setting, asked);
    this.tell(asked);
    const other = this.directives.otherPassword(this.values.requirepass);
    if (other !== '') throw new ConfigError(`${other}: the user has a password that requirepass does not say`);
    this.raw.set('dir', byteString(resolve(workingDirectory, pathOf(this.values.dir))));
    if (this.values.maxmemory === 0) {
      this.warnings.push('maxmemory is 0: nothing keeps the dataset below the memory of this machine');
    }
    if (this.values.maxclients > clientsMax) {
      this.warnings.push(
        `maxclients is ${clientsMax}, not ${this.values.maxclients}: the limit of open files is ${facts.openFilesMax}`,
      );
      this.raw.set('maxclients', clientsMax);
    }
  }

  /** What commands are called instead of their names. */
  get renames(): readonly Rename[] {
    return this.directives.renames;
  }

  private load(setting: Setting, asked: Asked): void {
    const { name, words, where } = setting;
    const found = findOption(name);
    const secret = found !== undefined && OPTION_TABLE.get(found)!.secret === true;
    try {
      if (found !== undefined) this.loadOption(found, setting, asked);
      else if (
        !this.directives.take(name, words, where) &&
        !(FORGOTTEN_OPTIONS.has(name.toLowerCase()) && words.length === 1)
      ) {
        throw new ConfigValueError(`there is no option '${name}'`);
      }
    } catch (error) {
      if (!(error instanceof ConfigValueError)) throw error;
      const shown = secret ? name : [name, ...words].join(' ');
      throw new ConfigError(`${where}: '${shown}': ${error.message}`);
    }
  }

  private loadOption(found: string, { words }: Setting, { seen, stays }: Asked): void {
    const option = OPTION_TABLE.get(found)!;
    const { kind } = option;
    if (!kind.multiple && words.length !== 1) throw new ConfigValueError('wrong number of arguments');
    const earlier = this.raw.get(found);
    const parsed = kind.parse(wordsOfLine(option, words), earlier);
    const value = kind.combine !== undefined && seen.has(found) ? kind.combine(earlier, parsed) : parsed;
    seen.add(found);
    stays.delete(found);
    if (option.fixed !== undefined && !isInitial(option, value)) {
      stays.add(found);
      return;
    }
    if (option.refused !== undefined && !isInitial(option, value)) throw new ConfigValueError(option.refused);
    this.raw.set(found, value);
  }

  /** Says once what was asked for and is not done. */
  private tell({ seen, stays }: Asked): void {
    const fixed = byReason(stays, ({ fixed }) => fixed);
    for (const [reason, names] of fixed) {
      this.warnings.push(`${names.map((name) => `${name} stays ${this.shown(name)}`).join(', ')}: ${reason}`);
    }
    const changed = [...seen].filter((name) => !isInitial(OPTION_TABLE.get(name)!, this.raw.get(name)));
    const idle = byReason(changed, ({ noEffect }) => noEffect);
    if (idle.size === 0) return;
    const texts = [...idle].map(([reason, names]) => `${names.join(', ')} (${reason})`);
    this.notices.push(`without effect here: ${texts.join('; ')}`);
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

  /** What a configuration file must say so that a start with it has these values. */
  *fileLines(): Generator<OptionLines> {
    for (const [name, { kind }] of OPTION_TABLE) {
      const linesOf = (value: unknown): readonly string[] => kind.lines?.(value) ?? [kind.format(value)];
      const lines = linesOf(this.raw.get(name));
      const initial = linesOf(this.defaults.get(name));
      const changed = lines.length !== initial.length || lines.some((line, i) => line !== initial[i]);
      // The directory always, so that the working directory of the next start does not matter.
      yield { name, lines, needed: changed || name === 'dir' };
    }
  }

  /**
   * CONFIG SET: all of the pairs, or none.
   * @param pairs name, value, name, value ... as byte strings.
   * @returns '' or the error text.
   */
  set(pairs: readonly string[], rights: ChangeRights): string {
    const refusal = refuseNames(pairs, rights);
    if (refusal !== '') return refusal;
    const before = new Map<string, unknown>();
    const applied: string[] = [];
    let asked = '';
    try {
      for (let i = 0; i < pairs.length; i += 2) {
        asked = pairs[i]!.toLowerCase();
        const name = findOption(asked)!;
        const value = this.parseChange(name, pairs[i + 1]!);
        // An option may be there twice, once by an alias: what was before the first is what counts.
        if (!before.has(name)) before.set(name, this.raw.get(name));
        this.raw.set(name, value);
      }
      for (let i = 0; i < pairs.length; i += 2) {
        asked = pairs[i]!.toLowerCase();
        const name = findOption(asked)!;
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

  private parseChange(name: string, text: string): unknown {
    const option = OPTION_TABLE.get(name)!;
    const { kind } = option;
    const current = this.raw.get(name);
    const words = kind.multiple ? (text === '' ? [] : text.split(' ')) : [text];
    const value = kind.parse(words, current);
    if (option.fixed !== undefined && !isInitial(option, value)) {
      throw new ConfigValueError(`it is always '${kind.format(option.initial)}': ${option.fixed}`);
    }
    if (option.refused !== undefined && !isInitial(option, value)) throw new ConfigValueError(option.refused);
    // A relative directory starts from the present one, as with `cd`.
    if (name === 'dir') return byteString(resolve(pathOf(current as string), pathOf(value as string)));
    return value;
  }
}

function byReason(
  names: Iterable<string>,
  reasonOf: (option: Option<unknown>) => string | undefined,
): ReadonlyMap<string, string[]> {
  const reasons = new Map<string, string[]>();
  for (const name of names) {
    const reason = reasonOf(OPTION_TABLE.get(name)!);
    if (reason === undefined) continue;
    const known = reasons.get(reason);
    if (known === undefined) reasons.set(reason, [name]);
    else known.push(name);
  }
  return reasons;
}

function isInitial(option: Option<unknown>, value: unknown): boolean {
  return option.kind.format(value) === option.kind.format(option.initial);
}

/** As Redis does, one argument of an option of several words is split again, so that it may stand in quotes. */
function wordsOfLine(option: Option<unknown>, words: readonly string[]): readonly string[] {
  if (!option.kind.multiple || words.length !== 1 || words[0] === '') return words;
  const split = splitWords(words[0]!);
  if (split === undefined) throw new ConfigValueError('unbalanced quotes');
  return split;
}

/** The first thing wrong with the names of CONFIG SET, or ''. */
function refuseNames(pairs: readonly string[], rights: ChangeRights): string {
  const seen = new Set<string>();
  for (let i = 0; i < pairs.length; i += 2) {
    const asked = pairs[i]!;
    const known = asked.toLowerCase();
    const name = OPTION_NAMES.get(known);
    if (name === undefined) return `ERR Unknown option or number of arguments for CONFIG SET - '${asked}'`;
    const { changes, deniedWhileLoading } = OPTION_TABLE.get(name)!;
    if (changes === 'start') return failure(asked, "can't set immutable config");
    if (changes === 'protected' && !rights.protectedOptions) return failure(asked, "can't set protected config");
    if (deniedWhileLoading === true && rights.loading) return ERROR_LOADING;
    if (seen.has(known)) return failure(asked, 'duplicate parameter');
    seen.add(known);
  }
  return '';
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

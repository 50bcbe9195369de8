/** Reads the command line of `holdfast log ...`. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CommandLineError } from '../command-line.js';
import { logDirectoryOf } from '../data-directory.js';

export interface LogArguments {
  /** The log's own directory, absolute. */
  readonly directory: string;
  /** Values of options by name without the dashes; '' for those that take none. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * @param args what follows the verb: DIR and options.
 * @param allowed the options, and whether each takes a value.
 * @throws CommandLineError
 */
export function readLogArguments(
  args: readonly string[],
  allowed: Readonly<Record<string, 'value' | 'flag'>>,
): LogArguments {
  const options = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i]!;
    if (!word.startsWith('--')) {
      rest.push(word);
      continue;
    }
    const name = word.slice(2);
    const form = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (form === undefined) throw new CommandLineError(`there is no option ${word} here: try --help`);
    const value = form === 'value' ? args[++i] : '';
    if (value === undefined) throw new CommandLineError(`${word} needs a value`);
    options.set(name, value);
  }
  const [directory, ...more] = rest;
  if (directory === undefined) throw new CommandLineError('name the data directory: holdfast log VERB DIR');
  if (more.length > 0) throw new CommandLineError(`'${more[0]}' is one word too many: try --help`);
  return { directory: findLog(directory), options };
}

/** The log of a data directory, or the directory itself when it is a log. */
function findLog(directory: string): string {
  const inside = logDirectoryOf(resolve(directory));
  return existsSync(inside) && !existsSync(join(resolve(directory), 'mark')) ? inside : resolve(directory);
}

/** An option as a count, or `absent`. @throws CommandLineError */
export function countOption(args: LogArguments, name: string, absent: number): number {
  const text = args.options.get(name);
  if (text === undefined) return absent;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value)) {
    throw new CommandLineError(`--${name} needs a number, not '${text}'`);
  }
  return value;
}

/** Reads the command line as redis-server does: a configuration file first, then options that override it. */

import { byteString } from './config/byte-string.js';
import type { Setting } from './config/config.js';

export type CommandLine =
  | { readonly action: 'help' }
  | { readonly action: 'version' }
  | { readonly action: 'log'; readonly args: readonly string[] }
  | {
      readonly action: 'serve';
      /** Path as it was given, or ''. */
      readonly configFile: string;
      /** Whether more of the configuration comes from the standard input. */
      readonly standardInput: boolean;
      readonly settings: readonly Setting[];
    };

/** A word of the command line that belongs to no option. */
export class CommandLineError extends Error {
  readonly code = 'COMMAND_LINE';
}

const WHERE = 'command line';

/**
 * @param args what follows the program's name.
 * @throws CommandLineError
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const [first] = args;
  if (first === '--help' || first === '-h') return { action: 'help' };
  if (first === '--version' || first === '-v') return { action: 'version' };
  if (first === 'log') return { action: 'log', args: args.slice(1) };
  let rest = [...args];
  let configFile = '';
  if (first !== undefined && !first.startsWith('-')) {
    configFile = first;
    rest = rest.slice(1);
  }
  let standardInput = false;
  if (rest[0] === '-') {
    standardInput = true;
    rest = rest.slice(1);
  } else if (rest.at(-1) === '-') {
    standardInput = true;
    rest = rest.slice(0, -1);
  }
  return { action: 'serve', configFile, standardInput, settings: parseOptions(rest) };
}

function parseOptions(words: readonly string[]): Setting[] {
  const settings: { name: string; words: string[]; where: string }[] = [];
  for (const word of words) {
    if (word.startsWith('--') && word.length > 2) {
      settings.push({ name: byteString(word.slice(2)), words: [], where: WHERE });
      continue;
    }
    const option = settings.at(-1);
    if (option === undefined) throw new CommandLineError(`'${word}' belongs to no option: try --help`);
    option.words.push(byteString(word));
  }
  for (const option of settings) {
    // As in Redis, a bare --save means no save points.
    if (option.name.toLowerCase() === 'save' && option.words.length === 0) option.words.push('');
  }
  return settings;
}

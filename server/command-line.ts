/** Reads the command line as redis-server does: a configuration file first, then options that override it. */

import { byteString } from './config/byte-string.js';
import type { Setting } from './config/config.js';
import { parseConfigText } from './config/config-file.js';
import { quoteWord, splitWords } from './config/config-words.js';

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
 * @throws CommandLineError when a word belongs to no option, ConfigError when one cannot be split into words.
 */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const [first] = args;
  if (first === '--help' || first === '-h') return { action: 'help' };
  if (first === '--version' || first === '-v') return { action: 'version' };
  if (first === 'log') return { action: 'log', args: args.slice(1) };
  const configFile = first !== undefined && !first.startsWith('-') ? first : '';
  const rest = configFile === '' ? args : args.slice(1);
  // The first word of all or the last one.
  const fromInput = (i: number): boolean =>
    rest[i] === '-' && (rest.length - i === 1 || (i === 0 && configFile === ''));
  const standardInput = rest.some((_, i) => fromInput(i));
  const options = rest.filter((_, i) => !fromInput(i));
  return { action: 'serve', configFile, standardInput, settings: parseConfigText(optionText(options), WHERE, false) };
}

/**
 * The options as lines of a configuration file, which is how Redis reads them: an option goes up to the next word that
 * begins with two dashes, but takes at least one word; it may stand in one word together with its values.
 */
function optionText(words: readonly string[]): string {
  const lines: string[] = [];
  let complete = true;
  words.forEach((word, i) => {
    if (complete && word.startsWith('--') && word.length > 2) {
      const name = byteString(word.slice(2));
      lines.push(name);
      const next = words[i + 1];
      // As in Redis, --save without a value means no save points.
      const bareSave = name.toLowerCase() === 'save' && (next === undefined || next.startsWith('--'));
      if (bareSave) lines[lines.length - 1] += ' ""';
      complete = bareSave || splitWords(name)?.length !== 1;
      return;
    }
    if (lines.length === 0) throw new CommandLineError(`'${word}' belongs to no option: try --help`);
    lines[lines.length - 1] += ` ${quoteWord(byteString(word))}`;
    complete = true;
  });
  return lines.join('\n');
}

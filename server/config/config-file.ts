/**
 * Reads configuration in the syntax of redis.conf: one option a line, words in single or double quotes where they hold
 * spaces, `#` at the start of a line for a comment, `include` for other files. What the options mean is config.ts'.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathOf } from './byte-string.js';
import type { Setting } from './config.js';
import { ConfigError } from './config-error.js';
import { splitWords } from './config-words.js';
import { isPattern, matchingFiles } from './matching-files.js';

const INCLUDE_DEPTH_MAX = 16;

/**
 * The settings of a file and of what it includes, in order.
 * @throws ConfigError when a file cannot be read or a line cannot be split into words.
 */
export function readConfigFile(path: string): Setting[] {
  return readFile(path, 1);
}

/**
 * The settings of a text.
 * @param name what errors call it.
 * @param numbered whether they say the line too.
 */
export function parseConfigText(text: string, name: string, numbered = true): Setting[] {
  return parseLines(text, (line) => (numbered ? `${name}, line ${line}` : name), 1);
}

function readFile(path: string, depth: number): Setting[] {
  if (depth > INCLUDE_DEPTH_MAX)
    throw new ConfigError(`${path}: files include each other more than ${INCLUDE_DEPTH_MAX} deep`);
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    throw new ConfigError(`cannot read the configuration file ${resolve(path)}: ${(error as Error).message}`);
  }
  return parseLines(text, (line) => `${path}, line ${line}`, depth);
}

/** What `include` says: a file, or a pattern that may match none. */
function readIncluded(path: string, depth: number): Setting[] {
  const paths = isPattern(path) ? matchingFiles(path) : [path];
  return paths.flatMap((file) => readFile(file, depth));
}

function parseLines(text: string, place: (line: number) => string, depth: number): Setting[] {
  const settings: Setting[] = [];
  let number = 0;
  for (const raw of text.split('\n')) {
    number++;
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const where = place(number);
    const words = splitWords(line);
    if (words === undefined) throw new ConfigError(`${where}: '${line}': unbalanced quotes`);
    const [option, ...rest] = words;
    if (option === undefined || option === '') continue;
    if (option.toLowerCase() === 'include') {
      if (rest.length !== 1) throw new ConfigError(`${where}: '${line}': wrong number of arguments`);
      settings.push(...readIncluded(pathOf(rest[0]!), depth + 1));
      continue;
    }
    settings.push({ name: option, words: rest, where });
  }
  return settings;
}

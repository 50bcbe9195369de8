/**
 * Reads configuration in the syntax of redis.conf: one option a line, words in single or double quotes where they hold
 * spaces, `#` at the start of a line for a comment, `include` for another file. What the options mean is config.ts'.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathOf } from './byte-string.js';
import type { Setting } from './config.js';
import { ConfigError } from './config-error.js';

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
 */
export function parseConfigText(text: string, name: string): Setting[] {
  return parseLines(text, name, 1);
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
  return parseLines(text, path, depth);
}

function parseLines(text: string, name: string, depth: number): Setting[] {
  const settings: Setting[] = [];
  let number = 0;
  for (const raw of text.split('\n')) {
    number++;
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const where = `${name}, line ${number}`;
    const words = splitWords(line);
    if (words === undefined) throw new ConfigError(`${where}: '${line}': unbalanced quotes`);
    const [option, ...rest] = words;
    if (option === undefined || option === '') continue;
    if (option.toLowerCase() === 'include') {
      if (rest.length !== 1) throw new ConfigError(`${where}: '${line}': wrong number of arguments`);
      settings.push(...readFile(pathOf(rest[0]!), depth + 1));
      continue;
    }
    settings.push({ name: option, words: rest, where });
  }
  return settings;
}

const SPACE = /\s/;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['a', '\x07'],
]);

/**
 * Splits a line into words as Redis does: in double quotes \n \r \t \b \a \xHH and \ before any other character, in
 * single quotes only \'. A closing quote must be followed by a space or the end.
 * @returns undefined when the quotes do not balance.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && SPACE.test(line[at]!)) at++;
    if (at >= line.length) return words;
    const word = readWord(line, at);
    if (word === undefined) return undefined;
    words.push(word.text);
    at = word.end;
  }
}

function readWord(line: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  let at = from;
  while (at < line.length && !SPACE.test(line[at]!)) {
    const character = line[at]!;
    if (character !== '"' && character !== "'") {
      text += character;
      at++;
      continue;
    }
    const quoted = character === '"' ? readDoubleQuoted(line, at + 1) : readSingleQuoted(line, at + 1);
    if (quoted === undefined) return undefined;
    text += quoted.text;
    at = quoted.end;
    if (at < line.length && !SPACE.test(line[at]!)) return undefined;
  }
  return { text, end: at };
}

function readDoubleQuoted(line: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const character = line[at]!;
    if (character === '"') return { text, end: at + 1 };
    if (character !== '\\' || at + 1 >= line.length) {
      text += character;
      continue;
    }
    const hex = /^x([0-9a-f]{2})/i.exec(line.slice(at + 1, at + 4));
    if (hex !== null) {
      text += String.fromCharCode(Number.parseInt(hex[1]!, 16));
      at += 3;
    } else {
      at++;
      text += ESCAPES.get(line[at]!) ?? line[at]!;
    }
  }
  return undefined;
}

function readSingleQuoted(line: string, from: number): { text: string; end: number } | undefined {
  let text = '';
  for (let at = from; at < line.length; at++) {
    const character = line[at]!;
    if (character === "'") return { text, end: at + 1 };
    if (character === '\\' && line[at + 1] === "'") at++;
    text += line[at]!;
  }
  return undefined;
}

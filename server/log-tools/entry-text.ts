/** An entry of the log as a line for people: who did it and what it did. */
import { Arguments } from '../../core/arguments.js';
import { EffectReader } from '../../core/effect-reader.js';
import type { Origin } from '../../log/entry.js';

/** Longer arguments are cut and their length is shown. */
const ARGUMENT_CHARACTERS_MAX = 64;
const ARGUMENTS_MAX = 32;

const args = new Arguments();
const reader = new EffectReader();

/** The commands of an entry, bytes[start, end), separated by semicolons. What is not a command is said to be none. */
export function describeEffects(bytes: Uint8Array, start: number, end: number): string {
  const commands: string[] = [];
  let at = start;
  while (at < end) {
    at = reader.read(bytes, at, end, args);
    if (at < 0) return [...commands, '(malformed effect)'].join('; ');
    commands.push(describeCommand());
  }
  return commands.join('; ');
}

function describeCommand(): string {
  const words: string[] = [];
  for (let i = 0; i < args.count && i < ARGUMENTS_MAX; i++) words.push(i === 0 ? args.latin1(0) : quote(i));
  if (args.count > ARGUMENTS_MAX) words.push(`(${args.count - ARGUMENTS_MAX} more arguments)`);
  return words.join(' ');
}

function quote(i: number): string {
  const length = args.length(i);
  const shown = args.latin1(i, ARGUMENT_CHARACTERS_MAX);
  let text = '"';
  for (const character of shown) text += escaped(character);
  text += '"';
  return length > shown.length ? `${text}... (${length} bytes)` : text;
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  if (character === '"' || character === '\\') return `\\${character}`;
  if (character === '\n') return '\\n';
  if (character === '\r') return '\\r';
  if (character === '\t') return '\\t';
  return code >= 32 && code < 127 ? character : `\\x${code.toString(16).padStart(2, '0')}`;
}

/** @param origin undefined where the log does not say who the number is. */
export function describeOrigin(number: number, origin: Origin | undefined): string {
  if (number === 0) return 'engine';
  if (origin === undefined) return `origin-${number}`;
  const name = origin.clientName === '' ? '' : ` name=${origin.clientName}`;
  return `${origin.user}@${origin.address}${name}`;
}

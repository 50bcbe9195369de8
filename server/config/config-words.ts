/** Words of a line of configuration: how a line is split into them, and how a word is written so that it comes back. */

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

const ESCAPED: ReadonlyMap<string, string> = new Map([
  ['\\', '\\\\'],
  ['"', '\\"'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\x07', '\\a'],
  ['\b', '\\b'],
]);

/** A byte string as one word in double quotes, readable whatever it holds. */
export function quoteWord(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const code = character.charCodeAt(0);
    const plain = code >= 32 && code < 127;
    quoted += ESCAPED.get(character) ?? (plain ? character : `\\x${code.toString(16).padStart(2, '0')}`);
  }
  return `${quoted}"`;
}

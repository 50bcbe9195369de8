/**
 * The manifest of a Redis' append-only directory (`aof.c`): a line a file, as pairs of words,
 *
 *   file appendonly.aof.1.base.rdb seq 1 type b
 *   file appendonly.aof.1.incr.aof seq 1 type i
 *
 * with type b for the base, i for the increments that follow it, and h for history, which is not needed any more.
 */
import { ImportError } from './import-error.js';

export interface AppendOnlyManifest {
  /** The files to load, in their order, without folders. */
  readonly files: readonly string[];
}

interface ManifestLine {
  readonly file: string;
  readonly sequence: number;
  readonly type: string;
}

const LINE_BYTES_MAX = 1024;

/**
 * @param path for errors.
 * @throws ImportError IMPORT_MANIFEST.
 */
export function parseAppendOnlyManifest(text: string, path: string): AppendOnlyManifest {
  const lines: ManifestLine[] = [];
  let offset = 0;
  for (const line of text.split('\n').slice(0, -1)) {
    const refuse = (what: string): never => {
      throw new ImportError('IMPORT_MANIFEST', path, offset, what);
    };
    if (line.length > LINE_BYTES_MAX) refuse('the line is too long');
    if (!line.startsWith('#')) lines.push(parseLine(line, refuse));
    offset += Buffer.byteLength(line) + 1;
  }
  if (!text.endsWith('\n')) throw new ImportError('IMPORT_MANIFEST', path, offset, 'the last line has no end');
  return order(lines, path);
}

function parseLine(line: string, refuse: (what: string) => never): ManifestLine {
  const words = splitWords(line) ?? refuse('a word in quotes is not closed');
  if (words.length < 6 || words.length % 2 !== 0) refuse('the line is not made of pairs of words');
  const pairs = new Map<string, string>();
  for (let i = 0; i < words.length; i += 2) pairs.set(words[i]!.toLowerCase(), words[i + 1]!);
  const file = pairs.get('file') ?? refuse('the line names no file');
  const type = pairs.get('type') ?? '';
  const sequence = pairs.get('seq') ?? '';
  if (file === '' || file.includes('/') || file.includes('\0')) refuse(`'${file}' is not the name of a file`);
  if (!/^[bhi]$/.test(type)) refuse(`the type '${type}' is none of b, h and i`);
  if (!/^[1-9]\d{0,15}$/.test(sequence)) refuse(`'${sequence}' is no sequence number`);
  return { file, sequence: Number(sequence), type };
}

/** Words between blanks, those in quotes with Redis' escapes (`sdssplitargs`); undefined where quotes are not closed. */
function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']+))(?=\s|$)/y;
  const rest = line.trimEnd();
  while (pattern.lastIndex < rest.length) {
    const found = pattern.exec(rest);
    if (found === null) return undefined;
    const [, double, single, plain] = found;
    words.push(plain ?? (double === undefined ? single!.replaceAll("\\'", "'") : unescapeWord(double)));
  }
  return words;
}

function unescapeWord(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex: string | undefined, letter: string) =>
    hex === undefined ? (letters[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function order(lines: readonly ManifestLine[], path: string): AppendOnlyManifest {
  const refuse = (what: string): never => {
    throw new ImportError('IMPORT_MANIFEST', path, 0, what);
  };
  const bases = lines.filter(({ type }) => type === 'b');
  const increments = lines.filter(({ type }) => type === 'i');
  if (bases.length > 1) refuse('there is more than one base');
  increments.forEach(({ sequence, file }, i) => {
    if (i > 0 && sequence <= increments[i - 1]!.sequence) refuse(`the sequence of ${file} does not grow`);
  });
  if (lines.length === 0) refuse('there is no file in it');
  return { files: [...bases, ...increments].map(({ file }) => file) };
}

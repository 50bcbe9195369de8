/** Finds the files that a pattern of a path means, as glob(3) does: for `include /etc/holdfast/conf.d/*.conf`. */
import { existsSync, readdirSync } from 'node:fs';

/** Whether a path has characters that make it a pattern. */
export function isPattern(path: string): boolean {
  return /[*?[]/.test(path);
}

/**
 * Paths that match, sorted; none when nothing does. `*`, `?`, `[a-z]` and `[!a-z]` stand for characters of one name, and
 * never for a dot at its start.
 */
export function matchingFiles(pattern: string): string[] {
  let found = [pattern.startsWith('/') ? '/' : ''];
  for (const part of pattern.split('/').filter((name) => name !== '')) {
    found = found.flatMap((directory) => (isPattern(part) ? namesLike(part, directory) : [directory + part]));
    found = found.filter((path) => existsSync(path)).map((path) => `${path}/`);
  }
  return found.map((path) => path.slice(0, -1)).sort();
}

/** Paths of what is in a directory; its own path ends with a slash, or is '' for the working directory. */
function namesLike(pattern: string, directory: string): string[] {
  const expression = expressionOf(pattern);
  let names: string[];
  try {
    names = readdirSync(directory === '' ? '.' : directory);
  } catch {
    // Not a directory, or not to be read: as glob(3) without GLOB_ERR, nothing in it matches.
    return [];
  }
  return names
    .filter((name) => expression.test(name) && (!name.startsWith('.') || pattern.startsWith('.')))
    .map((name) => directory + name);
}

function expressionOf(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    const set = character === '[' ? /^\[[!^]?\]?[^\]]*\]/.exec(pattern.slice(at))?.[0] : undefined;
    if (set !== undefined) {
      const negated = set[1] === '!' || set[1] === '^';
      source += `[${negated ? '^' : ''}${set.slice(negated ? 2 : 1, -1).replace(/[\\[\]^]/g, '\\$&')}]`;
      at += set.length - 1;
    } else if (character === '*') source += '.*';
    else if (character === '?') source += '.';
    else source += character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  }
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch {
    // A range that runs backwards matches nothing.
    return /^(?!)$/;
  }
}

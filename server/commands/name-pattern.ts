/** Glob patterns for names (options, commands), whatever their case. */
import { GlobPattern } from '../../core/glob-pattern.js';

const pattern = new GlobPattern();

/** True when the whole name matches. Both are byte strings. */
export function matchesPattern(glob: string, name: string): boolean {
  const bytes = Buffer.from(glob.toLowerCase(), 'latin1');
  const text = Buffer.from(name.toLowerCase(), 'latin1');
  pattern.set(bytes, 0, bytes.length);
  return pattern.matches(text, 0, text.length);
}

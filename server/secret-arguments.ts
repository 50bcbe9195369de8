/** Which arguments of commands nobody may see who was not told them: passwords, in MONITOR and in the slow log. */
import { findOption, OPTION_TABLE } from './config/options.js';

/**
 * True for an argument that is shown as `(redacted)`.
 * @param fullName of the command, 'config|set'.
 * @param texts its arguments up to this one at least, the name first, one character a byte.
 */
export function isSecret(fullName: string, texts: readonly string[], i: number): boolean {
  switch (fullName) {
    case 'auth':
      return i > 0;
    case 'acl|setuser':
    case 'acl|deluser':
    case 'acl|getuser':
      return i > 1;
    case 'config|set':
      return i > 2 && i % 2 === 1 && isSecretOption(texts[i - 1]!);
    case 'hello':
      return i > 2 && (isWord(texts, i - 1, 'auth') || (i > 3 && isWord(texts, i - 2, 'auth')));
    case 'migrate':
      if (i < 7) return false;
      return isWord(texts, i - 1, 'auth') || isWord(texts, i - 1, 'auth2') || (i > 7 && isWord(texts, i - 2, 'auth2'));
    default:
      return false;
  }
}

function isWord(texts: readonly string[], i: number, word: string): boolean {
  return texts[i]?.toLowerCase() === word;
}

function isSecretOption(name: string): boolean {
  const option = OPTION_TABLE.get(findOption(name) ?? '');
  return option?.secret === true;
}

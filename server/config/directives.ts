/**
 * Lines of a configuration file that are no options: `rename-command` is honoured; `user` is taken where it says what is
 * so anyway; the others ask for what this version does not have, and stop the start. `include` is config-file.ts'.
 */
import { createHash } from 'node:crypto';
import { ConfigValueError } from './config-error.js';

/** A command and its new name; '' takes the command away. Byte strings. */
export type Rename = readonly [command: string, name: string];

const NO_MODULES = 'this version has no modules';
const NO_USERS =
  'this version has no users beyond `default`, who may do everything: remove the line, and set the password with requirepass';

/** Rules of a user that give everything, as Redis writes and reads them. */
const FULL_RIGHTS: ReadonlySet<string> = new Set([
  ...['on', 'nopass', 'sanitize-payload', 'skip-sanitize-payload'],
  ...['~*', 'allkeys', '&*', 'allchannels', '+@all', 'allcommands'],
]);

export class Directives {
  readonly renames: Rename[] = [];
  private readonly passwordHashes: { hash: string; where: string }[] = [];

  /**
   * Takes a line.
   * @returns false when the name is no directive.
   * @throws ConfigValueError when it cannot be followed.
   */
  take(name: string, words: readonly string[], where: string): boolean {
    switch (name.toLowerCase()) {
      case 'rename-command':
        if (words.length !== 2) throw new ConfigValueError('wrong number of arguments');
        this.renames.push([words[0]!, words[1]!]);
        return true;
      case 'user':
        this.takeUser(words, where);
        return true;
      case 'loadmodule':
        throw new ConfigValueError(NO_MODULES);
      case 'sentinel':
        throw new ConfigValueError('this version is no sentinel');
      default:
        // As in Redis, a dot means an option of a module.
        if (name.includes('.')) throw new ConfigValueError(NO_MODULES);
        return false;
    }
  }

  /**
   * Checks what could only be known at the end.
   * @param password of the user `default`, a byte string; '' for none.
   * @returns where a line asks for another password, or ''.
   */
  otherPassword(password: string): string {
    const own = createHash('sha256').update(Buffer.from(password, 'latin1')).digest('hex');
    return this.passwordHashes.find(({ hash }) => password === '' || hash !== own)?.where ?? '';
  }

  /** CONFIG REWRITE of Redis writes a line of the default user, with the hash of what requirepass says. */
  private takeUser(words: readonly string[], where: string): void {
    const [user, ...rules] = words;
    if (user !== 'default') throw new ConfigValueError(NO_USERS);
    for (const rule of rules) {
      const hash = /^#([0-9a-f]{64})$/.exec(rule)?.[1];
      if (hash !== undefined) this.passwordHashes.push({ hash, where });
      else if (!FULL_RIGHTS.has(rule.toLowerCase())) throw new ConfigValueError(NO_USERS);
    }
  }
}

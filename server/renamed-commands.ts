/** The directive rename-command: clients find commands by other names, or not at all. */
import { type Command, NAME_LENGTH_MAX } from '../core/command-table.js';
import { ConfigError } from './config/config-error.js';
import type { Rename } from './config/directives.js';

/**
 * The commands by the names that clients may use, when these renamings are followed one after the other.
 * @param commands by their names in lower case.
 * @throws ConfigError with Redis' texts.
 */
export function renamedCommands(
  commands: ReadonlyMap<string, Command>,
  renames: readonly Rename[],
): ReadonlyMap<string, Command> {
  const names = new Map(commands);
  for (const [from, to] of renames) {
    const line = `rename-command ${from} ${to === '' ? '""' : to}`;
    const command = names.get(from.toLowerCase());
    if (command === undefined) throw new ConfigError(`'${line}': No such command in rename-command`);
    names.delete(from.toLowerCase());
    if (to === '') continue;
    if (to.length > NAME_LENGTH_MAX) {
      throw new ConfigError(`'${line}': the name is longer than ${NAME_LENGTH_MAX} bytes`);
    }
    if (names.has(to.toLowerCase())) throw new ConfigError(`'${line}': Target command name already exists`);
    names.set(to.toLowerCase(), command);
  }
  return names;
}

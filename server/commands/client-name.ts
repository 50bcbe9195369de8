/** Names that clients give themselves. */
import type { Execution } from '../../core/execution.js';

/** True when the text may be a client's name: printable ASCII without spaces; '' takes the name away. */
export function isClientName(text: string): boolean {
  return /^[!-~]*$/.test(text);
}

/** CLIENT SETNAME and HELLO SETNAME. On false the error was replied. */
export function setClientName(x: Execution, name: string): boolean {
  if (!isClientName(name)) {
    x.reply.error('ERR Client names cannot contain spaces, newlines or special characters.');
    return false;
  }
  x.session.name = name;
  // Entries from here on say who made them under the new name.
  x.session.originGeneration = -1;
  return true;
}

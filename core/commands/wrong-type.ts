/** The reply of a command on a key of another type. */
import type { Found } from '../database.js';
import type { Execution } from '../execution.js';

/** True when the key found holds a string; else the WRONGTYPE error is the reply. */
export function expectString(x: Execution, found: Found): boolean {
  if (x.database.isString(found)) return true;
  x.reply.error('WRONGTYPE Operation against a key holding the wrong kind of value');
  return false;
}

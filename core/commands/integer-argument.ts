/** Integers among a command's arguments: signed 64 bits, as strict as Redis reads them. */
import type { Execution } from '../execution.js';
import type { Int64 } from '../numbers/int64.js';

/** Reads argument i; on false the error was replied. */
export function readInteger(x: Execution, i: number, into: Int64): boolean {
  const { args } = x;
  if (into.parse(args.bytes, args.start[i]!, args.end[i]!)) return true;
  x.reply.error('ERR value is not an integer or out of range');
  return false;
}

/** Integers among the arguments of commands that run rarely. */
import type { Arguments } from '../../core/arguments.js';

const INT64_MAX = 9223372036854775807n;

/**
 * Argument i as a signed 64-bit integer, as strict as Redis reads it (no spaces, no plus, no leading zeros), or
 * undefined. Beyond 2^53 the number is the nearest one.
 */
export function integerArgument(args: Arguments, i: number): number | undefined {
  if (args.length(i) > 20) return undefined;
  const text = args.latin1(i);
  if (!/^(0|-?[1-9]\d*)$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > INT64_MAX || value < -INT64_MAX - 1n ? undefined : Number(value);
}

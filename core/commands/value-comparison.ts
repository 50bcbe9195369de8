/** The conditions IFEQ, IFNE, IFDEQ and IFDNE of SET and DELEX: the present value, or its digest, against an argument. */
import type { Found } from '../database.js';
import type { Execution } from '../execution.js';
import { equalsValue } from '../types/string.js';
import { DIGEST_DIGITS, digestValue, equalsDigest, isDigest } from '../types/string-digest.js';
import { OPTION_IFDEQ, OPTION_IFDNE, OPTION_IFEQ, OPTION_IFNE, type StringOptions } from './string-options.js';

/** False, with the error as the reply, when a digest is asked for that is none. */
export function acceptsComparison(x: Execution, options: StringOptions): boolean {
  if ((options.flags & (OPTION_IFDEQ | OPTION_IFDNE)) === 0) return true;
  const { args } = x;
  const i = options.comparedArgument;
  if (isDigest(args.bytes, args.start[i]!, args.end[i]!)) return true;
  x.reply.error(`ERR digest must be exactly ${DIGEST_DIGITS} hexadecimal characters`);
  return false;
}

/** Whether the string found is as the options want it; true when they do not compare. */
export function meetsComparison(x: Execution, found: Found, options: StringOptions): boolean {
  const i = options.comparedArgument;
  if (i === 0) return true;
  const { args, database } = x;
  const { values } = database;
  const start = args.start[i]!;
  const end = args.end[i]!;
  if ((options.flags & (OPTION_IFEQ | OPTION_IFNE)) !== 0) {
    return equalsValue(values, found, args.bytes, start, end) === ((options.flags & OPTION_IFEQ) !== 0);
  }
  digestValue(values, found);
  return equalsDigest(args.bytes, start, end) === ((options.flags & OPTION_IFDEQ) !== 0);
}

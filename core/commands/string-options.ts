/**
 * The options that SET and GETEX share: conditions, GET, and the ways of saying a deadline. Which of them go together is
 * Redis' rule (https://redis.io/docs/latest/commands/set/); what they do is the commands'.
 */
import type { Arguments } from '../arguments.js';

export const OPTION_NX = 1 << 0;
export const OPTION_XX = 1 << 1;
export const OPTION_GET = 1 << 2;
export const OPTION_KEEPTTL = 1 << 3;
export const OPTION_PERSIST = 1 << 4;
export const OPTION_EX = 1 << 5;
export const OPTION_PX = 1 << 6;
export const OPTION_EXAT = 1 << 7;
export const OPTION_PXAT = 1 << 8;
/** The value has a deadline: exactly one of these is set then. */
export const OPTION_DEADLINE = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT;
/** Deadlines counted from now. */
export const OPTION_RELATIVE = OPTION_EX | OPTION_PX;
/** Deadlines given in seconds. */
export const OPTION_SECONDS = OPTION_EX | OPTION_EXAT;

const LIFETIME = OPTION_DEADLINE | OPTION_KEEPTTL | OPTION_PERSIST;

export class StringOptions {
  flags = 0;
  /** The argument that holds the time of OPTION_DEADLINE; 0 without one. */
  deadlineArgument = 0;

  /** Reads the options of SET from argument `from` on; false on a syntax error. */
  parseSet(args: Arguments, from: number): boolean {
    this.flags = 0;
    this.deadlineArgument = 0;
    for (let i = from; i < args.count; i++) {
      if (args.is(i, 'NX') && (this.flags & OPTION_XX) === 0) this.flags |= OPTION_NX;
      else if (args.is(i, 'XX') && (this.flags & OPTION_NX) === 0) this.flags |= OPTION_XX;
      else if (args.is(i, 'GET')) this.flags |= OPTION_GET;
      else if (args.is(i, 'KEEPTTL') && (this.flags & (LIFETIME & ~OPTION_KEEPTTL)) === 0) this.flags |= OPTION_KEEPTTL;
      else if (this.takeDeadline(args, i)) i++;
      else return false;
    }
    return true;
  }

  /** Reads the options of GETEX from argument `from` on; false on a syntax error. */
  parseGetex(args: Arguments, from: number): boolean {
    this.flags = 0;
    this.deadlineArgument = 0;
    for (let i = from; i < args.count; i++) {
      if (args.is(i, 'PERSIST') && (this.flags & OPTION_DEADLINE) === 0) this.flags |= OPTION_PERSIST;
      else if (this.takeDeadline(args, i)) i++;
      else return false;
    }
    return true;
  }

  /** Takes a deadline word and the argument behind it; the same word may be repeated, the last one counts. */
  private takeDeadline(args: Arguments, i: number): boolean {
    if (i + 1 >= args.count) return false;
    let option = 0;
    if (args.is(i, 'EX')) option = OPTION_EX;
    else if (args.is(i, 'PX')) option = OPTION_PX;
    else if (args.is(i, 'EXAT')) option = OPTION_EXAT;
    else if (args.is(i, 'PXAT')) option = OPTION_PXAT;
    else return false;
    if ((this.flags & LIFETIME & ~option) !== 0) return false;
    this.flags |= option;
    this.deadlineArgument = i + 1;
    return true;
  }
}

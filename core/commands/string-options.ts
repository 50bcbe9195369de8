/**
 * The options that SET, GETEX and MSETEX share: conditions, GET, and the ways of saying a deadline. Which of them go
 * together is Redis' rule (https://redis.io/docs/latest/commands/set/); what they do is the commands'.
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
export const OPTION_IFEQ = 1 << 9;
export const OPTION_IFNE = 1 << 10;
export const OPTION_IFDEQ = 1 << 11;
export const OPTION_IFDNE = 1 << 12;
/** Conditions that look at the value: at most one of these is set. */
export const OPTION_COMPARING = OPTION_IFEQ | OPTION_IFNE | OPTION_IFDEQ | OPTION_IFDNE;
/** Conditions that a key that is absent does not meet. */
export const OPTION_NEEDS_KEY = OPTION_XX | OPTION_IFEQ | OPTION_IFDEQ;
/** The value has a deadline: exactly one of these is set then. */
export const OPTION_DEADLINE = OPTION_EX | OPTION_PX | OPTION_EXAT | OPTION_PXAT;
/** Deadlines counted from now. */
export const OPTION_RELATIVE = OPTION_EX | OPTION_PX;
/** Deadlines given in seconds. */
export const OPTION_SECONDS = OPTION_EX | OPTION_EXAT;

const CONDITIONS = OPTION_NX | OPTION_XX | OPTION_COMPARING;
const LIFETIME = OPTION_DEADLINE | OPTION_KEEPTTL | OPTION_PERSIST;

export class StringOptions {
  flags = 0;
  /** The argument that holds the time of OPTION_DEADLINE; 0 without one. */
  deadlineArgument = 0;
  /** The argument that OPTION_COMPARING compares with; 0 without one. */
  comparedArgument = 0;

  /** Reads the options of SET from argument `from` on; false on a syntax error. */
  parseSet(args: Arguments, from: number): boolean {
    this.begin();
    for (let i = from; i < args.count; i++) {
      if (args.is(i, 'GET')) this.flags |= OPTION_GET;
      else if (this.takeComparison(args, i)) i++;
      else if (this.takeExistence(args, i) || this.takeKeepttl(args, i)) continue;
      else if (this.takeDeadline(args, i)) i++;
      else return false;
    }
    return true;
  }

  /** Reads the options of MSETEX from argument `from` on; false on a syntax error. */
  parseMsetex(args: Arguments, from: number): boolean {
    this.begin();
    for (let i = from; i < args.count; i++) {
      if (this.takeExistence(args, i) || this.takeKeepttl(args, i)) continue;
      if (!this.takeDeadline(args, i)) return false;
      i++;
    }
    return true;
  }

  /** Reads the condition of DELEX, arguments 2 and 3; false when it is none. */
  parseDelex(args: Arguments): boolean {
    this.begin();
    return this.takeComparison(args, 2);
  }

  /** Reads the options of GETEX from argument `from` on; false on a syntax error. */
  parseGetex(args: Arguments, from: number): boolean {
    this.begin();
    for (let i = from; i < args.count; i++) {
      if (args.is(i, 'PERSIST') && (this.flags & OPTION_DEADLINE) === 0) this.flags |= OPTION_PERSIST;
      else if (this.takeDeadline(args, i)) i++;
      else return false;
    }
    return true;
  }

  private begin(): void {
    this.flags = 0;
    this.deadlineArgument = 0;
    this.comparedArgument = 0;
  }

  private takeExistence(args: Arguments, i: number): boolean {
    if (args.is(i, 'NX') && (this.flags & CONDITIONS & ~OPTION_NX) === 0) this.flags |= OPTION_NX;
    else if (args.is(i, 'XX') && (this.flags & CONDITIONS & ~OPTION_XX) === 0) this.flags |= OPTION_XX;
    else return false;
    return true;
  }

  private takeKeepttl(args: Arguments, i: number): boolean {
    if (!args.is(i, 'KEEPTTL') || (this.flags & (LIFETIME & ~OPTION_KEEPTTL)) !== 0) return false;
    this.flags |= OPTION_KEEPTTL;
    return true;
  }

  /** Takes a comparing condition and the argument behind it. */
  private takeComparison(args: Arguments, i: number): boolean {
    if (i + 1 >= args.count || (this.flags & CONDITIONS) !== 0) return false;
    if (args.is(i, 'IFEQ')) this.flags |= OPTION_IFEQ;
    else if (args.is(i, 'IFNE')) this.flags |= OPTION_IFNE;
    else if (args.is(i, 'IFDEQ')) this.flags |= OPTION_IFDEQ;
    else if (args.is(i, 'IFDNE')) this.flags |= OPTION_IFDNE;
    else return false;
    this.comparedArgument = i + 1;
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

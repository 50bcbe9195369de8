/**
 * Where the last command that ran lies in its buffer, for who asks about it when the arguments have been overwritten by
 * the next one: the clock is read once for a row of commands. Costs three stores for a command; the arguments are read
 * back only for the few that were slow.
 */
import type { Arguments } from './arguments.js';

const NONE: Uint8Array = new Uint8Array(0);
const CR = 13;
const LF = 10;
const DOLLAR = 36;

export class CommandTrace {
  private bytes = NONE;
  private start = 0;
  private count = 0;

  note(args: Arguments): void {
    this.bytes = args.bytes;
    this.start = args.start[0]!;
    this.count = args.count;
  }

  /** Lets go of the buffer; it may be a large one. */
  forget(): void {
    this.bytes = NONE;
    this.count = 0;
  }

  /** Number of arguments, the name included. */
  get length(): number {
    return this.count;
  }

  /**
   * The first arguments, copied.
   * @param args the engine's arguments: while they still hold the command they are taken from there.
   * @param countMax arguments at most.
   * @param bytesMax bytes of each at most; `lengths` tells how long they were.
   */
  read(args: Arguments, countMax: number, bytesMax: number): TracedArguments {
    const { bytes, count, start } = this;
    const traced: TracedArguments = { count, texts: [], lengths: [] };
    const held = args.bytes === bytes && args.count === count && count > 0 && args.start[0] === start;
    let at = start;
    for (let i = 0; i < Math.min(count, countMax); i++) {
      const end = held ? args.end[i]! : this.endOf(i, at);
      if (held) at = args.start[i]!;
      if (end < 0) break;
      traced.texts.push(String.fromCharCode(...bytes.subarray(at, Math.min(end, at + bytesMax))));
      traced.lengths.push(end - at);
      if (!held) at = this.nextStart(end);
    }
    return traced;
  }

  /** The name ends at its line's end; an argument behind it has its length in front: `start` is negative where it has none. */
  private endOf(i: number, start: number): number {
    const { bytes } = this;
    if (start < 0) return -1;
    if (i > 0) {
      const end = start + this.lengthBefore(start);
      return end <= bytes.length ? end : -1;
    }
    let end = start;
    while (end < bytes.length && bytes[end]! > 32) end++;
    return end;
  }

  /** Where the argument behind one that ends here starts; negative when the command was not a RESP array. */
  private nextStart(end: number): number {
    const { bytes } = this;
    if (bytes[end] !== CR || bytes[end + 1] !== LF || bytes[end + 2] !== DOLLAR) return -1;
    let at = end + 3;
    while (at < bytes.length && bytes[at]! >= 48 && bytes[at]! <= 57) at++;
    return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : -1;
  }

  /** The number in the line before this place. */
  private lengthBefore(start: number): number {
    const { bytes } = this;
    let at = start - 3;
    let length = 0;
    for (let unit = 1; bytes[at]! >= 48 && bytes[at]! <= 57; unit *= 10) length += (bytes[at--]! - 48) * unit;
    return length;
  }
}

/** What a command was: its first arguments, one character a byte. */
export interface TracedArguments {
  /** Of all arguments. */
  readonly count: number;
  /** The first of them, each up to a limit. Fewer than there were where the buffer is gone. */
  readonly texts: string[];
  /** Their full lengths in bytes. */
  readonly lengths: number[];
}

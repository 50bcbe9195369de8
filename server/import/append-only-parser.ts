/**
 * Takes an append-only file apart: commands as Redis writes them into it, and annotations, which are lines that begin
 * with `#`. Chunks come in any size; what a chunk cuts in two is held until it is whole.
 */
import type { Arguments } from '../../core/arguments.js';

const ASTERISK = 42;
const DOLLAR = 36;
const HASH = 35;
const CR = 13;
const LF = 10;

/** Longest argument, and most arguments of a command: Redis' limits for requests. */
const ARGUMENT_BYTES_MAX = 512 * 1024 * 1024;
const ARGUMENTS_MAX = 1024 * 1024;
/** Longest line: numbers and annotations are short. */
const LINE_BYTES_MAX = 1024;

const MORE = -1;
const BAD = -2;

/** A complete command is in the arguments. */
export const COMMAND = 0;
/** The bytes end before a command does. */
export const INCOMPLETE = 1;
/** The bytes are no append-only file. */
export const MALFORMED = 2;

export class AppendOnlyParser {
  /** Byte of the file where the next command begins. */
  offset = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private own: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  /** Nothing more can be told before `end` is here. */
  private wanted = 0;
  private cursor = 0;

  /** @param offset of the first byte that will be pushed. */
  constructor(offset: number) {
    this.offset = offset;
  }

  /** Bytes that were pushed and belong to no complete command. */
  get rest(): number {
    return this.end - this.at;
  }

  push(chunk: Uint8Array): void {
    const rest = this.rest;
    if (rest === 0) {
      this.bytes = chunk;
      this.at = 0;
      this.end = chunk.length;
      this.wanted = 0;
      return;
    }
    const needed = rest + chunk.length;
    const held = this.bytes.subarray(this.at, this.end);
    // A long command gets room in steps that double, so that its bytes are not copied for every chunk.
    if (this.own.length < needed)
      this.own = new Uint8Array(Math.max(needed, Math.min(this.wanted - this.at, needed * 2)));
    this.own.set(held);
    this.wanted -= this.at;
    this.bytes = this.own;
    this.at = 0;
    this.end = rest;
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }

  /** Reads the next command into `args`, as ranges that are good until the next push. */
  next(args: Arguments): number {
    while (this.end >= this.wanted && this.at < this.end) {
      const first = this.bytes[this.at]!;
      this.cursor = this.at;
      const outcome = first === ASTERISK ? this.command(args) : first === HASH ? this.annotation() : BAD;
      if (outcome === MORE) return INCOMPLETE;
      if (outcome === BAD) return MALFORMED;
      this.offset += this.cursor - this.at;
      this.at = this.cursor;
      if (first === ASTERISK) return COMMAND;
    }
    return INCOMPLETE;
  }

  private annotation(): number {
    const line = this.bytes.subarray(this.at, Math.min(this.end, this.at + LINE_BYTES_MAX));
    const length = line.indexOf(LF);
    if (length < 0) return line.length === LINE_BYTES_MAX ? BAD : MORE;
    this.cursor = this.at + length + 1;
    return 0;
  }

  private command(args: Arguments): number {
    const { bytes } = this;
    const count = this.number(ASTERISK, ARGUMENTS_MAX);
    if (count < 0) return count;
    if (count === 0) return BAD;
    args.reserve(count);
    args.bytes = bytes;
    args.count = count;
    for (let i = 0; i < count; i++) {
      const length = this.number(DOLLAR, ARGUMENT_BYTES_MAX);
      if (length < 0) return length;
      const behind = this.cursor + length;
      if (behind + 2 > this.end) {
        this.wanted = behind + 2;
        return MORE;
      }
      if (bytes[behind] !== CR || bytes[behind + 1] !== LF) return BAD;
      args.start[i] = this.cursor;
      args.end[i] = behind;
      this.cursor = behind + 2;
    }
    return 0;
  }

  /** A marker, decimal digits, CR LF. */
  private number(marker: number, max: number): number {
    const { bytes, end } = this;
    let at = this.cursor;
    if (at >= end) return MORE;
    if (bytes[at] !== marker) return BAD;
    let value = 0;
    const first = ++at;
    for (; ; at++) {
      if (at >= end) return MORE;
      const byte = bytes[at]!;
      if (byte === CR) break;
      if (byte < 48 || byte > 57 || at - first > 9) return BAD;
      value = value * 10 + byte - 48;
    }
    if (at === first || value > max) return BAD;
    if (at + 1 >= end) return MORE;
    if (bytes[at + 1] !== LF) return BAD;
    this.cursor = at + 2;
    return value;
  }
}

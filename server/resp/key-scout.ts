/**
 * Looks ahead in a buffer of pipelined requests for the keys of the next commands, so that their memory is fetched while
 * nothing waits for it. Only a hint: it decides nothing, and what it does not understand ends the look.
 */
import { PREFETCH_KEYS_MAX } from '../../core/memory/key-prefetch.js';

const CR = 13;
const DOLLAR = 36;
const STAR = 42;
/** Commands with more arguments than this end the look: reading past them would cost more than it gains. */
const ARGUMENTS_MAX = 8;

/** Takes keys, and fetches what lookups of them will read; core/database-prefetch.ts has this shape. */
export interface KeyFetcher {
  add(bytes: Uint8Array, start: number, end: number): void;
  fetch(): void;
}

export class KeyScout {
  private at = 0;

  /**
   * Fetches for the commands that begin in bytes[from, to), as many as are fetched together.
   * @returns where the next look should begin; `from` where nothing was found.
   */
  look(bytes: Uint8Array, from: number, to: number, prefetch: KeyFetcher): number {
    let seen = from;
    this.at = from;
    for (let i = 0; i < PREFETCH_KEYS_MAX; i++) {
      if (!this.command(bytes, to, prefetch)) break;
      seen = this.at;
    }
    prefetch.fetch();
    return seen;
  }

  /** Passes over one command; its first argument behind the name is taken for a key. */
  private command(bytes: Uint8Array, to: number, prefetch: KeyFetcher): boolean {
    if (bytes[this.at] !== STAR) return false;
    const count = this.number(bytes, to);
    if (count < 1 || count > ARGUMENTS_MAX) return false;
    for (let i = 0; i < count; i++) {
      if (this.at >= to || bytes[this.at] !== DOLLAR) return false;
      const length = this.number(bytes, to);
      const end = this.at + length;
      if (length < 0 || end + 2 > to) return false;
      if (i === 1) prefetch.add(bytes, this.at, end);
      this.at = end + 2;
    }
    return true;
  }

  /** The decimal number behind the byte at `at`, up to a CR; `at` is then behind the line. -1 for anything else. */
  private number(bytes: Uint8Array, to: number): number {
    let value = 0;
    for (let at = this.at + 1; at < to; at++) {
      const byte = bytes[at]!;
      if (byte === CR) {
        this.at = at + 2;
        return value;
      }
      if (byte < 48 || byte > 57 || value > 99_999_999) return -1;
      value = value * 10 + (byte - 48);
    }
    return -1;
  }
}

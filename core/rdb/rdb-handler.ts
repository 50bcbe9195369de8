/** What a reader of RDB files tells, item by item, and the seam by which a data type is read. Types only, and their one object. */
import type { RdbInput } from './rdb-input.js';
import { RdbString } from './rdb-input.js';

/** A key as it stands in front of its value; one object for all of them, good during the call. */
export class RdbKey {
  readonly name = new RdbString();
  hasDeadline = false;
  /** The deadline in ms, a signed 64-bit value in two int32 lanes. */
  deadlineHigh = 0;
  deadlineLow = 0;
  /** Seconds since it was used; -1 where the file does not say. */
  idleSeconds = -1;
  /** Redis' logarithmic counter of uses, 0 to 255; -1 where the file does not say. */
  frequency = -1;

  forget(): void {
    this.hasDeadline = false;
    this.idleSeconds = -1;
    this.frequency = -1;
  }
}

/** Gets the content of a file in its order. Bytes are good only during the call. An exception ends the reading. */
export interface RdbHandler {
  /** A field about the file, at most 1024 characters of it, one a byte. */
  auxiliary(name: string, value: string): void;
  /** The keys that follow belong to this database, any unsigned number. */
  database(number: number): void;
  /** How many keys the database has, and how many of them have a deadline: a hint. */
  sizes(keys: number, keysWithDeadline: number): void;
  string(key: RdbKey, value: RdbString): void;
  /** A long string: so many bytes, which follow in pieces. */
  longStringBegin(key: RdbKey, length: number): void;
  longStringPiece(bytes: Uint8Array, start: number, end: number): void;
  longStringEnd(): void;
}

/** Reads the values of one data type. */
export interface RdbValueReader {
  /** The type bytes that it knows. */
  readonly types: readonly number[];
  /**
   * Reads a value and hands it on.
   * @param value a string to use for that.
   * @returns READ; SHORT when the window ends before the value does: it is called again then, from the start; READ_LONG
   * when the value is one string that the reader of the file is to hand on in pieces.
   */
  read(input: RdbInput, type: number, key: RdbKey, value: RdbString, handler: RdbHandler): number;
}

/**
 * Puts what an RDB file holds into the keyspaces of an engine: without log, without replies, without the clock deciding
 * anything but what `dropExpiredAtMs` says. The keyspaces were empty before; a key that the file holds twice is damage.
 */
import type { AccessClock } from '../access-clock.js';
import type { Arena } from '../memory/arena.js';
import type { Keyspace } from '../memory/keyspace.js';
import { ENCODING_RAW } from '../memory/record.js';
import { NO_REFERENCE } from '../memory/reference.js';
import { bytesNeededToStore, encodingOf } from '../types/string.js';
import type { RdbHandler, RdbKey } from './rdb-handler.js';
import type { RdbString } from './rdb-input.js';

const TWO_32 = 2 ** 32;
/** Characters of a key that an error shows. */
const SHOWN_MAX = 64;
const NO_BYTES = new Uint8Array(0);

export type LoadErrorCode =
  /** The file has a database that the engine does not have. */
  | 'LOAD_DATABASE'
  /** A key that is there already: the file holds it twice. */
  | 'LOAD_DUPLICATE'
  /** The operating system gives no more memory, or the arena is full. */
  | 'LOAD_MEMORY';

export class LoadError extends Error {
  readonly code: LoadErrorCode;

  constructor(code: LoadErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Where the keys go; an Engine has this shape. */
export interface LoadTarget {
  readonly arena: Arena;
  /** By database number. */
  readonly keyspaces: readonly Keyspace[];
  readonly accessClock: AccessClock;
}

export class DatasetLoader implements RdbHandler {
  /** Keys loaded, and keys that were left out because their time was up. */
  keys = 0;
  expired = 0;
  /** The file's AUX fields; of several with one name the last. */
  readonly auxiliaryFields = new Map<string, string>();
  private readonly target: LoadTarget;
  private readonly dropExpiredAtMs: number;
  private keyspace: Keyspace;
  private number = 0;
  /** Where the next piece of a long string goes; -1 where it is left out. */
  private position = 0;

  /**
   * @param dropExpiredAtMs keys whose deadline lies before this time are left out, as a Redis master does with a file
   * that it starts from; 0 keeps them all: a snapshot is the fold of the log, in which only a logged UNLINK removes keys.
   */
  constructor(target: LoadTarget, dropExpiredAtMs: number) {
    this.target = target;
    this.dropExpiredAtMs = dropExpiredAtMs;
    this.keyspace = target.keyspaces[0]!;
  }

  auxiliary(name: string, value: string): void {
    this.auxiliaryFields.set(name, value);
  }

  database(number: number): void {
    const { keyspaces } = this.target;
    if (number >= keyspaces.length) {
      const message = `the file has keys in database ${number}: start with databases ${number + 1} or more`;
      throw new LoadError('LOAD_DATABASE', message);
    }
    this.number = number;
    this.keyspace = keyspaces[number]!;
  }

  sizes(): void {}

  string(key: RdbKey, value: RdbString): void {
    if (this.isExpired(key)) return;
    const { bytes, start, end } = value;
    this.store(key, end - start, bytes, start, end, encodingOf(bytes, start, end));
  }

  longStringBegin(key: RdbKey, length: number): void {
    if (this.isExpired(key)) {
      this.position = -1;
      return;
    }
    this.store(key, length, NO_BYTES, 0, 0, ENCODING_RAW);
    this.keyspace.growValue(length, ENCODING_RAW);
    this.position = 0;
  }

  longStringPiece(bytes: Uint8Array, start: number, end: number): void {
    if (this.position < 0) return;
    this.keyspace.putValue(this.position, bytes, start, end);
    this.position += end - start;
  }

  longStringEnd(): void {}

  private isExpired(key: RdbKey): boolean {
    if (!key.hasDeadline || this.dropExpiredAtMs === 0) return false;
    if (key.deadlineHigh * TWO_32 + (key.deadlineLow >>> 0) >= this.dropExpiredAtMs) return false;
    this.expired++;
    return true;
  }

  /** @param length of the whole value, for which memory is reserved. */
  private store(key: RdbKey, length: number, bytes: Uint8Array, start: number, end: number, encoding: number): void {
    const { name, hasDeadline, deadlineHigh, deadlineLow } = key;
    const { keyspace } = this;
    if (keyspace.find(name.bytes, name.start, name.end) !== NO_REFERENCE) {
      throw new LoadError(
        'LOAD_DUPLICATE',
        `the file holds key '${name.text(SHOWN_MAX)}' of database ${this.number} twice`,
      );
    }
    if (!this.target.arena.reserve(bytesNeededToStore(name.end - name.start, length))) {
      throw new LoadError('LOAD_MEMORY', `out of memory after ${this.keys} keys of the file`);
    }
    keyspace.store(
      name.bytes,
      name.start,
      name.end,
      bytes,
      start,
      end,
      encoding,
      hasDeadline,
      deadlineHigh,
      deadlineLow,
    );
    keyspace.setClock(this.clockOf(key));
    this.keys++;
  }

  private clockOf(key: RdbKey): number {
    const { accessClock } = this.target;
    if (accessClock.byFrequency) {
      if (key.frequency >= 0) return accessClock.ofFrequency(key.frequency);
    } else if (key.idleSeconds >= 0) {
      return accessClock.ofIdleSeconds(key.idleSeconds);
    }
    return accessClock.fresh;
  }
}

/**
 * Puts what an RDB file holds into the keyspaces of an engine: without log, without replies, without the clock deciding
 * anything but what `dropExpiredAtMs` says. The keyspaces were empty before; a key that the file holds twice is damage.
 */
import type { AccessClock } from '../access-clock.js';
import type { Arena } from '../memory/arena.js';
import type { Keyspace } from '../memory/keyspace.js';
import { LoadableKeyspace } from '../memory/loadable-keyspace.js';
import { ENCODING_RAW, ENCODING_SHIFT, expiryFlag } from '../memory/record.js';
import type { Reference } from '../memory/reference.js';
import { bytesNeededToStore, encodingOf } from '../types/string.js';
import type { RdbHandler, RdbKey } from './rdb-handler.js';
import type { RdbString } from './rdb-input.js';

const TWO_32 = 2 ** 32;
/** Characters of a key that an error shows. */
const SHOWN_MAX = 64;
/** Keys entered into their table between two looks of the caller at the clock. */
const ENTERED_PER_STEP = 4096;

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
  /** The databases that the file has keys of, and the one that the last key was of. */
  private readonly begun: (LoadableKeyspace | undefined)[] = [];
  private keyspace: LoadableKeyspace | undefined = undefined;
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
    this.keyspace = this.begun[number];
  }

  sizes(): void {}

  string(key: RdbKey, value: RdbString): void {
    if (this.isExpired(key)) return;
    const { name, deadlineHigh, deadlineLow } = key;
    const { bytes, start, end } = value;
    const keyspace = this.prepare(key, end - start);
    const flags = flagsOf(key, encodingOf(bytes, start, end));
    const clock = this.clockOf(key);
    keyspace.load(name.bytes, name.start, name.end, bytes, start, end, flags, deadlineHigh, deadlineLow, clock);
  }

  longStringBegin(key: RdbKey, length: number): void {
    if (this.isExpired(key)) {
      this.position = -1;
      return;
    }
    const { name, deadlineHigh, deadlineLow } = key;
    const flags = flagsOf(key, ENCODING_RAW);
    const keyspace = this.prepare(key, length);
    const clock = this.clockOf(key);
    keyspace.loadLength(name.bytes, name.start, name.end, length, flags, deadlineHigh, deadlineLow, clock);
    this.position = 0;
  }

  longStringPiece(bytes: Uint8Array, start: number, end: number): void {
    if (this.position < 0) return;
    this.keyspace!.putLoaded(this.position, bytes, start, end);
    this.position += end - start;
  }

  longStringEnd(): void {}

  /**
   * The file has ended: makes its keys findable, some thousands at a time. Returns true when all are; only then is the
   * dataset good.
   * @throws LoadError `LOAD_DUPLICATE`
   */
  step(): boolean {
    for (const [number, keyspace] of this.begun.entries()) {
      if (keyspace === undefined) continue;
      this.number = number;
      this.keyspace = keyspace;
      if (!keyspace.enter(ENTERED_PER_STEP, this.refuseDuplicate)) return false;
      this.begun[number] = undefined;
    }
    this.keyspace = undefined;
    return true;
  }

  /** All steps at once. */
  finish(): void {
    while (!this.step());
  }

  private isExpired(key: RdbKey): boolean {
    if (!key.hasDeadline || this.dropExpiredAtMs === 0) return false;
    if (key.deadlineHigh * TWO_32 + (key.deadlineLow >>> 0) >= this.dropExpiredAtMs) return false;
    this.expired++;
    return true;
  }

  /** The keyspace, with memory reserved for a key whose value has that length. */
  private prepare(key: RdbKey, length: number): LoadableKeyspace {
    const { name } = key;
    if (!this.target.arena.reserve(bytesNeededToStore(name.end - name.start, length))) {
      throw new LoadError('LOAD_MEMORY', `out of memory after ${this.keys} keys of the file`);
    }
    this.keys++;
    return this.keyspace ?? this.beginDatabase();
  }

  private beginDatabase(): LoadableKeyspace {
    const keyspace = this.target.keyspaces[this.number]!;
    if (!(keyspace instanceof LoadableKeyspace)) throw new Error('a file is loaded into keyspaces made for that');
    keyspace.beginEntering();
    this.begun[this.number] = keyspace;
    this.keyspace = keyspace;
    return keyspace;
  }

  private readonly refuseDuplicate = (reference: Reference): never => {
    const keyspace = this.keyspace!;
    const key = new Uint8Array(keyspace.keyLength(reference));
    keyspace.copyKey(reference, key, 0);
    const text = String.fromCharCode(...key.subarray(0, SHOWN_MAX));
    throw new LoadError('LOAD_DUPLICATE', `the file holds key '${text}' of database ${this.number} twice`);
  };

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

function flagsOf(key: RdbKey, encoding: number): number {
  return (encoding << ENCODING_SHIFT) | (key.hasDeadline ? expiryFlag(key.deadlineHigh) : 0);
}

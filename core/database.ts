/**
 * The only road of commands to the dataset. Every lookup, hit or miss, collects what the reply depends on, removes a key
 * whose time is up (and logs it), and moves the access clock; every change notes its sequence for later lookups. Nothing
 * here decides what a command means.
 */
import type { Arguments } from './arguments.js';
import { DependencyTable } from './dependency-table.js';
import type { EffectWriter } from './effect-writer.js';
import type { Keyspace } from './memory/keyspace.js';
import { NO_REFERENCE, type Reference } from './memory/reference.js';

/** What handlers may use of a keyspace once a lookup has put its cursor on a key: values, never other keys. */
export type ValueAccess = Omit<
  Keyspace,
  'find' | 'scan' | 'sample' | 'forEachDue' | 'detach' | 'remove' | 'rename' | 'store' | 'setExpiry' | 'clearExpiry'
>;

/** An expired key must go and the log has no room for its removal. The reply is Redis' disk error. */
export class ExpiryRefused extends Error {
  readonly code = 'EXPIRY_REFUSED';
}

export class DatabaseStatistics {
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  /** Keys changed since the start: Redis' rdb_changes_since_last_save. */
  changes = 0;
}

export class Database {
  /** Selected database, 0-based. */
  number = 0;
  /** The newest sequence that the running command's reply depends on; 0 for none. */
  dependency = 0;
  /** Engine time in ms of the running command; keys with a deadline at or before it are gone. */
  now = 0;
  /** False in replay: only a logged UNLINK removes a key there. */
  expires = true;
  /** 24-bit access clock that lookups set, in seconds; moved on by the engine. */
  accessClock = 0;
  /** True while the log cannot take the engine's own entries: an expired key cannot be removed then. */
  engineWritesRefused = false;
  /** True once the running command has changed the dataset. */
  mutated = false;
  readonly statistics = new DatabaseStatistics();
  private readonly keyspaces: Keyspace[];
  private readonly dependencies: DependencyTable;
  private readonly effects: EffectWriter;
  private readonly args: Arguments;
  private keyspace: Keyspace;
  private bucket = 0;
  private key = 0;

  constructor(keyspaces: Keyspace[], effects: EffectWriter, args: Arguments) {
    this.keyspaces = keyspaces;
    this.dependencies = new DependencyTable(keyspaces.length);
    this.effects = effects;
    this.args = args;
    this.keyspace = keyspaces[0]!;
  }

  /** Number of databases. */
  get databases(): number {
    return this.keyspaces.length;
  }

  select(number: number): void {
    this.number = number;
    this.keyspace = this.keyspaces[number]!;
  }

  /** Values of the selected database, for the type code. */
  get values(): ValueAccess {
    return this.keyspace;
  }

  // ---- lookups -----------------------------------------------------------------------------------------------------

  /** Looks up the key that argument i names, for reading. Returns 0 when there is none. */
  lookupRead(i: number): Reference {
    const reference = this.lookup(i, false);
    if (reference === NO_REFERENCE) this.statistics.keyspaceMisses++;
    else this.statistics.keyspaceHits++;
    return reference;
  }

  /** The same for a command that is about to change the key: no hit or miss is counted. */
  lookupWrite(i: number): Reference {
    return this.lookup(i, true);
  }

  /** The same without moving the access clock and without counting: TTL, TYPE, EXISTS and other questions about a key. */
  lookupQuiet(i: number): Reference {
    return this.resolve(i, false);
  }

  private lookup(i: number, writing: boolean): Reference {
    const reference = this.resolve(i, writing);
    if (reference !== NO_REFERENCE) this.keyspace.setClock(this.accessClock);
    return reference;
  }

  private resolve(i: number, writing: boolean): Reference {
    const args = this.args;
    const keyspace = this.keyspace;
    this.key = i;
    const reference = keyspace.find(args.bytes, args.start[i]!, args.end[i]!);
    const bucket = DependencyTable.bucketOf(this.number, keyspace.hashHigh, keyspace.hashLow);
    this.bucket = bucket;
    const newest = this.dependencies.newest(this.number, bucket);
    if (newest > this.dependency) this.dependency = newest;
    if (reference === NO_REFERENCE || !keyspace.hasExpiry(reference)) return reference;
    return this.isDue(reference) ? this.expireAtCursor(writing) : reference;
  }

  private isDue(reference: Reference): boolean {
    if (!this.expires) return false;
    const keyspace = this.keyspace;
    keyspace.readExpiry(reference);
    return keyspace.expiryHigh * 0x100000000 + (keyspace.expiryLow >>> 0) <= this.now;
  }

  /** The key at the cursor is past its deadline: it goes, and the log says so before anything else of this command. */
  private expireAtCursor(writing: boolean): Reference {
    if (this.engineWritesRefused) throw new ExpiryRefused('the log has no room for the removal of an expired key');
    const { args, effects } = this;
    if (!writing && !effects.open) effects.session = undefined;
    effects.begin(this.number, 2);
    effects.word('UNLINK');
    effects.argument(args.bytes, args.start[this.key]!, args.end[this.key]!);
    this.keyspace.remove();
    this.changed();
    this.statistics.expiredKeys++;
    return NO_REFERENCE;
  }

  private changed(): void {
    this.mutated = true;
    if (!this.effects.enabled) return;
    this.dependencies.write(this.bucket, this.effects.openSequence);
    this.statistics.changes++;
  }

  /** The reply depends on everything written so far: KEYS, SCAN, DBSIZE, RANDOMKEY. */
  dependOnAll(): void {
    if (this.effects.sequence > this.dependency) this.dependency = this.effects.sequence;
  }

  // ---- changes at the key of the last lookup -----------------------------------------------------------------------

  /** Notes that the value at the last lookup was changed in place by the type code. */
  touch(): void {
    this.changed();
  }

  /**
   * Creates or overwrites the string at the last lookup with a range of bytes.
   * @param encoding as core/types/string.ts classifies it.
   * @param hasExpiry whether the value has the deadline (high, low) in ms, two int32 lanes.
   */
  store(
    bytes: Uint8Array,
    start: number,
    end: number,
    encoding: number,
    hasExpiry: boolean,
    expiryHigh: number,
    expiryLow: number,
  ): void {
    const { args, key } = this;
    this.keyspace.store(
      args.bytes,
      args.start[key]!,
      args.end[key]!,
      bytes,
      start,
      end,
      encoding,
      hasExpiry,
      expiryHigh,
      expiryLow,
    );
    this.changed();
  }

  /** Removes the key at the last lookup. */
  remove(): void {
    this.keyspace.remove();
    this.changed();
  }

  setExpiry(high: number, low: number): void {
    this.keyspace.setExpiry(high, low);
    this.changed();
  }

  clearExpiry(): void {
    this.keyspace.clearExpiry();
    this.changed();
  }

  /**
   * Gives the value and deadline of the key that argument `from` names to the name in argument `to`, replacing what is
   * there. Both keys must have been looked up by this command.
   */
  rename(from: number, to: number): void {
    const { args } = this;
    this.resolve(to, true);
    if (this.resolvedExists()) this.remove();
    else this.changed();
    this.resolve(from, true);
    this.keyspace.rename(args.bytes, args.start[to]!, args.end[to]!);
    this.changed();
  }

  private resolvedExists(): boolean {
    const { args, key } = this;
    return this.keyspace.find(args.bytes, args.start[key]!, args.end[key]!) !== NO_REFERENCE;
  }

  // ---- whole databases ---------------------------------------------------------------------------------------------

  /** Number of keys of a database, those past their deadline but not yet removed included, as in Redis. */
  size(number: number): number {
    this.dependOnAll();
    return this.keyspaces[number]!.count;
  }

  /** Lets go of all keys of a database in O(1); the caller logs FLUSHDB or FLUSHALL. Returns how many keys there were. */
  flush(number: number): number {
    const keyspace = this.keyspaces[number]!;
    const count = keyspace.count;
    this.mutated = true;
    keyspace.detach();
    this.dependencies.writeDatabase(number, this.effects.openSequence);
    this.statistics.changes += count;
    return count;
  }

  /** Swaps two databases; the caller logs SWAPDB. */
  swap(first: number, second: number): void {
    this.mutated = true;
    const keyspace = this.keyspaces[first]!;
    this.keyspaces[first] = this.keyspaces[second]!;
    this.keyspaces[second] = keyspace;
    this.dependencies.writeDatabase(first, this.effects.openSequence);
    this.dependencies.writeDatabase(second, this.effects.openSequence);
    this.keyspace = this.keyspaces[this.number]!;
    this.statistics.changes++;
  }
}

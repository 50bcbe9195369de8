/**
 * The only road of commands to the dataset. Every lookup, hit or miss, collects what the reply depends on, removes a key
 * whose time is up (and logs it), and moves the access clock; every change notes its sequence for later lookups. Nothing
 * here decides what a command means.
 */
import type { AccessClock } from './access-clock.js';
import type { Arguments } from './arguments.js';
import { DatabasePrefetch } from './database-prefetch.js';
import { DependencyTable } from './dependency-table.js';
import type { EffectWriter } from './effect-writer.js';
import type { Keyspace } from './memory/keyspace.js';
import { TYPE_HASH, TYPE_LIST, TYPE_SET, TYPE_SORTED_SET, TYPE_STREAM, TYPE_STRING } from './memory/record.js';
import { NO_REFERENCE, type Reference } from './memory/reference.js';
import type { ReplyWriter } from './reply-writer.js';
import { copyRange, STRING_BYTES_MAX, type StringValues } from './types/string.js';

/** What a lookup returns: the record of the key, good until the next change, or ABSENT. */
export type Found = Reference;
export const ABSENT: Found = NO_REFERENCE;

/**
 * What handlers may use of a keyspace once a lookup has put its cursor on a key: its value and deadline, never other
 * keys, and no change that later lookups would not hear of (`touch` tells of changes inside a value).
 */
export type ValueAccess = StringValues &
  Pick<
    Keyspace,
    | 'hasExpiry'
    | 'readExpiry'
    | 'expiryHigh'
    | 'expiryLow'
    | 'encoding'
    | 'bytesNeededToSetExpiry'
    | 'bytesNeededToRename'
  >;

/** An expired key must go and the log has no room for its removal. The reply is Redis' disk error. */
export class ExpiryRefused extends Error {
  readonly code = 'EXPIRY_REFUSED';
}

/** What `readRandomKey` has met. */
export const RandomKey = { none: 0, read: 1, expired: 2 } as const;
export type RandomKey = (typeof RandomKey)[keyof typeof RandomKey];

export class DatabaseStatistics {
  keyspaceHits = 0;
  keyspaceMisses = 0;
  expiredKeys = 0;
  /** Keys removed to make room. */
  evictedKeys = 0;
  /** Keys changed since the start: Redis' rdb_changes_since_last_save. */
  changes = 0;
}

/** What an entry costs in the hash table, whose pages are 69 % full on average, and in the expiry index. */
const TABLE_BYTES = 12;
const DEADLINE_BYTES = 8;

/** Longest key and number of collected keys whose room is kept from one walk to the next. */
const KEY_BYTES_KEPT = 64 * 1024;
const COLLECTED_KEPT = 16 * 1024;

export class Database {
  /** Selected database, 0-based. */
  number = 0;
  /** The newest sequence that the running command's reply depends on; 0 for none. */
  dependency = 0;
  /** Engine time in ms of the running command; keys with a deadline at or before it are gone. */
  now = 0;
  /** False in replay: only a logged UNLINK removes a key there. */
  expires = true;
  /** False for commands of a client that has asked with CLIENT NO-TOUCH to leave access clocks alone. */
  touches = true;
  /** True while the log cannot take the engine's own entries: an expired key cannot be removed then. */
  engineWritesRefused = false;
  /**
   * True while nothing may be removed because its time is up (CLIENT PAUSE): to reads such a key is absent, and stays.
   */
  keepsExpired = false;
  /** True once the running command has changed the dataset. */
  mutated = false;
  /** Longest string that commands may make: Redis' proto-max-bulk-len, up to what a record can hold. */
  stringBytesMax = STRING_BYTES_MAX;
  /** Bytes that long commands hold between their slices; they count as used memory. */
  taskBytes = 0;
  /** The key that `readCollected` has read: keyBytes[0, keyLength). */
  keyBytes = new Uint8Array(1024);
  keyLength = 0;
  /** Keys that the last `collect` has found. */
  collectedCount = 0;
  readonly statistics = new DatabaseStatistics();
  readonly prefetch: DatabasePrefetch;
  /** What lookups do to the access clock of a key; moved on by the engine. */
  readonly accessClock: AccessClock;
  private readonly keyspaces: Keyspace[];
  private readonly dependencies: DependencyTable;
  private readonly effects: EffectWriter;
  private readonly args: Arguments;
  private keyspace: Keyspace;
  /** Bucket in the dependency table, and argument, of the last lookup. */
  private bucket = 0;
  private key = 0;
  private collected = new Int32Array(1024);
  private readonly addCollected: (reference: Reference) => void;
  private readonly expireVisited: (reference: Reference) => void;

  constructor(keyspaces: Keyspace[], effects: EffectWriter, args: Arguments, accessClock: AccessClock) {
    this.accessClock = accessClock;
    this.keyspaces = keyspaces;
    this.dependencies = new DependencyTable(keyspaces.length);
    this.prefetch = new DatabasePrefetch(keyspaces, this.dependencies);
    this.effects = effects;
    this.args = args;
    this.keyspace = keyspaces[0]!;
    this.addCollected = (reference) => this.addToCollected(reference);
    this.expireVisited = (reference) => this.expireByReference(reference);
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

  /** Looks up the key that argument i names, for reading. */
  lookupRead(i: number): Found {
    return this.countRead(this.resolve(i, false));
  }

  /** The same for a command that answers with the value and then may change it: GETSET, GETDEL. */
  lookupReadAndWrite(i: number): Found {
    return this.countRead(this.resolve(i, true));
  }

  private countRead(found: Found): Found {
    if (found === ABSENT) {
      this.statistics.keyspaceMisses++;
    } else {
      this.statistics.keyspaceHits++;
      this.noteUse();
    }
    return found;
  }

  /** The key at the cursor is used: its access clock moves. */
  private noteUse(): void {
    const { accessClock, keyspace } = this;
    if (!this.touches) return;
    keyspace.setClock(accessClock.byFrequency ? accessClock.used(keyspace.clock()) : accessClock.fresh);
  }

  /** The same for a command that may change the key: no hit or miss is counted. */
  lookupWrite(i: number): Found {
    const found = this.resolve(i, true);
    if (found !== ABSENT) this.noteUse();
    return found;
  }

  /** The same without moving the access clock: TTL, TYPE, EXISTS and other questions about a key. */
  lookupQuiet(i: number): Found {
    const found = this.resolve(i, false);
    if (found === ABSENT) this.statistics.keyspaceMisses++;
    else this.statistics.keyspaceHits++;
    return found;
  }

  /** The same without counting a hit or miss: MEMORY USAGE. */
  lookupUncounted(i: number): Found {
    return this.resolve(i, false);
  }

  /** Bytes that a key takes: its slots and runs, and its share of the hash table and the expiry index. */
  memoryOf(found: Found): number {
    const { keyspace } = this;
    return keyspace.mover.bytesOf(found) + TABLE_BYTES + (keyspace.hasExpiry(found) ? DEADLINE_BYTES : 0);
  }

  /** @param writing whose entry the removal of an expired key belongs to: the client's, or the engine's own. */
  private resolve(i: number, writing: boolean): Found {
    const { args, keyspace } = this;
    this.key = i;
    const found = keyspace.find(args.bytes, args.start[i]!, args.end[i]!);
    const bucket = DependencyTable.bucketOf(this.number, keyspace.hashHigh);
    this.bucket = bucket;
    const newest = this.dependencies.newest(this.number, bucket);
    if (newest > this.dependency) this.dependency = newest;
    if (found === ABSENT || !keyspace.hasExpiry(found) || !this.isDue(found)) return found;
    if (this.keepsExpired && !writing) return ABSENT;
    this.expireAtCursor(args.bytes, args.start[i]!, args.end[i]!, writing);
    return ABSENT;
  }

  private isDue(reference: Reference): boolean {
    if (!this.expires) return false;
    const { keyspace } = this;
    keyspace.readExpiry(reference);
    return keyspace.expiryHigh * 0x100000000 + (keyspace.expiryLow >>> 0) <= this.now;
  }

  /**
   * The key at the cursor, whose name is bytes[start, end), is past its deadline: it goes, and the log says so before
   * anything else that this command does to it.
   * @throws ExpiryRefused when the log cannot take it.
   */
  private expireAtCursor(bytes: Uint8Array, start: number, end: number, writing: boolean): void {
    if (this.engineWritesRefused) throw new ExpiryRefused('the log has no room for the removal of an expired key');
    const { effects } = this;
    if (!writing && !effects.open) effects.session = undefined;
    this.unlink(bytes, start, end);
    this.statistics.expiredKeys++;
  }

  /** The engine removes the key at the cursor, whose name is bytes[start, end), and logs it. */
  private unlink(bytes: Uint8Array, start: number, end: number): void {
    const { effects } = this;
    effects.begin(this.number, 2);
    effects.word('UNLINK');
    effects.argument(bytes, start, end);
    this.keyspace.remove();
    this.noteWrite();
  }

  /**
   * Removes a key to make room, and logs it.
   * @param hash high lane of the key's hash, which with `reference` names it: a hint, the table decides.
   * @returns false where there is no such key any more, or, with `volatileOnly`, where it has no deadline (any more).
   */
  evict(number: number, hash: number, reference: Reference, volatileOnly: boolean): boolean {
    this.select(number);
    const { keyspace } = this;
    if (!keyspace.seek(hash, reference)) return false;
    if (volatileOnly && !keyspace.hasExpiry(reference)) return false;
    this.readKey(reference);
    this.bucket = DependencyTable.bucketOf(number, hash);
    this.unlink(this.keyBytes, 0, this.keyLength);
    this.statistics.evictedKeys++;
    return true;
  }

  /** The key of the last lookup is changed by the entry being made: later replies about it wait for that. */
  private noteWrite(): void {
    this.mutated = true;
    if (this.effects.enabled) this.dependencies.write(this.bucket, this.effects.openSequence);
  }

  private changed(): void {
    this.noteWrite();
    if (this.effects.enabled) this.statistics.changes++;
  }

  /** The reply depends on everything written so far: KEYS, SCAN, DBSIZE, RANDOMKEY. */
  dependOnAll(): void {
    if (this.effects.sequence > this.dependency) this.dependency = this.effects.sequence;
  }

  /** Keys of the selected database that have a deadline: no more than these can be found expired. */
  get keysWithDeadline(): number {
    return this.keyspace.keysWithExpiry;
  }

  // ---- what a lookup found -----------------------------------------------------------------------------------------

  isString(found: Found): boolean {
    return this.keyspace.type(found) === TYPE_STRING;
  }

  /** Redis' name of the type, as TYPE answers. */
  typeName(found: Found): string {
    switch (this.keyspace.type(found)) {
      case TYPE_STRING:
        return 'string';
      case TYPE_LIST:
        return 'list';
      case TYPE_SET:
        return 'set';
      case TYPE_SORTED_SET:
        return 'zset';
      case TYPE_HASH:
        return 'hash';
      case TYPE_STREAM:
        return 'stream';
      default:
        throw new Error(`record of unknown type ${this.keyspace.type(found)}`);
    }
  }

  /** Seconds since the key at the last lookup was used (OBJECT IDLETIME); only while `accessClock.byFrequency` is false. */
  idleSeconds(): number {
    return this.accessClock.idleSeconds(this.keyspace.clock());
  }

  /** How often the key at the last lookup is used, 0 to 255 (OBJECT FREQ); only while `accessClock.byFrequency`. */
  frequency(): number {
    return this.accessClock.frequency(this.keyspace.clock());
  }

  /** The 24 bits of the access clock of the key at the last lookup, for a key that gets another place with its age. */
  clock(): number {
    return this.keyspace.clock();
  }

  /** Gives the key at the last lookup or change the access clock that another one had. */
  setClock(clock: number): void {
    this.keyspace.setClock(clock);
  }

  /**
   * Gives the key at the last lookup or change an age (RESTORE IDLETIME and FREQ, loading a snapshot). The one that the
   * policy does not go by is ignored, as in Redis.
   * @param idleSeconds seconds since its last use, -1 for unknown. @param frequency 0 to 255, -1 for unknown.
   */
  setAge(idleSeconds: number, frequency: number): void {
    const { accessClock, keyspace } = this;
    if (accessClock.byFrequency) {
      if (frequency >= 0) keyspace.setClock(accessClock.ofFrequency(frequency));
    } else if (idleSeconds >= 0) {
      keyspace.setClock(accessClock.ofIdleSeconds(idleSeconds));
    }
  }

  /** Writes the whole string as a bulk reply. */
  replyValue(reply: ReplyWriter, found: Found): void {
    this.replyRange(reply, found, 0, this.keyspace.valueLength(found));
  }

  /** Writes `length` bytes of the string from `from` as a bulk reply. */
  replyRange(reply: ReplyWriter, found: Found, from: number, length: number): void {
    if (length <= SHORT_BYTES_MAX) {
      reply.bulkHeader(length);
      this.keyspace.copyValue(found, from, length, reply.bytes, reply.position);
      reply.position += length;
    } else {
      reply.bulkLength(length);
      copyRange(this.keyspace, found, from, length, reply);
    }
    reply.bulkEnd();
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
    const { accessClock, args, key, keyspace } = this;
    const from = args.start[key]!;
    const to = args.end[key]!;
    const fresh = !keyspace.atRecord;
    keyspace.store(args.bytes, from, to, bytes, start, end, encoding, hasExpiry, expiryHigh, expiryLow);
    // Where uses are counted, an overwritten key keeps its count, which the lookup has moved on.
    if (fresh || !accessClock.byFrequency) keyspace.setClock(accessClock.fresh);
    this.changed();
  }

  /** Overwrites the string at the last lookup, which found it; its deadline stays. */
  replaceValue(bytes: Uint8Array, start: number, end: number, encoding: number): void {
    this.keyspace.replaceValue(bytes, start, end, encoding);
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
   * there. Both must have been looked up by this command, `to` last.
   */
  rename(from: number, to: number): void {
    const { args } = this;
    this.noteWrite();
    this.resolve(from, true);
    this.keyspace.rename(args.bytes, args.start[to]!, args.end[to]!);
    this.changed();
  }

  // ---- walks over keys ---------------------------------------------------------------------------------------------

  /**
   * One step over the keys of the selected database, in SCAN's order and with its guarantee: collects at least `count`
   * keys where there are as many. The caller has made the reply depend on all.
   * @param cursor 0 at the start, else what the last step returned, below 2^32.
   * @returns the cursor of the next step; 0 at the end.
   */
  collect(cursor: number, count: number): number {
    this.collectedCount = 0;
    return this.keyspace.scan(cursor, count, this.addCollected);
  }

  private addToCollected(reference: Reference): void {
    if (this.collectedCount === this.collected.length) {
      const grown = new Int32Array(this.collected.length * 2);
      grown.set(this.collected);
      this.collected = grown;
    }
    this.collected[this.collectedCount++] = reference;
  }

  /** Reads collected key i into keyBytes. Only keys of this walk may have been removed since `collect`. */
  readCollected(i: number): void {
    this.readKey(this.collected[i]!);
  }

  private readKey(reference: Reference): void {
    const length = this.keyspace.keyLength(reference);
    if (length > this.keyBytes.length) this.keyBytes = new Uint8Array(length);
    this.keyspace.copyKey(reference, this.keyBytes, 0);
    this.keyLength = length;
  }

  collectedTypeName(i: number): string {
    return this.typeName(this.collected[i]!);
  }

  /** Removes collected key i, which `readCollected` has just read, when its time is up. Returns whether it was. */
  expireCollected(i: number): boolean {
    const reference = this.collected[i]!;
    if (!this.keyspace.hasExpiry(reference) || !this.isDue(reference)) return false;
    if (!this.keepsExpired) this.expireKeyRead();
    return true;
  }

  /**
   * Reads a random key of the selected database into keyBytes; one whose time is up is removed instead. The caller has made
   * the reply depend on all.
   * @param random any 32-bit number.
   */
  readRandomKey(random: number): RandomKey {
    const reference = this.keyspace.sample(random);
    if (reference === ABSENT) return RandomKey.none;
    this.readKey(reference);
    if (!this.keyspace.hasExpiry(reference) || !this.isDue(reference)) return RandomKey.read;
    this.expireKeyRead();
    return RandomKey.expired;
  }

  /** Moves collected key i to place `to`, which is not behind it. */
  keepCollected(i: number, to: number): void {
    this.collected[to] = this.collected[i]!;
  }

  /** Gives back what an unusually large walk needed. */
  forgetCollected(): void {
    this.collectedCount = 0;
    if (this.collected.length > COLLECTED_KEPT) this.collected = new Int32Array(1024);
    if (this.keyBytes.length > KEY_BYTES_KEPT) this.keyBytes = new Uint8Array(1024);
  }

  /**
   * Removes keys of the selected database whose time is up, as far as `limit` hints of the expiry index lead.
   * @returns how many hints there were: below `limit` when nothing more is due.
   */
  expireDue(limit: number): number {
    if (this.engineWritesRefused) return 0;
    const hints = this.keyspace.forEachDue(this.now, limit, this.expireVisited);
    this.forgetCollected();
    return hints;
  }

  private expireByReference(reference: Reference): void {
    this.readKey(reference);
    this.expireKeyRead();
  }

  private expireKeyRead(): void {
    const { keyspace, keyBytes, keyLength } = this;
    keyspace.find(keyBytes, 0, keyLength);
    this.bucket = DependencyTable.bucketOf(this.number, keyspace.hashHigh);
    this.expireAtCursor(keyBytes, 0, keyLength, false);
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
    if (this.effects.enabled) this.dependencies.writeDatabase(number, this.effects.openSequence);
    if (this.effects.enabled) this.statistics.changes += count;
    return count;
  }

  /** Swaps two databases; the caller logs SWAPDB. */
  swap(first: number, second: number): void {
    this.mutated = true;
    const keyspace = this.keyspaces[first]!;
    this.keyspaces[first] = this.keyspaces[second]!;
    this.keyspaces[second] = keyspace;
    if (this.effects.enabled) {
      this.dependencies.writeDatabase(first, this.effects.openSequence);
      this.dependencies.writeDatabase(second, this.effects.openSequence);
    }
    this.keyspace = this.keyspaces[this.number]!;
    if (this.effects.enabled) this.statistics.changes++;
  }
}

/** Up to this length a value is copied at once, where the reply's header has made room. */
const SHORT_BYTES_MAX = 16 * 1024;

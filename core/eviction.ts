/**
 * Makes room by removing keys, as Redis' `evict.c` does: samples of every database feed a pool of candidates, the best one
 * goes, again and again until there is room or the time is up. Every removal is logged as UNLINK by the engine itself, so
 * that an evicted key never comes back. Called between commands only: before one that needs memory, and in the background.
 */
import type { AccessClock } from './access-clock.js';
import type { Database } from './database.js';
import type { EffectWriter } from './effect-writer.js';
import {
  EVICT_BY_CHANCE,
  EVICT_BY_FREQUENCY,
  EVICT_BY_RECENCY,
  EVICT_NOTHING,
  type EvictionPolicy,
  NO_EVICTION,
} from './eviction-policy.js';
import { EvictionPool } from './eviction-pool.js';
import type { Arena } from './memory/arena.js';
import type { Keyspace } from './memory/keyspace.js';
import type { Reference } from './memory/reference.js';
import type { RandomNumbers } from './random-numbers.js';

/** There is room now. */
export const EVICTED = 0;
/** The time is up and there is not enough room yet, but keys that can go: the command runs, later calls go on. */
export const EVICTING = 1;
/** No key can go. */
export const NOTHING_TO_EVICT = 2;

/** What the memory limit leaves; the engine. */
export interface MemoryGauge {
  /** Bytes below maxmemory, negative above it. */
  room(): number;
  readonly maxmemory: number;
}

/** Keys between two looks at the clock and at the gauge, and keys in one entry of the log: Redis looks every 16. */
const KEYS_PER_LOOK = 16;
/** Removing a record changes the page of its mark. */
const PAGES_PER_KEY = 1;
/** Parts of large values that are freed with the key. */
const SWEEP_PARTS = 256;
/** Hints of the expiry index that are looked at for each key while many are stale: so at most one in nine is. */
const HINTS_PER_KEY = 16;
/** Keys drawn one by one for one with a deadline: those of neighbouring cells are not quite as likely as the others. */
const CHANCE_TRIES = 8;
/** A little more is evicted than is needed, so that not every command has to. At most the share of maxmemory: 2^-10. */
const SLACK_BYTES_MAX = 64 * 1024;
const SLACK_SHIFT = 2 ** 10;
/** Rounds of samples after which a key that can go is given up until the next call. */
const ROUNDS_MAX = 64;

/**
 * How long one call may take, in microseconds, by Redis' maxmemory-eviction-tenacity (0 to 100): up to 10 in steps of 50,
 * then 15 % more for each step, to two minutes at 99; 100 is without limit.
 */
export function evictionMicrosMax(tenacity: number): number {
  if (tenacity <= 10) return 50 * tenacity;
  return tenacity < 100 ? 500 * 1.15 ** (tenacity - 10) : Number.POSITIVE_INFINITY;
}

export class Eviction {
  policy: EvictionPolicy = NO_EVICTION;
  /** Redis' maxmemory-samples: keys drawn from each database for one that goes. */
  samples = 5;
  /** Told how long keys were evicted without a pause, in microseconds. */
  onCycle: (micros: number) => void = () => {};
  /** Redis' maxmemory-eviction-tenacity. */
  tenacity = 10;
  private readonly keyspaces: readonly Keyspace[];
  private readonly database: Database;
  private readonly effects: EffectWriter;
  private readonly arena: Arena;
  private readonly accessClock: AccessClock;
  private readonly random: RandomNumbers;
  private readonly gauge: MemoryGauge;
  private readonly monotonicMicros: () => number;
  private readonly pool = new EvictionPool();
  private nextDatabase = 0;
  /** Since when memory has been above the limit, by the monotonic clock; -1 while it is not. */
  private exceededSince = -1;
  private exceededMicros = 0;

  constructor(
    gauge: MemoryGauge,
    keyspaces: readonly Keyspace[],
    database: Database,
    effects: EffectWriter,
    arena: Arena,
    accessClock: AccessClock,
    random: RandomNumbers,
    monotonicMicros: () => number,
  ) {
    this.gauge = gauge;
    this.keyspaces = keyspaces;
    this.database = database;
    this.effects = effects;
    this.arena = arena;
    this.accessClock = accessClock;
    this.random = random;
    this.monotonicMicros = monotonicMicros;
  }

  get enabled(): boolean {
    return this.policy.by !== EVICT_NOTHING;
  }

  /** The pool's scores are those of the policy before: it begins empty. */
  setPolicy(policy: EvictionPolicy): void {
    this.policy = policy;
    this.pool.clear();
    this.accessClock.setByFrequency(policy.by === EVICT_BY_FREQUENCY);
  }

  /** Whether there is a key that the policy lets go. */
  get hasCandidates(): boolean {
    for (const keyspace of this.keyspaces) if (this.candidates(keyspace) > 0) return true;
    return false;
  }

  /**
   * Evicts keys until `bytes` fit below the limit, for at most `microsMax`.
   * @returns EVICTED, EVICTING or NOTHING_TO_EVICT.
   */
  makeRoom(bytes: number, microsMax = evictionMicrosMax(this.tenacity)): number {
    const { database, effects, gauge } = this;
    if (effects.open) throw new Error('keys are evicted between commands only');
    if (!this.enabled || bytes > gauge.maxmemory) return this.noted(gauge.room() >= bytes ? EVICTED : NOTHING_TO_EVICT);
    const { session } = effects;
    const { number } = database;
    effects.session = undefined;
    const started = this.monotonicMicros();
    const outcome = this.evictUntil(bytes, microsMax);
    this.onCycle(this.monotonicMicros() - started);
    effects.session = session;
    database.select(number);
    database.forgetCollected();
    // What was evicted is in the log: an exception of the command that follows has nothing to do with it.
    database.mutated = false;
    return this.noted(outcome);
  }

  private evictUntil(bytes: number, microsMax: number): number {
    const { arena, effects, gauge } = this;
    const wanted = bytes + Math.min(SLACK_BYTES_MAX, Math.floor(gauge.maxmemory / SLACK_SHIFT));
    const end = this.monotonicMicros() + microsMax;
    let room = gauge.room();
    for (let keys = 1; room < wanted; keys++) {
      const before = arena.usedBytes;
      // A page more for the view that may be open, whose ring must not overflow.
      const evicted = arena.extraRoom(PAGES_PER_KEY) && this.evictOne();
      room += before - arena.usedBytes;
      if (evicted && keys % KEYS_PER_LOOK !== 0) continue;
      if (effects.open) effects.seal();
      room = gauge.room();
      if (!evicted) return room >= bytes ? EVICTED : this.hasCandidates ? EVICTING : NOTHING_TO_EVICT;
      if (room < wanted && this.monotonicMicros() >= end) return room >= bytes ? EVICTED : EVICTING;
    }
    if (effects.open) effects.seal();
    return EVICTED;
  }

  /** Evicts the best candidate; false where none was found. */
  private evictOne(): boolean {
    return this.policy.by === EVICT_BY_CHANCE ? this.evictByChance() : this.evictFromPool();
  }

  /** Goes around the databases, as Redis does, so that none is emptied before the others. */
  private evictByChance(): boolean {
    const { keyspaces, policy } = this;
    for (let turn = 0; turn < keyspaces.length; turn++) {
      this.nextDatabase = (this.nextDatabase + 1) % keyspaces.length;
      const keyspace = keyspaces[this.nextDatabase]!;
      if (this.candidates(keyspace) === 0) continue;
      const reference = policy.volatileOnly ? this.anyVolatile(keyspace) : keyspace.sample(this.random.int32());
      if (reference === 0) continue;
      keyspace.hashOf(reference);
      if (this.remove(this.nextDatabase, keyspace.high, reference)) return true;
    }
    return false;
  }

  /** Any key with a deadline, each as likely as the others unless they are few; 0 where chance found none. */
  private anyVolatile(keyspace: Keyspace): Reference {
    for (let tries = 0; tries < CHANCE_TRIES; tries++) {
      const reference = keyspace.sample(this.random.int32());
      if (keyspace.hasExpiry(reference)) return reference;
    }
    const { sampler } = keyspace;
    sampler.drawVolatile(1, this.random.int32());
    return sampler.count === 0 ? 0 : sampler.references[0]!;
  }

  private evictFromPool(): boolean {
    const { keyspaces, pool } = this;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let keys = 0;
      for (let database = 0; database < keyspaces.length; database++) {
        const candidates = this.candidates(keyspaces[database]!);
        if (candidates > 0) this.sample(database, keyspaces[database]!);
        keys += candidates;
      }
      if (keys === 0) {
        pool.clear();
        return false;
      }
      while (pool.takeBest()) {
        if (this.remove(pool.database, pool.hash, pool.reference)) return true;
      }
    }
    return false;
  }

  private candidates(keyspace: Keyspace): number {
    return this.policy.volatileOnly ? keyspace.keysWithExpiry : keyspace.count;
  }

  /** Draws keys of a database into the pool. */
  private sample(database: number, keyspace: Keyspace): void {
    const { pool, policy } = this;
    const { sampler } = keyspace;
    if (policy.volatileOnly) sampler.drawVolatile(this.samples, this.random.int32());
    else sampler.draw(this.samples, this.random.int32());
    for (let i = 0; i < sampler.count; i++) {
      const reference = sampler.references[i]!;
      const score = this.score(keyspace, reference, sampler.clocks[i]!);
      if (!pool.admits(score)) continue;
      keyspace.hashOf(reference);
      pool.add(score, database, keyspace.high, reference);
    }
  }

  /** The higher, the sooner it goes. */
  private score(keyspace: Keyspace, reference: number, clock: number): number {
    const { by } = this.policy;
    if (by === EVICT_BY_RECENCY) return this.accessClock.idleSeconds(clock);
    if (by === EVICT_BY_FREQUENCY) return 255 - this.accessClock.frequency(clock);
    keyspace.readExpiry(reference);
    return -(keyspace.expiryHigh * 0x100000000 + (keyspace.expiryLow >>> 0));
  }

  private remove(database: number, hash: number, reference: number): boolean {
    if (!this.database.evict(database, hash, reference, this.policy.volatileOnly)) return false;
    const { deadlines, released } = this.keyspaces[database]!;
    released.sweep(SWEEP_PARTS);
    // The key's hint is stale now. Left to the background, hints would take the room that keys could have.
    deadlines.purge(HINTS_PER_KEY);
    return true;
  }

  // ---- time above the limit ----------------------------------------------------------------------------------------

  /** Notes whether memory is above the limit; called at every tick, too. */
  noteExceeded(exceeded: boolean): void {
    if (exceeded) {
      if (this.exceededSince < 0) this.exceededSince = this.monotonicMicros();
    } else if (this.exceededSince >= 0) {
      this.exceededMicros += this.monotonicMicros() - this.exceededSince;
      this.exceededSince = -1;
    }
  }

  private noted(outcome: number): number {
    this.noteExceeded(outcome !== EVICTED && this.gauge.room() < 0);
    return outcome;
  }

  /** How long memory has been above the limit, without a break, in ms; 0 while it is not. */
  get exceededMsNow(): number {
    return this.exceededSince < 0 ? 0 : (this.monotonicMicros() - this.exceededSince) / 1000;
  }

  /** How long memory was above the limit since the start or the last reset, in ms. */
  get exceededMsTotal(): number {
    return this.exceededMicros / 1000 + this.exceededMsNow;
  }

  /** CONFIG RESETSTAT. */
  resetStatistics(): void {
    this.exceededMicros = 0;
    this.exceededSince = this.exceededSince < 0 ? -1 : this.monotonicMicros();
  }
}

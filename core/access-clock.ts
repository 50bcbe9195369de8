/**
 * What the 24 bits beside a key in the hash table mean: when it was last used, or how often. As in Redis (`evict.c`):
 *
 *   recency     seconds, modulo 2^24: what LRU policies and OBJECT IDLETIME go by
 *   frequency   minutes modulo 2^16, 16 bits | counter, 8 bits: what LFU policies and OBJECT FREQ go by
 *
 * The counter grows by chance, the more slowly the larger it is, and falls with every `decayMinutes` that pass. Which of
 * the two it is follows from the policy; after a change of the policy the bits of old keys are read as they are, and set
 * right by their next use. Clocks are no part of the dataset: not logged, not in the digest.
 */
import type { RandomNumbers } from './random-numbers.js';

const CLOCK_MAX = 0xffffff;
const MINUTES_MASK = 0xffff;
const COUNTER_MAX = 255;
/** What a new key starts with, so that it is not the first to go. */
export const FREQUENCY_INITIAL = 5;

export class AccessClock {
  /** True while the bits count uses; false while they say when. */
  byFrequency = false;
  /** Redis' lfu-log-factor: how many uses it takes to reach the top of the counter. */
  logFactor = 10;
  /** Redis' lfu-decay-time: minutes without use that cost 1 of the counter; 0 for never. */
  decayMinutes = 1;
  /** The clock of a key that is new; where recency counts, of any key that is used now. */
  fresh = 0;
  private seconds = 0;
  private minutes = 0;
  private readonly random: RandomNumbers;

  constructor(random: RandomNumbers) {
    this.random = random;
  }

  /** @param nowMs engine time in ms. */
  setTime(nowMs: number): void {
    this.seconds = Math.floor(nowMs / 1000) & CLOCK_MAX;
    this.minutes = Math.floor(nowMs / 60_000) & MINUTES_MASK;
    this.fresh = this.byFrequency ? this.ofFrequency(FREQUENCY_INITIAL) : this.seconds;
  }

  setByFrequency(on: boolean): void {
    this.byFrequency = on;
    this.fresh = on ? this.ofFrequency(FREQUENCY_INITIAL) : this.seconds;
  }

  /** The clock of a key that had this one and is used now. */
  used(clock: number): number {
    if (!this.byFrequency) return this.seconds;
    const counter = this.frequency(clock);
    return this.ofFrequency(this.grows(counter) ? counter + 1 : counter);
  }

  /** Seconds since the last use, where recency counts. */
  idleSeconds(clock: number): number {
    return this.seconds >= clock ? this.seconds - clock : this.seconds + CLOCK_MAX - clock;
  }

  /** The counter, 0 to 255, less what it has lost since the last use; where frequency counts. */
  frequency(clock: number): number {
    const counter = clock & COUNTER_MAX;
    if (this.decayMinutes === 0) return counter;
    const since = clock >>> 8;
    const elapsed = this.minutes >= since ? this.minutes - since : MINUTES_MASK - since + this.minutes;
    return Math.max(0, counter - Math.floor(elapsed / this.decayMinutes));
  }

  /** The clock of a key that was last used so many seconds ago. */
  ofIdleSeconds(seconds: number): number {
    const clock = this.seconds - seconds;
    // Longer ago than the clock goes back: half around, as Redis does.
    return clock >= 0 ? clock : (this.seconds + (CLOCK_MAX >>> 1)) % CLOCK_MAX;
  }

  /** The clock of a key whose counter is this now. */
  ofFrequency(counter: number): number {
    return (this.minutes << 8) | counter;
  }

  private grows(counter: number): boolean {
    if (counter >= COUNTER_MAX) return false;
    const above = Math.max(0, counter - FREQUENCY_INITIAL);
    return this.random.fraction() * (above * this.logFactor + 1) < 1;
  }
}

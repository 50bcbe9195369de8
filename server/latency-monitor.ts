/**
 * Events that made the server slow, as LATENCY shows them: for every kind of event the worst one of each of the last 160
 * seconds in which there was one, and the worst of all. Kinds are few and named by the server itself.
 */

/** Seconds that are kept for each kind, as in Redis. */
const SAMPLES_MAX = 160;

/** Redis' names, and `commit-wait`: how long replies waited until the log was durable. */
export type LatencyEvent =
  | 'command'
  | 'fast-command'
  | 'expire-cycle'
  | 'eviction-cycle'
  | 'eviction-del'
  | 'active-defrag-cycle'
  | 'aof-fsync-always'
  | 'commit-wait';

export interface LatencySample {
  /** Unix time in seconds. */
  readonly seconds: number;
  ms: number;
}

/** One kind of event. */
export class LatencySeries {
  /** Oldest first. */
  readonly samples: LatencySample[] = [];
  /** The worst since the last reset. */
  worstMs = 0;

  get latest(): LatencySample {
    return this.samples[this.samples.length - 1]!;
  }

  add(seconds: number, ms: number): void {
    this.worstMs = Math.max(this.worstMs, ms);
    const last = this.samples[this.samples.length - 1];
    if (last?.seconds === seconds) {
      last.ms = Math.max(last.ms, ms);
      return;
    }
    if (this.samples.length === SAMPLES_MAX) this.samples.shift();
    this.samples.push({ seconds, ms });
  }
}

export class LatencyMonitor {
  /** Events that took at least so many ms are kept; 0 keeps none. */
  thresholdMs = 0;
  private readonly events = new Map<string, LatencySeries>();
  private readonly wallMs: () => number;

  constructor(wallMs: () => number) {
    this.wallMs = wallMs;
  }

  /** All kinds of which there was an event, by name. */
  get series(): ReadonlyMap<string, LatencySeries> {
    return this.events;
  }

  /** Notes an event if it took long enough. */
  note(event: LatencyEvent, micros: number): void {
    if (this.thresholdMs === 0 || micros < this.thresholdMs * 1000) return;
    let series = this.events.get(event);
    if (series === undefined) {
      series = new LatencySeries();
      this.events.set(event, series);
    }
    series.add(Math.floor(this.wallMs() / 1000), Math.floor(micros / 1000));
  }

  /** Forgets a kind of event; returns whether there was one. */
  forget(event: string): boolean {
    return this.events.delete(event);
  }

  /** Forgets everything; returns how many kinds there were. */
  clear(): number {
    const kinds = this.events.size;
    this.events.clear();
    return kinds;
  }
}

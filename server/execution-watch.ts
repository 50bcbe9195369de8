/**
 * Who is told of commands that took long to execute: the slow log and the latency monitor. Also decides how exactly the
 * engine times: rows of quick commands share a reading of the clock unless somebody asks for less than a row can take.
 */
import { type Command, FLAG_FAST, FLAG_SKIP_SLOWLOG } from '../core/command-table.js';
import type { TracedArguments } from '../core/command-trace.js';
import type { Engine, SlowCallObserver } from '../core/engine.js';
import { LatencyHistogram } from '../core/latency-histogram.js';
import type { Session } from '../core/session.js';
import type { CommitWatch } from './commit/commit-pipeline.js';
import { LatencyMonitor } from './latency-monitor.js';
import { SlowLog } from './slow-log.js';

/** A row of quick commands stays below this: with a threshold below it every command is timed by itself. */
const ROW_MICROS_MAX = 1000;

export class ExecutionWatch implements SlowCallObserver {
  readonly slowLog = new SlowLog();
  readonly latency: LatencyMonitor;
  /** How long batches of writes waited until they were durable, since the start or CONFIG RESETSTAT. */
  commitWaits = new LatencyHistogram();
  /** Time spent with the removal of expired keys, since the start or CONFIG RESETSTAT. */
  expiryMicros = 0;
  /** slowlog-log-slower-than. */
  slowlogMicros = -1;
  private engine: Engine | undefined = undefined;
  private calls = 0;
  private readonly wallMs: () => number;

  constructor(wallMs: () => number) {
    this.wallMs = wallMs;
    this.latency = new LatencyMonitor(wallMs);
  }

  /** Names the engine whose commands are watched; once. */
  attach(engine: Engine): void {
    this.engine = engine;
    this.calls = engine.timedCallsMax;
    engine.slowCalls = this;
    engine.eviction.onCycle = (micros) => this.latency.note('eviction-cycle', micros);
    this.refresh();
  }

  /** A threshold has changed. */
  refresh(): void {
    const { engine } = this;
    if (engine === undefined) return;
    const slowlog = this.slowlogMicros < 0 ? Number.POSITIVE_INFINITY : this.slowlogMicros;
    const { thresholdMs } = this.latency;
    const latency = thresholdMs === 0 ? Number.POSITIVE_INFINITY : thresholdMs * 1000;
    engine.slowMicros = Math.min(slowlog, latency);
    engine.timedCallsMax = slowlog < ROW_MICROS_MAX ? 1 : this.calls;
  }

  slow(command: Command, session: Session, traced: TracedArguments, micros: number, _calls: number): void {
    this.latency.note((command.flags & FLAG_FAST) === 0 ? 'command' : 'fast-command', micros);
    if (this.slowlogMicros < 0 || micros < this.slowlogMicros || (command.flags & FLAG_SKIP_SLOWLOG) !== 0) return;
    const seconds = Math.floor(this.wallMs() / 1000);
    this.slowLog.add(command, traced, micros, seconds, session.address, session.name);
  }

  /** A slice of the removal of expired keys took so long. */
  expired(micros: number): void {
    this.expiryMicros += micros;
    this.latency.note('expire-cycle', micros);
  }

  /** A slice of moving records together took so long. */
  defragmented(micros: number): void {
    this.latency.note('active-defrag-cycle', micros);
  }

  /** CONFIG RESETSTAT; what LATENCY and SLOWLOG show has its own RESET. */
  resetStatistics(): void {
    this.commitWaits = new LatencyHistogram();
    this.expiryMicros = 0;
  }

  /** What the commit pipeline tells of its waits, with this clock. */
  commitWatch(clock: { readonly micros: number; monotonicMicros(): number }): CommitWatch {
    return {
      get lastMicros() {
        return clock.micros;
      },
      nowMicros: () => clock.monotonicMicros(),
      committed: (since, now) => {
        this.commitWaits.record(Math.max(0, now - since), 1);
        this.latency.note('commit-wait', now - since);
      },
      synced: (micros) => this.latency.note('aof-fsync-always', micros),
    };
  }
}

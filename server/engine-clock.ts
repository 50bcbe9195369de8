/**
 * The engine's time: max(wall clock, last frame's time + monotonic time since), so that it never runs backwards, not
 * even over a restart or a failover. Between two calls of `synchronize` it follows the monotonic clock alone, so a
 * command costs one clock reading.
 */
import type { EngineClock } from '../core/engine.js';

/** Wall clock ahead of the engine by more than this is followed only after it has held for JUMP_HOLD_MS. */
const JUMP_MS = 60_000;
const JUMP_HOLD_MS = 60_000;

/** The clocks of the operating system; tests put in their own. */
export interface ClockSource {
  wallMs(): number;
  /** Milliseconds with a fraction from any start; never decreases. */
  monotonicMs(): number;
}

export const systemClock: ClockSource = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

export class ServerClock implements EngineClock {
  private readonly source: ClockSource;
  private readonly onJump: (skewMs: number) => void;
  /** Engine time is the monotonic clock plus this. It never decreases. */
  private offsetMs: number;
  private jumpSince = -1;
  /** How far the wall clock is ahead of (positive) or behind the engine's time, in ms; what INFO shows. */
  skewMs = 0;

  constructor(source: ClockSource = systemClock, onJump: (skewMs: number) => void = () => {}) {
    this.source = source;
    this.onJump = onJump;
    this.offsetMs = source.wallMs() - source.monotonicMs();
  }

  micros = 0;

  nowMs(): number {
    const monotonicMs = this.source.monotonicMs();
    this.micros = monotonicMs * 1000;
    return Math.floor(monotonicMs + this.offsetMs);
  }

  monotonicMicros(): number {
    this.micros = this.source.monotonicMs() * 1000;
    return this.micros;
  }

  /** Time went at least as far as this frame's time, in ms: called with the last frame of the log before serving. */
  startAfter(frameTimeMs: number): void {
    const offset = frameTimeMs - this.source.monotonicMs();
    if (offset > this.offsetMs) this.offsetMs = offset;
  }

  /**
   * Follows the wall clock forwards; to be called about ten times a second. A jump of more than a minute is reported,
   * and followed only after it has held for a minute: one wrong answer of a time server must not expire a day's keys.
   */
  synchronize(): void {
    const monotonic = this.source.monotonicMs();
    const ahead = this.source.wallMs() - (monotonic + this.offsetMs);
    this.skewMs = Math.round(ahead);
    if (ahead <= 0) {
      this.jumpSince = -1;
      return;
    }
    if (ahead <= JUMP_MS) {
      this.jumpSince = -1;
      this.offsetMs += ahead;
      return;
    }
    if (this.jumpSince < 0) {
      this.jumpSince = monotonic;
      this.onJump(this.skewMs);
    } else if (monotonic - this.jumpSince >= JUMP_HOLD_MS) {
      this.jumpSince = -1;
      this.offsetMs += ahead;
    }
  }
}

/**
 * CLIENT PAUSE: for a time, commands of clients wait, all of them or only those that may write. Who waits keeps its
 * command and what was read behind it, within the limits of a connection that others come before.
 */
import type { Connection } from './connection.js';

/** What waits: nothing, commands that may write, every command. */
export const PAUSE_NONE = 0;
export const PAUSE_WRITES = 1;
export const PAUSE_ALL = 2;

/** Timers of Node take at most this. */
const TIMER_MS_MAX = 0x7fffffff;

export class ClientPause {
  mode = PAUSE_NONE;
  /** Told when a pause begins and when it is over. */
  onChange: () => void = () => {};
  private endMs = 0;
  private timer: NodeJS.Timeout | undefined = undefined;
  private waiting = new Set<Connection>();
  private readonly nowMs: () => number;
  private readonly resume: (connection: Connection) => void;

  /**
   * @param nowMs a clock that does not run backwards.
   * @param resume gives a connection a turn.
   */
  constructor(nowMs: () => number, resume: (connection: Connection) => void) {
    this.nowMs = nowMs;
    this.resume = resume;
  }

  /** Begins a pause. One that lasts goes on: the later end and the wider mode of the two hold, as in Redis. */
  begin(milliseconds: number, mode: number): void {
    this.mode = Math.max(this.mode, mode);
    this.endMs = Math.max(this.endMs, this.nowMs() + milliseconds);
    this.onChange();
    this.arm();
  }

  /** Ends the pause: who waited goes on, in the order in which they came. */
  end(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.endMs = 0;
    if (this.mode === PAUSE_NONE) return;
    this.mode = PAUSE_NONE;
    this.onChange();
    const { waiting } = this;
    this.waiting = new Set();
    for (const connection of waiting) this.resume(connection);
  }

  /** The connection's next command has to wait. */
  add(connection: Connection): void {
    this.waiting.add(connection);
  }

  /** The connection waits no longer: it is closed. */
  remove(connection: Connection): void {
    this.waiting.delete(connection);
  }

  /** Forgets who waits; for the end of the server. */
  stop(): void {
    clearTimeout(this.timer);
    this.waiting.clear();
  }

  private arm(): void {
    clearTimeout(this.timer);
    const left = this.endMs - this.nowMs();
    this.timer = setTimeout(
      () => {
        if (this.nowMs() >= this.endMs) this.end();
        else this.arm();
      },
      Math.min(Math.max(0, left), TIMER_MS_MAX),
    );
    this.timer.unref();
  }
}

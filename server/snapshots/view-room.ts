/**
 * Waits for room for copies on behalf of the commands that found none: one wait at a time, whoever asks, and everybody
 * gets a turn once the thread has read on. Counts how often and how long that was.
 */
import type { Arena } from '../../core/memory/arena.js';
import { VIEW_TAIL } from '../../core/memory/view-share.js';

/** A wait is over by then at the latest: a lost notification must not hold anybody up. */
const WAIT_MS_MAX = 20;

export class ViewRoom {
  /** Waits since the start, and what they took, in microseconds. */
  waits = 0;
  waitedMicros = 0;
  private readonly arena: Arena;
  private readonly onRoom: () => void;
  private waiting = false;

  /** @param onRoom there may be room: whoever waits should try again. */
  constructor(arena: Arena, onRoom: () => void) {
    this.arena = arena;
    this.onRoom = onRoom;
  }

  /** A command found no room. */
  wait(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.waits++;
    const started = performance.now();
    const done = (): void => {
      this.waiting = false;
      this.waitedMicros += Math.round((performance.now() - started) * 1000);
      this.onRoom();
    };
    const { view } = this.arena;
    if (view === null) {
      setImmediate(done);
      return;
    }
    const waited = Atomics.waitAsync(view.share.words, VIEW_TAIL, view.awaitTail(), WAIT_MS_MAX);
    if (waited.async) waited.value.then(done);
    else setImmediate(done);
  }
}

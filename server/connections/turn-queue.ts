/**
 * Connections that have something to do and must let others come first: each gets one turn per turn of the event loop,
 * in order.
 */
import type { Connection } from './connection.js';

/** Time for slices of long commands in one turn of the event loop, in microseconds, and the least for each of them. */
const SLICES_MICROS = 4000;
const SLICE_MICROS_MIN = 250;

export class TurnQueue {
  /** How long the next slice of a long command may take, in microseconds. */
  sliceMicros = SLICES_MICROS;
  private waiting: Connection[] = [];
  private running: Connection[] = [];
  private scheduled: NodeJS.Immediate | undefined = undefined;
  private readonly run = (): void => this.runAll();

  /** Gives the connection a turn, unless it already waits for one. */
  add(connection: Connection): void {
    if (connection.queued) return;
    connection.queued = true;
    this.waiting.push(connection);
    this.scheduled ??= setImmediate(this.run);
  }

  private runAll(): void {
    this.scheduled = undefined;
    const turn = this.waiting;
    this.waiting = this.running;
    this.running = turn;
    this.sliceMicros = Math.max(SLICE_MICROS_MIN, SLICES_MICROS / turn.length);
    for (let i = 0; i < turn.length; i++) turn[i]!.takeTurn();
    turn.length = 0;
  }

  /** Forgets all turns; connections that are closed need none. */
  stop(): void {
    if (this.scheduled !== undefined) clearImmediate(this.scheduled);
    this.scheduled = undefined;
    this.waiting.length = 0;
  }
}

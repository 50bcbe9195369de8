/**
 * The one place where parked replies are released: by the committed sequence, in order on each connection. Also keeps
 * the connections that may not execute before the log advances.
 */
import type { Connection } from './connection.js';

export class ReplyGate {
  /** The first `count` cells; the arrays keep their room, since emptying one costs more than a commit's other work. */
  private waiting: (Connection | undefined)[] = [];
  private next: (Connection | undefined)[] = [];
  private waitingCount = 0;

  /** Connections that wait for the log. */
  get count(): number {
    return this.waitingCount;
  }

  /** The connection waits for the log: it has parked replies, or may not execute. */
  add(connection: Connection): void {
    if (connection.gated) return;
    connection.gated = true;
    this.waiting[this.waitingCount++] = connection;
  }

  /**
   * Sends every reply that waits for this sequence or an earlier one, and lets stopped connections go on. To be called
   * whenever `committed` has moved or congestion has ended.
   */
  release(committed: number): void {
    const { waiting, next, waitingCount } = this;
    this.waiting = next;
    this.next = waiting;
    this.waitingCount = 0;
    for (let i = 0; i < waitingCount; i++) {
      const connection = waiting[i]!;
      waiting[i] = undefined;
      connection.gated = false;
      if (connection.release(committed)) this.add(connection);
    }
  }

  clear(): void {
    // New arrays: a release may be under way.
    this.waiting = [];
    this.next = [];
    this.waitingCount = 0;
  }
}

/**
 * The one place where parked replies are released: by the committed sequence, in order on each connection. Also keeps
 * the connections that may not execute before the log advances.
 */
import type { Connection } from './connection.js';

export class ReplyGate {
  private waiting: Connection[] = [];
  private next: Connection[] = [];

  /** Connections that wait for the log. */
  get count(): number {
    return this.waiting.length;
  }

  /** The connection waits for the log: it has parked replies, or may not execute. */
  add(connection: Connection): void {
    if (connection.gated) return;
    connection.gated = true;
    this.waiting.push(connection);
  }

  /**
   * Sends every reply that waits for this sequence or an earlier one, and lets stopped connections go on. To be called
   * whenever `committed` has moved or congestion has ended.
   */
  release(committed: number): void {
    const { waiting, next } = this;
    this.waiting = next;
    this.next = waiting;
    for (let i = 0; i < waiting.length; i++) {
      const connection = waiting[i]!;
      connection.gated = false;
      if (connection.release(committed)) this.add(connection);
    }
    waiting.length = 0;
  }

  clear(): void {
    this.waiting.length = 0;
    this.next.length = 0;
  }
}

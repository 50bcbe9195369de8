/**
 * Connections that are over but for the other side's closing. Closing a socket while bytes of the client are unread makes
 * the kernel reset the connection, and the client would lose the last reply; so they are read and thrown away for a
 * moment.
 */
import type { Connection } from './connection.js';
import { type Transport, type TransportOwner, WRITE_FAILED } from './transport.js';

/** More than so many at once are closed without ceremony. */
const LINGERING_MAX = 1024;

/** A connection that was refused: it gets one line. */
class RefusedClient implements TransportOwner {
  private readonly transport: Transport;
  private readonly lingering: Lingering;

  constructor(transport: Transport, lingering: Lingering) {
    this.transport = transport;
    this.lingering = lingering;
  }

  received(): void {}

  sent(): void {
    this.transport.finish();
  }

  inputEnded(): void {
    this.destroy();
  }

  failed(): void {
    this.lingering.remove(this);
  }

  destroy(): void {
    this.lingering.remove(this);
    this.transport.destroy();
  }
}

export class Lingering {
  /** Those that came in this second, and those that came before. */
  private young = new Set<Connection | RefusedClient>();
  private old = new Set<Connection | RefusedClient>();

  /** Tells a new client why it may not stay. */
  refuse(transport: Transport, error: Uint8Array): void {
    const client = new RefusedClient(transport, this);
    transport.start(client);
    const status = transport.write(error, 0, error.length);
    if (status === WRITE_FAILED) {
      transport.destroy();
      return;
    }
    // Its line is short: the kernel has taken it unless the client is gone.
    transport.finish();
    this.add(client);
  }

  add(client: Connection | RefusedClient): void {
    if (this.young.size + this.old.size >= LINGERING_MAX) client.destroy();
    else this.young.add(client);
  }

  remove(client: Connection | RefusedClient): void {
    this.young.delete(client);
    this.old.delete(client);
  }

  /** Once a second: closes who had more than that. */
  watch(): void {
    for (const client of this.old) client.destroy();
    this.old.clear();
    [this.old, this.young] = [this.young, this.old];
  }

  closeAll(): void {
    for (const client of [...this.young, ...this.old]) client.destroy();
    this.young.clear();
    this.old.clear();
  }
}

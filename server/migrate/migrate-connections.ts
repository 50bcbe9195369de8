/** Connections to other servers that MIGRATE keeps for a while, one for each address, as Redis does (`migrateGetSocket`). */
import { MigrateConnection } from './migrate-connection.js';

/** Redis' MIGRATE_SOCKET_CACHE_ITEMS and MIGRATE_SOCKET_CACHE_TTL. */
const KEPT_MAX = 64;
const KEPT_MS = 10_000;

interface Kept {
  readonly connection: MigrateConnection;
  readonly timer: NodeJS.Timeout;
}

export class MigrateConnections {
  private readonly kept = new Map<string, Kept>();

  /** Connections that wait to be used again. */
  get count(): number {
    return this.kept.size;
  }

  /** A kept connection to this address, or a new one; undefined when there is none to be had in time. */
  async take(host: string, port: number, timeoutMs: number): Promise<MigrateConnection | undefined> {
    const address = `${host}:${port}`;
    const kept = this.kept.get(address);
    if (kept === undefined) return MigrateConnection.connect(host, port, timeoutMs);
    this.forget(address);
    if (!kept.connection.open) return MigrateConnection.connect(host, port, timeoutMs);
    kept.connection.keepAlive(true);
    return kept.connection;
  }

  /** Gives a connection back that may be used again; one that is closed is dropped. */
  giveBack(host: string, port: number, connection: MigrateConnection): void {
    const address = `${host}:${port}`;
    if (!connection.open) return;
    if (this.kept.has(address)) {
      connection.close();
      return;
    }
    if (this.kept.size >= KEPT_MAX) this.drop(this.kept.keys().next().value!);
    connection.keepAlive(false);
    const timer = setTimeout(() => this.drop(address), KEPT_MS);
    timer.unref();
    this.kept.set(address, { connection, timer });
  }

  private drop(address: string): void {
    this.kept.get(address)?.connection.close();
    this.forget(address);
  }

  private forget(address: string): void {
    clearTimeout(this.kept.get(address)?.timer);
    this.kept.delete(address);
  }
}

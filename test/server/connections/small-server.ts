/** A server of the small processor, on 127.0.0.1 and any free port or without sockets, for tests of connections. */
import { connect, type Socket } from 'node:net';
import type { Connection } from '../../../server/connections/connection.js';
import { type ConnectionLimits, defaultConnectionLimits } from '../../../server/connections/connection-limits.js';
import { ConnectionRegistry } from '../../../server/connections/connection-registry.js';
import { Listener, type ListenOptions } from '../../../server/connections/listener.js';
import { MemoryTransport } from './memory-transport.js';
import { SmallCommit, SmallProcessor } from './small-processor.js';

export class SmallServer {
  readonly commit = new SmallCommit();
  readonly processor = new SmallProcessor(this.commit);
  readonly limits: ConnectionLimits = defaultConnectionLimits();
  /** Milliseconds that have passed, besides the real ones, for the connections' clock. */
  skippedMs = 0;
  readonly fatalErrors: unknown[] = [];
  readonly warnings: string[] = [];
  readonly registry: ConnectionRegistry;
  readonly listener: Listener;
  private readonly sockets: Socket[] = [];

  constructor(options: Partial<ListenOptions> = {}) {
    this.registry = new ConnectionRegistry({
      processor: this.processor,
      output: this.processor.output,
      commit: this.commit,
      limits: this.limits,
      clock: {
        nowMs: () => Date.now() + this.skippedMs,
        monotonicMicros: () => performance.now() * 1000,
      },
      log: {
        debug: () => {},
        warn: (_fields, message) => this.warnings.push(message),
        error: (_fields, message) => this.warnings.push(message),
      },
      onFatal: (error) => this.fatalErrors.push(error),
    });
    this.commit.onAdvance = () => this.registry.release(this.commit.committed);
    this.listener = new Listener({ addresses: ['127.0.0.1'], port: 0, ...options }, (transport) =>
      this.registry.accept(transport),
    );
  }

  /** @param options of the listener, where they differ from one TCP socket. */
  static async start(options: Partial<ListenOptions> = {}): Promise<SmallServer> {
    const server = new SmallServer(options);
    await server.listener.listen();
    server.registry.start();
    return server;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.listener.port };
  }

  /** A client in memory, and its connection. */
  client(): { readonly transport: MemoryTransport; readonly connection: Connection } {
    const transport = new MemoryTransport();
    this.registry.accept(transport);
    return { transport, connection: transport.owner as Connection };
  }

  /** A bare client socket; destroyed by close(). */
  socket(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...this.address, allowHalfOpen: true });
      this.sockets.push(socket);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => {});
        resolve(socket);
      });
    });
  }

  /** Lets time pass for time-outs and soft limits. */
  skip(milliseconds: number): void {
    this.skippedMs += milliseconds;
    this.registry.tick();
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.registry.stop();
    this.registry.closeAll();
    this.listener.close();
  }
}

/** Lets queued turns run: resolves after so many turns of the event loop. */
export async function turns(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

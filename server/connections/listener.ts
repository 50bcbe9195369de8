/**
 * The sockets that a server listens on: TCP on several addresses, and a Unix socket. Who may connect is decided by the
 * registry; what carries a connection by server/node-internals.ts, or by SocketTransport where that finds nothing to use.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { takeHandles } from '../node-internals.js';
import { explainFailure, ServerError } from '../server-error.js';
import { SocketTransport } from './socket-transport.js';
import type { Transport } from './transport.js';

export interface ListenOptions {
  /**
   * Addresses as in Redis' `bind`: '*' is every IPv4 address, '::*' every IPv6 address; '-' in front of one means that
   * the machine need not have it. None: no TCP.
   */
  readonly addresses: readonly string[];
  /** 0: any free port, the same for all addresses. */
  readonly port: number;
  /** Connections that the kernel may have ready. */
  readonly backlog?: number;
  /** Path of a Unix socket, or ''. */
  readonly unixSocket?: string;
  /** Its permissions, for example 0o700; 0 leaves them as they are. */
  readonly unixSocketPermissions?: number;
  /** False: only Node's public interface; for tests. */
  readonly internals?: boolean;
}

const BACKLOG = 511;
/** What an address that the machine does not have fails with. */
const ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOPROTOOPT', 'EPROTONOSUPPORT', 'EINVAL', 'ENOTFOUND']);

export class Listener {
  /** Port of the TCP sockets; 0 without any. */
  port = 0;
  private readonly options: ListenOptions;
  private readonly accept: (transport: Transport) => void;
  private readonly servers: Server[] = [];

  /** @param accept gets every connection, and must call start() or destroy() on it. */
  constructor(options: ListenOptions, accept: (transport: Transport) => void) {
    this.options = options;
    this.accept = accept;
  }

  /**
   * Listens on everything, or on nothing.
   * @throws ServerError PORT_IN_USE or LISTEN_FAILED.
   */
  async listen(): Promise<void> {
    const { addresses, unixSocket } = this.options;
    this.port = this.options.port;
    try {
      for (const address of addresses) await this.listenTcp(address);
      if (this.servers.length === 0) {
        if (addresses.length > 0)
          throw new ServerError('LISTEN_FAILED', `none of the addresses ${addresses.join(' ')} exists`);
        this.port = 0;
      }
      if (unixSocket !== undefined && unixSocket !== '') await this.listenUnix(unixSocket);
    } catch (error) {
      this.close();
      if (error instanceof ServerError) throw error;
      const { code, message } = explainFailure(error);
      throw new ServerError(code, message, error);
    }
  }

  private async listenTcp(name: string): Promise<void> {
    const optional = name.startsWith('-');
    const address = optional ? name.slice(1) : name;
    const host = address === '*' ? '0.0.0.0' : address === '::*' ? '::' : address;
    const server = this.makeServer('');
    try {
      const backlog = this.options.backlog ?? BACKLOG;
      await listening(server, { host, port: this.port, backlog, ipv6Only: host.includes(':') });
    } catch (error) {
      if (optional && ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return;
      throw error;
    }
    this.servers.push(server);
    const bound = server.address();
    if (typeof bound === 'object' && bound !== null) this.port = bound.port;
    this.useHandles(server, '');
  }

  private async listenUnix(path: string): Promise<void> {
    removeStaleSocket(path);
    const server = this.makeServer(path);
    await listening(server, { path, backlog: this.options.backlog ?? BACKLOG });
    this.servers.push(server);
    const permissions = this.options.unixSocketPermissions ?? 0;
    if (permissions !== 0) chmodSync(path, permissions);
    this.useHandles(server, path);
  }

  private makeServer(path: string): Server {
    return createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      this.accept(new SocketTransport(socket, path));
    });
  }

  private useHandles(server: Server, path: string): void {
    // A listening socket that fails later (no file descriptors left) accepts again when it can.
    server.on('error', () => {});
    if (this.options.internals !== false) takeHandles(server, path, this.accept);
  }

  /** Stops listening; connections stay. The Unix socket's file is removed. */
  close(): void {
    for (const server of this.servers) server.close();
    this.servers.length = 0;
  }
}

function listening(server: Server, options: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A socket that a killed server left behind is in the way; anything else there is not ours to remove. */
function removeStaleSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch {
    // Nothing is there, or it cannot be removed: listening will tell.
  }
}

/**
 * A transport made of net.Socket's public interface alone: the fallback where Node's internals are not as
 * server/node-internals.ts knows them.
 */
import type { Socket } from 'node:net';
import {
  formatAddress,
  isLoopback,
  type Transport,
  type TransportOwner,
  WRITE_FAILED,
  WRITE_SENT,
  WRITE_WAITING,
} from './transport.js';

const NOTHING = new Uint8Array(0);

export class SocketTransport implements Transport {
  readonly address: string;
  readonly localAddress: string;
  readonly unixSocket: boolean;
  readonly local: boolean;
  readonly fd = -1;
  private readonly socket: Socket;
  private owner: TransportOwner | undefined = undefined;
  private destroyed = false;
  private readonly written = (): void => {
    if (!this.destroyed) this.owner?.sent();
  };

  /**
   * @param socket paused, and made with allowHalfOpen.
   * @param path of the Unix socket that it came through, else ''.
   */
  constructor(socket: Socket, path: string) {
    this.socket = socket;
    this.unixSocket = path !== '';
    if (this.unixSocket) {
      this.address = this.localAddress = `${path}:0`;
    } else {
      this.address = formatAddress(socket.remoteAddress ?? '?', socket.remotePort ?? 0);
      this.localAddress = formatAddress(socket.localAddress ?? '?', socket.localPort ?? 0);
    }
    this.local = this.unixSocket || isLoopback(socket.remoteAddress ?? '');
  }

  get waitingBytes(): number {
    return this.socket.writableLength;
  }

  start(owner: TransportOwner): void {
    this.owner = owner;
    const { socket } = this;
    socket.on('data', (chunk: Buffer) => {
      if (!this.destroyed) owner.received(chunk, 0, chunk.length, false);
    });
    socket.on('end', () => {
      if (!this.destroyed) owner.inputEnded();
    });
    socket.on('error', (error) => this.fail(error.message));
    socket.on('close', () => this.fail('closed'));
    if (!this.unixSocket) socket.setNoDelay(true);
    socket.resume();
  }

  readStart(): void {
    this.socket.resume();
  }

  readStop(): void {
    this.socket.pause();
  }

  setKeepalive(seconds: number): void {
    if (!this.unixSocket) this.socket.setKeepAlive(seconds > 0, seconds * 1000);
  }

  write(bytes: Uint8Array, from: number, to: number): number {
    const { socket } = this;
    if (!socket.writable) return WRITE_FAILED;
    socket.write(bytes.subarray(from, to));
    if (socket.writableLength === 0) return WRITE_SENT;
    // Completes behind the bytes; there is no other public event for every amount of them.
    socket.write(NOTHING, this.written);
    return WRITE_WAITING;
  }

  finish(): void {
    this.socket.end();
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.socket.destroy();
  }

  private fail(reason: string): void {
    if (this.destroyed) return;
    this.destroy();
    this.owner?.failed(reason);
  }
}

/**
 * The one place that uses what Node does not document, for speed and memory: connections on the bare TCP and pipe
 * handles, without net.Socket around them. Measured (docs/protocol.md): 1.8 KB instead of 6.3 KB for an idle connection,
 * one read buffer for all of them, and writes without a request object and a tick each.
 *
 * Everything is looked for before it is used; where something is missing, `takeHandles` returns false and the caller
 * uses SocketTransport.
 */
import type { Server } from 'node:net';
import {
  formatAddress,
  isLoopback,
  READ_HEADROOM,
  type Transport,
  type TransportOwner,
  WRITE_FAILED,
  WRITE_SENT,
  WRITE_WAITING,
} from './connections/transport.js';

/** Bytes that one read takes at most. */
const READ_BYTES_MAX = 64 * 1024;
const UV_EOF = -4095;

interface PeerName {
  address?: string;
  port?: number;
}

/** libuv's stream, as Node's C++ side shows it. */
interface Handle {
  readonly fd: number;
  readonly writeQueueSize: number;
  /** Called with the handle as `this`. What it returns would be taken for the next buffer to read into. */
  onread: (this: Handle) => undefined;
  /** Put there by HandleTransport. */
  transport: HandleTransport | undefined;
  readStart(): number;
  readStop(): number;
  useUserBuffer(bytes: Uint8Array): void;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  shutdown(request: object): number;
  close(): void;
  setNoDelay?(on: boolean): number;
  setKeepAlive?(on: boolean, seconds: number): number;
  getpeername?(out: PeerName): number;
  getsockname?(out: PeerName): number;
}

interface WriteRequest {
  /** Keeps the bytes from being collected while libuv reads them. */
  bytes: Uint8Array | undefined;
  oncomplete: ((status: number) => void) | undefined;
}

interface ListeningHandle {
  onconnection: (error: number, handle: Handle | undefined) => void;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => { oncomplete: (() => void) | undefined };
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

const HANDLE_METHODS = ['readStart', 'readStop', 'useUserBuffer', 'writeBuffer', 'shutdown', 'close'] as const;

function findBinding(): StreamBinding | undefined {
  try {
    const binding = (process as unknown as { binding(name: string): Partial<StreamBinding> }).binding('stream_wrap');
    const sound =
      typeof binding.WriteWrap === 'function' &&
      typeof binding.ShutdownWrap === 'function' &&
      binding.streamBaseState instanceof Int32Array &&
      typeof binding.kReadBytesOrError === 'number' &&
      typeof binding.kLastWriteWasAsync === 'number';
    return sound ? (binding as StreamBinding) : undefined;
  } catch {
    return undefined;
  }
}

class HandleTransport implements Transport {
  readonly address: string;
  readonly localAddress: string;
  readonly unixSocket: boolean;
  readonly local: boolean;
  readonly fd: number;
  private readonly handle: Handle;
  private readonly shared: SharedState;
  private owner: TransportOwner | undefined = undefined;
  private destroyed = false;

  constructor(handle: Handle, shared: SharedState, path: string) {
    this.handle = handle;
    this.shared = shared;
    this.fd = handle.fd;
    this.unixSocket = path !== '';
    const peer: PeerName = {};
    const here: PeerName = {};
    handle.getpeername?.(peer);
    handle.getsockname?.(here);
    const ip = peer.address ?? '?';
    this.address = this.unixSocket ? `${path}:0` : formatAddress(ip, peer.port ?? 0);
    this.localAddress = this.unixSocket ? this.address : formatAddress(here.address ?? '?', here.port ?? 0);
    this.local = this.unixSocket || isLoopback(ip);
  }

  get waitingBytes(): number {
    return this.handle.writeQueueSize;
  }

  start(owner: TransportOwner): void {
    this.owner = owner;
    const { handle, shared } = this;
    handle.setNoDelay?.(true);
    handle.useUserBuffer(shared.readView);
    handle.transport = this;
    handle.onread = readHandle;
    handle.readStart();
  }

  /** Something was read, or the stream ended; only for readHandle. */
  read(): void {
    const { shared } = this;
    const length = shared.binding.streamBaseState[shared.binding.kReadBytesOrError]!;
    if (length === 0 || this.destroyed) return;
    if (length > 0) {
      this.owner!.received(shared.readBuffer, READ_HEADROOM, READ_HEADROOM + length, length === READ_BYTES_MAX);
    } else if (length === UV_EOF) {
      this.handle.readStop();
      this.owner!.inputEnded();
    } else {
      this.destroy();
      this.owner!.failed(`read error ${length}`);
    }
  }

  readStart(): void {
    if (!this.destroyed) this.handle.readStart();
  }

  readStop(): void {
    if (!this.destroyed) this.handle.readStop();
  }

  setKeepalive(seconds: number): void {
    this.handle.setKeepAlive?.(seconds > 0, seconds);
  }

  write(bytes: Uint8Array, from: number, to: number): number {
    if (this.destroyed) return WRITE_FAILED;
    const { shared } = this;
    const { binding } = shared;
    // libuv tries to send at once; a request object is used up only if something is left, so one serves for many.
    const request = shared.request;
    const view = bytes.subarray(from, to);
    if (this.handle.writeBuffer(request, view) !== 0) return WRITE_FAILED;
    if (binding.streamBaseState[binding.kLastWriteWasAsync] === 0) return WRITE_SENT;
    shared.request = new binding.WriteWrap();
    request.bytes = view;
    request.oncomplete = (status) => {
      request.bytes = undefined;
      if (this.destroyed) return;
      if (status === 0) {
        this.owner!.sent();
        return;
      }
      this.destroy();
      this.owner!.failed(`write error ${status}`);
    };
    return WRITE_WAITING;
  }

  finish(): void {
    if (this.destroyed) return;
    const request = new this.shared.binding.ShutdownWrap();
    request.oncomplete = () => {};
    this.handle.shutdown(request);
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.handle.onread = ignoreRead;
    this.handle.close();
  }
}

/** One function for all handles: a closure each would cost memory. */
function readHandle(this: Handle): undefined {
  this.transport?.read();
}

/** What a closed handle calls: it takes functions only. */
function ignoreRead(this: Handle): undefined {}

interface SharedState {
  readonly binding: StreamBinding;
  /** Every read of every connection of this thread goes here, behind READ_HEADROOM. */
  readonly readBuffer: Uint8Array;
  readonly readView: Uint8Array;
  /** A write request that no write waits with. */
  request: WriteRequest;
}

let sharedState: SharedState | undefined;

/** What all transports of this thread share, or undefined where Node has not what it takes. */
function findShared(): SharedState | undefined {
  if (sharedState === undefined) {
    const binding = findBinding();
    if (binding === undefined) return undefined;
    const readBuffer = Buffer.allocUnsafeSlow(READ_HEADROOM + READ_BYTES_MAX);
    const readView = readBuffer.subarray(READ_HEADROOM);
    sharedState = { binding, readBuffer, readView, request: new binding.WriteWrap() };
  }
  return sharedState;
}

/**
 * Makes a listening server hand over its connections as bare handles.
 * @param path of the Unix socket that it listens on, else ''.
 * @param accept gets each connection; it must call start() or destroy().
 * @returns false, having changed nothing, where this Node does not have what it takes.
 */
export function takeHandles(server: Server, path: string, accept: (transport: Transport) => void): boolean {
  const handle = (server as unknown as { _handle?: Partial<ListeningHandle> & Record<string, unknown> })._handle;
  if (handle === undefined || handle === null || typeof handle.onconnection !== 'function') return false;
  if (HANDLE_METHODS.some((name) => typeof handle[name] !== 'function') || !('writeQueueSize' in handle)) return false;
  const shared = findShared();
  if (shared === undefined) return false;
  handle.onconnection = (error, connection) => {
    if (error === 0 && connection !== undefined) accept(new HandleTransport(connection, shared, path));
  };
  return true;
}

/**
 * One byte stream to a client, whatever carries it: server/node-internals.ts has the fast one, socket-transport.ts the
 * one made of Node's public parts. A transport knows no commands and keeps no bytes.
 */

/** write(): every byte was taken by the operating system; the buffer may be used again. */
export const WRITE_SENT = 0;
/** write(): some bytes are left; the buffer must not change before TransportOwner.sent(), nor write() be called. */
export const WRITE_WAITING = 1;
/** write(): the connection is broken. */
export const WRITE_FAILED = 2;

/** Room in front of what is read, in bytes: an incomplete command is put there, so that what was read need not move. */
export const READ_HEADROOM = 4096;

/** What a transport tells. Nothing more is told after destroy(). */
export interface TransportOwner {
  /**
   * bytes[from, to) arrived. They are gone after the call; bytes[0, from) may be overwritten, and so may they.
   * @param more true when the operating system probably has more bytes ready.
   */
  received(bytes: Uint8Array, from: number, to: number, more: boolean): void;
  /** The write that waited is complete. */
  sent(): void;
  /** The other side will send no more; it may still read. */
  inputEnded(): void;
  /** The connection broke; the transport has destroyed itself. */
  failed(reason: string): void;
}

export interface Transport {
  /** '127.0.0.1:51234', '[::1]:51234', or the path of a Unix socket and ':0'. */
  readonly address: string;
  readonly localAddress: string;
  readonly unixSocket: boolean;
  /** True for a client on this machine. */
  readonly local: boolean;
  /** File descriptor, -1 where it is not known. */
  readonly fd: number;
  /** Bytes of a waiting write that the operating system has not taken. */
  readonly waitingBytes: number;
  /** Names the owner and starts to read. */
  start(owner: TransportOwner): void;
  readStart(): void;
  readStop(): void;
  /** Probes an idle connection after so many seconds; 0 for never. */
  setKeepalive(seconds: number): void;
  /** Sends bytes[from, to), which are not empty. Returns WRITE_SENT, WRITE_WAITING or WRITE_FAILED. */
  write(bytes: Uint8Array, from: number, to: number): number;
  /** Tells the other side that nothing more comes; not while a write waits. */
  finish(): void;
  /** Closes at once; a write that waits is dropped. */
  destroy(): void;
}

/** True for an address of this machine's loopback. */
export function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1' || ip.startsWith('::ffff:127.');
}

/** An address as CLIENT LIST shows it. */
export function formatAddress(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

/** A transport in memory: the test is the other side, and decides how much the operating system takes. */
import {
  type Transport,
  type TransportOwner,
  WRITE_FAILED,
  WRITE_SENT,
  WRITE_WAITING,
} from '../../../server/connections/transport.js';

export class MemoryTransport implements Transport {
  readonly address = '127.0.0.1:1';
  readonly localAddress = '127.0.0.1:2';
  readonly unixSocket = false;
  local = true;
  readonly fd = -1;
  owner: TransportOwner | undefined;
  reading = false;
  finished = false;
  destroyed = false;
  broken = false;
  keepaliveSeconds = -1;
  writes = 0;
  /** Bytes that the operating system has room for. */
  room = Number.POSITIVE_INFINITY;
  /** Bytes that were sent so far. */
  outputLength = 0;
  private readonly pieces: Buffer[] = [];
  private waiting: { readonly bytes: Uint8Array; readonly at: number; readonly to: number } | undefined;

  /** Everything that was sent so far. */
  get output(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return this.output.toString('latin1');
  }

  get waitingBytes(): number {
    return this.waiting === undefined ? 0 : this.waiting.to - this.waiting.at;
  }

  start(owner: TransportOwner): void {
    this.owner = owner;
    this.reading = true;
  }

  readStart(): void {
    this.reading = true;
  }

  readStop(): void {
    this.reading = false;
  }

  setKeepalive(seconds: number): void {
    this.keepaliveSeconds = seconds;
  }

  write(bytes: Uint8Array, from: number, to: number): number {
    if (this.destroyed || this.finished) throw new Error('written to after the end');
    if (this.waiting !== undefined) throw new Error('written to while a write waits');
    if (from >= to) throw new Error('nothing written');
    if (this.broken) return WRITE_FAILED;
    this.writes++;
    const taken = this.take(bytes, from, to);
    if (taken === to) return WRITE_SENT;
    this.waiting = { bytes, at: taken, to };
    return WRITE_WAITING;
  }

  private take(bytes: Uint8Array, from: number, to: number): number {
    const end = Math.min(to, from + this.room);
    if (end > from) this.pieces.push(Buffer.from(bytes.subarray(from, end)));
    this.outputLength += end - from;
    this.room -= end - from;
    return end;
  }

  /** The client reads: there is room for so many bytes more. */
  drain(bytes: number): void {
    this.room += bytes;
    while (this.waiting !== undefined && !this.destroyed) {
      const { bytes: source, at, to } = this.waiting;
      const taken = this.take(source, at, to);
      if (taken < to) {
        this.waiting = { bytes: source, at: taken, to };
        return;
      }
      this.waiting = undefined;
      this.owner!.sent();
    }
  }

  /** The client sends. What it sends lies somewhere in a buffer with a headroom of so many bytes. */
  send(input: Uint8Array | string, headroom = 0, more = false): void {
    if (!this.reading) throw new Error('sent to while it does not read');
    const piece = typeof input === 'string' ? Buffer.from(input, 'latin1') : input;
    const bytes = Buffer.alloc(headroom + piece.length + 5, 42);
    bytes.set(piece, headroom);
    this.owner!.received(bytes, headroom, headroom + piece.length, more);
    // Whoever still looks at it sees that it is gone.
    bytes.fill(33);
  }

  finish(): void {
    if (this.waiting !== undefined) throw new Error('finished while a write waits');
    this.finished = true;
  }

  destroy(): void {
    this.destroyed = true;
  }
}

/**
 * A small Redis client for tests and benchmarks: pipelining, raw bytes out, replies in order, nothing resent and nothing
 * hidden. An error reply is a value, not an exception; a lost connection rejects what waits. Real clients (ioredis,
 * node-redis) are tested in test/system/clients.test.ts.
 */
import { connect, type Socket } from 'node:net';
import RedisParser from 'redis-parser';
import { type Resp3Reply, readReply, replyEnd } from './reply-reader.js';

export type Argument = string | number | Buffer;

/** Where a server listens. */
export type ServerAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * How replies come out. text: redis-parser, strings as UTF-8 text, errors as Error. buffers: the same with Buffers.
 * raw: the exact bytes of each reply. resp3: as reply-reader.ts reads them (also right for RESP2).
 */
export type ReplyMode = 'text' | 'buffers' | 'raw' | 'resp3';

/** The connection ended before the reply came: the command may or may not have been executed. */
export class ConnectionLost extends Error {
  readonly code = 'CONNECTION_LOST';
}

interface Waiter {
  resolve(reply: unknown): void;
  reject(error: Error): void;
}

/** The bytes of a command as a RESP array of bulk strings. */
export function encodeCommand(args: readonly Argument[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const argument of args) {
    const bytes = Buffer.isBuffer(argument) ? argument : Buffer.from(String(argument));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

export class RespClient {
  /** Resolves when the connection is closed, by whichever side. */
  readonly closed: Promise<void>;
  readonly socket: Socket;
  /** Replies that came in, push messages included. */
  repliesReceived = 0;
  private readonly waiters: Waiter[] = [];
  private firstWaiter = 0;
  private readonly unclaimed: unknown[] = [];
  /** Bytes of a reply that is not complete, and how many it must have at least before it is looked at again. */
  private pending: Buffer = Buffer.alloc(0);
  private pendingLength = 0;
  private pendingNeeded = 0;
  private lost: ConnectionLost | undefined;
  private readonly parser: RedisParser | undefined;

  private constructor(
    socket: Socket,
    private readonly mode: ReplyMode,
  ) {
    this.socket = socket;
    this.parser =
      mode === 'text' || mode === 'buffers'
        ? new RedisParser({
            returnReply: (reply) => this.deliver(reply),
            returnError: (error) => this.deliver(error),
            returnFatalError: (error) => socket.destroy(error),
            returnBuffers: mode === 'buffers',
          })
        : undefined;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.receive(chunk));
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.lose();
        resolve();
      });
    });
  }

  /** @throws the socket's error when nobody listens there. */
  static connect(address: ServerAddress, mode: ReplyMode = 'text'): Promise<RespClient> {
    return new Promise((resolve, reject) => {
      const socket = 'path' in address ? connect(address.path) : connect(address.port, address.host);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new RespClient(socket, mode));
      });
    });
  }

  /** Commands whose reply has not come. */
  get outstanding(): number {
    return this.waiters.length - this.firstWaiter;
  }

  /** Sends one command. Rejects with ConnectionLost only. */
  command(...args: Argument[]): Promise<unknown> {
    if (this.lost !== undefined) return Promise.reject(this.lost);
    this.socket.write(encodeCommand(args));
    return this.next();
  }

  /** Sends all commands in one write and collects their replies. */
  pipeline(commands: readonly (readonly Argument[])[]): Promise<unknown[]> {
    if (this.lost !== undefined) return Promise.reject(this.lost);
    this.socket.write(Buffer.concat(commands.map(encodeCommand)));
    return Promise.all(commands.map(() => this.next()));
  }

  /** Writes bytes as they are; read what they bring with next(). */
  write(bytes: Buffer | string): boolean {
    return this.socket.write(bytes);
  }

  /** The next reply that nobody has asked for yet. */
  next(): Promise<unknown> {
    if (this.unclaimed.length > 0) return Promise.resolve(this.unclaimed.shift());
    if (this.lost !== undefined) return Promise.reject(this.lost);
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
    });
  }

  /** next() for the mode resp3. */
  async nextResp3(): Promise<Resp3Reply> {
    return (await this.next()) as Resp3Reply;
  }

  /** Ends the connection at once. */
  async close(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  private receive(chunk: Buffer): void {
    if (this.parser !== undefined) {
      this.parser.execute(chunk);
      return;
    }
    const bytes = this.pendingLength === 0 ? chunk : this.withPending(chunk);
    if (bytes.length < this.pendingNeeded) return;
    let at = 0;
    let missing = 0;
    while (at < bytes.length && missing === 0) {
      const end = replyEnd(bytes, at);
      if (end < 0) {
        missing = -end;
      } else {
        this.deliver(this.mode === 'raw' ? Buffer.from(bytes.subarray(at, end)) : readReply(bytes, at));
        at = end;
      }
    }
    // The rest may lie in `pending` itself, at a higher place: copying downwards within one buffer is defined.
    const rest = bytes.length - at;
    if (this.pending.length < rest) this.pending = Buffer.from(bytes.subarray(at));
    else bytes.copy(this.pending, 0, at);
    this.pendingLength = rest;
    this.pendingNeeded = rest + missing;
  }

  /** Appends to what is pending; a large reply arrives in thousands of pieces, so room grows by doubling. */
  private withPending(chunk: Buffer): Buffer {
    const length = this.pendingLength + chunk.length;
    if (this.pending.length < length) {
      const grown = Buffer.allocUnsafe(length * 2);
      this.pending.copy(grown, 0, 0, this.pendingLength);
      this.pending = grown;
    }
    chunk.copy(this.pending, this.pendingLength);
    this.pendingLength = length;
    return this.pending.subarray(0, length);
  }

  private deliver(reply: unknown): void {
    this.repliesReceived++;
    if (this.firstWaiter === this.waiters.length) {
      this.unclaimed.push(reply);
      return;
    }
    const waiter = this.waiters[this.firstWaiter++]!;
    if (this.firstWaiter > 1024 && this.firstWaiter * 2 > this.waiters.length) {
      this.waiters.splice(0, this.firstWaiter);
      this.firstWaiter = 0;
    }
    waiter.resolve(reply);
  }

  private lose(): void {
    this.lost = new ConnectionLost('the connection was closed before the reply came');
    for (const waiter of this.waiters.splice(this.firstWaiter)) waiter.reject(this.lost);
  }
}

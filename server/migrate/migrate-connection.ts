/**
 * A connection to the server that keys are moved to: sends commands, takes their replies, with a time-out that counts from
 * the last progress, as Redis' counts for each piece written and each line read. Replies are read by redis-parser.
 */
import { connect, type Socket } from 'node:net';
import RedisParser from 'redis-parser';

/** What became of commands that were sent. */
export interface Exchange {
  /** Replies in their order: undefined for one that is no error, else its text without the leading '-'. */
  readonly replies: readonly (string | undefined)[];
  /** What was being done when the connection failed; undefined where every reply has come. */
  readonly failed: 'writing' | 'reading' | undefined;
  readonly timedOut: boolean;
}

interface RunningExchange {
  reply(error: string | undefined): void;
  lost(): void;
}

export class MigrateConnection {
  /** Database that is selected there; -1 for unknown. */
  database = -1;
  /** False once it cannot be used any more. */
  open = true;
  private readonly socket: Socket;
  private running: RunningExchange | undefined = undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const parser = new RedisParser({
      returnReply: () => this.running?.reply(undefined),
      returnError: (error) => this.running?.reply(error.message),
      returnFatalError: () => this.close(),
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => parser.execute(chunk));
    socket.on('error', () => {});
    socket.on('close', () => {
      this.open = false;
      this.running?.lost();
    });
  }

  /**
   * @param port as it was given; one that is no port is refused.
   * @returns undefined when the host is not known, or it took longer than `timeoutMs`; where it was refused a connection
   * that is closed: Redis, too, notices that only when it writes.
   */
  static connect(host: string, port: number, timeoutMs: number): Promise<MigrateConnection | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host, port: port > 0 && port <= 0xffff ? port : 0 });
      const timer = setTimeout(() => socket.destroy(), timeoutMs);
      let refused = false;
      const failed = (): void => {
        clearTimeout(timer);
        const connection = refused ? new MigrateConnection(socket) : undefined;
        connection?.close();
        resolve(connection);
      };
      socket.once('error', (error: NodeJS.ErrnoException) => {
        refused = error.syscall === 'connect';
      });
      socket.once('close', failed);
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.off('close', failed);
        resolve(new MigrateConnection(socket));
      });
    });
  }

  /** Sends all chunks and waits for so many replies. Never rejects. One exchange at a time. */
  exchange(chunks: readonly Uint8Array[], expected: number, timeoutMs: number): Promise<Exchange> {
    return new Promise((resolve) => {
      const { socket } = this;
      const replies: (string | undefined)[] = [];
      let written = 0;
      let timer: NodeJS.Timeout;
      const end = (failed: boolean, timedOut: boolean): void => {
        clearTimeout(timer);
        socket.off('drain', write);
        this.running = undefined;
        if (failed) this.close();
        const doing = written < chunks.length ? 'writing' : 'reading';
        resolve({ replies, failed: failed ? doing : undefined, timedOut });
      };
      const progress = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => end(true, true), timeoutMs);
      };
      const write = (): void => {
        progress();
        // Small ones go in one piece, as from Redis: a target that closes after the first has taken all of them.
        socket.cork();
        while (written < chunks.length) if (!socket.write(chunks[written++]!)) break;
        socket.uncork();
      };
      this.running = {
        reply: (error) => {
          replies.push(error);
          if (replies.length === expected) end(false, false);
          else progress();
        },
        lost: () => end(true, false),
      };
      if (!this.open) {
        end(true, false);
        return;
      }
      socket.on('drain', write);
      write();
    });
  }

  close(): void {
    this.open = false;
    this.socket.destroy();
  }

  /** Whether it keeps the process running. */
  keepAlive(on: boolean): void {
    if (on) this.socket.ref();
    else this.socket.unref();
  }
}

/**
 * The seam between the entry of the server thread (server-thread.ts) and what runs in it (server-core.ts): what a server
 * is started with, and what it tells whoever supervises it. Types only.
 */
import type { Logger } from 'pino';
import type { Config } from './config/config.js';
import type { LogLevel } from './config/config-target.js';

/** The log for people: pino, with Redis' names for severities. */
export interface ServerLog {
  readonly log: Logger;
  setLevel(level: LogLevel): void;
  /** Waits, for a second at most, until what was logged is written; before the thread ends. */
  flush(): Promise<void>;
}

export interface ServerCoreOptions {
  readonly config: Config;
  readonly log: ServerLog;
  /** Data directory, absolute; it exists. */
  readonly directory: string;
  /** Unix socket, absolute, or ''. */
  readonly unixSocket: string;
  /** File of the configuration, absolute, or ''; what INFO shows. */
  readonly configFile: string;
  /** JavaScript heap that the main thread uses, in bytes. */
  readonly otherHeapBytes: () => number;
}

/** How far the recovery is. */
export interface LoadingProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
  readonly entries: number;
}

/** How a server is ended. */
export interface ShutdownRequest {
  /** For the log: 'SIGTERM', 'SHUTDOWN by 127.0.0.1:51234', 'close()'. */
  readonly reason: string;
  /** A snapshot first, or not even a page image; without it an image where the next start gains by it. */
  readonly save?: 'snapshot' | 'nothing';
  /** The server ends also where that snapshot cannot be taken; otherwise it goes on then. */
  readonly force?: boolean;
}

/** What a server says of itself. Called in the server thread. */
export interface ServerCoreHooks {
  /** It listens, and the directory is its own: from now on no other server can take its place. */
  opened(): void;
  /** It has been asked to end, by whomever, and begins to. */
  ending(): void;
  loading(progress: LoadingProgress): void;
  /**
   * The server cannot go on: its connections are closed and nothing more is acknowledged. Called at most once, also for
   * failures before it was ready (start() rejects as well then).
   */
  fatal(error: Error): void;
  /** The server has ended as it was asked to: everything is committed and the log is sealed. */
  closed(): void;
}

/** What server-core.ts exports as `ServerCore` is an instance of this; `ServerCore.start` takes options and hooks. */
export interface RunningCore {
  /** TCP port that it listens on. */
  readonly port: number;
  /** Keys in all databases. */
  keyCount(): number;
  /** Stops taking commands, commits, seals; hooks.closed() follows. Asking again does nothing. */
  shutdown(request: ShutdownRequest): Promise<void>;
  /** Something broke that nobody caught: closes every connection, lets go of the log, then calls hooks.fatal(). */
  fail(error: unknown): void;
}

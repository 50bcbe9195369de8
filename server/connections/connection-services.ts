/** What a connection needs of everything around it; connection-registry.ts provides it. */
import type { KeyScout } from '../resp/key-scout.js';
import type { RequestParser } from '../resp/request-parser.js';
import type { ClientPause } from './client-pause.js';
import type { CommandProcessor, CommitState, ConnectionClock } from './command-processor.js';
import type { Connection } from './connection.js';
import type { ConnectionLimits } from './connection-limits.js';
import type { ConnectionTotals } from './connection-totals.js';
import type { OutputContext } from './output-queue.js';
import type { ReplyGate } from './reply-gate.js';
import type { TurnOutput } from './turn-output.js';
import type { TurnQueue } from './turn-queue.js';

/** The log for people; pino's Logger has this shape. */
export interface ConnectionLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Is told when the thread begins and ends a piece of work; server/slice-meter.ts has this shape. */
export interface TurnMeter {
  /** @param micros the monotonic clock, where it was just read. */
  begin(micros?: number): void;
  end(micros?: number): void;
}

export interface ConnectionServices {
  readonly processor: CommandProcessor;
  readonly parser: RequestParser;
  readonly scout: KeyScout;
  readonly commit: CommitState;
  readonly output: TurnOutput;
  readonly context: OutputContext;
  readonly totals: ConnectionTotals;
  readonly limits: ConnectionLimits;
  readonly clock: ConnectionClock;
  readonly turns: TurnQueue;
  readonly gate: ReplyGate;
  readonly clientPause: ClientPause;
  readonly log: ConnectionLog;
  readonly slices: TurnMeter | undefined;
  /** Engine time in ms, as of the last tick. */
  readonly nowMs: number;
  /** True while no commands are executed. */
  readonly paused: boolean;
  /** How long a slice of a long command may take now, in microseconds. */
  readonly sliceMicros: number;
  /** Closes a connection at once. */
  drop(connection: Connection): void;
  /** The same, because it sent too much, or did not read. */
  dropForInput(connection: Connection): void;
  dropForOutput(connection: Connection): void;
  /** The connection has said everything; it waits only for the other side to close. */
  retire(connection: Connection): void;
  /** A retired connection is done. */
  discard(connection: Connection): void;
  /** Memory may be ahead of the log: nothing more is acknowledged. */
  fatal(error: unknown): void;
  /** The sums have changed: tells the engine, and closes the largest clients above maxmemory-clients. */
  publish(): void;
}

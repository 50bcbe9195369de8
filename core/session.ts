/**
 * What the engine knows of one connection: the selected database, the protocol, who is behind it. Sockets, buffers and
 * time-outs are the server's.
 */
import type { Command } from './command-table.js';
import type { TracedArguments } from './command-trace.js';
import type { SlicedTask } from './sliced-task.js';

/** CLIENT REPLY: whether the client gets replies. */
export const REPLIES_ON = 0;
/** None, until it asks for them again. */
export const REPLIES_OFF = 1;
/** None for the command that runs now. */
export const REPLIES_SKIPPED = 2;
/** None for the command behind the one that runs now, which was CLIENT REPLY SKIP. */
export const REPLIES_SKIP_NEXT = 3;

/** A command that runs in slices, as statistics see it. */
export interface SlicedRun {
  readonly command: Command;
  readonly traced: TracedArguments;
  /** What its slices took so far. */
  micros: number;
}

export class Session {
  /** Number of the connection, unique in the life of the server, counting from 1. */
  readonly id: number;
  /** Selected database, 0-based. */
  database = 0;
  /** 2 or 3. */
  protocol = 2;
  /** True once the connection may run commands that need a user. */
  authenticated = false;
  user = 'default';
  /** CLIENT SETNAME. */
  name = '';
  /** CLIENT SETINFO. */
  libraryName = '';
  libraryVersion = '';
  /** The address of the other side as CLIENT LIST shows it, 'ip:port' or a socket path. */
  readonly address: string;
  /** Engine time of the connect, in ms. */
  readonly connectedAt: number;
  /** CLIENT NO-TOUCH: commands of this session leave the access clocks of keys alone, but for TOUCH. */
  noTouch = false;
  /** One of REPLIES_. */
  replies = REPLIES_ON;
  /** MONITOR: the client is shown what others run, and may not look at keys itself. */
  monitors = false;
  /** Origin number in the log; valid while originGeneration equals the effect sink's. */
  origin = 0;
  originGeneration = -1;
  /** A command of this session that runs in slices; nothing else of the session may run until it is done. */
  task: SlicedTask | undefined = undefined;
  /** What is known of that command. */
  slicedRun: SlicedRun | undefined = undefined;
  /** Set by QUIT and the like: close after the replies written so far. */
  closing = false;
  /** Name of the last command, for CLIENT LIST. */
  lastCommand = '';
  /** Whatever the server attaches (its connection). The engine never looks at it. */
  owner: unknown = undefined;

  constructor(id: number, address: string, connectedAt: number) {
    this.id = id;
    this.address = address;
    this.connectedAt = connectedAt;
  }
}

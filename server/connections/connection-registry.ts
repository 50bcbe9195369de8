/** The connections of a server. (Interface first; see connection.ts.) */
import type { Session } from '../../core/session.js';

/** What is known of one connection; CLIENT LIST shows it. All sizes in bytes, all times in ms of engine time. */
export interface Connection {
  readonly session: Session;
  /** '127.0.0.1:51234', '[::1]:51234' or '/path/of/socket:0'. */
  readonly address: string;
  readonly localAddress: string;
  readonly unixSocket: boolean;
  readonly createdAtMs: number;
  readonly lastInteractionMs: number;
  /** File descriptor, or -1 where unknown. */
  readonly fd: number;
  /** qbuf: input that has not been executed. */
  readonly queryBufferBytes: number;
  /** qbuf-free: room left in the connection's own input buffers. */
  readonly queryBufferFreeBytes: number;
  /** oll, omem: replies not sent, parked or refused by the socket. */
  readonly outputSegments: number;
  readonly outputBytes: number;
  /** tot-mem: everything that this connection keeps. */
  readonly memoryBytes: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly commandsProcessed: number;
  /** True once it is to be closed: CLIENT LIST flags c and A. */
  readonly closing: boolean;
  /** CLIENT NO-EVICT. */
  noEvict: boolean;
}

export interface ConnectionRegistry {
  readonly all: ReadonlyMap<number, Connection>;
  readonly count: number;
  /** Since the start: connections accepted, refused for maxclients, closed for their output and for maxmemory-clients. */
  readonly accepted: number;
  readonly rejected: number;
  readonly closedForOutput: number;
  readonly evicted: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly parkedBytes: number;
  readonly unsentBytes: number;
  readonly queryBufferBytes: number;
  /** Runs the resting task of a session on; see SlicedTask.resting. */
  wake(session: Session): void;
  byId(id: number): Connection | undefined;
  /** Closes a connection without sending what is left; its own reply still leaves when it is the caller. */
  kill(connection: Connection): void;
  closeAll(): void;
}

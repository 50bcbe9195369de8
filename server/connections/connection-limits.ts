/**
 * Limits that connections obey, as one plain object that the configuration writes and the connections read at every
 * use: a change takes effect at once. What happens at a limit is written where it is enforced.
 */

/** Limits of a client's output, as in Redis' client-output-buffer-limit; 0 for none. */
export interface OutputBufferLimit {
  readonly hardBytes: number;
  readonly softBytes: number;
  /** The client is closed when it was above `softBytes` for longer than this. */
  readonly softSeconds: number;
}

/** The limits of each class of clients. */
export interface OutputBufferLimits {
  readonly normal: OutputBufferLimit;
  readonly replica: OutputBufferLimit;
  readonly pubsub: OutputBufferLimit;
}

export interface ConnectionLimits {
  /** Connections at most; one more gets an error and is closed. */
  maxclients: number;
  /** A client that sent nothing for so long is closed; 0 for never. */
  timeoutSeconds: number;
  /** Idle time before the first TCP keepalive probe; 0 for no probes. */
  tcpKeepaliveSeconds: number;
  /** Bytes of input that one client may have waiting: client-query-buffer-limit. */
  queryBufferBytesMax: number;
  /** Length of an argument at most: proto-max-bulk-len. */
  bulkBytesMax: number;
  outputBufferLimits: OutputBufferLimits;
  /** Memory of all clients together, above which the largest is closed; 0 for a quarter of maxmemory, if that is set. */
  maxmemoryClientsBytes: number;
  /** Refuses clients from other machines while there is no password. */
  protectedMode: boolean;
  /** True when the default user has a password, so that new connections are not authenticated. */
  hasPassword: boolean;
}

/** The limits with Redis' defaults. */
export function defaultConnectionLimits(): ConnectionLimits {
  return {
    maxclients: 10_000,
    timeoutSeconds: 0,
    tcpKeepaliveSeconds: 300,
    queryBufferBytesMax: 1024 ** 3,
    bulkBytesMax: 512 * 1024 ** 2,
    outputBufferLimits: {
      normal: { hardBytes: 0, softBytes: 0, softSeconds: 0 },
      replica: { hardBytes: 256 * 1024 ** 2, softBytes: 64 * 1024 ** 2, softSeconds: 60 },
      pubsub: { hardBytes: 32 * 1024 ** 2, softBytes: 8 * 1024 ** 2, softSeconds: 60 },
    },
    maxmemoryClientsBytes: 0,
    protectedMode: true,
    hasPassword: false,
  };
}

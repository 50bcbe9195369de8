/** Sums over all connections, kept as they change; INFO and the limits read them. All in bytes. */
export class ConnectionTotals {
  /** Replies that wait for the log. */
  parkedBytes = 0;
  /** Replies that may leave and that the operating system has not taken. */
  unsentBytes = 0;
  /** Input that was read and has not been executed. */
  queryBufferBytes = 0;
  /** Since the start. */
  bytesReceived = 0;
  /** Reads from sockets and writes to them, since the start. */
  reads = 0;
  writes = 0;
  bytesSent = 0;
}

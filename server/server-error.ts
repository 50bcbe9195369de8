/** Why a server could not start or had to stop, for whoever runs it. */
import { errorText } from './error-text.js';

/**
 * `code` is stable, the message is for people. Codes of the log come through unchanged (log/log-error.ts); beside them:
 *
 * - `CONFIG`: an option or a configuration file cannot be used.
 * - `PORT_IN_USE`: something else listens on the port. `LISTEN_FAILED`: listening failed for another reason.
 * - `FOREIGN_DATA`: the directory holds data of a Redis that cannot be taken over, or that lies beside a log of another origin.
 * - `LOG_MISSING`: there are snapshots of a log that is not there.
 * - `DIRECTORY`: the directory cannot be made or used.
 * - `THREAD_DIED`: the server thread ended without saying why (out of memory, a bug).
 * - `INTERNAL`: a failure without a code of its own.
 */
export class ServerError extends Error {
  override readonly name = 'ServerError';
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** Code and message for people of whatever ended a server; a listener's errors are told in terms of the options. */
export function explainFailure(error: unknown): { readonly code: string; readonly message: string } {
  const code = errorCode(error);
  const message = errorText(error);
  const { syscall, address, hostname, port } = error as {
    syscall?: string;
    address?: string;
    hostname?: string;
    port?: number;
  };
  if (syscall !== 'listen' && syscall !== 'bind' && syscall !== 'getaddrinfo') return { code, message };
  // A unix socket has no port, or -1.
  if (code === 'EADDRINUSE' && port !== undefined && port > 0) {
    const other = port === 65535 ? port - 1 : port + 1;
    return {
      code: 'PORT_IN_USE',
      message: `port ${port} is in use (another Redis, perhaps): choose another one with npm start -- --port ${other}`,
    };
  }
  const place = address?.startsWith('/') ? `the unix socket ${address}` : (address ?? hostname ?? 'an address');
  return { code: 'LISTEN_FAILED', message: `cannot listen on ${place}: ${message}` };
}

/** The code of any error, or `INTERNAL`. */
export function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' ? code : 'INTERNAL';
}

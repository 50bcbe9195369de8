/**
 * The log for people: pino, as JSON lines or, on a terminal, readable. Not the transaction log (log/). Severities have
 * Redis' names; a slow reader of the output never stops the server, because lines are written in the background.
 */
import { openSync } from 'node:fs';
import { type DestinationStream, destination as openOutput, pino, stdTimeFunctions } from 'pino';
import { prettyFactory } from 'pino-pretty';
import type { LogLevel } from './config/config-target.js';
import type { ServerLog } from './server-core-seam.js';
import { ServerError } from './server-error.js';

const PINO_LEVELS: Readonly<Record<LogLevel, string>> = {
  debug: 'trace',
  verbose: 'debug',
  notice: 'info',
  warning: 'warn',
};

/** Where lines go: a file, the standard output, a function, or nowhere. */
export type LogDestination =
  | { readonly to: 'file'; readonly path: string }
  | { readonly to: 'stdout'; readonly pretty: boolean }
  | { readonly to: 'function'; readonly write: (line: string) => void }
  | { readonly to: 'nowhere' };

/** A line is handed to the system at once; `flush` of the output waits for what is on its way only above 0 (sonic-boom). */
const FLUSHABLE_CHARACTERS = 1;
/** How long the end of the server waits for a reader of its lines, in ms. */
const FLUSH_WAIT_MS = 1000;

/** Opens the log. @throws ServerError `CONFIG` when the file cannot be opened. */
export function createServerLog(destination: LogDestination, level: LogLevel): ServerLog {
  const { stream, flush } = openDestination(destination);
  const log = pino(
    {
      level: destination.to === 'nowhere' ? 'silent' : PINO_LEVELS[level],
      base: { pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
    },
    stream,
  );
  return {
    log,
    setLevel(next) {
      if (destination.to !== 'nowhere') log.level = PINO_LEVELS[next];
    },
    flush,
  };
}

function openDestination(destination: LogDestination): { stream: DestinationStream; flush: () => Promise<void> } {
  switch (destination.to) {
    case 'nowhere':
      return { stream: { write: () => {} }, flush: async () => {} };
    case 'function':
      return { stream: { write: destination.write }, flush: async () => {} };
    case 'file': {
      // Opened here, so that a path that cannot be written is known at once.
      const file = openOutput({ dest: openLogFile(destination.path), sync: false, minLength: FLUSHABLE_CHARACTERS });
      return { stream: file, flush: () => flushed(file) };
    }
    case 'stdout': {
      const output = openOutput({ dest: 1, sync: false, minLength: FLUSHABLE_CHARACTERS });
      const flush = () => flushed(output);
      if (!destination.pretty) return { stream: output, flush };
      const readable = prettyFactory({
        colorize: true,
        translateTime: 'SYS:HH:MM:ss.l',
        ignore: 'pid',
        singleLine: true,
      });
      return { stream: { write: (line: string) => void output.write(readable(line)) }, flush };
    }
  }
}

function openLogFile(path: string): number {
  try {
    return openSync(path, 'a');
  } catch (error) {
    throw new ServerError('CONFIG', `cannot write the logfile ${path}: ${(error as Error).message}`, error);
  }
}

/** Settles when every line before it is written, when the output fails, or when its reader takes too long. */
function flushed(output: { flush(callback: (error?: Error) => void): void }): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, FLUSH_WAIT_MS);
    // With an error the reader of the output is gone, or the disk is full: there is nobody left to tell.
    output.flush(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

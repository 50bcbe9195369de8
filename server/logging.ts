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

function openDestination(destination: LogDestination): { stream: DestinationStream; flush: () => void } {
  switch (destination.to) {
    case 'nowhere':
      return { stream: { write: () => {} }, flush: () => {} };
    case 'function':
      return { stream: { write: destination.write }, flush: () => {} };
    case 'file': {
      // Opened here, so that a path that cannot be written is known at once.
      const file = openOutput({ dest: openLogFile(destination.path), sync: false });
      return { stream: file, flush: () => flushNow(file) };
    }
    case 'stdout': {
      const output = openOutput({ dest: 1, sync: false });
      const flush = () => flushNow(output);
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

function flushNow(output: { flushSync(): void }): void {
  try {
    output.flushSync();
  } catch {
    // The reader of the output is gone, or the file was never opened: there is nobody left to tell.
  }
}

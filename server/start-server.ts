/**
 * Runs a server inside a Node program. The server has a thread of its own; the program's process is never ended and its
 * signals are never taken. The command line (main.ts) is a thin layer over this.
 */

import { byteString } from './config/byte-string.js';
import { Config, type Setting } from './config/config.js';
import { readMachineFacts } from './config/machine-facts.js';
import { OPTION_TABLE, type OptionName } from './config/options.js';
import type { LoadingProgress } from './server-core-seam.js';
import { Supervisor } from './supervisor.js';
import type { LogOutput, ServerThreadData } from './thread-messages.js';

/** A value as a program writes it: `true` for 'yes', an array for several words. */
export type OptionInput = string | number | boolean | readonly (string | number)[];

/** Options by their names in docs/configuration.md, for example `{ port: 0, dir: './data', maxmemory: '1gb' }`. */
export type ServerOptions = { readonly [K in OptionName]?: OptionInput };

export interface ServerHooks {
  /** Called with every log line, as JSON text. Without it and without `logfile` nothing is logged. */
  readonly onLogLine?: ((line: string) => void) | undefined;
  /** Called now and then while the log is folded into memory. */
  readonly onLoading?: ((progress: LoadingProgress) => void) | undefined;
}

export interface RunningServer {
  /** TCP port on which it serves. */
  readonly port: number;
  /** Unix socket on which it serves, or ''. */
  readonly unixSocket: string;
  /** Data directory, absolute. */
  readonly directory: string;
  /** Keys that it found in its log. */
  readonly keys: number;
  /**
   * Resolves once the server has ended, whoever ended it; rejects with a ServerError when it failed: what was
   * acknowledged is in its log then, and nothing else is promised.
   */
  readonly closed: Promise<void>;
  /** Commits everything, seals the log, ends the server. Resolves and rejects as `closed` does. */
  close(): Promise<void>;
}

/**
 * Starts a server and resolves once it serves.
 * @throws ServerError with a stable `code` (server-error.ts), ConfigError for options that cannot be used.
 */
export async function startServer(options: ServerOptions = {}, hooks: ServerHooks = {}): Promise<RunningServer> {
  const logOutput: LogOutput = hooks.onLogLine === undefined ? 'none' : 'messages';
  return await launchServer(
    { settings: settingsOf(options), workingDirectory: process.cwd(), configFile: '', logOutput },
    hooks,
  ).started;
}

/** A server on its way. */
export interface Launch {
  readonly started: Promise<RunningServer>;
  /** Asks the server to end, also before it is ready. */
  stop(reason: string): void;
}

/**
 * The same from settings as files and command lines give them.
 * @throws ConfigError before anything is started.
 */
export function launchServer(data: ServerThreadData, hooks: ServerHooks): Launch {
  // The server thread reads the same settings; here a mistake is found before a thread is started.
  new Config(data.settings, readMachineFacts());
  const supervisor = new Supervisor(data, { loading: hooks.onLoading, logLine: hooks.onLogLine });
  const started = supervisor.ready.then((ready): RunningServer => {
    return {
      port: ready.port,
      unixSocket: ready.unixSocket,
      directory: ready.directory,
      keys: ready.keys,
      closed: supervisor.closed,
      close() {
        supervisor.shutdown('close()');
        return supervisor.closed;
      },
    };
  });
  return { started, stop: (reason) => supervisor.shutdown(reason) };
}

function settingsOf(options: ServerOptions): Setting[] {
  const settings: Setting[] = [];
  for (const [name, input] of Object.entries(options)) {
    if (input === undefined) continue;
    const words = Array.isArray(input) ? input.map(String) : [wordOf(input as string | number | boolean)];
    const several = OPTION_TABLE.get(name)?.kind.multiple === true && words.length === 0 ? [''] : words;
    settings.push({ name: byteString(name), words: several.map(byteString), where: 'startServer' });
  }
  return settings;
}

function wordOf(input: string | number | boolean): string {
  if (typeof input === 'boolean') return input ? 'yes' : 'no';
  return String(input);
}

/** What the main thread and the server thread say to each other. Plain data: it crosses a structured clone. */
import type { Setting } from './config/config.js';
import type { LoadingProgress, ShutdownRequest } from './server-core-seam.js';

/** What the server thread is started with. */
export interface ServerThreadData {
  readonly settings: readonly Setting[];
  /** What relative paths of the configuration start from. */
  readonly workingDirectory: string;
  readonly configFile: string;
  readonly logOutput: LogOutput;
}

/** What the supervisor adds: one double in shared memory, the JavaScript heap that the main thread uses, in bytes. */
export interface SupervisedThreadData extends ServerThreadData {
  readonly mainHeapBytes: SharedArrayBuffer;
}

/**
 * Where log lines go when no `logfile` is set: as JSON or for people to the standard output, to the main thread as
 * messages, or nowhere.
 */
export type LogOutput = 'json' | 'pretty' | 'messages' | 'none';

export type ToServerThread = { readonly type: 'shutdown'; readonly request: ShutdownRequest };

export type FromServerThread =
  | ReadyMessage
  | { readonly type: 'loading'; readonly progress: LoadingProgress }
  | { readonly type: 'log'; readonly line: string }
  | FatalMessage
  | { readonly type: 'closed' };

export interface ReadyMessage {
  readonly type: 'ready';
  readonly port: number;
  readonly unixSocket: string;
  readonly directory: string;
  readonly keys: number;
}

export interface FatalMessage {
  readonly type: 'fatal';
  readonly code: string;
  readonly message: string;
}

/**
 * The main thread's side of a server: starts the server thread, passes on what it says, asks it to end. It takes no
 * signal and never ends the process: that is the command line's (main.ts).
 */
import { Worker } from 'node:worker_threads';
import type { LoadingProgress } from './server-core-seam.js';
import { errorCode, ServerError } from './server-error.js';
import type {
  FromServerThread,
  ReadyMessage,
  ServerThreadData,
  SupervisedThreadData,
  ToServerThread,
} from './thread-messages.js';

/** Lua needs it later, and the limit of a thread cannot be raised while it runs. */
const STACK_MB = 64;
const HEAP_INTERVAL_MS = 1000;
/** Options of node that the thread shares; others (--eval, --import) are the business of the program around it. */
const INHERITED = /^--(cpu-prof|heap-prof|diagnostic-dir|enable-source-maps|trace-|no-warnings)/;

export interface SupervisorHooks {
  readonly loading?: ((progress: LoadingProgress) => void) | undefined;
  /** A log line as JSON, where the output is 'messages'. */
  readonly logLine?: ((line: string) => void) | undefined;
}

export class Supervisor {
  /** Resolves with what the server serves once it does; rejects when it cannot start. */
  readonly ready: Promise<ReadyMessage>;
  /** Resolves once the server has ended as it was asked to; rejects with a ServerError when it failed. */
  readonly closed: Promise<void>;
  private readonly worker: Worker;
  private readonly hooks: SupervisorHooks;
  private failure: ServerError | undefined = undefined;
  private sawClosed = false;
  private heapTimer: NodeJS.Timeout | undefined = undefined;
  private resolveReady!: (ready: ReadyMessage) => void;
  private rejectReady!: (error: Error) => void;
  private resolveClosed!: () => void;
  private rejectClosed!: (error: Error) => void;

  constructor(data: ServerThreadData, hooks: SupervisorHooks = {}, entry: URL = SERVER_THREAD) {
    this.hooks = hooks;
    this.ready = new Promise((resolve, reject) => {
      this.resolveReady = resolve;
      this.rejectReady = reject;
    });
    this.closed = new Promise((resolve, reject) => {
      this.resolveClosed = resolve;
      this.rejectClosed = reject;
    });
    // A program that embeds a server may look at one of them only: the other must not count as unhandled.
    this.ready.catch(() => {});
    this.closed.catch(() => {});
    const mainHeapBytes = new SharedArrayBuffer(8);
    this.publishHeap(new Float64Array(mainHeapBytes));
    const workerData: SupervisedThreadData = { ...data, mainHeapBytes };
    this.worker = new Worker(entry, {
      workerData,
      // The log's threads close each other's files, so a number that this thread has opened may be someone else's by now.
      trackUnmanagedFds: false,
      execArgv: process.execArgv.filter((word) => INHERITED.test(word)),
      name: 'holdfast-server',
      resourceLimits: { stackSizeMb: STACK_MB },
    });
    this.worker.on('message', (message: FromServerThread) => this.receive(message));
    this.worker.on('error', (error) => this.fail(new ServerError(errorCode(error), error.message, error)));
    this.worker.on('exit', (code) => this.ended(code));
  }

  /** Asks the server to commit, seal and end; `closed` says when it has. Asking again does nothing. */
  shutdown(reason: string): void {
    const message: ToServerThread = { type: 'shutdown', request: { reason } };
    this.worker.postMessage(message);
  }

  /** For INFO: a thread can see its own heap only. */
  private publishHeap(target: Float64Array): void {
    const publish = (): void => {
      target[0] = process.memoryUsage().heapUsed;
    };
    publish();
    this.heapTimer = setInterval(publish, HEAP_INTERVAL_MS);
    this.heapTimer.unref();
  }

  private receive(message: FromServerThread): void {
    switch (message.type) {
      case 'ready':
        this.resolveReady(message);
        break;
      case 'loading':
        this.hooks.loading?.(message.progress);
        break;
      case 'log':
        this.hooks.logLine?.(message.line);
        break;
      case 'fatal':
        this.fail(new ServerError(message.code, message.message));
        break;
      case 'closed':
        this.sawClosed = true;
        break;
    }
  }

  private fail(error: ServerError): void {
    this.failure ??= error;
  }

  /** Only now are the thread's sockets, files and locks certainly gone. */
  private ended(code: number): void {
    clearInterval(this.heapTimer);
    if (this.failure === undefined && !this.sawClosed) {
      this.failure = new ServerError('THREAD_DIED', `the server thread ended by itself (exit code ${code})`);
    }
    if (this.failure === undefined) {
      this.rejectReady(new ServerError('CLOSED', 'the server was closed before it was ready'));
      this.resolveClosed();
      return;
    }
    this.rejectReady(this.failure);
    this.rejectClosed(this.failure);
  }
}

const SERVER_THREAD = new URL('./server-thread.js', import.meta.url);

/** Runs the keeper on a thread of its own and watches over it. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { LogError } from '../log-error.js';
import { Asleep, type CommitState, Order, Word } from './commit-state.js';
import { type FileLayer, nodeFiles } from './file-layer.js';
import type { KeeperHost, KeeperHostCallbacks, LogThreadData, LogThreadMessage } from './keeper-host.js';
import type { KeeperStart } from './log-keeper.js';

/** A promise and its ends. */
interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: LogError) => void;
}

export class ThreadHost implements KeeperHost {
  private readonly state: CommitState;
  private readonly data: Omit<LogThreadData, 'start'>;
  private readonly aheadBytes: number;
  private readonly module: URL;
  private readonly callbacks: KeeperHostCallbacks;
  private readonly files: FileLayer = nodeFiles;
  private worker: Worker | undefined = undefined;
  private exited: Promise<void> = Promise.resolve();
  private waiter: Waiter | undefined = undefined;
  private failure: LogError | undefined = undefined;
  private stopping = false;

  constructor(state: CommitState, data: Omit<LogThreadData, 'start'>, module: URL, callbacks: KeeperHostCallbacks) {
    this.state = state;
    this.data = data;
    this.module = module;
    this.callbacks = callbacks;
    this.aheadBytes = data.setup.sizes.aheadBytes;
  }

  async begin(start: KeeperStart): Promise<void> {
    const begun = this.wait();
    // The thread closes what it opens; tracking descriptors per thread would close or report those of other threads.
    const worker = new Worker(this.module, {
      name: 'holdfast-log',
      workerData: { ...this.data, start } satisfies LogThreadData,
      trackUnmanagedFds: false,
      execArgv: [],
    });
    this.worker = worker;
    worker.on('message', (message: LogThreadMessage) => this.receive(message));
    worker.on('error', (cause) =>
      this.fail(new LogError('LOG_FAILED', `the log thread died: ${String(cause)}`, { cause })),
    );
    this.exited = new Promise((resolve) => {
      worker.on('exit', (code) => {
        if (!this.stopping) this.fail(new LogError('LOG_FAILED', `the log thread ended (code ${code})`));
        resolve();
      });
    });
    await begun;
  }

  wake(): void {
    this.state.wake();
  }

  committedInline(): void {
    const asleep = Atomics.load(this.state.words, Word.asleep);
    if (asleep === Asleep.awake) return;
    if (asleep === Asleep.sleeping || this.state.room < this.aheadBytes) {
      // A doze for want of disk space is not cut short: the keeper looks again by itself.
      if (asleep === Asleep.sleeping || Atomics.load(this.state.words, Word.spaceShort) === 0) this.state.wake();
    }
  }

  async seal(): Promise<void> {
    const sealed = this.wait();
    Atomics.store(this.state.words, Word.order, Order.seal);
    this.state.wake();
    await sealed;
  }

  async stop(): Promise<void> {
    this.stopping = true;
    if (this.worker === undefined) return;
    Atomics.store(this.state.words, Word.order, Order.stop);
    this.state.wake();
    await this.exited;
    this.worker = undefined;
    // A thread that failed left its segment open, since an inline commit might have been using it.
    const fd = this.state.words[Word.fd]!;
    this.state.words[Word.fd] = -1;
    if (fd >= 0) this.files.close(fd);
  }

  private wait(): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiter = { resolve, reject };
    });
  }

  private receive(message: LogThreadMessage): void {
    if (message.type === 'event') {
      this.callbacks.onEvent(message.event);
    } else if (message.type === 'failed') {
      const { code, message: text, file, offset } = message.error;
      this.fail(new LogError(code, text, { file, offset }));
    } else {
      const waiter = this.waiter;
      this.waiter = undefined;
      waiter?.resolve();
    }
  }

  private fail(error: LogError): void {
    if (this.failure !== undefined) return;
    this.failure = error;
    Atomics.store(this.state.words, Word.failed, 1);
    const waiter = this.waiter;
    this.waiter = undefined;
    waiter?.reject(error);
    this.callbacks.onFailed(error);
  }
}

/**
 * The compiled module of a thread that lies beside this file. Where this file runs from source (tests), the compiled one
 * lies under `dist`.
 */
export function compiledModule(name: string): URL {
  const beside = new URL(`./${name}.js`, import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  return new URL(`../../dist/log/local/${name}.js`, import.meta.url);
}

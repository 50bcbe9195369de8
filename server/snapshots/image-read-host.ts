/**
 * The server thread's side of the image read thread. The thread is started before it is known whether there is an image to
 * read, since starting one takes as long as reading a good part of it.
 *
 *   constructor: the thread starts ─> read(order) ─> while (places does not grow any more) await progress() ─> close()
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ImageError } from './image-error.js';
import type { ImageReadMessage, ImageReadOrder, ImageReadThreadData } from './image-read-thread.js';

export class ImageReadHost {
  /** Pages that are in memory and checked, in the order of the file. */
  places = 0;
  private readonly stop = new Int32Array(new SharedArrayBuffer(4));
  private readonly worker: Worker;
  private readonly exited: Promise<void>;
  private failure: ImageError | undefined = undefined;
  private wake: (() => void) | undefined = undefined;

  /** @param entry of the thread; another one in tests. */
  constructor(entry: URL = compiledModule()) {
    this.worker = new Worker(entry, {
      name: 'holdfast-image-read',
      workerData: { stop: this.stop } satisfies ImageReadThreadData,
      trackUnmanagedFds: false,
      execArgv: [],
    });
    this.worker.on('message', (message: ImageReadMessage) => {
      if (message.type === 'read') this.places = message.places;
      else this.failure ??= new ImageError(message.code, message.message);
      this.wake?.();
    });
    this.worker.on('error', (cause) =>
      this.fail(new ImageError('IMAGE_FAILED', `the thread that reads the page image died: ${String(cause)}`, cause)),
    );
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', () => {
        this.fail(new ImageError('IMAGE_FAILED', 'the thread that reads the page image ended'));
        resolve();
      });
    });
  }

  /** Begins reading; once. */
  read(order: ImageReadOrder): void {
    this.worker.postMessage(order);
  }

  /** Resolves once there are more than `places` pages. @throws ImageError where none will come */
  async progress(places: number): Promise<void> {
    while (this.places <= places) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = undefined;
    }
  }

  /** Ends the thread; once this resolves it writes to no page any more. */
  async close(): Promise<void> {
    Atomics.store(this.stop, 0, 1);
    await this.worker.terminate();
    await this.exited;
  }

  private fail(error: ImageError): void {
    this.failure ??= error;
    this.wake?.();
  }
}

function compiledModule(): URL {
  const beside = new URL('./image-read-thread.js', import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  return new URL('../../dist/server/snapshots/image-read-thread.js', import.meta.url);
}

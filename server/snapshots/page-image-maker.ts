/**
 * Makes page images, one at a time: starts the thread, cuts the view between two commands, closes it as soon as it is
 * read, and says what came of it. Whatever fails, the view closes, the file goes and serving goes on.
 *
 *   prepare: thread and file are there ─> cut: synchronous ─> view read, closed ─> frame committed ─> sealed: whole
 */
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Arena } from '../../core/memory/arena.js';
import { type PageView, RING_CELLS } from '../../core/memory/page-view.js';
import type { KeyspaceCounters } from '../../core/memory/readable-dataset.js';
import { PAGE_BYTES } from '../../core/memory/size-classes.js';
import type { FramePlace } from '../commit/commit-pipeline.js';
import { startLowered } from '../thread-priority.js';
import { ImageError } from './image-error.js';
import { type ImageOrder, type ImageThreadData, type ImageThreadMessage, ImageWord } from './image-messages.js';

/** Copies waiting above this make the thread hurry: a quarter of the ring. */
const WAITING_SHARE = 4;
/** About a third of a busy processor: while the view is open copies of pages gather. */
const NICE_IMAGE = 5;

/** What an image is made of: the engine has this shape. */
export interface ImagedDataset {
  readonly arena: Arena;
  /** By database number. */
  readonly keyspaces: readonly KeyspaceCounters[];
}

/** Where a cut lies in the log's history; see `CommitPipeline.cut`. */
export interface ImageCut {
  readonly logId: string;
  readonly timeline: string;
  readonly sequence: number;
  readonly featureLevel: number;
  readonly createdAtMs: number;
  /** The frame that ends with the sequence, once it is committed. */
  readonly committed: Promise<FramePlace>;
}

export interface MadeImage {
  /** Of the file. */
  readonly bytes: number;
  /** Pages in the file. */
  readonly pages: number;
  /** From the cut to the end. */
  readonly milliseconds: number;
  /** From the cut to the end of the view. */
  readonly viewMilliseconds: number;
  /** What the cut itself took. */
  readonly cutMicros: number;
  /** Pages that were copied because they changed before they were read. */
  readonly copiedPages: number;
  /** Most bytes that copies, and free pages that waited for the view, took at once. */
  readonly extraBytesPeak: number;
  /** Pages that changed while they were being read. */
  readonly contestedPages: number;
}

export interface ImageProgress {
  readonly pages: number;
  /** 0 until the cut. */
  readonly pagesTotal: number;
  readonly copiedPages: number;
}

/** For an image that no log is behind: the first view after a start, which warms the code. */
const NOWHERE: ImageCut = {
  logId: '00'.repeat(16),
  timeline: '00'.repeat(8),
  sequence: 0,
  featureLevel: 0,
  createdAtMs: 0,
  committed: Promise.resolve({ epoch: 0, idx: 0, runningChecksum: new Uint8Array(16) }),
};

export class PageImageMaker {
  private readonly dataset: ImagedDataset;
  private readonly ringCells: number;
  private run: PageImageRun | undefined = undefined;

  /** @param ringCells see `PageView`; tests make it tiny. */
  constructor(dataset: ImagedDataset, ringCells = RING_CELLS) {
    this.dataset = dataset;
    this.ringCells = ringCells;
  }

  /** Of the image that is being made. */
  get progress(): ImageProgress | undefined {
    return this.run?.progress;
  }

  /**
   * Starts the thread and creates the file, in the place of one that is there. One image at a time.
   * @throws ImageError, where the file cannot be made or the thread cannot start
   */
  async prepare(path: string): Promise<PageImageRun> {
    if (this.run !== undefined) throw new ImageError('IMAGE_FAILED', 'a page image is being made already');
    const run = new PageImageRun(this.dataset, path, this.ringCells, () => {
      this.run = undefined;
    });
    this.run = run;
    await run.ready;
    return run;
  }

  /**
   * The whole of it, for who needs nothing in between.
   * @param cut called between two commands, at once before the view opens; undefined: not now, ask again.
   * @throws ImageError
   */
  async writeImage(path: string, cut: () => ImageCut | undefined): Promise<MadeImage> {
    const run = await this.prepare(path);
    try {
      for (let place = cut(); ; place = cut()) {
        if (place !== undefined) {
          run.cut(place);
          break;
        }
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      run.cancel();
      await run.whole.catch(() => {});
      throw error;
    }
    return run.whole;
  }

  /**
   * Makes an image and throws it away, so that a benchmark measures warm code. A server does not do it at its start: the first
   * cut of 200,000 keys took 0.4 ms, later ones 0.13, once, while the thread and the file cost every start. The dataset
   * may be empty, or not.
   * @throws ImageError
   */
  async warmUp(path: string): Promise<void> {
    if (this.dataset.arena.view !== null || this.run !== undefined) return;
    await this.writeImage(path, () => NOWHERE);
    rmSync(path, { force: true });
  }
}

/** One image, from its empty file to its end. */
export class PageImageRun {
  /** Resolves once the thread waits for the cut. */
  readonly ready: Promise<void>;
  /** Resolves once the file is whole and synced; the view is closed by then. Rejects with an ImageError. */
  readonly whole: Promise<MadeImage>;
  private readonly dataset: ImagedDataset;
  private readonly path: string;
  private readonly ringCells: number;
  private readonly words = new Int32Array(new SharedArrayBuffer(ImageWord.count * 4));
  private readonly worker: Worker;
  private readonly settled: () => void;
  private settleReady: { resolve: () => void; reject: (error: ImageError) => void } | undefined = undefined;
  private settleWhole: { resolve: (made: MadeImage) => void; reject: (error: ImageError) => void } | undefined;
  private view: PageView | undefined = undefined;
  private place: ImageCut = NOWHERE;
  private startedAt = 0;
  private cutMicros = 0;
  private viewMilliseconds = 0;
  private extraBytesPeak = 0;
  private read: { readonly pages: number; readonly contested: number } | undefined = undefined;
  private bytes = -1;
  private failure: ImageError | undefined = undefined;

  constructor(dataset: ImagedDataset, path: string, ringCells: number, settled: () => void) {
    this.dataset = dataset;
    this.path = path;
    this.ringCells = ringCells;
    this.settled = settled;
    this.ready = new Promise((resolve, reject) => {
      this.settleReady = { resolve, reject };
    });
    this.whole = new Promise((resolve, reject) => {
      this.settleWhole = { resolve, reject };
    });
    // Whoever waits is told; that nobody does is no failure of its own.
    this.whole.catch(() => {});
    const options = {
      name: 'holdfast-image',
      workerData: { path, words: this.words } satisfies ImageThreadData,
      execArgv: [],
    };
    this.worker = startLowered(() => new Worker(compiledModule(), options), NICE_IMAGE);
    this.worker.on('message', (message: ImageThreadMessage) => this.receive(message));
    this.worker.on('error', (error) =>
      this.fail(new ImageError('IMAGE_FAILED', `the image thread died: ${error}`, error)),
    );
    this.worker.on('exit', () => this.ended());
  }

  get progress(): ImageProgress {
    return {
      pages: this.words[ImageWord.pages]!,
      pagesTotal: this.words[ImageWord.pagesTotal]!,
      copiedPages: this.view?.copied ?? 0,
    };
  }

  /**
   * Freezes the dataset as it is now; synchronous, between two commands. Without a place the image says nothing of a log.
   * @throws ArenaError, RangeError: there is no view then, and the run fails
   */
  cut(place: ImageCut = NOWHERE): void {
    if (this.failure !== undefined) throw this.failure;
    const { arena, keyspaces } = this.dataset;
    this.place = place;
    this.startedAt = performance.now();
    try {
      this.view = arena.cut(this.ringCells);
    } catch (error) {
      this.fail(new ImageError('IMAGE_NO_MEMORY', `no view could be opened: ${String(error)}`, error));
      throw this.failure;
    }
    const { share } = this.view;
    const { logId, timeline, sequence, createdAtMs, featureLevel } = place;
    this.order({
      type: 'read',
      share,
      header: { logId, timeline, sequence, createdAtMs, featureLevel, pageEnd: share.pageEnd },
      keyspaces: keyspaces.map(({ id, count, keysWithExpiry, contentBytes }) => {
        return { id, count, keysWithExpiry, contentBytes };
      }),
      waitingMax: Math.floor(this.ringCells / WAITING_SHARE),
    });
    this.cutMicros = Math.round((performance.now() - this.startedAt) * 1000);
  }

  /** Gives the image up. Nothing happens after its end. */
  cancel(): void {
    this.fail(new ImageError('IMAGE_CANCELLED', 'the page image was given up'));
  }

  private order(order: ImageOrder): void {
    this.worker.postMessage(order);
  }

  private receive(message: ImageThreadMessage): void {
    if (this.failure !== undefined) return;
    switch (message.type) {
      case 'ready':
        this.settleReady!.resolve();
        break;
      case 'read':
        this.read = message;
        this.closeView();
        this.place.committed.then(
          ({ epoch, idx, runningChecksum }) => {
            const text = Buffer.from(runningChecksum).toString('hex');
            if (this.failure === undefined) this.order({ type: 'seal', epoch, idx, runningChecksum: text });
          },
          (error) => this.fail(new ImageError('IMAGE_CANCELLED', 'the log has failed', error)),
        );
        break;
      case 'done':
        this.bytes = message.bytes;
        break;
      case 'failed':
        this.fail(this.errorOf(message));
        break;
    }
  }

  private errorOf({ code, message }: ImageThreadMessage & { type: 'failed' }): ImageError {
    if (this.view?.broken === true) {
      return new ImageError('IMAGE_NO_MEMORY', 'there was no memory to keep a page that changed: the view broke');
    }
    return new ImageError(code, `${this.path}: ${message}`);
  }

  private closeView(): void {
    const { arena } = this.dataset;
    const { view } = this;
    if (view === undefined) return;
    this.viewMilliseconds = performance.now() - this.startedAt;
    this.extraBytesPeak = Math.max(this.extraBytesPeak, arena.viewBytes, view.waitingPeak * PAGE_BYTES);
    if (arena.view === view) arena.closeView();
  }

  private fail(error: ImageError): void {
    if (this.failure !== undefined || this.bytes >= 0) return;
    this.failure = error;
    this.closeView();
    // One that reads sees the closed view; one that waits is told.
    this.order({ type: 'stop' });
  }

  /** The thread is gone, its file closed. */
  private ended(): void {
    if (this.bytes < 0) this.fail(new ImageError('IMAGE_FAILED', 'the image thread ended before the image was whole'));
    this.settled();
    const { failure } = this;
    if (failure !== undefined) {
      rmSync(this.path, { force: true });
      this.settleReady!.reject(failure);
      this.settleWhole!.reject(failure);
      return;
    }
    this.settleWhole!.resolve({
      bytes: this.bytes,
      pages: this.read!.pages,
      milliseconds: performance.now() - this.startedAt,
      viewMilliseconds: this.viewMilliseconds,
      cutMicros: this.cutMicros,
      copiedPages: this.view!.copied,
      extraBytesPeak: this.extraBytesPeak,
      contestedPages: this.read!.contested,
    });
  }
}

/** The compiled module of the thread, which lies beside this file; where this file runs from source (tests), under `dist`. */
function compiledModule(): URL {
  const beside = new URL('./image-thread.js', import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  return new URL('../../dist/server/snapshots/image-thread.js', import.meta.url);
}

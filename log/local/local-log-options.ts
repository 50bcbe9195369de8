/** Options and events of the local log, and the sizes that everything in this folder agrees on. */

import type { DirectoryLock } from './directory-lock.js';
import type { FileLayer } from './file-layer.js';

/** Something that an operator should see; the server writes it to its own log. */
export type LocalLogEvent =
  | { readonly type: 'torn-tail-cut'; readonly file: string; readonly offset: number; readonly bytes: number }
  | { readonly type: 'mark-failed'; readonly message: string }
  /** The disk has little room left. */
  | { readonly type: 'space-low'; readonly freeBytes: number }
  /** The disk had no room for the next step: writes of clients stop once what is zeroed is used up. */
  | { readonly type: 'space-short'; readonly roomBytes: number }
  | { readonly type: 'space-back' }
  /** How the directory was locked, where that is not `flock`, or what guard was not to be had. */
  | { readonly type: 'lock-weaker'; readonly message: string };

/** A frame that is known from elsewhere to be committed; a log that ends in front of it has lost something. */
export interface KnownCommitted {
  readonly logId: string;
  readonly timeline: string;
  readonly epoch: number;
  readonly idx: number;
  /** Who says so, for the error. */
  readonly where: string;
}

export interface LocalLogOptions {
  /** The log's own directory; made where it is missing. */
  readonly directory: string;
  /** Bodies between two origin resets, each of which begins a new segment. */
  readonly segmentBytesMax?: number;
  readonly batchBytesMax?: number;
  /** Cells in the ring of batch buffers; a power of two. */
  readonly batchCount?: number;
  /** An idle log appends a checksum frame after this many ms. */
  readonly idleMarkMs?: number;
  /** Zeroed room grows by this. */
  readonly stepBytes?: number;
  /** Zeroed room kept for the engine's own effects while the disk is full, and for the log's own frames below that. */
  readonly engineReserveBytes?: number;
  readonly ownReserveBytes?: number;
  /** Tells early when the disk has less than this. */
  readonly lowSpaceBytes?: number;
  readonly onEvent?: (event: LocalLogEvent) => void;
  /** Committed marks outside of the log's own files. */
  readonly knownCommitted?: readonly KnownCommitted[];
  /** Go on where nothing can lock the directory. Two servers on one directory destroy the log. */
  readonly unsafeNoDirectoryLock?: boolean;
  /** Faults, for tests and benchmarks: `fault-files.ts`. */
  readonly faults?: string;
  /** Another file system under the log. Needs `background` other than `thread`. */
  readonly files?: FileLayer;
  /** Another lock, or none, for tests. */
  readonly lock?: (directory: string) => Promise<DirectoryLock>;
  /**
   * Where the log thread's work is done: on a thread of its own (the default), on the event loop of the caller, or only
   * when `pump` is called.
   */
  readonly background?: 'thread' | 'event-loop' | 'manual';
  /** Where positions begin, so that a test need not make 2^31 commits to see them wrap. */
  readonly firstPosition?: number;
  /** The compiled module of the log thread; tests that run from source set it. */
  readonly threadModule?: URL;
}

/** The sizes, all set. They cross to the log thread as they are. */
export interface LocalLogSizes {
  readonly segmentBytesMax: number;
  readonly batchBytesMax: number;
  readonly batchCount: number;
  readonly idleMarkMs: number;
  readonly stepBytes: number;
  /** First step of a segment where the disk has no room for a whole one. */
  readonly stepBytesMin: number;
  /** More zeroed room than this is not prepared ahead. */
  readonly aheadBytes: number;
  /** Zeroed and synced at once, so that a commit meanwhile waits for little. */
  readonly sliceBytes: number;
  readonly engineReserveBytes: number;
  readonly ownReserveBytes: number;
  readonly lowSpaceBytes: number;
  readonly spaceRetryMs: number;
}

const MEBIBYTE = 1 << 20;

/** Fills in the defaults and checks how the sizes relate. @throws RangeError */
export function localLogSizes(options: LocalLogOptions): LocalLogSizes {
  const stepBytes = options.stepBytes ?? 4 * MEBIBYTE;
  const sizes: LocalLogSizes = {
    segmentBytesMax: options.segmentBytesMax ?? 64 * MEBIBYTE,
    batchBytesMax: options.batchBytesMax ?? 512 * 1024,
    batchCount: options.batchCount ?? 8,
    idleMarkMs: options.idleMarkMs ?? 250,
    stepBytes,
    stepBytesMin: Math.min(stepBytes, 64 * 1024),
    aheadBytes: 2 * stepBytes,
    sliceBytes: Math.min(stepBytes, MEBIBYTE),
    engineReserveBytes: options.engineReserveBytes ?? Math.min(stepBytes / 4, MEBIBYTE),
    ownReserveBytes: options.ownReserveBytes ?? Math.min(stepBytes / 8, 64 * 1024),
    lowSpaceBytes: options.lowSpaceBytes ?? 256 * MEBIBYTE,
    spaceRetryMs: 250,
  };
  checkSizes(sizes);
  return sizes;
}

function checkSizes(sizes: LocalLogSizes): void {
  const wrong =
    sizes.stepBytes % 512 !== 0 || sizes.stepBytes < 4096
      ? 'a step is a multiple of 512 bytes, 4096 at least'
      : (sizes.batchCount & (sizes.batchCount - 1)) !== 0 || sizes.batchCount < 2 || sizes.batchCount > 32
        ? 'the number of batches is a power of two, 32 at most'
        : sizes.batchBytesMax < 1024 || sizes.batchBytesMax > 8 * MEBIBYTE
          ? 'a batch has 1 KiB to 8 MiB'
          : undefined;
  if (wrong !== undefined) throw new RangeError(`local log: ${wrong}`);
}

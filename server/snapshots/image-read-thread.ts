/**
 * Entry of the image read thread: reads the pages of an image straight to their places in memory and checks them, ahead of
 * the server thread, which takes the records over behind it. It lives for one image.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CHUNK_PAGES, CHUNK_SHIFT, PAGE_BYTES } from '../../core/memory/size-classes.js';
import { readFully } from '../../log/local/file-layer.js';
import { errorText } from '../error-text.js';
import { ImageError, type ImageErrorCode } from './image-error.js';
import { checksumOf, damaged, IMAGE_HEADER_BYTES } from './image-format.js';
import { nodeSnapshotFiles } from './snapshot-files.js';

export interface ImageReadThreadData {
  /** One word: not 0 once the pages are not wanted any more. */
  readonly stop: Int32Array;
}

export interface ImageReadOrder {
  readonly path: string;
  /** In the order of the file: page number and checksum. */
  readonly pageAt: Int32Array;
  readonly checksums: Uint32Array;
  /** Shared memory of the pages, by chunk. Nobody else touches a page before it is said to be read. */
  readonly chunks: readonly Uint8Array[];
}

/** `read`: the first `places` pages of the file are there. */
export type ImageReadMessage =
  | { readonly type: 'read'; readonly places: number }
  | { readonly type: 'failed'; readonly code: ImageErrorCode; readonly message: string };

/** Pages between two messages: 1 MiB. */
const STEP_PAGES = 256;
const PAGE_MASK = CHUNK_PAGES - 1;

const files = nodeSnapshotFiles;
const { stop } = workerData as ImageReadThreadData;

function send(message: ImageReadMessage): void {
  parentPort!.postMessage(message);
}

function read(order: ImageReadOrder): void {
  const { path, pageAt } = order;
  const fd = files.open(path, 'read');
  try {
    for (let place = 0; place < pageAt.length && Atomics.load(stop, 0) === 0; ) {
      const end = Math.min(pageAt.length, place + STEP_PAGES);
      while (place < end) place += readRun(fd, order, place, end);
      send({ type: 'read', places: place });
    }
  } finally {
    files.close(fd);
  }
}

/** Reads the pages from `place` on that follow each other in memory too. Returns how many. */
function readRun(fd: number, { path, pageAt, checksums, chunks }: ImageReadOrder, place: number, end: number): number {
  const first = pageAt[place]!;
  const room = Math.min(end - place, CHUNK_PAGES - (first & PAGE_MASK));
  let count = 1;
  while (count < room && pageAt[place + count] === first + count) count++;
  const chunk = chunks[first >>> CHUNK_SHIFT]!;
  const at = (first & PAGE_MASK) * PAGE_BYTES;
  const offset = IMAGE_HEADER_BYTES + place * PAGE_BYTES;
  const length = count * PAGE_BYTES;
  if (readFully(files, fd, chunk, at, length, offset) !== length) throw damaged(path, 'its end');
  for (let i = 0; i < count; i++) {
    const from = at + i * PAGE_BYTES;
    if (checksumOf(chunk.subarray(from, from + PAGE_BYTES)) === checksums[place + i]) continue;
    throw damaged(path, `page ${first + i}`, offset + i * PAGE_BYTES);
  }
  return count;
}

if (parentPort === null) throw new Error('image-read-thread.js runs as a worker thread only');
parentPort.once('message', (order: ImageReadOrder) => {
  try {
    read(order);
  } catch (error) {
    const code = error instanceof ImageError ? error.code : 'IMAGE_FAILED';
    send({ type: 'failed', code, message: errorText(error) });
  }
  parentPort!.close();
});

/**
 * Entry of the image thread: creates the file, reads the view into it, seals it, and ends. It lives for one image, since
 * only a thread that has ended lets go of the chunks that it saw.
 */
import { dirname } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { PAGE_BYTES } from '../../core/memory/size-classes.js';
import { ViewReader } from '../../core/memory/view-reader.js';
import { isNoSpace } from '../../log/local/file-layer.js';
import { errorText } from '../error-text.js';
import { requireRoom } from './disk-room.js';
import { ImageError } from './image-error.js';
import { ImageFileWriter } from './image-file-writer.js';
import { type ImageOrder, type ImageThreadData, type ImageThreadMessage, ImageWord } from './image-messages.js';
import { SnapshotError } from './snapshot-error.js';
import { nodeSnapshotFiles } from './snapshot-files.js';
import { SnapshotPace } from './snapshot-pace.js';

/** Pages between two looks at whether the view was closed: some tenths of a millisecond. */
const STEP_PAGES = 64;
/** With a share of this of the copies that make it hurry already waiting, the thread does not rest. */
const RESTING_SHARE = 4;

/** Steps between two looks at the room on the disk: 8 MiB. */
const STEPS_PER_LOOK = 32;

const { path, words } = workerData as ImageThreadData;
const directory = dirname(path);
const files = nodeSnapshotFiles;
let fd = -1;
let writer: ImageFileWriter | undefined;

function send(message: ImageThreadMessage): void {
  parentPort!.postMessage(message);
}

/** The file is new: truncating an old one takes long, and would do so while the view is open. */
function createFile(): void {
  if (files.exists(path)) files.unlink(path);
  fd = files.open(path, 'create');
}

function read({ share, header, keyspaces, waitingMax }: ImageOrder & { type: 'read' }): void {
  let reader: ViewReader | undefined;
  const hurried = (): boolean => reader !== undefined && reader.waiting > waitingMax;
  const pace = new SnapshotPace();
  writer = new ImageFileWriter(files, fd, header, share.kinds, hurried, (ms) => pace.waited(ms));
  reader = new ViewReader(share, writer);
  words[ImageWord.pagesTotal] = reader.pagesInUse;
  requireRoom(files, directory, reader.pagesInUse * PAGE_BYTES);
  for (let whole = false, steps = 1; !whole; steps++) {
    whole = reader.step(STEP_PAGES);
    if (steps % STEPS_PER_LOOK === 0) requireRoom(files, directory, 0);
    words[ImageWord.pages] = writer.pages + reader.dead;
    pace.rest(reader.waiting > waitingMax / RESTING_SHARE);
    if (reader.closed) throw new ImageError('IMAGE_CANCELLED', 'the view was closed before it was read');
  }
  if (!reader.complete || writer.pages !== reader.drained + reader.claimed) {
    const message = `the view gave ${reader.drained} + ${reader.claimed} pages and ${reader.dead} dead ones of ${reader.pagesInUse}`;
    throw new ImageError('IMAGE_WRONG', message);
  }
  const { drained, contested } = reader;
  send({ type: 'read', pages: writer.pages, drained, contested });
  writer.finish(keyspaces);
}

function end(): void {
  if (fd >= 0) files.close(fd);
  fd = -1;
  parentPort!.close();
}

function fail(error: unknown): void {
  let code = error instanceof ImageError ? error.code : ('IMAGE_FAILED' as const);
  if (isNoSpace(error) || error instanceof SnapshotError) code = 'IMAGE_NO_SPACE';
  send({ type: 'failed', code, message: errorText(error) });
  end();
}

function obey(order: ImageOrder): void {
  try {
    if (order.type === 'read') {
      read(order);
    } else if (order.type === 'seal') {
      send({ type: 'done', bytes: writer!.seal(order) });
      end();
    } else {
      end();
    }
  } catch (error) {
    fail(error);
  }
}

if (parentPort === null) throw new Error('image-thread.js runs as a worker thread only');
parentPort.on('message', obey);
try {
  createFile();
  send({ type: 'ready' });
} catch (error) {
  fail(error);
}

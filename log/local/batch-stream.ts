/** Verified frames of a log in large batches, read ahead on a thread of its own or, without one, when asked for. */
import { Worker } from 'node:worker_threads';
import type { FrameBatch } from '../entry-reader.js';
import { LogError } from '../log-error.js';
import { type Block, BlockReader, newBlock, type ReadPlan } from './block-reader.js';
import type { FileLayer } from './file-layer.js';
import type { ReadThreadData, ReadThreadMessage } from './read-thread.js';

const BLOCK_COUNT = 4;
const BLOCK_BYTES = 1 << 20;

/** Reads in the calling thread, one block at a time. @throws LogError as `BlockReader.fill` */
export function* readBatchesHere(files: FileLayer, plan: ReadPlan): Generator<FrameBatch> {
  const reader = new BlockReader(files, plan);
  const largest = plan.segments.reduce((bytes, segment) => Math.max(bytes, segment.size), 512);
  let block = newBlock(Math.min(BLOCK_BYTES, largest), false);
  try {
    for (;;) {
      const batch = reader.fill(block);
      if (batch === undefined) return;
      if (typeof batch === 'number') block = newBlock(batch, false);
      else yield batch;
    }
  } finally {
    reader.close();
  }
}

/**
 * Reads on a thread: while the consumer works on one block, the next ones are read and verified. A batch is valid until
 * the next one is asked for. @throws LogError as `BlockReader.fill`
 */
export async function* readBatchesAhead(plan: ReadPlan, module: URL): AsyncGenerator<FrameBatch> {
  const blocks: Block[] = [];
  for (let i = 0; i < BLOCK_COUNT; i++) blocks.push(newBlock(BLOCK_BYTES, true));
  const turns = new Int32Array(new SharedArrayBuffer(4 * (BLOCK_COUNT + 1)));
  const inbox = new Inbox();
  const workerData: ReadThreadData = { plan, blocks, turns };
  const worker = new Worker(module, { name: 'holdfast-log-read', workerData, execArgv: [] });
  worker.on('message', (message: ReadThreadMessage) => inbox.put(message));
  worker.on('error', (cause) =>
    inbox.fail(new LogError('LOG_FAILED', `the read thread died: ${String(cause)}`, { cause })),
  );
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', () => {
      inbox.fail(new LogError('LOG_FAILED', 'the read thread ended before the log did'));
      resolve();
    });
  });
  try {
    for (;;) {
      const message = await inbox.take();
      if (message.type === 'end') return;
      if (message.type === 'failed') {
        const { code, message: text, file, offset } = message.error;
        throw new LogError(code, text, { file, offset });
      }
      if (message.replaced !== undefined) blocks[message.index] = message.replaced;
      const { bytes, frameStarts } = blocks[message.index]!;
      yield { bytes, frameStarts, frameCount: message.frameCount, file: message.file, fileOffset: message.fileOffset };
      Atomics.store(turns, message.index, 0);
      Atomics.notify(turns, message.index);
    }
  } finally {
    Atomics.store(turns, BLOCK_COUNT, 1);
    for (let i = 0; i < BLOCK_COUNT; i++) {
      Atomics.store(turns, i, 0);
      Atomics.notify(turns, i);
    }
    await exited;
  }
}

/** Messages that came and are not taken yet. */
class Inbox {
  private readonly messages: ReadThreadMessage[] = [];
  private failure: LogError | undefined = undefined;
  private wake: (() => void) | undefined = undefined;

  put(message: ReadThreadMessage): void {
    this.messages.push(message);
    this.wake?.();
  }

  /** What was put before is still taken first. */
  fail(error: LogError): void {
    this.failure ??= error;
    this.wake?.();
  }

  async take(): Promise<ReadThreadMessage> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
      this.wake = undefined;
    }
  }
}

/** The read thread of a restart: reads and verifies the log ahead of the server thread, which only folds. */
import { parentPort, workerData } from 'node:worker_threads';
import { LogError } from '../log-error.js';
import { type Block, BlockReader, newBlock, type ReadPlan } from './block-reader.js';
import { nodeFiles } from './file-layer.js';
import type { PlainLogError } from './keeper-host.js';

export interface ReadThreadData {
  readonly plan: ReadPlan;
  readonly blocks: readonly Block[];
  /** One word per block: 0 free, 1 with the consumer; the last word is 1 once nobody reads any more. */
  readonly turns: Int32Array;
}

export type ReadThreadMessage =
  | {
      readonly type: 'block';
      readonly index: number;
      readonly frameCount: number;
      readonly file: string;
      readonly fileOffset: number;
      /** Set where the block was replaced by a larger one. */
      readonly replaced: Block | undefined;
    }
  | { readonly type: 'end' }
  | { readonly type: 'failed'; readonly error: PlainLogError };

function send(message: ReadThreadMessage): void {
  parentPort!.postMessage(message);
}

function run(data: ReadThreadData): void {
  const reader = new BlockReader(nodeFiles, data.plan);
  const blocks = [...data.blocks];
  const { turns } = data;
  let index = 0;
  for (;;) {
    Atomics.wait(turns, index, 1);
    if (Atomics.load(turns, blocks.length) === 1) break;
    let replaced: Block | undefined;
    let batch = reader.fill(blocks[index]!);
    while (typeof batch === 'number') {
      replaced = newBlock(batch, true);
      blocks[index] = replaced;
      batch = reader.fill(replaced);
    }
    if (batch === undefined) {
      send({ type: 'end' });
      break;
    }
    Atomics.store(turns, index, 1);
    const { frameCount, file, fileOffset } = batch;
    send({ type: 'block', index, frameCount, file, fileOffset, replaced });
    index = (index + 1) % blocks.length;
  }
  reader.close();
}

try {
  run(workerData as ReadThreadData);
} catch (error) {
  const known = error instanceof LogError ? error : new LogError('LOG_FAILED', String(error), { cause: error });
  const { code, message, file, offset } = known;
  send({ type: 'failed', error: { code, message, file, offset } });
}

/** The log thread: runs a `LogKeeper` until it is stopped or fails, asleep on a word of shared memory in between. */
import { getHeapStatistics } from 'node:v8';
import { parentPort, workerData } from 'node:worker_threads';
import { LogError } from '../log-error.js';
import { BatchBuffer } from './batch-buffer.js';
import { Asleep, CommitState, monotonicMs, Num, Word } from './commit-state.js';
import { FaultFiles, parseLogFaults } from './fault-files.js';
import { nodeFiles } from './file-layer.js';
import type { LogThreadData, LogThreadMessage } from './keeper-host.js';
import { LogKeeper, STOPPED } from './log-keeper.js';

function send(message: LogThreadMessage): void {
  parentPort!.postMessage(message);
}

function fail(error: unknown): void {
  const plain =
    error instanceof LogError
      ? { code: error.code, message: error.message, file: error.file, offset: error.offset }
      : { code: 'LOG_FAILED' as const, message: String(error), file: undefined, offset: undefined };
  send({ type: 'failed', error: plain });
}

function run(data: LogThreadData): void {
  const state = new CommitState(data.state);
  const cells = data.cells.map((memory) => new BatchBuffer(memory));
  const faults =
    data.faults === '' ? undefined : new FaultFiles(nodeFiles, parseLogFaults(data.faults), data.faultCounters);
  const keeper = new LogKeeper(
    faults ?? nodeFiles,
    state,
    cells,
    data.setup,
    () => faults?.held ?? false,
    (event) => send({ type: 'event', event }),
    () => send({ type: 'sealed' }),
  );
  try {
    keeper.begin(data.start);
    send({ type: 'begun' });
    serve(keeper, state);
  } catch (error) {
    Atomics.store(state.words, Word.failed, 1);
    fail(error);
    state.tell();
  }
}

/** How often the thread looks at its own heap, in ms. */
const HEAP_LOOK_MS = 1000;

function serve(keeper: LogKeeper, state: CommitState): void {
  const { words, numbers } = state;
  let heapLookMs = 0;
  for (;;) {
    // Read before the round: whoever bumps the word after that makes the wait return at once.
    const wake = Atomics.load(words, Word.wake);
    const now = monotonicMs();
    if (now >= heapLookMs) {
      heapLookMs = now + HEAP_LOOK_MS;
      numbers[Num.threadHeapBytes] = getHeapStatistics().used_heap_size;
    }
    const wait = keeper.round(now);
    if (wait === STOPPED) return;
    if (wait === 0) continue;
    Atomics.store(words, Word.asleep, wait === Number.POSITIVE_INFINITY ? Asleep.sleeping : Asleep.dozing);
    // An inline commit that saw this thread awake does not wake it; what it left to do is looked for once more.
    if (wait === Number.POSITIVE_INFINITY && keeper.round(monotonicMs()) !== wait) {
      Atomics.store(words, Word.asleep, Asleep.awake);
      continue;
    }
    Atomics.wait(words, Word.wake, wake, wait);
    Atomics.store(words, Word.asleep, Asleep.awake);
  }
}

run(workerData as LogThreadData);

/** Runs snapshot jobs, each on a thread of its own that ends with it: only so its memory goes back to the system. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { startLowered } from '../thread-priority.js';
import { SnapshotError } from './snapshot-error.js';
import type { SnapshotJob, SnapshotResult, SnapshotStage } from './snapshot-job.js';
import { JobNumber, JobWord, type SnapshotThreadData, type SnapshotThreadMessage } from './snapshot-messages.js';

export class SnapshotThreadHost {
  private readonly faults: string;
  private readonly words = new Int32Array(new SharedArrayBuffer(4));
  private readonly numbers = new Float64Array(new SharedArrayBuffer(8));

  /** @param faults for tests, see snapshot-faults.ts. */
  constructor(faults: string) {
    this.faults = faults;
  }

  /** Keys that the running job has written. */
  get keys(): number {
    return this.numbers[JobNumber.keys]!;
  }

  /**
   * Runs a job; one at a time. Resolves once its thread has ended.
   * @throws SnapshotError
   */
  run(job: SnapshotJob, onStage: (stage: SnapshotStage) => void): Promise<SnapshotResult> {
    this.numbers[JobNumber.keys] = 0;
    const { words, numbers, faults } = this;
    const options = {
      name: 'holdfast-snapshot',
      workerData: { job, faults, words, numbers } satisfies SnapshotThreadData,
      trackUnmanagedFds: false,
      execArgv: [],
    };
    const worker = startLowered(() => new Worker(compiledModule(), options));
    let outcome: SnapshotResult | SnapshotError = new SnapshotError('SNAPSHOT_FAILED', 'the snapshot thread ended');
    worker.on('message', (message: SnapshotThreadMessage) => {
      if (message.type === 'stage') onStage(message.stage);
      else if (message.type === 'done') outcome = message.result;
      else outcome = new SnapshotError(message.code, message.message);
    });
    worker.on('error', (cause) => {
      outcome = new SnapshotError('SNAPSHOT_FAILED', `the snapshot thread died: ${String(cause)}`, cause);
    });
    return new Promise((resolve, reject) => {
      worker.on('exit', () => {
        if (outcome instanceof SnapshotError) reject(outcome);
        else resolve(outcome);
      });
    });
  }

  /** Asks the running job to stop, and every later one: the server ends. */
  stop(): void {
    Atomics.store(this.words, JobWord.stop, 1);
  }
}

function compiledModule(): URL {
  const beside = new URL('./snapshot-thread.js', import.meta.url);
  if (existsSync(fileURLToPath(beside))) return beside;
  return new URL('../../dist/server/snapshots/snapshot-thread.js', import.meta.url);
}

/** Entry of the snapshot thread: runs one job at low priority, says how far it is, and ends. */
import { parentPort, workerData } from 'node:worker_threads';
import { nodeFiles } from '../../log/local/file-layer.js';
import { errorText } from '../error-text.js';
import { lowerThreadPriority } from '../thread-priority.js';
import { openImageFile } from './image-file.js';
import { SnapshotError } from './snapshot-error.js';
import { SnapshotFaults } from './snapshot-faults.js';
import { nodeSnapshotFiles } from './snapshot-files.js';
import { runSnapshotJob } from './snapshot-job.js';
import { JobNumber, JobWord, type SnapshotThreadData, type SnapshotThreadMessage } from './snapshot-messages.js';
import { SnapshotPace } from './snapshot-pace.js';

function send(message: SnapshotThreadMessage): void {
  parentPort!.postMessage(message);
}

function run({ job, faults, words, numbers }: SnapshotThreadData): void {
  lowerThreadPriority();
  const injected = new SnapshotFaults(faults);
  const pace = new SnapshotPace();
  try {
    const result = runSnapshotJob(job, {
      files: nodeSnapshotFiles,
      logFiles: nodeFiles,
      openImage: openImageFile,
      faults: injected,
      onStage: (stage) => {
        send({ type: 'stage', stage });
        injected.stage(stage);
      },
      onProgress: (keys) => {
        numbers[JobNumber.keys] = keys;
      },
      stopped: () => Atomics.load(words, JobWord.stop) !== 0,
      rest: (waitedMs) => {
        pace.waited(waitedMs);
        pace.rest();
      },
    });
    send({ type: 'done', result });
  } catch (error) {
    const code = error instanceof SnapshotError ? error.code : 'SNAPSHOT_FAILED';
    send({ type: 'failed', code, message: errorText(error) });
  }
}

if (parentPort === null) throw new Error('snapshot-thread.js runs as a worker thread only');
run(workerData as SnapshotThreadData);

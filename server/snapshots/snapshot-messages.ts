/** What the server thread and the snapshot thread tell each other. Types and indexes only. */
import type { SnapshotErrorCode } from './snapshot-error.js';
import type { SnapshotJob, SnapshotResult, SnapshotStage } from './snapshot-job.js';

export interface SnapshotThreadData {
  readonly job: SnapshotJob;
  /** See snapshot-faults.ts. */
  readonly faults: string;
  /** Shared memory, by `JobWord` and `JobNumber`. */
  readonly words: Int32Array;
  readonly numbers: Float64Array;
}

export const JobWord = { stop: 0 } as const;
export const JobNumber = { keys: 0 } as const;

export type SnapshotThreadMessage =
  | { readonly type: 'stage'; readonly stage: SnapshotStage }
  | { readonly type: 'done'; readonly result: SnapshotResult }
  | { readonly type: 'failed'; readonly code: SnapshotErrorCode; readonly message: string };

/** A job with something in every field, over the keys that are counted. */
import type { ReadableDataset } from '../../../core/memory/readable-dataset.js';
import type { SnapshotJob } from '../../../server/snapshots/snapshot-job.js';

type Places = Pick<SnapshotJob, 'directory' | 'logDirectory' | 'dumpPath'>;

/** @param sequence of the cut. */
export function exampleJob(
  sequence: number,
  places: Places,
  { keyspaces }: Pick<ReadableDataset, 'keyspaces'>,
): SnapshotJob {
  return {
    ...places,
    place: {
      logId: '0'.repeat(32),
      timeline: '1'.repeat(16),
      sequence,
      epoch: 1,
      idx: sequence,
      runningChecksum: '2'.repeat(32),
    },
    counts: keyspaces.map(({ count, keysWithExpiry, contentBytes }) => ({ count, keysWithExpiry, contentBytes })),
    auxiliary: [['redis-ver', '7.0.15']],
    compress: true,
    featureLevel: 1,
    createdAtMs: 1_700_000_000_000,
    madeBy: '0.0.0',
  };
}

/**
 * When a snapshot is due by itself: Redis' save points, and the growth of the log. A pure decision over counters, so that
 * it needs no clock.
 */

/** After a failure nothing is tried again by itself for so long; Redis' own figure. */
export const RETRY_MS = 5000;

export interface SnapshotRules {
  /** Pairs of seconds and changes. */
  readonly savePoints: readonly number[];
  /** Growth of the log behind the last snapshot, in percent of that snapshot's size; 0 for never. */
  readonly growthPercent: number;
  /** Growth below this never triggers. */
  readonly growthBytesMin: number;
}

export interface SnapshotCounters {
  readonly nowMs: number;
  /** When the last snapshot was taken, or the server started. */
  readonly lastSnapshotMs: number;
  /** When the last attempt failed, or 0 where the last one did not. */
  readonly lastFailureMs: number;
  readonly changes: number;
  /** Bytes that the log has grown by since the last snapshot. */
  readonly logGrowthBytes: number;
  /** Bytes of the last snapshot's file; 0 without one. */
  readonly snapshotBytes: number;
}

/** Why a snapshot is due now, for people; '' if it is not. */
export function dueSnapshot(rules: SnapshotRules, counters: SnapshotCounters): string {
  const { nowMs, lastSnapshotMs, lastFailureMs, changes } = counters;
  if (lastFailureMs > 0 && nowMs - lastFailureMs < RETRY_MS) return '';
  const seconds = (nowMs - lastSnapshotMs) / 1000;
  const { savePoints, growthPercent, growthBytesMin } = rules;
  for (let i = 0; i + 1 < savePoints.length; i += 2) {
    if (changes > 0 && changes >= savePoints[i + 1]! && seconds > savePoints[i]!) {
      return `${savePoints[i + 1]} changes in ${savePoints[i]} seconds`;
    }
  }
  if (growthPercent === 0) return '';
  const limit = Math.max(growthBytesMin, (counters.snapshotBytes * growthPercent) / 100);
  if (counters.logGrowthBytes < limit || counters.logGrowthBytes === 0) return '';
  return `the log has grown by ${counters.logGrowthBytes} bytes`;
}

/** Why a snapshot was not taken, or cannot be used. */

/**
 * - `SNAPSHOT_WRONG`: it is not the dataset that was counted at the cut, or does not read back. A bug, or bad memory.
 * - `SNAPSHOT_NO_SPACE`: the disk has no room for it.
 * - `SNAPSHOT_STOPPED`: it was asked to stop: the server ends.
 * - `SNAPSHOT_FAILED`: the thread died.
 */
export type SnapshotErrorCode = 'SNAPSHOT_WRONG' | 'SNAPSHOT_NO_SPACE' | 'SNAPSHOT_STOPPED' | 'SNAPSHOT_FAILED';

export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  readonly code: SnapshotErrorCode;

  constructor(code: SnapshotErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

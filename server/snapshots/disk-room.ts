/** What snapshots leave free on the disk: the log comes first, a snapshot never takes the room that writes need. */
import type { FileLayer } from '../../log/local/file-layer.js';
import { SnapshotError } from './snapshot-error.js';

/** Left free for the log: two steps of its open segment and the next one. */
export const FREE_BYTES_MIN = 16 << 20;

/** Whether so many bytes more still leave the log its room. */
export function hasRoom(files: Pick<FileLayer, 'freeBytes'>, directory: string, bytes: number): boolean {
  return files.freeBytes(directory) - bytes >= FREE_BYTES_MIN;
}

/**
 * @param bytes that are about to be written; 0 to ask for the log's room alone.
 * @throws SnapshotError `SNAPSHOT_NO_SPACE`
 */
export function requireRoom(files: Pick<FileLayer, 'freeBytes'>, directory: string, bytes: number): void {
  if (hasRoom(files, directory, bytes)) return;
  const free = files.freeBytes(directory);
  const wanted = bytes === 0 ? '' : `, ${bytes} are to be written`;
  throw new SnapshotError(
    'SNAPSHOT_NO_SPACE',
    `the disk has ${free} bytes left${wanted}, and the log needs some of them`,
  );
}

/** The snapshots that a log which is cut goes on from: which of them its new directory gets. */
import { basename, dirname, join } from 'node:path';
import { makeDirectories } from '../../log/local/file-layer.js';
import { LogError } from '../../log/log-error.js';
import { nodeSnapshotFiles as files } from '../snapshots/snapshot-files.js';
import type { SnapshotManifest } from '../snapshots/snapshot-manifest.js';
import { manifestNameOf, SnapshotStore } from '../snapshots/snapshot-store.js';

/**
 * The verified snapshots beside a log that lie at or below the last sequence to keep, oldest first.
 * @param logDirectory of the log.
 * @param warn told of manifests that cannot be used.
 */
export function snapshotsUpTo(
  logDirectory: string,
  lastSequence: number,
  warn: (message: string) => void,
): { readonly store: SnapshotStore; readonly snapshots: readonly SnapshotManifest[] } {
  const store = new SnapshotStore(files, join(dirname(logDirectory), 'snapshots'), warn);
  store.read();
  return { store, snapshots: store.snapshots.filter(({ sequence }) => sequence <= lastSequence) };
}

/**
 * Makes sure that a log without its front has a snapshot to go on from.
 * @param firstSequence that the log has; infinite where its beginning cannot be read, which the cut will say.
 * @throws LogError `LOG_TRIMMED` naming how far down a cut can go
 */
export function requireReaching(
  store: SnapshotStore,
  snapshots: readonly SnapshotManifest[],
  firstSequence: number,
): void {
  if (firstSequence === 1 || firstSequence === Number.POSITIVE_INFINITY) return;
  if (snapshots.some(({ sequence }) => sequence + 1 >= firstSequence)) return;
  const oldest = store.snapshots.find(({ sequence }) => sequence + 1 >= firstSequence);
  const way = oldest === undefined ? 'there is none' : `cut after sequence ${oldest.sequence} or above`;
  const message =
    `the log begins with sequence ${firstSequence}, and what a cut there leaves needs a snapshot in ${store.directory} ` +
    `to go on from, at or below it: ${way}`;
  throw new LogError('LOG_TRIMMED', message);
}

/** Copies snapshots, manifests last, into the directory of a new data directory. */
export function copySnapshots(
  store: SnapshotStore,
  snapshots: readonly SnapshotManifest[],
  dataDirectory: string,
): void {
  if (snapshots.length === 0) return;
  const target = join(dataDirectory, basename(store.directory));
  makeDirectories(files, target);
  for (const manifest of snapshots) {
    for (const name of [manifest.file, manifestNameOf(manifest)]) {
      const path = join(target, name);
      files.copy(store.pathOf(name), path);
      const fd = files.open(path, 'write');
      try {
        files.fsync(fd, 'snapshot-write');
      } finally {
        files.close(fd);
      }
      files.syncDirectory(target, 'snapshot-enter');
    }
  }
}

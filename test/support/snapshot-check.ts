/** Reads every snapshot that a data directory lists, with nothing but its manifest to go by. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { RdbDigest } from '../../core/rdb/rdb-digest.js';
import { RdbReader } from '../../core/rdb/rdb-reader.js';
import { nodeSnapshotFiles } from '../../server/snapshots/snapshot-files.js';
import { crc64Text, type SnapshotManifest } from '../../server/snapshots/snapshot-manifest.js';
import { SnapshotStore } from '../../server/snapshots/snapshot-store.js';
import { LossFound } from './recording-client.js';

/**
 * Returns the listed snapshots, oldest first.
 * @throws LossFound where one is listed that is not what its manifest says, or where anything else cannot be used.
 */
export function checkSnapshots(dataDirectory: string): readonly SnapshotManifest[] {
  const store = new SnapshotStore(nodeSnapshotFiles, join(dataDirectory, 'snapshots'), (message) => {
    throw new LossFound(message);
  });
  store.read();
  for (const manifest of store.snapshots) checkSnapshot(store.pathOf(manifest.file), manifest);
  return store.snapshots;
}

function checkSnapshot(path: string, { bytes, crc64, digest, counts }: SnapshotManifest): void {
  const found = new RdbDigest(16);
  const reader = new RdbReader(found);
  const fd = openSync(path, 'r');
  try {
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const count = readSync(fd, buffer);
      if (count === 0) break;
      reader.push(buffer, 0, count);
    }
    reader.finish();
  } finally {
    closeSync(fd);
  }
  const same =
    reader.offset === bytes &&
    crc64Text(reader.checksumHigh, reader.checksumLow) === crc64 &&
    found.digestText === digest &&
    counts.every(({ database, keys, expires }) => {
      const counted = found.counts.of(database);
      return counted.keys === keys && counted.keysWithDeadline === expires;
    });
  if (!same) throw new LossFound(`${path} is listed and is not what its manifest says`);
}

/** A manifest with something in every field. */
import type { SnapshotManifest } from '../../../server/snapshots/snapshot-manifest.js';

export const MANIFEST: SnapshotManifest = {
  logId: '0123456789abcdef0123456789abcdef',
  timeline: '0123456789abcdef',
  sequence: 123456,
  epoch: 3,
  idx: 17,
  runningChecksum: 'ffeeddccbbaa99887766554433221100',
  kind: 'snapshot',
  file: '0000000000123456-1.rdb',
  bytes: 5,
  crc64: 'e9c6d914c4b8d9ca',
  digest: 'v1:0123456789abcdef',
  counts: [{ database: 0, keys: 10, expires: 2 }],
  rdbVersion: 10,
  featureLevel: 1,
  createdAtMs: 1_700_000_000_000,
  madeBy: '0.1.0',
  verified: true,
};

/** What a start begins with where the log and the file are looked at side by side. The choice as a whole: test/system/snapshots. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { expect, it } from 'vitest';
import type { Engine } from '../../../core/engine.js';
import { LoadableArena } from '../../../core/memory/loadable-arena.js';
import { LoadableKeyspace } from '../../../core/memory/loadable-keyspace.js';
import type { LogTail } from '../../../log/transaction-log.js';
import { loadImageFile } from '../../../server/snapshots/image-file.js';
import { PageImageMaker } from '../../../server/snapshots/page-image-maker.js';
import { nodeSnapshotFiles } from '../../../server/snapshots/snapshot-files.js';
import type { SnapshotManifest } from '../../../server/snapshots/snapshot-manifest.js';
import { SnapshotRecovery } from '../../../server/snapshots/snapshot-recovery.js';
import type { SnapshotStore } from '../../../server/snapshots/snapshot-store.js';
import { KeyspaceModel } from '../../core/memory/keyspace-model.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

const SEQUENCE = 40;
const place = { logId: 'ab'.repeat(16), timeline: '0'.repeat(16), sequence: SEQUENCE, featureLevel: 1, createdAtMs: 1 };

/** An image in `directory` of a dataset of some hundred keys, and its manifest. */
async function makeImage(directory: string): Promise<SnapshotManifest> {
  const arena = new LoadableArena();
  const model = new KeyspaceModel(arena, 1, 21, 200, 2e6, (_, __, change) => change());
  for (let i = 0; i < 900; i++) model.step();
  const frame = { epoch: 1, idx: 3, runningChecksum: new Uint8Array(16).fill(7) };
  const cut = { ...place, committed: Promise.resolve(frame) };
  const keyspace = model.keyspace as LoadableKeyspace;
  const { bytes } = await new PageImageMaker({ arena, keyspaces: [keyspace] }).writeImage(
    join(directory, '1.image'),
    () => cut,
  );
  expect(keyspace.count).toBeGreaterThan(50);
  return {
    ...{ ...place, epoch: 1, idx: 3, runningChecksum: '07'.repeat(16), kind: 'image', file: '1.image', bytes },
    ...{ crc64: '', digest: '', rdbVersion: 0, madeBy: '', verified: false },
    counts: [{ database: 0, keys: keyspace.count, expires: keyspace.keysWithExpiry }],
  };
}

it('an image whose place is not on the log is let go, although it was loaded meanwhile, and is not set aside', async () => {
  const directory = makeTemporaryDirectory('recovery');
  try {
    const image = await makeImage(directory);
    const arena = new LoadableArena();
    const keyspaces = [new LoadableKeyspace(1, arena, Uint32Array.of(5, 6))];
    const engine = { arena, keyspaces, accessClock: { fresh: 1 }, effects: { sequence: 0 } } as unknown as Engine;
    const dropped: string[] = [];
    const store = {
      ...{ image, snapshots: [], directory, pathOf: (file: string) => join(directory, file) },
      dropImage: () => dropped.push('image'),
    };
    const warnings: string[] = [];
    const loaded: number[] = [];
    const recovery = new SnapshotRecovery({
      files: nodeSnapshotFiles,
      store: store as unknown as SnapshotStore,
      engine,
      log: { warn: (text: string) => warnings.push(text), info: () => {} } as unknown as Logger,
      featureLevel: 1,
      loadImage: async (path, target, onSlice) => {
        await loadImageFile(path, target, onSlice);
        loaded.push(keyspaces[0]!.count);
      },
      onSlice: () => {},
    });
    const tail = { logId: image.logId, firstSequence: 1, lastSequence: SEQUENCE + 5, fresh: false };
    const from = await recovery.load(tail as LogTail, { async *readBatches() {} });
    expect(loaded).toEqual([image.counts[0]!.keys]);
    expect(from).toEqual({ from: 'log', sequence: 0, keys: 0 });
    expect(warnings[0]).toBe('the page image 1.image is not used: its place does not lie on the log');
    expect(keyspaces[0]!.count).toBe(0);
    expect(arena.stats.pageBytes).toBe(0);
    recovery.setDamagedAside();
    expect(dropped).toEqual([]);
  } finally {
    removeTemporaryDirectory(directory);
  }
});

import { expect, test } from 'vitest';
import { datasetDigest } from '../../../core/dataset-digest.js';
import { loadRdb, type RdbProgress } from '../../../server/import/load-rdb.js';
import { fillDataset, writeDataset } from '../../core/rdb/dataset-files.js';
import { ManualClock, TestEngine } from '../../support/test-engine.js';

async function* inChunks(file: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < file.length; at += size) yield file.slice(at, at + size);
}

function digestOf(engine: TestEngine): string {
  return datasetDigest(engine.arena, engine.engine.keyspaces);
}

test('a file is loaded in slices, with progress, and clients get their turns', async () => {
  const source = new TestEngine();
  fillDataset(source, 3, 3000);
  const { file, writer } = writeDataset(source);
  const clock = new ManualClock();
  // Every look at the clock ends the slice.
  clock.microsPerReading = 5000;
  const engine = new TestEngine({ clock });
  const progress: RdbProgress[] = [];
  let turns = 0;
  const ticker = (): void => {
    turns++;
    ticking = setImmediate(ticker);
  };
  let ticking = setImmediate(ticker);
  const loaded = await loadRdb(engine.engine, inChunks(Buffer.concat([file, Buffer.from('rest')]), 100_000), {
    dropExpiredAtMs: 0,
    onSlice: (now) => progress.push(now),
  });
  clearImmediate(ticking);
  expect(digestOf(engine)).toBe(digestOf(source));
  expect(loaded).toMatchObject({ version: 10, bytes: file.length, keys: writer.keys, expired: 0 });
  expect([loaded.checksumHigh, loaded.checksumLow]).toEqual([writer.checksumHigh, writer.checksumLow]);
  expect(progress.length).toBeGreaterThan(file.length / 70_000);
  expect(turns).toBeGreaterThan(progress.length / 2);
  expect(progress.every(({ loadedBytes }, i) => i === 0 || loadedBytes >= progress[i - 1]!.loadedBytes)).toBe(true);
  expect(engine.sink.entries).toEqual([]);
});

test('a truncated file is refused', async () => {
  const source = new TestEngine();
  fillDataset(source, 3, 100);
  const { file } = writeDataset(source);
  const loading = loadRdb(new TestEngine().engine, inChunks(file.subarray(0, 5000), 1000), { dropExpiredAtMs: 0 });
  await expect(loading).rejects.toMatchObject({ code: 'RDB_TRUNCATED' });
});

/**
 * Loads an RDB file into the empty dataset of an engine, in slices, so that clients are answered meanwhile: a snapshot of
 * ours, or the dump.rdb of a Redis. Where the bytes come from, and at which sequence the engine stands then, is the
 * caller's; nothing is logged.
 */
import type { Engine } from '../../core/engine.js';
import { DatasetLoader } from '../../core/rdb/dataset-loader.js';
import { RdbReader } from '../../core/rdb/rdb-reader.js';
import { LoadingSlices } from './loading-slices.js';

export interface RdbProgress {
  readonly loadedBytes: number;
  readonly keys: number;
}

export interface RdbLoadOptions {
  /** See DatasetLoader: 0 for a snapshot of ours, the time now for a file from a Redis. */
  readonly dropExpiredAtMs: number;
  /** False: the file's checksum is not compared (`rdbchecksum no`). */
  readonly checksum?: boolean;
  /** Called after each slice. */
  readonly onSlice?: (progress: RdbProgress) => void;
}

export interface LoadedRdb {
  /** RDB version of the file. */
  readonly version: number;
  readonly bytes: number;
  readonly keys: number;
  /** Keys that were left out because their time was up. */
  readonly expired: number;
  readonly auxiliaryFields: ReadonlyMap<string, string>;
  /** The checksum in the file, int32 lanes; both 0 where it has none. */
  readonly checksumHigh: number;
  readonly checksumLow: number;
}

/** Bytes that are read between two looks at the clock. */
const STEP_BYTES = 64 * 1024;

/**
 * @param chunks the file from its first byte; bytes behind its end are ignored, as Redis ignores them.
 * @throws RdbError, LoadError; the dataset is to be thrown away then.
 */
export async function loadRdb(
  engine: Engine,
  chunks: AsyncIterable<Uint8Array>,
  options: RdbLoadOptions,
): Promise<LoadedRdb> {
  engine.accessClock.setTime(engine.clock.nowMs());
  const loader = new DatasetLoader(engine, options.dropExpiredAtMs);
  const reader = new RdbReader(loader, { checksum: options.checksum ?? true });
  const slices = new LoadingSlices(engine.clock, () => {
    options.onSlice?.({ loadedBytes: reader.offset, keys: loader.keys });
  });
  for await (const chunk of chunks) {
    await pushInSlices(reader, chunk, slices);
    if (reader.done) break;
  }
  reader.finish();
  await enterInSlices(loader, slices);
  const { keys, expired, auxiliaryFields } = loader;
  const { version, offset: bytes, checksumHigh, checksumLow } = reader;
  return { version, bytes, keys, expired, auxiliaryFields, checksumHigh, checksumLow };
}

/** Pushes a chunk, with turns for clients in between. Returns the first byte that does not belong to the file any more. */
export async function pushInSlices(reader: RdbReader, chunk: Uint8Array, slices: LoadingSlices): Promise<number> {
  let at = 0;
  while (at < chunk.length && !reader.done) {
    at = reader.push(chunk, at, Math.min(chunk.length, at + STEP_BYTES));
    if (slices.over) await slices.turn();
  }
  return at;
}

/** Makes the keys of a file findable that was read to its end. @throws LoadError */
export async function enterInSlices(loader: DatasetLoader, slices: LoadingSlices): Promise<void> {
  while (!loader.step()) if (slices.over) await slices.turn();
}

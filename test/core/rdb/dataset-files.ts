/** A test engine's dataset as the bytes of an RDB file, and back: what tests of writing, loading and exchanging share. */
import { DatasetLoader } from '../../../core/rdb/dataset-loader.js';
import { DatasetWriter } from '../../../core/rdb/dataset-writer.js';
import { RdbReader } from '../../../core/rdb/rdb-reader.js';
import type { RdbWriterOptions } from '../../../core/rdb/rdb-writer.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { TestEngine } from '../../support/test-engine.js';

export interface WrittenDataset {
  readonly file: Buffer;
  readonly writer: DatasetWriter;
}

export function writeDataset(engine: TestEngine, options: RdbWriterOptions = {}, budget = 10_000): WrittenDataset {
  const chunks: Buffer[] = [];
  const writer = new DatasetWriter(
    engine.engine,
    [
      ['redis-ver', '7.0.15'],
      ['redis-bits', '64'],
      ['holdfast-test', '1'],
    ],
    (bytes, start, end) => chunks.push(Buffer.from(bytes.slice(start, end))),
    options,
  );
  while (!writer.step(budget));
  return { file: Buffer.concat(chunks), writer };
}

/** An engine that holds what the file holds. */
export function loadDataset(
  file: Uint8Array,
  dropExpiredAtMs = 0,
  step = 10_000,
): { engine: TestEngine; loader: DatasetLoader } {
  const engine = new TestEngine({ hashSeed: Uint32Array.of(5, 6, 7, 8) });
  engine.engine.accessClock.setTime(engine.clock.ms);
  const loader = new DatasetLoader(engine.engine, dropExpiredAtMs);
  const reader = new RdbReader(loader);
  for (let at = 0; at < file.length; at += step) reader.push(file, at, Math.min(file.length, at + step));
  reader.finish();
  loader.finish();
  return { engine, loader };
}

/** Fills an engine with strings of every kind in several databases. */
export function fillDataset(engine: TestEngine, seed: number, keys: number): void {
  const random = new SeededRandom(seed);
  const text = 'the same again, ';
  for (let i = 0; i < keys; i++) {
    if (i % 50 === 0) engine.run('SELECT', String(random.pick([0, 0, 1, 5, 15])));
    const length = random.below(random.chance(0.01) ? 300_000 : random.chance(0.1) ? 20_000 : 200);
    const bytes = Buffer.alloc(length);
    if (random.chance(0.5)) for (let at = 0; at < length; at++) bytes[at] = random.below(256);
    else bytes.fill(text.repeat(1 + random.below(3)) + i);
    const value = random.chance(0.3)
      ? String(Math.floor((random.below(2 ** 31) - 2 ** 30) * 10 ** (random.below(20) - 9)))
      : bytes;
    const key = random.chance(0.02)
      ? `long ${i} ${text.repeat(random.below(200))}`
      : random.chance(0.1)
        ? i
        : `key:${i}`;
    engine.run('SET', key, value);
    if (random.chance(0.3)) engine.run('PEXPIREAT', key, String(engine.clock.ms + random.below(2 ** 40)));
  }
  engine.run('SELECT', '0');
}

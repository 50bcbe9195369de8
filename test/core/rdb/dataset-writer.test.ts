import { expect, test } from 'vitest';
import { datasetDigest } from '../../../core/dataset-digest.js';
import { DatasetLoader } from '../../../core/rdb/dataset-loader.js';
import { RdbDigest } from '../../../core/rdb/rdb-digest.js';
import { RdbReader } from '../../../core/rdb/rdb-reader.js';
import { TestEngine } from '../../support/test-engine.js';
import { fillDataset, loadDataset, writeDataset } from './dataset-files.js';

const SEED = Number(process.env.HOLDFAST_TEST_SEED ?? 4711);

function digestOf(engine: TestEngine): string {
  return datasetDigest(engine.arena, engine.engine.keyspaces);
}

function readBack(file: Uint8Array): RdbDigest {
  const digest = new RdbDigest(16);
  const reader = new RdbReader(digest);
  reader.push(file, 0, file.length);
  reader.finish();
  return digest;
}

test(`digest and counts: of the dataset, of its writer, of the file read back, of the file loaded; seed ${SEED}`, () => {
  const engine = new TestEngine();
  fillDataset(engine, SEED, 3000);
  for (const options of [{}, { compress: false }, { checksum: false }]) {
    const { file, writer } = writeDataset(engine, options);
    expect(writer.digestText).toBe(digestOf(engine));
    expect(writer.counts.equals(engine.engine.keyspaces)).toBe(true);
    expect(writer.written).toBe(file.length);
    const back = readBack(file);
    expect(back.digestText).toBe(digestOf(engine));
    expect(back.counts.equals(engine.engine.keyspaces)).toBe(true);
    expect([back.keys, back.auxiliaryFields.get('holdfast-test')]).toEqual([writer.keys, '1']);
    const { engine: loaded, loader } = loadDataset(file);
    expect(digestOf(loaded)).toBe(digestOf(engine));
    expect(loader.keys).toBe(writer.keys);
    expect(writer.counts.equals(loaded.engine.keyspaces)).toBe(true);
  }
});

test('counts that differ are told apart', () => {
  const engine = new TestEngine();
  fillDataset(engine, SEED, 100);
  const { writer } = writeDataset(engine);
  engine.run('SELECT', '9');
  engine.run('SET', 'one', 'more');
  expect(writer.counts.equals(engine.engine.keyspaces)).toBe(false);
  engine.run('DEL', 'one');
  expect(writer.counts.equals(engine.engine.keyspaces)).toBe(true);
  engine.run('SELECT', '0');
  engine.run('SET', 'key', 'v');
  const { writer: second } = writeDataset(engine);
  engine.run('EXPIRE', 'key', '100');
  expect(second.counts.equals(engine.engine.keyspaces)).toBe(false);
});

test('an empty dataset is a file without databases', () => {
  const { file, writer } = writeDataset(new TestEngine());
  expect(file.subarray(0, 9).toString()).toBe('REDIS0010');
  expect(writer.keys).toBe(0);
  expect(loadDataset(file).loader.keys).toBe(0);
});

test('keys past their deadline stay in a snapshot of ours and are left out of a foreign file', () => {
  const engine = new TestEngine();
  const { ms } = engine.clock;
  engine.run('SET', 'past', 'v', 'PXAT', String(ms + 5));
  engine.run('SET', 'long past', 'v'.repeat(400_000), 'PXAT', String(ms + 5));
  engine.run('SET', 'edge', 'v', 'PXAT', String(ms + 10));
  engine.run('SET', 'future', 'v', 'PXAT', String(ms + 11));
  engine.run('SET', 'none', 'v');
  const { file } = writeDataset(engine);
  expect(loadDataset(file).loader).toMatchObject({ keys: 5, expired: 0 });
  const { engine: loaded, loader } = loadDataset(file, ms + 10);
  expect(loader).toMatchObject({ keys: 3, expired: 2 });
  expect(loaded.run('EXISTS', 'past', 'long past')).toBe(':0\r\n');
  expect(loaded.run('EXISTS', 'edge', 'future', 'none')).toBe(':3\r\n');
});

test('what cannot be loaded is refused', () => {
  const engine = new TestEngine({ databases: 40 });
  engine.run('SELECT', '39');
  engine.run('SET', 'k', 'v');
  expect(() => loadDataset(writeDataset(engine).file)).toThrow(/keys in database 39: start with databases 40 or more/);
  const twice = Buffer.concat([
    Buffer.from('REDIS0010'),
    Buffer.from([254, 0, 0, 1, 65, 1, 66, 0, 1, 65, 1, 67, 255, 0, 0, 0, 0, 0, 0, 0, 0]),
  ]);
  expect(() => loadDataset(twice)).toThrow("the file holds key 'A' of database 0 twice");
});

test('a loaded key has the age that the file says, or is as good as new', () => {
  const file = Buffer.concat([
    Buffer.from('REDIS0010'),
    Buffer.from([
      254, 0, 248, 0x43, 0xe8, 0, 1, 65, 1, 66, 249, 77, 0, 1, 66, 1, 67, 0, 1, 67, 1, 67, 255, 0, 0, 0, 0, 0, 0, 0, 0,
    ]),
  ]);
  const { engine } = loadDataset(file);
  const ages = ['A', 'B', 'C'].map((key) => {
    engine.engine.args.set([Buffer.from('x'), Buffer.from(key)]);
    engine.engine.database.lookupQuiet(1);
    return engine.engine.database.idleSeconds();
  });
  expect(ages).toEqual([1000, 0, 0]);
});

test('a second file goes beside the keys of the first, and a key of both is refused', () => {
  const first = new TestEngine();
  fillDataset(first, 7, 200);
  const second = new TestEngine();
  second.run('SET', 'another', '1');
  const { engine, loader } = loadDataset(writeDataset(first).file);
  const keys = loader.keys;
  const load = (file: Uint8Array): DatasetLoader => {
    const next = new DatasetLoader(engine.engine, 0);
    const reader = new RdbReader(next);
    reader.push(file, 0, file.length);
    reader.finish();
    next.finish();
    return next;
  };
  load(writeDataset(second).file);
  expect(engine.engine.keyspaces.reduce((sum, { count }) => sum + count, 0)).toBe(keys + 1);
  expect(() => load(writeDataset(second).file)).toThrow("the file holds key 'another' of database 0 twice");
});

/** Page images from end to end: made by the thread while the dataset changes, read, loaded, damaged. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { datasetDigest } from '../../../core/dataset-digest.js';
import { LoadableArena } from '../../../core/memory/loadable-arena.js';
import { LoadableKeyspace } from '../../../core/memory/loadable-keyspace.js';
import { ImageError } from '../../../server/snapshots/image-error.js';
import { loadImageFile, openImageFile } from '../../../server/snapshots/image-file.js';
import { imagePlace } from '../../../server/snapshots/image-format.js';
import { ImageReadHost } from '../../../server/snapshots/image-read-host.js';
import { type ImageCut, PageImageMaker } from '../../../server/snapshots/page-image-maker.js';
import { KeyspaceModel } from '../../core/memory/keyspace-model.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

const PLACE: ImageCut = {
  logId: '00112233445566778899aabbccddeeff',
  timeline: '0123456789abcdef',
  sequence: 123_456_789_012,
  featureLevel: 1,
  createdAtMs: 1_700_000_000_123,
  committed: Promise.resolve({ epoch: 3, idx: 17, runningChecksum: new Uint8Array(16).fill(0xab) }),
};

let directory: string;
let path: string;

beforeEach(() => {
  directory = makeTemporaryDirectory('image');
  path = join(directory, 'test.image');
});

afterEach(() => removeTemporaryDirectory(directory));

interface Live {
  readonly arena: LoadableArena;
  readonly keyspaces: LoadableKeyspace[];
  readonly models: KeyspaceModel[];
}

function live(seed: number, steps = 1500): Live {
  const arena = new LoadableArena();
  const models = [0, 1].map((i) => new KeyspaceModel(arena, i + 1, seed + i, 60, 20e6, (_, __, change) => change()));
  const keyspaces = models.map(({ keyspace }) => keyspace as LoadableKeyspace);
  for (let i = 0; i < steps; i++) models[i % 2]!.step();
  return { arena, keyspaces, models };
}

function empty(databases = 2) {
  const arena = new LoadableArena();
  const keyspaces = Array.from(
    { length: databases },
    (_, i) => new LoadableKeyspace(i + 1, arena, Uint32Array.of(5, 6)),
  );
  return { arena, keyspaces, accessClock: { fresh: 9 } };
}

async function refusal(promise: Promise<unknown>): Promise<ImageError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ImageError);
  return error as ImageError;
}

describe('a page image', () => {
  it('is the dataset at the cut, whatever happened since', async () => {
    for (const seed of [1, 2, 3]) {
      const dataset = live(seed);
      const maker = new PageImageMaker(dataset, 16);
      const run = await maker.prepare(path);
      expect(maker.progress).toEqual({ pages: 0, pagesTotal: 0, copiedPages: 0 });
      run.cut(PLACE);
      const digest = datasetDigest(dataset.arena, dataset.keyspaces);
      for (let i = 0; i < 600; i++) dataset.models[i % 2]!.step();
      dataset.models[0]!.detach();
      for (let i = 0; i < 100; i++) dataset.models[0]!.step();
      const made = await run.whole;
      expect(dataset.arena.view).toBe(null);
      expect(maker.progress).toBe(undefined);
      expect(made.bytes).toBe(statSync(path).size);
      expect(made.pages).toBeGreaterThan(0);
      expect(datasetDigest(dataset.arena, dataset.keyspaces)).not.toBe(digest);

      const image = openImageFile(path);
      expect(datasetDigest(image.dataset.arena, image.dataset.keyspaces)).toBe(digest);
      const { committed, featureLevel, createdAtMs, ...place } = PLACE;
      const frame = await committed;
      const runningChecksum = 'ab'.repeat(16);
      expect(imagePlace(image.file.header, image.file.trailer)).toEqual({ ...place, ...frame, runningChecksum });
      expect(image.file.header).toMatchObject({ featureLevel, createdAtMs });
      image.close();

      const target = empty(3);
      const told: number[] = [];
      await loadImageFile(path, target, (bytes) => told.push(bytes));
      expect(datasetDigest(target.arena, target.keyspaces)).toBe(digest);
      expect(told.at(-1)).toBe(made.bytes);
      for (const model of dataset.models) model.checkAll();
    }
  });

  it('of an empty dataset warms the code and leaves nothing', async () => {
    const target = empty();
    await new PageImageMaker(target).warmUp(path);
    expect(existsSync(path)).toBe(false);
    expect(target.arena.view).toBe(null);
    await new PageImageMaker(target).writeImage(path, () => PLACE);
    await loadImageFile(path, empty(), () => {});
  });

  it('asks again until the log can be cut', async () => {
    const dataset = live(4, 100);
    let asked = 0;
    const made = await new PageImageMaker(dataset).writeImage(path, () => (++asked < 4 ? undefined : PLACE));
    expect(asked).toBe(4);
    expect(made.copiedPages).toBe(0);
  });

  it('takes the place of a file that is there', async () => {
    writeFileSync(path, 'something else');
    await new PageImageMaker(live(5, 100)).writeImage(path, () => PLACE);
    openImageFile(path).close();
  });

  it('waits for its frame, and is given up when the log fails before', async () => {
    const dataset = live(6, 100);
    const maker = new PageImageMaker(dataset);
    const committed = Promise.reject(new Error('no disk'));
    committed.catch(() => {});
    const error = await refusal(maker.writeImage(path, () => ({ ...PLACE, committed })));
    expect(error.code).toBe('IMAGE_CANCELLED');
    expect(existsSync(path)).toBe(false);
    await maker.writeImage(path, () => PLACE);
  });
});

describe('an image that fails', () => {
  it('leaves no view and no file: cancelled before the cut, after it, or while the frame is awaited', async () => {
    const dataset = live(7, 500);
    const maker = new PageImageMaker(dataset);
    const before = await maker.prepare(path);
    before.cancel();
    expect((await refusal(before.whole)).code).toBe('IMAGE_CANCELLED');
    expect(() => before.cut(PLACE)).toThrow('given up');
    const after = await maker.prepare(path);
    after.cut(PLACE);
    after.cancel();
    expect(dataset.arena.view).toBe(null);
    expect((await refusal(after.whole)).code).toBe('IMAGE_CANCELLED');
    const waiting = await maker.prepare(path);
    waiting.cut({ ...PLACE, committed: new Promise(() => {}) });
    while (dataset.arena.view !== null) await new Promise((resolve) => setImmediate(resolve));
    waiting.cancel();
    expect((await refusal(waiting.whole)).code).toBe('IMAGE_CANCELLED');
    expect(existsSync(path)).toBe(false);
    for (let i = 0; i < 100; i++) dataset.models[i % 2]!.step();
    await maker.writeImage(path, () => PLACE);
  });

  it('says that its file cannot be made', async () => {
    const maker = new PageImageMaker(live(8, 100));
    const error = await refusal(maker.prepare(join(directory, 'missing', 'test.image')));
    expect(error.code).toBe('IMAGE_FAILED');
    expect(error.message).toContain('ENOENT');
    await maker.writeImage(path, () => PLACE);
  });

  it('one at a time', async () => {
    const maker = new PageImageMaker(live(9, 100));
    const run = await maker.prepare(path);
    expect((await refusal(maker.prepare(path))).message).toContain('already');
    run.cut(PLACE);
    await run.whole;
  });

  it('breaks where there is no memory for a copy, and serving goes on', async () => {
    const dataset = live(10);
    const run = await new PageImageMaker(dataset, 1).prepare(path);
    run.cut(PLACE);
    dataset.arena.view!.share.cells.grow = () => {
      throw new RangeError('no memory');
    };
    for (let i = 0; i < 300; i++) dataset.models[i % 2]!.step();
    expect(dataset.arena.view).toBe(null);
    expect((await refusal(run.whole)).code).toBe('IMAGE_NO_MEMORY');
    expect(existsSync(path)).toBe(false);
    for (const model of dataset.models) model.checkAll();
  });
});

describe('a damaged image', () => {
  it('is refused whichever byte is wrong and wherever it ends', async () => {
    const dataset = live(11, 300);
    await new PageImageMaker(dataset).writeImage(path, () => PLACE);
    const whole = readFileSync(path);
    const wrong = join(directory, 'wrong.image');
    const target = empty();
    const offsets = new Set([0, 8, 12, 16, 20, 30, 64, 4095, 4096, 4097]);
    for (let i = 1; i <= 25; i++) offsets.add(Math.floor((whole.length / 26) * i));
    for (let i = 1; i <= 150; i += 3) offsets.add(whole.length - i);
    for (const offset of offsets) {
      const bytes = Buffer.from(whole);
      bytes[offset]! ^= 1 << (offset % 8);
      writeFileSync(wrong, bytes);
      const error = await refusal(loadImageFile(wrong, target, () => {}));
      expect(['IMAGE_DAMAGED', 'IMAGE_FOREIGN']).toContain(error.code);
      expect(error.message).toContain(wrong);
      expect(target.keyspaces.every(({ count }) => count === 0)).toBe(true);
    }
    for (const length of [0, 7, 128, 4096, 4224, whole.length >> 1, whole.length - 1]) {
      writeFileSync(wrong, whole.subarray(0, length));
      await refusal(loadImageFile(wrong, target, () => {}));
    }
    writeFileSync(wrong, Buffer.concat([whole, Buffer.of(0)]));
    await refusal(loadImageFile(wrong, target, () => {}));
    expect(target.arena.stats.pageBytes).toBe(0);
    // The dataset that refused all of these takes the good one.
    await loadImageFile(path, target, () => {});
    expect(datasetDigest(target.arena, target.keyspaces)).toBe(datasetDigest(dataset.arena, dataset.keyspaces));
  });

  it('counts as one where the thread that reads it dies, or ends', async () => {
    const dataset = live(13, 300);
    await new PageImageMaker(dataset).writeImage(path, () => PLACE);
    const target = empty();
    const script = (text: string): URL => new URL(`data:text/javascript,${encodeURIComponent(text)}`);
    for (const text of ['throw new Error("gone")', 'process.exit(0)', '']) {
      const error = await refusal(loadImageFile(path, target, () => {}, new ImageReadHost(script(text))));
      expect(error.code).toBe('IMAGE_FAILED');
      expect(target.arena.stats.pageBytes).toBe(0);
    }
    await loadImageFile(path, target, () => {});
    expect(datasetDigest(target.arena, target.keyspaces)).toBe(datasetDigest(dataset.arena, dataset.keyspaces));
  });

  it('is found by reading, too', async () => {
    const dataset = live(12, 300);
    await new PageImageMaker(dataset).writeImage(path, () => PLACE);
    const bytes = readFileSync(path);
    bytes[4096 + 2000]! ^= 1;
    writeFileSync(path, bytes);
    const image = openImageFile(path);
    expect(() => datasetDigest(image.dataset.arena, image.dataset.keyspaces)).toThrow('damaged');
    image.close();
  });
});

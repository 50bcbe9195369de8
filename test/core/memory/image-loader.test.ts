/** A page image in memory: read through the image arena, and loaded into an empty dataset. */
import { describe, expect, it } from 'vitest';
import { datasetDigest } from '../../../core/dataset-digest.js';
import { Arena } from '../../../core/memory/arena.js';
import { ImageArena } from '../../../core/memory/image-arena.js';
import { ImageLoader } from '../../../core/memory/image-loader.js';
import { type PageSource, requireSoundTables, spanPages } from '../../../core/memory/image-pages.js';
import { LoadableArena } from '../../../core/memory/loadable-arena.js';
import { LoadableKeyspace } from '../../../core/memory/loadable-keyspace.js';
import type { KeyspaceCounters } from '../../../core/memory/readable-dataset.js';
import { RecordWalk } from '../../../core/memory/record-walk.js';
import { PAGE_BYTES } from '../../../core/memory/size-classes.js';
import { ViewReader } from '../../../core/memory/view-reader.js';
import { KeyspaceModel } from './keyspace-model.js';
import { KeepingSink } from './view-round.js';

/** An image whose pages lie in a map. */
function imageOf(arena: Arena): PageSource & { readonly pages: Map<number, Uint8Array> } {
  const { share } = arena.cut();
  const sink = new KeepingSink();
  const reader = new ViewReader(share, sink);
  while (!reader.step(100));
  expect(reader.complete).toBe(true);
  arena.closeView();
  const { pageEnd } = share;
  const kinds = new Uint8Array(pageEnd);
  const sizeClasses = new Uint8Array(pageEnd);
  const keyspaces = new Uint16Array(pageEnd);
  for (const [page, bytes] of sink.pages) {
    kinds[page] = share.kinds[page]!;
    if (kinds[page] === 4) continue;
    sizeClasses[page] = bytes[1]!;
    keyspaces[page] = bytes[4]! | (bytes[5]! << 8);
  }
  return {
    pages: sink.pages,
    pageEnd,
    kinds,
    sizeClasses,
    keyspaces,
    read(first, count, target, at) {
      for (let i = 0; i < count; i++) target.set(sink.pages.get(first + i)!, at + i * PAGE_BYTES);
    },
  };
}

function countersOf(keyspaces: readonly KeyspaceCounters[]): KeyspaceCounters[] {
  return keyspaces.map(({ id, count, keysWithExpiry, contentBytes }) => ({ id, count, keysWithExpiry, contentBytes }));
}

/** Two databases full of all kinds of records, the second one with pages under an id of its own. */
function models(arena: Arena, seed: number): KeyspaceModel[] {
  const run = (_: string, __: number, change: () => void): void => change();
  const first = new KeyspaceModel(arena, 1, seed, 60, 30e6, run);
  const second = new KeyspaceModel(arena, 2, seed + 1, 60, 2e6, run);
  for (let i = 0; i < 200; i++) second.step();
  second.detach();
  for (let i = 0; i < 1500; i++) (i % 3 === 0 ? second : first).step();
  return [first, second];
}

const OTHER_SEED = Uint32Array.of(77, 78);

function emptyDataset(): { arena: LoadableArena; keyspaces: LoadableKeyspace[] } {
  const arena = new LoadableArena();
  return { arena, keyspaces: [1, 2, 3].map((id) => new LoadableKeyspace(id, arena, OTHER_SEED)) };
}

function load(source: PageSource & { pages: Map<number, Uint8Array> }, counters: readonly KeyspaceCounters[]) {
  const { arena, keyspaces } = emptyDataset();
  requireSoundTables(source);
  const loader = new ImageLoader(arena, keyspaces, source, counters, 123);
  for (const [page, bytes] of source.pages) loader.page(page, bytes, 0);
  while (!loader.step(7));
  return { arena, keyspaces, loader };
}

for (const seed of [1, 2, 3, 4]) {
  describe(`an image, seed ${seed}`, () => {
    const arena = new Arena();
    const made = models(arena, seed);
    const counters = countersOf(made.map(({ keyspace }) => keyspace));
    const source = imageOf(arena);

    it('is read like the live arena', () => {
      const image = new ImageArena(source);
      expect(datasetDigest(image, counters)).toBe(datasetDigest(arena, counters));
      const walk = new RecordWalk(image, counters[0]!.id);
      let keys = 0;
      while (walk.next()) keys++;
      expect(keys).toBe(counters[0]!.count);
    });

    it('is followed while its pages come, in whatever order', () => {
      const { arena: loaded, keyspaces } = emptyDataset();
      const there = new Set<number>();
      const isThere = (page: number): boolean => there.has(page);
      const loader = new ImageLoader(loaded, keyspaces, source, counters, 123, isThere);
      const pages = [...source.pages].sort(([one], [other]) => ((one * 7919) % 101) - ((other * 7919) % 101));
      for (const [page, bytes] of pages) {
        expect(loader.step(1000)).toBe(false);
        expect(loader.stalled).toBe(true);
        loader.page(page, bytes, 0);
        there.add(page);
      }
      while (!loader.step(7)) expect(loader.stalled).toBe(false);
      expect(loader.records).toBe(counters[0]!.count + counters[1]!.count);
      expect(datasetDigest(loaded, keyspaces)).toBe(datasetDigest(arena, counters));
    });

    it('loads into the same dataset, which goes on', () => {
      const { arena: loaded, keyspaces, loader } = load(source, counters);
      expect(loader.records).toBe(counters[0]!.count + counters[1]!.count);
      expect(datasetDigest(loaded, keyspaces)).toBe(datasetDigest(arena, counters));
      expect(countersOf(keyspaces.slice(0, 2))).toEqual(counters);
      expect(keyspaces[2]!.count).toBe(0);
      made.forEach((model, i) => {
        const keyspace = keyspaces[i]!;
        for (const { key } of model.entries.values()) {
          expect(keyspace.find(key, 0, key.length)).not.toBe(0);
          expect(keyspace.clock()).toBe(123);
          keyspace.setClock(0);
        }
        for (const entry of model.entries.values()) entry.clock = 0;
        Object.assign(model, { keyspace, arena: loaded });
        for (let step = 0; step < 500; step++) model.step();
        model.checkAll();
        model.removeAll();
      });
      expect(loaded.usedBytes).toBe(0);
      while (loaded.sweep(1000) > 0);
      expect(loaded.stats.pageBytes).toBe(0);
    });
  });
}

describe('an image that is not what it should be', () => {
  const arena = new Arena();
  const made = models(arena, 9);
  const counters = countersOf(made.map(({ keyspace }) => keyspace));
  const source = imageOf(arena);
  const wrong = (changed: Partial<PageSource>): PageSource & { pages: Map<number, Uint8Array> } => ({
    ...source,
    ...changed,
  });

  it('has tables that do not hold together', () => {
    const firsts = [...source.pages.keys()].filter((page) => source.kinds[page] !== 4);
    for (const page of firsts.slice(0, 200)) {
      const kinds = source.kinds.slice();
      kinds[page] = 4;
      expect(() => requireSoundTables(wrong({ kinds }))).toThrow('cannot be');
      const sizeClasses = source.sizeClasses.slice();
      sizeClasses[page] = 99;
      expect(() => requireSoundTables(wrong({ sizeClasses }))).toThrow('cannot be');
      if (spanPages(source, page) === 1) continue;
      const gap = source.kinds.slice();
      gap[page + 1] = 0;
      expect(() => requireSoundTables(wrong({ kinds: gap }))).toThrow('cannot be');
    }
  });

  it('counts other keys than were counted', () => {
    const other = counters.map((each, i) => (i === 1 ? { ...each, count: each.count + 1 } : each));
    expect(() => load(source, other)).toThrow('database 1 of the image has');
  });

  it('has more databases than the server, or pages of none', () => {
    const spare = { id: 9, count: 0, keysWithExpiry: 0, contentBytes: 0 };
    expect(() => load(source, [...counters, spare, { ...spare, id: 10 }])).toThrow('4 databases, the server 3');
    expect(() => load(source, [...counters, counters[0]!])).toThrow('two databases');
    expect(() => load(source, counters.slice(0, 1))).toThrow('belongs to no database');
  });

  it('has a page in the place of another', () => {
    const pages = new Map(source.pages);
    const [one, other] = [...pages.keys()].filter((page) => source.kinds[page] !== 4);
    pages.set(one!, source.pages.get(other!)!);
    expect(() => load({ ...source, pages }, counters)).toThrow('is another page');
    const image = new ImageArena({ ...source, read: (_, __, target, at) => target.set(pages.get(one!)!, at) });
    expect(() => image.bytes(one! << 8)).toThrow('is another page');
    expect(() => image.bytes((source.pageEnd + 5) << 8)).toThrow('no such bytes');
  });

  it('leaves an empty dataset behind', () => {
    const { arena: target, keyspaces } = emptyDataset();
    const loader = new ImageLoader(target, keyspaces, source, [{ ...counters[0]!, count: 1 }, counters[1]!], 0);
    for (const [page, bytes] of source.pages) loader.page(page, bytes, 0);
    expect(() => {
      while (!loader.step(50));
    }).toThrow('database 0');
    loader.abandon();
    expect(keyspaces.map(({ count }) => count)).toEqual([0, 0, 0]);
    expect(target.stats.pageBytes + target.stats.detachedBytes + target.usedBytes).toBe(0);
    const key = Uint8Array.of(1, 2, 3);
    keyspaces[0]!.find(key, 0, 3);
    keyspaces[0]!.store(key, 0, 3, key, 0, 3, 0, false, 0, 0);
    expect(keyspaces[0]!.count).toBe(1);
  });
});

import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { ArenaError } from '../../../core/memory/arena-error.js';
import {
  headerKeyspace,
  headerKind,
  headerPage,
  headerPageCount,
  headerSizeClass,
  headerVersion,
  PAGE_LAYOUT_VERSION,
} from '../../../core/memory/page-header.js';
import { KIND_NODE, KIND_RECORD, KIND_RUN } from '../../../core/memory/page-table.js';
import {
  CLASS_PAGES,
  CLASS_SLOTS,
  PAGE_BYTES,
  SLOT_BYTES_MAX,
  sizeClassOf,
} from '../../../core/memory/size-classes.js';
import { SeededRandom } from '../differential/random.js';
import { ArenaModel } from './arena-model.js';

const CHUNK_BYTES = 4 << 20;

/** Lets `chunks` chunks through, then refuses as the system does. */
function limitedAllocator(chunks: number): (bytes: number) => SharedArrayBuffer {
  let left = chunks;
  return (bytes) => {
    if (left-- <= 0) throw new RangeError('Array buffer allocation failed');
    return new SharedArrayBuffer(bytes);
  };
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ArenaError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

function mark(arena: Arena, reference: number): void {
  arena.put8(arena.write(reference, 0, 1), 0x80);
}

/** Takes every page that can be had. */
function fillUp(arena: Arena, keyspace: number): number[] {
  const runs: number[] = [];
  for (let pages = 16; pages > 0; pages--) {
    while (code(() => runs.push(arena.allocRun(keyspace, pages))) === 'nothing thrown');
  }
  return runs;
}

describe('an arena against a model', () => {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`keeps every byte and every sum, seed ${seed}`, () => {
      const arena = new Arena();
      const model = new ArenaModel(arena, new SeededRandom(seed));
      for (let round = 0; round < 12; round++) {
        for (let i = 0; i < 400; i++) model.step(seed * 120);
        model.verify();
      }
      model.freeAll();
      while (arena.sweep(100) > 0);
      model.verify();
      expect(arena.usedBytes).toBe(0);
      expect(arena.stats.pagesByKind.slice(1)).toEqual([0, 0, 0]);
      expect(arena.stats.emptyChunkCount).toBe(arena.stats.chunkCount);
      arena.purge();
      expect(arena.stats.chunkCount).toBe(0);
      expect(arena.stats.freeBytes).toBe(0);
    });
  }

  it('keeps every byte where memory is short, seed 7', () => {
    const arena = new Arena({ pagesMax: 1023 });
    const random = new SeededRandom(7);
    const model = new ArenaModel(arena, random);
    let full = 0;
    for (let i = 0; i < 6000; i++) {
      if (arena.reserve(16 * PAGE_BYTES)) model.step(Number.POSITIVE_INFINITY);
      else if (++full % 4 === 0) arena.sweep(10_000);
      else model.step(0);
      if (i % 1000 === 999) model.verify();
    }
    expect(full).toBeGreaterThan(0);
  });
});

describe('references', () => {
  it('are never 0, and never name page 0', () => {
    const arena = new Arena();
    expect(arena.allocRecord(0, 1) >>> 8).toBe(1);
  });

  it('may be negative from page 2^23 on', () => {
    // The chunks' memory is one and the same: only the numbering matters here.
    const shared = new SharedArrayBuffer(CHUNK_BYTES);
    const arena = new Arena({ allocate: () => shared });
    arena.allocRun(1, 15);
    let reference = 0;
    while (reference >= 0) reference = arena.allocRun(1, 16);
    expect(reference >>> 8).toBe(2 ** 23);
    const record = arena.allocRecord(1, 100);
    expect(record).toBeLessThan(0);
    mark(arena, record);
    const seen: number[] = [];
    arena.forEachRecordInPage(record >>> 8, (found) => seen.push(found));
    expect(seen).toEqual([record]);
    arena.free(record);
    arena.free(reference);
  });
});

describe('alloc and free', () => {
  it('refuse lengths and page counts out of range', () => {
    const arena = new Arena();
    for (const length of [0, -1, SLOT_BYTES_MAX + 1, Number.NaN]) {
      expect(code(() => arena.allocRecord(1, length))).toBe('ARENA_MISUSE');
      expect(code(() => arena.allocNode(1, length))).toBe('ARENA_MISUSE');
    }
    for (const pages of [0, 17, 1.5]) expect(code(() => arena.allocRun(1, pages))).toBe('ARENA_MISUSE');
    expect(code(() => arena.allocRecord(-1, 5))).toBe('ARENA_MISUSE');
    expect(code(() => arena.allocRecord(65_536, 5))).toBe('ARENA_MISUSE');
    expect(arena.usedBytes).toBe(0);
  });

  it('refuse to free what is not in use', () => {
    const arena = new Arena();
    const record = arena.allocRecord(1, 84);
    const kept = arena.allocRecord(1, 84);
    const run = arena.allocRun(1, 3);
    arena.free(record);
    expect(code(() => arena.free(record))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(kept + 1))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(kept | 0xff))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(run + 1))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(run + 256))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(0))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(-256))).toBe('ARENA_MISUSE');
    arena.free(kept);
    arena.free(run);
    expect(arena.usedBytes).toBe(0);
  });

  it('refuse a write outside the slot', () => {
    const arena = new Arena();
    const record = arena.allocRecord(1, 84);
    expect(code(() => arena.write(record, 80, 9))).toBe('ARENA_MISUSE');
    expect(code(() => arena.write(record, -1, 2))).toBe('ARENA_MISUSE');
    expect(code(() => arena.write(record, 0, -1))).toBe('ARENA_MISUSE');
    arena.free(record);
    expect(code(() => arena.write(record, 0, 1))).toBe('ARENA_MISUSE');
    expect(code(() => arena.write(256 * 5, 0, 1))).toBe('ARENA_MISUSE');
  });

  it('clear the mark of a record that is freed, and of every slot of a page that becomes a record page', () => {
    const arena = new Arena();
    const run = arena.allocRun(1, 16);
    arena.fill(arena.write(run, 0, arena.capacity(run)), 0xff, arena.capacity(run));
    arena.free(run);
    const records: number[] = [];
    for (const length of [16, 88, 1016, 1017, 5000, SLOT_BYTES_MAX]) {
      for (let i = 0; i < 3; i++) records.push(arena.allocRecord(1, length));
    }
    const live = () => {
      const found: number[] = [];
      arena.forEachRecord(1, (reference) => found.push(reference));
      return found;
    };
    expect(live()).toEqual([]);
    for (const record of records) mark(arena, record);
    expect(live().sort()).toEqual(records.sort());
    arena.free(records[1]!);
    arena.free(records[7]!);
    expect(live().length).toBe(records.length - 2);
  });

  it('fill one page of a class before the next, and use a freed slot again', () => {
    const arena = new Arena();
    const slots = CLASS_SLOTS[sizeClassOf(84)]!;
    const first = Array.from({ length: slots }, () => arena.allocRecord(1, 84));
    expect(new Set(first.map((reference) => reference >>> 8)).size).toBe(1);
    const second = arena.allocRecord(1, 84);
    expect(second >>> 8).not.toBe(first[0]! >>> 8);
    arena.free(first[10]!);
    arena.free(second);
    expect(arena.allocRecord(1, 84)).toBe(first[10]);
  });

  it('keep records, nodes and keyspaces on pages of their own', () => {
    const arena = new Arena();
    const pages = [arena.allocRecord(1, 50), arena.allocNode(1, 50), arena.allocRecord(2, 50), arena.allocNode(2, 50)];
    expect(new Set(pages.map((reference) => reference >>> 8)).size).toBe(4);
  });

  it('take the lowest free pages', () => {
    const arena = new Arena();
    const runs = Array.from({ length: 200 }, () => arena.allocRun(1, 8));
    arena.free(runs[150]!);
    arena.free(runs[20]!);
    arena.free(runs[90]!);
    expect(arena.allocRun(1, 5)).toBe(runs[20]);
    expect(arena.allocRun(1, 4)).toBe(runs[90]);
    expect(arena.allocRun(1, 3) >>> 8).toBe((runs[20]! >>> 8) + 5);
  });
});

describe('the page header', () => {
  it('names kind, class, pages, layout version, keyspace and page', () => {
    const arena = new Arena();
    const cases = [
      { reference: arena.allocRecord(3, 84), kind: KIND_RECORD, sizeClass: sizeClassOf(84), pages: 1 },
      {
        reference: arena.allocNode(700, 9000),
        kind: KIND_NODE,
        sizeClass: sizeClassOf(9000),
        pages: CLASS_PAGES[sizeClassOf(9000)],
      },
      { reference: arena.allocRun(65_535, 7), kind: KIND_RUN, sizeClass: 7, pages: 7 },
    ];
    for (const [index, { reference, kind, sizeClass, pages }] of cases.entries()) {
      const bytes = arena.bytes(reference);
      const at = ((reference >>> 8) & 1023) * PAGE_BYTES;
      expect(headerKind(bytes, at)).toBe(kind);
      expect(headerSizeClass(bytes, at)).toBe(sizeClass);
      expect(headerPageCount(bytes, at)).toBe(pages);
      expect(headerVersion(bytes, at)).toBe(PAGE_LAYOUT_VERSION);
      expect(headerKeyspace(bytes, at)).toBe([3, 700, 65_535][index]);
      expect(headerPage(bytes, at)).toBe(reference >>> 8);
      for (let i = 12; i < 16; i++) expect(bytes[at + i]).toBe(0);
    }
  });

  it('has the bytes that docs/memory.md shows', () => {
    const arena = new Arena();
    const reference = arena.allocRecord(0x0102, 84);
    const bytes = arena.bytes(reference);
    expect(Array.from({ length: 16 }, (_, i) => bytes[PAGE_BYTES + i])).toEqual([
      1, 9, 1, 1, 0x02, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expect(arena.offset(reference)).toBe(PAGE_BYTES + 16);
  });
});

describe('detach and sweep', () => {
  it('let go of a keyspace at once and free its pages in slices', () => {
    const arena = new Arena();
    for (let i = 0; i < 5000; i++) mark(arena, arena.allocRecord(1, 1 + (i % 2000)));
    for (let i = 0; i < 10; i++) arena.allocRun(1, 16);
    const kept = arena.allocRecord(2, 84);
    arena.detach(1);
    expect(arena.usedBytes).toBe(88);
    expect(arena.usedBytesOf(1)).toBe(0);
    expect(arena.stats.pageBytes).toBe(PAGE_BYTES);
    let waiting = arena.detachedPages;
    expect(waiting).toBeGreaterThan(500);
    while (waiting > 0) {
      const left = arena.sweep(50);
      expect(waiting - left).toBeGreaterThanOrEqual(Math.min(50, waiting));
      expect(waiting - left).toBeLessThan(50 + 16);
      waiting = left;
    }
    expect(arena.isInUse(kept)).toBe(true);
    expect(arena.stats.pagesByKind.slice(1)).toEqual([1, 0, 0]);
  });

  it('close the id until it is swept, and hand it out again only then', () => {
    const arena = new Arena();
    expect(arena.openKeyspace()).toBe(0);
    expect(arena.openKeyspace()).toBe(1);
    const record = arena.allocRecord(0, 84);
    arena.detach(0);
    expect(code(() => arena.allocRecord(0, 84))).toBe('ARENA_MISUSE');
    expect(code(() => arena.free(record))).toBe('ARENA_MISUSE');
    expect(arena.isInUse(record)).toBe(false);
    expect(code(() => arena.detach(0))).toBe('ARENA_MISUSE');
    expect(arena.openKeyspace()).toBe(2);
    expect(arena.sweep(10)).toBe(0);
    expect(arena.openKeyspace()).toBe(0);
    expect(arena.allocRecord(0, 84)).toBe(record);
  });

  it('free the id of an empty keyspace at once', () => {
    const arena = new Arena();
    for (let i = 0; i < 100; i++) {
      const id = arena.openKeyspace();
      expect(id).toBe(0);
      arena.detach(id);
    }
  });

  it('give detached pages to an allocation that finds no other', () => {
    const arena = new Arena({ pagesMax: 1023 });
    fillUp(arena, 1);
    expect(code(() => arena.allocRecord(2, 1))).toBe('ARENA_FULL');
    arena.detach(1);
    expect(arena.reserve(100_000)).toBe(true);
    for (let i = 0; i < 60; i++) arena.allocRun(2, 16);
    expect(arena.detachedPages).toBe(0);
  });

  it('leave nothing behind of many keyspaces', () => {
    const arena = new Arena();
    for (let i = 0; i < 300; i++) {
      const id = arena.openKeyspace();
      arena.allocNode(id, 84);
      arena.detach(id);
    }
    expect(arena.detachedPages).toBe(300);
    expect(arena.sweep(10_000)).toBe(0);
    arena.purge();
    expect(arena.stats.chunkCount).toBe(0);
  });
});

describe('iteration over pages', () => {
  it('visits every span of the keyspace once, resumed between changes', () => {
    const arena = new Arena();
    const expected = new Set<number>();
    for (let i = 0; i < 300; i++) {
      expected.add(arena.allocRecord(1, 1 + i * 50) >>> 8);
      expected.add(arena.allocRun(1, 1 + (i % 16)) >>> 8);
      arena.allocRecord(2, 1 + i * 50);
    }
    const seen: number[] = [];
    for (let page = arena.nextPage(1, 0); page !== 0; page = arena.nextPage(1, page)) {
      seen.push(page);
      arena.allocRecord(2, 16);
    }
    expect(seen).toEqual([...expected].sort((left, right) => left - right));
  });
});

describe('chunks', () => {
  it('are kept for reuse up to four, and dropped by purge', () => {
    const arena = new Arena();
    const runs = Array.from({ length: 63 * 10 }, () => arena.allocRun(1, 16));
    expect(arena.stats.chunkCount).toBeGreaterThanOrEqual(10);
    for (const run of runs) arena.free(run);
    expect(arena.stats.chunkCount).toBe(4);
    expect(arena.stats.emptyChunkCount).toBe(4);
    arena.purge();
    expect(arena.stats.chunkCount).toBe(0);
    expect(arena.allocRecord(1, 1) >>> 8).toBe(1);
  });

  it('drop the highest first, and take the lowest number again', () => {
    const arena = new Arena();
    const runs = Array.from({ length: 64 * 7 }, () => arena.allocRun(1, 16));
    const first = new Map(runs.map((run) => [run >>> 18, run]));
    expect(first.size).toBe(8);
    for (const run of runs) if (run >>> 18 === 2) arena.free(run);
    arena.purge();
    expect(arena.stats.chunkCount).toBe(7);
    for (let i = 0; i < 200 && arena.stats.chunkCount === 7; i++) arena.allocRun(1, 16);
    expect(arena.stats.chunkCount).toBe(8);
    expect(arena.allocRun(1, 16) >>> 18).toBe(2);
  });

  it('are zero when they come back', () => {
    const arena = new Arena();
    const run = arena.allocRun(1, 16);
    arena.fill(arena.write(run, 0, 60_000), 7, 60_000);
    arena.free(run);
    arena.purge();
    expect(arena.bytes(run).length).toBe(0);
    const again = arena.allocRun(1, 16);
    expect(again).toBe(run);
    expect(arena.bytes(again)[arena.offset(again) + 100]).toBe(0);
  });

  it('cost no JavaScript object per page: three arrays more for each', () => {
    let allocated = 0;
    const arena = new Arena({
      allocate: (bytes) => {
        allocated++;
        return new SharedArrayBuffer(bytes);
      },
    });
    for (let i = 0; i < 1024 * 46 * 2; i++) arena.allocRecord(1, 84);
    expect(allocated).toBe(arena.stats.chunkCount);
    expect(arena.stats.chunkCount).toBe(3);
  });
});

describe('reserve', () => {
  it('keeps its word for any mix when the system refuses from then on', () => {
    for (const seed of [11, 12, 13, 14, 15, 16, 17, 18]) {
      const random = new SeededRandom(seed);
      const bytes = random.pick([84, 1000, 5000, 16_400, 100_000, 1_000_000, 9_000_000]);
      let refusing = false;
      const arena = new Arena({
        allocate: (size) => {
          if (refusing) throw new RangeError('Array buffer allocation failed');
          return new SharedArrayBuffer(size);
        },
      });
      for (let i = random.below(3000); i > 0; i--) arena.allocNode(3, 1 + random.below(SLOT_BYTES_MAX));
      expect(arena.reserve(bytes)).toBe(true);
      refusing = true;
      spend(arena, bytes, random);
    }
  });

  it('keeps its word among the holes of full chunks', () => {
    for (const seed of [21, 22, 23, 24]) {
      const random = new SeededRandom(seed);
      const arena = new Arena({ pagesMax: 2047 });
      const runs = fillUp(arena, 5);
      let promises = 0;
      for (const run of runs) {
        if (!random.chance(0.8)) continue;
        arena.free(run);
        const bytes = random.pick([16, 84, 500, 2000, 20_000]);
        if (!arena.reserve(bytes)) continue;
        promises++;
        for (const reference of spend(arena, bytes, random)) arena.free(reference);
      }
      expect(promises).toBeGreaterThan(0);
    }
  });

  it('says no at pagesMax', () => {
    const arena = new Arena({ pagesMax: 1024 * 2 });
    expect(arena.reserve(2 << 20)).toBe(true);
    expect(arena.reserve(64 << 20)).toBe(false);
    const runs = fillUp(arena, 1);
    expect(arena.reserve(1)).toBe(false);
    expect(code(() => arena.allocRecord(1, 1))).toBe('ARENA_FULL');
    expect(arena.stats.freeBytes).toBe(0);
    expect(arena.stats.pageBytes).toBe(1024 * 2 * PAGE_BYTES);
    for (const run of runs) arena.free(run);
    expect(arena.reserve(1)).toBe(true);
  });

  it('says no where the system refuses, and yes once it gives again', () => {
    let refusing = true;
    const arena = new Arena({
      allocate: (bytes) => {
        if (refusing) throw new RangeError('Array buffer allocation failed');
        return new SharedArrayBuffer(bytes);
      },
    });
    expect(arena.reserve(84)).toBe(false);
    expect(code(() => arena.allocRecord(1, 84))).toBe('ARENA_FULL');
    expect(arena.stats.chunkCount).toBe(0);
    refusing = false;
    expect(arena.reserve(84)).toBe(true);
    expect(arena.allocRecord(1, 84)).toBe(256);
  });

  it('throws what is no refusal of memory', () => {
    const arena = new Arena({
      allocate: () => {
        throw new TypeError('a bug');
      },
    });
    expect(() => arena.reserve(1)).toThrow(TypeError);
  });

  it('keeps what it reserved while the same command frees, until the next sweep', () => {
    const arena = new Arena({ allocate: limitedAllocator(60) });
    const runs = Array.from({ length: 63 * 20 }, () => arena.allocRun(1, 16));
    const held = arena.stats.chunkCount;
    expect(arena.reserve(80 << 20)).toBe(true);
    const reserved = arena.stats.emptyChunkCount;
    expect(held + reserved).toBeLessThan(60);
    for (const run of runs) arena.free(run);
    expect(arena.stats.emptyChunkCount).toBeGreaterThanOrEqual(reserved);
    spend(arena, 80 << 20, new SeededRandom(5));
    arena.sweep(1);
    expect(arena.stats.emptyChunkCount).toBeLessThanOrEqual(4);
  });

  it('takes detached pages before it asks the system', () => {
    const arena = new Arena({ allocate: limitedAllocator(3) });
    for (let i = 0; i < 63 * 3; i++) arena.allocRun(1, 16);
    expect(arena.reserve(1 << 20)).toBe(false);
    arena.detach(1);
    expect(arena.reserve(1 << 20)).toBe(true);
    arena.sweep(10_000);
    spend(arena, 1 << 20, new SeededRandom(6));
  });
});

/** Allocates exactly `bytes` in a random mix, each counted as `reserve` says. */
function spend(arena: Arena, bytes: number, random: SeededRandom): number[] {
  const references: number[] = [];
  const scale = random.pick([16, 40, 900, 3000, SLOT_BYTES_MAX]);
  for (let left = bytes; left >= 16; ) {
    const keyspace = random.below(2);
    const pages = 1 + random.below(16);
    if (random.chance(0.1) && pages * PAGE_BYTES <= left) {
      references.push(arena.allocRun(keyspace, pages));
      left -= pages * PAGE_BYTES;
      continue;
    }
    const length = Math.min(left, 1 + random.below(scale));
    references.push(random.chance(0.5) ? arena.allocRecord(keyspace, length) : arena.allocNode(keyspace, length));
    left -= Math.max(16, length);
  }
  return references;
}

/** A view in one thread: what is copied, what waits, what there is room for. */
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { DebugArena } from '../../../core/memory/debug-arena.js';
import type { Reference } from '../../../core/memory/reference.js';
import { PAGE_BYTES } from '../../../core/memory/size-classes.js';
import { ViewReader } from '../../../core/memory/view-reader.js';
import { VIEW_HEAD, VIEW_TAIL, VIEW_WAITED } from '../../../core/memory/view-share.js';
import { SeededRandom } from '../differential/random.js';
import { ArenaModel } from './arena-model.js';
import { KeyspaceModel } from './keyspace-model.js';
import { closeAndSweep, difference, KeepingSink, pagesAtCut } from './view-round.js';

/** An arena with one record page a slot of 4,000 bytes, so that each record has a page of its own. */
function arenaOf(count: number): { arena: Arena; keyspace: number; records: Reference[] } {
  const arena = new Arena();
  const keyspace = arena.openKeyspace();
  const records = Array.from({ length: count }, (_, i) => {
    const record = arena.allocRecord(keyspace, 4000);
    arena.fill(arena.write(record, 0, 4000), 0x80 | i, 4000);
    return record;
  });
  return { arena, keyspace, records };
}

function change(arena: Arena, record: Reference): void {
  arena.put8(arena.write(record, 100, 1), 7);
}

function readAll(reader: ViewReader): void {
  while (!reader.step(3));
  expect(reader.complete).toBe(true);
}

describe('a view', () => {
  it('gives the pages of the cut, copied ones first, and costs a copy for each page touched', () => {
    const { arena, records } = arenaOf(20);
    const view = arena.cut();
    const expected = pagesAtCut(view.share);
    const sink = new KeepingSink();
    const reader = new ViewReader(view.share, sink);
    for (const record of records.slice(0, 5)) {
      change(arena, record);
      change(arena, record);
    }
    expect(view.copied).toBe(5);
    reader.step(1);
    expect([...sink.pages.keys()].slice(0, 5)).toEqual(records.slice(0, 5).map((record) => record >>> 8));
    readAll(reader);
    expect(difference(expected, sink.pages)).toBe('');
    expect(sink.twice).toBe(0);
    expect([reader.drained, reader.claimed, reader.contested]).toEqual([5, 15, 0]);
    for (const record of records) change(arena, record);
    expect(view.copied).toBe(5);
    closeAndSweep(arena);
  });

  it('resets nothing at the next cut', () => {
    const { arena, records } = arenaOf(10);
    for (let round = 0; round < 5; round++) {
      const view = arena.cut();
      const expected = pagesAtCut(view.share);
      const sink = new KeepingSink();
      const reader = new ViewReader(view.share, sink);
      for (const record of records.slice(round)) change(arena, record);
      if (round % 2 === 0) {
        readAll(reader);
        expect(difference(expected, sink.pages)).toBe('');
      }
      closeAndSweep(arena);
      expect(reader.closed).toBe(true);
    }
  });

  it('is one at a time', () => {
    const { arena } = arenaOf(1);
    arena.cut();
    expect(() => arena.cut()).toThrow('a view is open already');
    arena.closeView();
    arena.closeView();
    arena.cut();
  });

  it('of an empty arena is read at once', () => {
    const view = new Arena().cut();
    const reader = new ViewReader(view.share, new KeepingSink());
    expect(reader.step(1)).toBe(true);
    expect(reader.complete).toBe(true);
  });

  it('does not contain pages handed out after the cut', () => {
    const { arena, keyspace } = arenaOf(3);
    const view = arena.cut();
    const expected = pagesAtCut(view.share);
    for (let i = 0; i < 2000; i++) change(arena, arena.allocRecord(keyspace, 4000));
    expect(view.copied).toBe(0);
    const sink = new KeepingSink();
    readAll(new ViewReader(view.share, sink));
    expect(difference(expected, sink.pages)).toBe('');
  });
});

describe('pages freed while a view has them still to read', () => {
  it('wait untouched, count as used, and are handed out again once it has read them', () => {
    const arena = new Arena();
    const keyspace = arena.openKeyspace();
    const runs = Array.from({ length: 4 }, () => arena.allocRun(keyspace, 16));
    for (const run of runs) arena.fill(arena.write(run, 0, 65_520), 9, 65_520);
    const view = arena.cut();
    const expected = pagesAtCut(view.share);
    for (const run of runs) arena.free(run);
    expect(view.copied).toBe(0);
    expect(arena.viewBytes).toBe(64 * PAGE_BYTES);
    expect(arena.stats.limboBytes).toBe(64 * PAGE_BYTES);
    expect(arena.sweep(1000)).toBe(0);
    const next = arena.allocRun(keyspace, 16);
    expect(runs).not.toContain(next);
    arena.fill(arena.write(next, 0, 65_520), 1, 65_520);
    const sink = new KeepingSink();
    const reader = new ViewReader(view.share, sink);
    reader.step(32);
    expect(arena.sweep(1000)).toBe(32);
    expect(arena.stats.limboBytes).toBe(32 * PAGE_BYTES);
    const again = arena.allocRun(keyspace, 16);
    expect(runs).toContain(again);
    arena.fill(arena.write(again, 0, 65_520), 2, 65_520);
    expect(view.copied).toBe(0);
    readAll(reader);
    expect(difference(expected, sink.pages)).toBe('');
    closeAndSweep(arena);
  });

  it('of a keyspace that is let go of: nothing is copied, and its id stays taken', () => {
    const { arena, keyspace, records } = arenaOf(3000);
    const view = arena.cut();
    const expected = pagesAtCut(view.share);
    arena.detach(keyspace);
    expect(arena.sweep(10_000)).toBe(0);
    const next = arena.openKeyspace();
    expect(next).not.toBe(keyspace);
    for (let i = 0; i < 100; i++) change(arena, arena.allocRecord(next, 4000));
    expect(view.copied).toBe(0);
    expect(arena.stats.detachedBytes).toBe(3000 * PAGE_BYTES);
    const sink = new KeepingSink();
    const reader = new ViewReader(view.share, sink);
    reader.step(1000);
    arena.sweep(100_000);
    readAll(reader);
    expect(view.copied).toBe(0);
    expect(difference(expected, sink.pages)).toBe('');
    expect(sink.pages.size).toBe(records.length);
    closeAndSweep(arena);
    expect(arena.stats.detachedBytes).toBe(0);
    expect(arena.openKeyspace()).toBe(keyspace);
  });

  it('of keyspaces emptied over and over: the ids do not run out', () => {
    const { arena, keyspace } = arenaOf(100);
    arena.cut();
    arena.detach(keyspace);
    for (let i = 0; i < 70_000; i++) {
      const id = arena.openKeyspace();
      arena.allocRecord(id, 16);
      arena.detach(id);
      arena.sweep(256);
    }
    expect(arena.openKeyspace()).toBeLessThan(10);
  });

  it('of a keyspace let go of before the cut: they are passed over and then freed', () => {
    const { arena, keyspace } = arenaOf(50);
    const other = arena.openKeyspace();
    const run = arena.allocRun(keyspace, 16);
    arena.fill(arena.write(run, 0, 65_520), 3, 65_520);
    change(arena, arena.allocRecord(other, 4000));
    arena.detach(keyspace);
    const view = arena.cut();
    const expected = pagesAtCut(view.share);
    expect(expected.size).toBe(1);
    const sink = new KeepingSink();
    const reader = new ViewReader(view.share, sink);
    readAll(reader);
    expect(reader.dead).toBe(66);
    expect(difference(expected, sink.pages)).toBe('');
    expect(arena.sweep(1000)).toBe(0);
    expect(arena.stats.detachedBytes).toBe(0);
  });
});

describe('room for copies', () => {
  it('is what the ring has left; more than all of it is there when it is empty', () => {
    const { arena, records } = arenaOf(20);
    expect(arena.room(1e9)).toBe(true);
    const view = arena.cut(4);
    const reader = new ViewReader(view.share, new KeepingSink());
    expect([arena.room(4), arena.room(5), arena.room(1e9)]).toEqual([true, true, true]);
    for (const record of records.slice(0, 3)) change(arena, record);
    expect([arena.room(0), arena.room(1), arena.room(2), arena.room(5)]).toEqual([true, true, false, false]);
    reader.drain();
    expect([arena.room(4), arena.room(5)]).toEqual([true, true]);
    arena.closeView();
    expect(arena.room(1e9)).toBe(true);
  });

  it('beyond the ring is made for a command that has begun, and the same few cells are used again', () => {
    const { arena, records } = arenaOf(3000);
    const view = arena.cut(4);
    const expected = pagesAtCut(view.share);
    const sink = new KeepingSink();
    const reader = new ViewReader(view.share, sink);
    for (const record of records.slice(0, 2000)) change(arena, record);
    expect(view.waiting).toBe(2000);
    expect(view.waitingPeak).toBe(2000);
    expect(arena.viewBytes).toBe(2000 * PAGE_BYTES);
    reader.drain();
    for (const record of records.slice(2000, 2010)) {
      change(arena, record);
      reader.drain();
    }
    expect(new Set(view.share.entries.slice(4001, 4020).filter((_, i) => i % 2 === 0)).size).toBe(1);
    expect(arena.viewBytes).toBe(2000 * PAGE_BYTES);
    readAll(reader);
    expect(difference(expected, sink.pages)).toBe('');
  });

  it('that the system refuses breaks the view and nothing else', () => {
    const { arena, records } = arenaOf(20);
    const view = arena.cut(2);
    view.share.cells.grow = () => {
      throw new RangeError('no memory');
    };
    const reader = new ViewReader(view.share, new KeepingSink());
    for (const record of records) change(arena, record);
    expect(view.broken).toBe(true);
    expect(view.copied).toBe(2);
    expect(arena.view).toBe(null);
    expect(reader.closed).toBe(true);
    expect(arena.room(1e9)).toBe(true);
    closeAndSweep(arena);
    arena.cut();
  });

  it('is told to who waits for it', async () => {
    const { arena, records } = arenaOf(3);
    const view = arena.cut(1);
    const reader = new ViewReader(view.share, new KeepingSink());
    change(arena, records[0]!);
    const tail = view.awaitTail();
    const waiting = Atomics.waitAsync(view.share.words, VIEW_TAIL, tail);
    expect(waiting.async).toBe(true);
    expect(view.share.words[VIEW_HEAD]).toBe(1);
    reader.drain();
    expect(await waiting.value).toBe('ok');
    expect(view.share.words[VIEW_WAITED]).toBe(0);
  });
});

describe('a view under the debug arena', () => {
  for (let seed = 1; seed <= 8; seed++) {
    it(`is what it was at the cut, whatever happens: arena, seed ${seed}`, () => {
      const random = new SeededRandom(seed);
      const arena = new DebugArena();
      const model = new ArenaModel(arena, random, (name, operation) => {
        arena.commandBegin(name, 17);
        operation();
        arena.commandEnd();
      });
      for (let i = 0; i < 100; i++) model.step(40);
      for (let round = 0; round < 6; round++) {
        const view = arena.cut(1 + random.below(20));
        const expected = pagesAtCut(view.share);
        const sink = new KeepingSink();
        const reader = new ViewReader(view.share, sink);
        for (let i = 0; i < 60; i++) {
          model.step(40);
          if (random.chance(0.2)) reader.step(random.below(10));
        }
        readAll(reader);
        expect(difference(expected, sink.pages)).toBe('');
        expect(sink.twice).toBe(0);
        arena.closeView();
        model.verify();
      }
    });

    it(`is what it was at the cut, whatever happens: keyspace, seed ${seed}`, () => {
      const random = new SeededRandom(seed);
      const arena = new DebugArena();
      const model = new KeyspaceModel(arena, 2, seed, 40, 2e6, (name, pageBound, run) => {
        arena.commandBegin(name, pageBound);
        run();
        arena.commandEnd();
      });
      for (let i = 0; i < 200; i++) model.step();
      for (let round = 0; round < 6; round++) {
        const view = arena.cut(1 + random.below(20));
        const expected = pagesAtCut(view.share);
        const sink = new KeepingSink();
        const reader = new ViewReader(view.share, sink);
        for (let i = 0; i < 60; i++) {
          model.step();
          if (random.chance(0.2)) reader.step(random.below(10));
          if (i === 30 && round === 3) model.detach();
        }
        readAll(reader);
        expect(difference(expected, sink.pages)).toBe('');
        arena.closeView();
      }
      model.checkAll();
      model.removeAll();
      expect(arena.usedBytes).toBe(0);
    });
  }

  it('notices a page that is handed out while the view has it still to read', () => {
    const arena = new DebugArena();
    const keyspace = arena.openKeyspace();
    arena.commandBegin('alloc', 17);
    const run = arena.allocRun(keyspace, 1);
    arena.fill(arena.write(run, 0, 4000), 1, 4000);
    arena.commandEnd();
    const view = arena.cut();
    // As if the barrier took the page for one that was free at the cut.
    view.preserve = () => {};
    arena.commandBegin('write', 17);
    arena.put8(arena.write(run, 5, 1), 9);
    expect(() => arena.commandEnd()).toThrow('not as it was at the cut');
  });
});

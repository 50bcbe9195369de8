import { describe, expect, it } from 'vitest';
import { DebugArena, DebugArenaError } from '../../../core/memory/debug-arena.js';
import type { ReadableBytes, Reference, WritableOffset } from '../../../core/memory/reference.js';
import { SeededRandom } from '../differential/random.js';
import { ArenaModel } from './arena-model.js';

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DebugArenaError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

/** What a bug does: bytes change behind the arena's back. */
function smash(arena: DebugArena, reference: Reference, at: number): void {
  const bytes = arena.bytes(reference) as ReadableBytes & Uint8Array;
  bytes[arena.offset(reference) + at]! ^= 1;
}

function withRecord(): { arena: DebugArena; record: Reference } {
  const arena = new DebugArena();
  arena.commandBegin('set', 1);
  const record = arena.allocRecord(1, 84);
  arena.put8(arena.write(record, 0, 84), 0x80);
  arena.commandEnd();
  return { arena, record };
}

describe('a debug arena', () => {
  for (const seed of [1, 2]) {
    it(`has nothing to say of the arena's own work, seed ${seed}`, () => {
      const arena = new DebugArena();
      const bracket = (name: string, operation: () => void) => {
        arena.commandBegin(name, 17);
        operation();
        arena.commandEnd();
      };
      const model = new ArenaModel(arena, new SeededRandom(seed), bracket);
      for (let round = 0; round < 4; round++) {
        for (let i = 0; i < 150; i++) model.step(60);
        model.verify();
      }
      model.freeAll();
      bracket('purge', () => arena.purge());
    });
  }

  it('finds a page that changes unannounced in a command', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('get', 0);
    smash(arena, record, 50);
    expect(code(() => arena.commandEnd())).toBe('CHANGED_UNANNOUNCED');
  });

  it('finds a page that changes between commands, at the next one', () => {
    const { arena, record } = withRecord();
    smash(arena, record, 83);
    arena.commandBegin('get', 0);
    expect(code(() => arena.commandEnd())).toBe('CHANGED_UNANNOUNCED');
  });

  it('finds a page that changes before it is announced', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('append', 1);
    smash(arena, record, 50);
    expect(code(() => arena.write(record, 60, 4))).toBe('CHANGED_BEFORE_ANNOUNCED');
  });

  it('finds a page that changes unannounced and is freed by the same command', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('node', 0);
    const node = arena.allocNode(1, 84);
    arena.commandEnd();
    arena.commandBegin('del', 1);
    smash(arena, node, 0);
    arena.free(node);
    expect(code(() => arena.commandEnd())).toBe('CHANGED_UNANNOUNCED');
    expect(arena.isInUse(record)).toBe(true);
  });

  it('finds a change of a page that goes with its chunk', () => {
    const arena = new DebugArena();
    arena.commandBegin('node', 0);
    const node = arena.allocNode(1, 84);
    arena.commandEnd();
    arena.commandBegin('del', 0);
    smash(arena, node, 0);
    arena.free(node);
    expect(code(() => arena.purge())).toBe('CHANGED_UNANNOUNCED');
  });

  it('finds more pages than the command declares', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('set', 0);
    const other = arena.allocRecord(2, 84);
    arena.put8(arena.write(other, 0, 1), 0x80);
    expect(code(() => arena.write(record, 0, 1))).toBe('PAGE_BOUND_EXCEEDED');
  });

  it('counts a page once, and a page handed out by the command not at all', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('mset', 1);
    for (let i = 0; i < 100; i++) {
      arena.put8(arena.write(arena.allocRecord(2, 84), 0, 1), 0x80);
      arena.put8(arena.write(record, 5, 1), i);
    }
    arena.commandEnd();
  });

  it('counts every page that a slot across a border covers', () => {
    const arena = new DebugArena();
    arena.commandBegin('run', 0);
    const run = arena.allocRun(1, 4);
    arena.commandEnd();
    arena.commandBegin('setrange', 2);
    arena.fill(arena.write(run, 4000, 4096), 1, 4096);
    arena.commandEnd();
    arena.commandBegin('setrange', 2);
    expect(code(() => arena.write(run, 4000, 8192))).toBe('PAGE_BOUND_EXCEEDED');
  });

  it('finds a write outside a command, and a free of a record', () => {
    const { arena, record } = withRecord();
    expect(code(() => arena.write(record, 0, 1))).toBe('OUTSIDE_COMMAND');
    expect(code(() => arena.free(record))).toBe('OUTSIDE_COMMAND');
    expect(code(() => arena.allocRun(1, 1))).toBe('OUTSIDE_COMMAND');
    expect(code(() => arena.commandEnd())).toBe('OUTSIDE_COMMAND');
    expect(code(() => new DebugArena().allocRecord(1, 1))).toBe('OUTSIDE_COMMAND');
    arena.commandBegin('one', 1);
    expect(code(() => arena.commandBegin('two', 1))).toBe('OUTSIDE_COMMAND');
  });

  it('finds bytes put outside what was granted last', () => {
    const { arena, record } = withRecord();
    const bytes = new Uint8Array(100);
    arena.commandBegin('set', 1);
    const first = arena.write(record, 10, 8);
    expect(code(() => arena.put8(arena.advance(first, 8), 1))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.put16(arena.advance(first, 7), 1))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.put32(arena.advance(first, 5), 1))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.put32(arena.advance(first, -1), 1))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.put(first, bytes, 0, 9))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.put(first, bytes, 96, 101))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.fill(first, 0, 9))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.putFrom(first, record, 0, 9))).toBe('OUTSIDE_GRANT');
    expect(code(() => arena.putFrom(first, record, 84, 8))).toBe('NOT_IN_USE');
    arena.put(first, bytes, 0, 8);
    arena.write(record, 40, 1);
    expect(code(() => arena.put8(first, 1))).toBe('OUTSIDE_GRANT');
  });

  it('ends the right to write with the command, and with the slot', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('set', 1);
    const kept: WritableOffset = arena.write(record, 0, 84);
    arena.commandEnd();
    arena.commandBegin('set', 1);
    expect(code(() => arena.put8(kept, 1))).toBe('OUTSIDE_GRANT');
    const again = arena.write(record, 0, 84);
    arena.free(record);
    expect(code(() => arena.put8(again, 1))).toBe('OUTSIDE_GRANT');
  });

  it('finds a slot that is used after it was freed or detached', () => {
    const { arena, record } = withRecord();
    const bytes = new Uint8Array(10);
    arena.commandBegin('del', 1);
    const other = arena.allocRecord(1, 84);
    arena.free(other);
    for (const gone of [other, 0, record + 1]) {
      expect(code(() => arena.bytes(gone))).toBe('NOT_IN_USE');
      expect(code(() => arena.offset(gone))).toBe('NOT_IN_USE');
      expect(code(() => arena.capacity(gone))).toBe('NOT_IN_USE');
      expect(code(() => arena.write(gone, 0, 1))).toBe('NOT_IN_USE');
      expect(code(() => arena.copyOut(gone, 0, 1, bytes, 0))).toBe('NOT_IN_USE');
      expect(code(() => arena.equals(gone, 0, bytes, 0, 1))).toBe('NOT_IN_USE');
    }
    expect(code(() => arena.copyOut(record, 80, 9, bytes, 0))).toBe('NOT_IN_USE');
    arena.detach(1);
    expect(code(() => arena.offset(record))).toBe('NOT_IN_USE');
  });

  it('names the command in what it says', () => {
    const { arena, record } = withRecord();
    arena.commandBegin('SETRANGE', 0);
    expect(() => arena.write(record, 0, 1)).toThrow(/^SETRANGE: page 1 is one more than the 0 /);
  });
});

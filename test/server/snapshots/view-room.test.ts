/** Waiting for room for copies: one wait at a time, ended by the reader, by the end of the view, or by time. */
import { expect, test } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { ViewReader } from '../../../core/memory/view-reader.js';
import { ViewRoom } from '../../../server/snapshots/view-room.js';
import { KeepingSink } from '../../core/memory/view-round.js';

function crowdedArena(): Arena {
  const arena = new Arena();
  const keyspace = arena.openKeyspace();
  const record = arena.allocRecord(keyspace, 4000);
  arena.put8(arena.write(record, 0, 1), 0x80);
  arena.cut(1);
  arena.put8(arena.write(record, 1, 1), 7);
  return arena;
}

/** A room and the promise of its next call. */
function roomOf(arena: Arena): { room: ViewRoom; told: Promise<void> } {
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  return { room: new ViewRoom(arena, () => tell()), told };
}

test('whoever waits is told once the reader has read on', async () => {
  const arena = crowdedArena();
  const { room, told } = roomOf(arena);
  expect(arena.room(1)).toBe(false);
  room.wait();
  room.wait();
  expect(room.waits).toBe(1);
  new ViewReader(arena.view!.share, new KeepingSink()).drain();
  await told;
  expect(arena.room(1)).toBe(true);
  expect(room.waitedMicros).toBeGreaterThanOrEqual(0);
});

test('and when the view is closed, or was closed already', async () => {
  const arena = crowdedArena();
  const first = roomOf(arena);
  first.room.wait();
  arena.closeView();
  await first.told;
  const second = roomOf(arena);
  second.room.wait();
  await second.told;
});

test('and now and then, should nobody tell', async () => {
  const { room, told } = roomOf(crowdedArena());
  room.wait();
  await told;
  room.wait();
  expect(room.waits).toBe(2);
});

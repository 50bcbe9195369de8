import { expect, test } from 'vitest';
import { type PaceSurroundings, SnapshotPace } from '../../../server/snapshots/snapshot-pace.js';

/** A machine of two processors on which others use so many of them all the time. */
class Machine implements PaceSurroundings {
  now = 1000;
  slept = 0;
  worked = 0;
  others = 0;
  private idle = 0;

  nowMs(): number {
    return this.now;
  }

  sleep(ms: number): void {
    this.slept += ms;
    this.now += ms;
    this.idle += ms * (2 - this.others);
  }

  processors(): { count: number; idleMs: number } {
    return { count: 2, idleMs: this.idle };
  }

  work(ms: number): void {
    this.worked += ms;
    this.now += ms;
    this.idle += Math.max(0, ms * (1 - this.others));
  }
}

function run(machine: Machine, pace: SnapshotPace, hurried = false): number {
  machine.slept = 0;
  machine.worked = 0;
  for (let i = 0; i < 5000; i++) {
    machine.work(0.2);
    pace.rest(hurried);
  }
  return machine.slept / machine.worked;
}

test('rests as long as it works where others need the processors, and hardly where one is free', () => {
  const machine = new Machine();
  const pace = new SnapshotPace(machine);
  machine.others = 1;
  expect(run(machine, pace)).toBeCloseTo(1, 1);
  machine.others = 0.5;
  expect(run(machine, pace)).toBeLessThan(0.15);
  machine.others = 0.95;
  expect(run(machine, pace)).toBeGreaterThan(0.8);
});

test('in a hurry only lets others have their turn, and never rests after short pieces', () => {
  const machine = new Machine();
  machine.others = 1;
  const pace = new SnapshotPace(machine);
  const share = run(machine, pace, true);
  expect(share).toBeGreaterThan(0);
  expect(share).toBeLessThan(0.15);
  machine.slept = 0;
  const another = new SnapshotPace(machine);
  machine.work(0.3);
  another.rest();
  expect(machine.slept).toBe(0);
});

test('a wait for the disk is no work', () => {
  const machine = new Machine();
  machine.others = 1;
  const pace = new SnapshotPace(machine);
  machine.work(50);
  pace.waited(50);
  pace.rest();
  expect(machine.slept).toBe(0);
  machine.work(20);
  pace.rest();
  expect(machine.slept).toBe(2);
});

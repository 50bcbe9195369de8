import { describe, expect, it } from 'vitest';
import { type ClockSource, ServerClock } from '../../server/engine-clock.js';

class FakeSource implements ClockSource {
  wall = 1_000_000;
  monotonic = 50;
  wallMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.monotonic;
  }
  pass(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

function make(): { source: FakeSource; clock: ServerClock; jumps: number[] } {
  const source = new FakeSource();
  const jumps: number[] = [];
  return { source, clock: new ServerClock(source, (skew) => jumps.push(skew)), jumps };
}

describe('engine clock', () => {
  it('shows the wall clock and moves on with the monotonic one', () => {
    const { source, clock } = make();
    expect(clock.nowMs()).toBe(1_000_000);
    source.monotonic += 7;
    expect(clock.nowMs()).toBe(1_000_007);
  });

  it('does not follow a wall clock that steps back', () => {
    const { source, clock } = make();
    source.wall -= 3_600_000;
    clock.synchronize();
    source.pass(10);
    clock.synchronize();
    expect(clock.nowMs()).toBe(1_000_010);
    expect(clock.skewMs).toBe(-3_600_000);
  });

  it('follows a small step forwards at once', () => {
    const { source, clock, jumps } = make();
    source.wall += 5_000;
    clock.synchronize();
    expect(clock.nowMs()).toBe(1_005_000);
    expect(jumps).toEqual([]);
  });

  it('reports a jump and follows it only after it has held for a minute', () => {
    const { source, clock, jumps } = make();
    source.wall += 86_400_000;
    clock.synchronize();
    source.pass(59_000);
    clock.synchronize();
    expect(clock.nowMs()).toBe(1_059_000);
    expect(clock.skewMs).toBe(86_400_000);
    source.pass(1_000);
    clock.synchronize();
    expect(clock.nowMs()).toBe(1_060_000 + 86_400_000);
    expect(jumps).toEqual([86_400_000]);
  });

  it('forgets a jump that was taken back', () => {
    const { source, clock } = make();
    source.wall += 86_400_000;
    clock.synchronize();
    source.pass(30_000);
    source.wall -= 86_400_000;
    clock.synchronize();
    source.wall += 86_400_000;
    source.pass(30_000);
    clock.synchronize();
    expect(clock.nowMs()).toBe(1_060_000);
  });

  it('never shows less than the last frame of the log', () => {
    const { source, clock } = make();
    clock.startAfter(9_000_000);
    source.pass(5);
    clock.synchronize();
    expect(clock.nowMs()).toBe(9_000_005);
  });
});

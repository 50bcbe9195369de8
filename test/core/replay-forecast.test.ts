import { describe, expect, it } from 'vitest';
import { type GrowingKeyspace, ReplayForecast } from '../../core/replay-forecast.js';

class Growing implements GrowingKeyspace {
  count = 0;
  expected: number[] = [];
  sparse = 0;
  expectKeys(count: number): void {
    this.expected.push(count);
  }
  mergeSparse(pages: number): boolean {
    this.sparse = Math.max(0, this.sparse - pages);
    return this.sparse === 0;
  }
}

describe('the forecast of a replay', () => {
  it('foresees as many keys as the last entries made, of each database by itself', () => {
    const all = new Growing();
    const half = new Growing();
    const none = new Growing();
    none.count = 50;
    const forecast = new ReplayForecast([all, half, none]);
    all.count = 1000;
    half.count = 500;
    forecast.look(1000, 4000);
    expect([all, half, none].map(({ expected }) => expected)).toEqual([[5000], [2500], [50]]);
    forecast.look(1000, 3000);
    expect(all.expected.at(-1)).toBe(1000);
  });

  it('foresees no more than eight times what there is, and nothing of a database that was emptied', () => {
    const growing = new Growing();
    const forecast = new ReplayForecast([growing]);
    growing.count = 1000;
    forecast.look(1000, 1_000_000);
    expect(growing.expected).toEqual([8000]);
    growing.count = 10;
    forecast.look(1000, 1_000_000);
    expect(growing.expected.at(-1)).toBe(10);
  });

  it('gives back in steps what was too much, only where something was foreseen', () => {
    const growing = [new Growing(), new Growing()];
    growing[0]!.sparse = 1000;
    const unused = new ReplayForecast(growing);
    expect(unused.finish()).toBe(true);
    expect(growing[0]!.sparse).toBe(1000);
    const forecast = new ReplayForecast(growing);
    growing[1]!.count = 1;
    forecast.look(1, 1);
    let steps = 0;
    while (!forecast.finish()) steps++;
    expect(steps).toBeGreaterThan(3);
    expect(growing.map(({ sparse, expected }) => [sparse, expected.at(-1)])).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LatencyHistogram } from '../../core/latency-histogram.js';

describe('percentiles', () => {
  test('are 0 without calls', () => {
    expect(new LatencyHistogram().percentile(50)).toBe(0);
    expect(new LatencyHistogram().cumulative()).toEqual([]);
  });

  test('are within a sixteenth above the exact ones, whatever was recorded', () => {
    const times = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 100, noNaN: true }), (micros, percent) => {
        const histogram = new LatencyHistogram();
        for (const each of micros) histogram.record(each, 1);
        const sorted = [...micros].sort((one, other) => one - other);
        const exact = sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100 - 1e-9) - 1)]!;
        const shown = histogram.percentile(percent);
        expect(shown).toBeGreaterThanOrEqual(exact - 0.001);
        expect(shown).toBeLessThanOrEqual(exact * (1 + 1 / 16) + 0.001);
      }),
    );
  });

  test('what is longer than can be told apart counts as the longest', () => {
    const histogram = new LatencyHistogram();
    histogram.record(1e15, 3);
    expect(histogram.count).toBe(3);
    expect(histogram.percentile(100)).toBeGreaterThan(1e9);
    expect(histogram.cumulative().at(-1)![1]).toBe(3);
  });
});

test('the cumulative distribution has the bounds that Redis shows', () => {
  const histogram = new LatencyHistogram();
  for (let micros = 0.5; micros < 2e6; micros *= 2) histogram.record(micros, 1);
  expect(histogram.cumulative().map(([micros]) => micros)).toEqual([
    ...[1, 2, 4, 8, 16, 33, 66, 132, 264, 528, 1056, 2113, 4227, 8454, 16908, 33816, 67633, 135266, 270532, 541065],
    ...[1082130],
  ]);
  expect(histogram.cumulative().at(-1)![1]).toBe(histogram.count);
});

test('bounds without new calls are left out, and calls are weighed', () => {
  const histogram = new LatencyHistogram();
  histogram.record(3, 10);
  histogram.record(100, 5);
  expect(histogram.cumulative()).toEqual([
    [4, 10],
    [132, 15],
  ]);
});

import { describe, expect, test } from 'vitest';
import { latencyGraph } from '../../server/commands/latency-graph.js';
import { latencyReport } from '../../server/commands/latency-report.js';
import { LatencyMonitor } from '../../server/latency-monitor.js';

function monitor(thresholdMs: number) {
  const clock = { ms: 1_000_000 };
  const latency = new LatencyMonitor(() => clock.ms);
  latency.thresholdMs = thresholdMs;
  return { clock, latency };
}

describe('events', () => {
  test('are kept from the threshold on, the worst of each second', () => {
    const { clock, latency } = monitor(10);
    latency.note('command', 9_999);
    latency.note('command', 10_000);
    latency.note('command', 30_500);
    latency.note('command', 20_000);
    clock.ms += 1000;
    latency.note('command', 15_000);
    const series = latency.series.get('command')!;
    expect(series.samples).toEqual([
      { seconds: 1000, ms: 30 },
      { seconds: 1001, ms: 15 },
    ]);
    expect(series.worstMs).toBe(30);
    expect(series.latest.ms).toBe(15);
  });

  test('are not kept without a threshold', () => {
    const { latency } = monitor(0);
    latency.note('command', 1e9);
    expect(latency.series.size).toBe(0);
  });

  test('at most 160 seconds of a kind', () => {
    const { clock, latency } = monitor(1);
    for (let i = 0; i < 500; i++) {
      clock.ms += 1000;
      latency.note('commit-wait', 5000);
    }
    expect(latency.series.get('commit-wait')!.samples).toHaveLength(160);
    expect(latency.forget('nosuch')).toBe(false);
    expect(latency.clear()).toBe(1);
  });
});

test('the graph has a column for each sample', () => {
  const { clock, latency } = monitor(1);
  for (const ms of [10, 20, 40, 60, 80]) {
    latency.note('command', ms * 1000);
    clock.ms += 1000;
  }
  expect(latencyGraph('command', latency.series.get('command')!, 1005).split('\n')).toEqual([
    'command - high 80 ms, low 10 ms (all time high 80 ms)',
    '-'.repeat(80),
    '    #',
    '   #|',
    '  #||',
    '_o|||',
    '54321',
    'sssss',
    '',
    '',
  ]);
});

test('the report names events and what to do', () => {
  const { latency } = monitor(0);
  expect(latencyReport(latency, 10_000, 1000)).toMatch(/disabled.*latency-monitor-threshold/);
  latency.thresholdMs = 5;
  expect(latencyReport(latency, 10_000, 1000)).toMatch(/nothing to report/);
  latency.note('command', 80_000);
  latency.note('commit-wait', 80_000);
  const report = latencyReport(latency, 10_000, 1001);
  expect(report).toContain('1. command: 1 latency spikes (average 80ms, mean deviation 0ms, period 1.00 sec)');
  expect(report).toContain('slowlog-log-slower-than 5000');
  expect(report).toContain('log_sync_average_usec');
});

/** LATENCY DOCTOR: the events in words, each with what can be done about it. */
import type { LatencyMonitor, LatencySeries } from '../latency-monitor.js';

/** What to do about a kind of event. */
const ADVICE: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'command',
    [
      'SLOWLOG GET shows which commands took long to execute, and with which arguments.',
      'Commands that run whole (long ranges, LCS, many keys at once) hold up everybody: ask for less at a time.',
    ],
  ],
  [
    'fast-command',
    [
      'Commands that take no time by themselves were slow: something else had the processor. Look at the load of the ' +
        'machine, at stolen time of a virtual machine, and at swapping; INFO slices shows the longest runs.',
    ],
  ],
  ['expire-cycle', ['Many keys ended at the same moment: spread their deadlines.']],
  ['eviction-cycle', ['Much had to be evicted at once: raise maxmemory, or let keys end earlier by themselves.']],
  ['eviction-del', ['Much had to be evicted at once: raise maxmemory, or let keys end earlier by themselves.']],
  ['active-defrag-cycle', ['Moving records takes time from clients: raise active-defrag-threshold-lower.']],
  [
    'aof-fsync-always',
    [
      'The disk of the log was slow while the server thread waited for it. A slow disk is left to the log thread by ' +
        'itself; `commit-inline no` leaves every commit to it.',
    ],
  ],
  [
    'commit-wait',
    [
      'Replies waited for the log, not for execution: the disk syncs slowly, or another process keeps it busy. ' +
        'INFO persistence has log_sync_average_usec; a disk with a write cache that survives power loss syncs fastest.',
    ],
  ],
]);

/** @param nowSeconds Unix time. */
export function latencyReport(latency: LatencyMonitor, slowlogMicros: number, nowSeconds: number): string {
  const { series, thresholdMs } = latency;
  if (series.size === 0 && thresholdMs === 0) {
    return (
      'Latency monitoring is disabled: nothing is known. Enable it with "CONFIG SET latency-monitor-threshold ' +
      '<milliseconds>".\n'
    );
  }
  if (series.size === 0) return `No event took ${thresholdMs} ms or longer: there is nothing to report.\n`;
  const lines: string[] = ['Events that took long:', ''];
  let number = 0;
  for (const [event, each] of series) lines.push(`${++number}. ${describe(event, each, nowSeconds)}`);
  lines.push('', 'What can be done:', '');
  for (const advice of advicesFor(series, slowlogMicros, thresholdMs)) lines.push(`- ${advice}`);
  return `${lines.join('\n')}\n`;
}

function advicesFor(series: ReadonlyMap<string, LatencySeries>, slowlogMicros: number, thresholdMs: number): string[] {
  const advices = new Set<string>();
  if (series.has('command') && slowlogMicros < 0) {
    advices.add(`Enable the slow log: CONFIG SET slowlog-log-slower-than ${Math.max(1, thresholdMs) * 1000}.`);
  } else if (series.has('command') && thresholdMs > 0 && slowlogMicros > thresholdMs * 1000) {
    advices.add(`The slow log starts above the events here: CONFIG SET slowlog-log-slower-than ${thresholdMs * 1000}.`);
  }
  for (const event of series.keys()) for (const advice of ADVICE.get(event) ?? []) advices.add(advice);
  return [...advices];
}

function describe(event: string, { samples, worstMs }: LatencySeries, nowSeconds: number): string {
  const count = samples.length;
  const mean = samples.reduce((sum, { ms }) => sum + ms, 0) / count;
  const deviation = samples.reduce((sum, { ms }) => sum + Math.abs(ms - mean), 0) / count;
  const period = Math.max(1, nowSeconds - samples[0]!.seconds) / count;
  return (
    `${event}: ${count} latency spikes (average ${Math.round(mean)}ms, mean deviation ${Math.round(deviation)}ms, ` +
    `period ${period.toFixed(2)} sec). Worst all time event ${worstMs}ms.`
  );
}

/** LATENCY GRAPH: one column for each sample, oldest first, with the time since then written downwards below it. */
import type { LatencySeries } from '../latency-monitor.js';

const ROWS = 4;
/** Levels within a row, lowest first; below the top of a column it is filled. */
const LEVELS = '_o#';
const FILL = '|';
const RULE = '-'.repeat(80);
/** Columns in one line of the graph. */
const COLUMNS_MAX = 80;

/** @param nowSeconds Unix time. */
export function latencyGraph(event: string, { samples, worstMs }: LatencySeries, nowSeconds: number): string {
  const all = samples.map(({ ms }) => ms);
  const high = Math.max(...all);
  const low = Math.min(...all);
  let text = `${event} - high ${high} ms, low ${low} ms (all time high ${worstMs} ms)\n${RULE}\n`;
  for (let from = 0; from < samples.length; from += COLUMNS_MAX) {
    const columns = samples
      .slice(from, from + COLUMNS_MAX)
      .map(({ ms, seconds }) => column(levelOf(ms, low, high), age(nowSeconds - seconds)));
    const height = Math.max(...columns.map(({ length }) => length));
    for (let row = 0; row < height; row++) text += `${columns.map((each) => each[row] ?? ' ').join('')}\n`;
    text += '\n';
  }
  return text;
}

function levelOf(ms: number, low: number, high: number): number {
  const steps = ROWS * LEVELS.length;
  return high === low ? 0 : Math.min(steps - 1, Math.floor(((ms - low) * steps) / (high - low)));
}

/** A column from top to bottom: its bar, then its label. */
function column(level: number, label: string): string {
  const row = Math.floor(level / LEVELS.length);
  const bar = ' '.repeat(ROWS - 1 - row) + LEVELS[level % LEVELS.length]! + FILL.repeat(row);
  return bar + label;
}

/** '5s', '12m', '3h', '2d'. */
function age(seconds: number): string {
  const whole = Math.max(0, seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h`;
  return `${Math.floor(whole / 86_400)}d`;
}

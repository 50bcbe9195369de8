/** How INFO writes its sections. */
import type { LatencyHistogram } from '../../core/latency-histogram.js';

/** Fields in order: name and value. */
export type InfoFields = readonly (readonly [name: string, value: string | number])[];

/** A section as INFO shows it: title, fields, each line ended by CR LF. */
export function formatSection(title: string, fields: InfoFields): string {
  let text = `# ${title}\r\n`;
  for (const [name, value] of fields) text += `${name}:${value}\r\n`;
  return text;
}

/** A share in percent with two digits. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (part / whole) * 100).toFixed(2)}%`;
}

/** A ratio with two digits. */
export function ratio(part: number, whole: number): string {
  return (whole === 0 ? 1 : part / whole).toFixed(2);
}

/** Percentiles of a histogram, as Redis writes them. */
export function percentilesText(latencies: LatencyHistogram, percentiles: readonly number[]): string {
  return percentiles.map((percent) => `p${percent}=${latencies.percentile(percent).toFixed(3)}`).join(',');
}

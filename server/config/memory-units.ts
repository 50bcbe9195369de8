/** Amounts of memory as Redis writes them: `100`, `5b`, `64k` (thousands), `64kb` (of 1024), up to `gb`. */

const UNITS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['k', 1000],
  ['kb', 1024],
  ['m', 1000 ** 2],
  ['mb', 1024 ** 2],
  ['g', 1000 ** 3],
  ['gb', 1024 ** 3],
]);

/**
 * The number of bytes that the text means, or -1 when it is not an amount of memory or not below 2^53. As in Redis an
 * empty number is 0.
 */
export function parseMemory(text: string): number {
  const match = /^(\d*)([a-z]*)$/i.exec(text);
  if (match === null) return -1;
  const unit = UNITS.get(match[2]!.toLowerCase());
  if (unit === undefined) return -1;
  const bytes = Number(match[1]) * unit;
  return Number.isSafeInteger(bytes) ? bytes : -1;
}

/** Bytes for people, as INFO shows them: `1.42M`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes}B`;
  let value = bytes / 1024;
  for (const unit of ['K', 'M', 'G', 'T']) {
    if (value < 1024) return `${value.toFixed(2)}${unit}`;
    value /= 1024;
  }
  return `${value.toFixed(2)}P`;
}

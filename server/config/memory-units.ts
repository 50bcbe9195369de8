/** Amounts of memory as Redis writes them: `100`, `5b`, `64k` (thousands), `64kb` (of 1024), up to `gb`. */

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['b', 1n],
  ['k', 1000n],
  ['kb', 1024n],
  ['m', 1000n ** 2n],
  ['mb', 1024n ** 2n],
  ['g', 1000n ** 3n],
  ['gb', 1024n ** 3n],
]);

/** Largest amount that fits 64 bits. */
const BYTES_MAX = 2n ** 64n - 1n;

/**
 * The number of bytes that the text means, or undefined when it is not an amount of memory or needs more than 64 bits.
 * As in Redis an empty number is 0.
 */
export function parseMemory(text: string): bigint | undefined {
  const match = /^(\d{0,127})([a-z]*)$/i.exec(text);
  if (match === null) return undefined;
  const unit = UNITS.get(match[2]!.toLowerCase());
  if (unit === undefined) return undefined;
  const bytes = BigInt(match[1]!) * unit;
  return bytes > BYTES_MAX ? undefined : bytes;
}

/** The amount as a configuration file has it: in the largest unit of 1024 that divides it. */
export function memoryText(bytes: bigint | number): string {
  const exact = BigInt(bytes);
  if (exact === 0n) return '0';
  for (const unit of ['gb', 'mb', 'kb']) {
    const size = UNITS.get(unit)!;
    if (exact % size === 0n) return `${exact / size}${unit}`;
  }
  return String(exact);
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

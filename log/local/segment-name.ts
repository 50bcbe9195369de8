/** The names of segment files. */

/** File name of a segment: its number in 16 decimal digits. */
export function segmentName(number: number): string {
  return `${String(number).padStart(16, '0')}.log`;
}

/** The number in a segment's file name, or undefined if it is something else. */
export function segmentNumber(name: string): number | undefined {
  const match = /^(\d{16})\.log$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

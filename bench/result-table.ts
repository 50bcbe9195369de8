/** Prints results as an aligned table, and as one JSON line for programs. */

/** What a row must show (`atLeast`) and aims at, and whether more or less is better. */
export interface Target {
  readonly atLeast: number;
  readonly aim: number;
  readonly better: 'more' | 'less';
}

export type Verdict = 'aim met' | 'met' | 'NOT MET' | 'not measured';

/** Judges a figure by its target. */
export function judge(figure: number | undefined, target: Target): Verdict {
  if (figure === undefined || Number.isNaN(figure)) return 'not measured';
  const reaches = (bound: number) => (target.better === 'more' ? figure >= bound : figure <= bound);
  return reaches(target.aim) ? 'aim met' : reaches(target.atLeast) ? 'met' : 'NOT MET';
}

/** Prints rows of cells below a heading; numbers stand right. */
export function printTable(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heading.map((cell, column) => Math.max(cell.length, ...rows.map((row) => (row[column] ?? '').length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ');
  console.log(line(heading));
  console.log(widths.map((width) => '-'.repeat(width)).join('  '));
  for (const row of rows) console.log(line(row));
}

/** The last line of every benchmark: everything measured, for programs. */
export function printJsonLine(benchmark: string, results: unknown): void {
  console.log(JSON.stringify({ benchmark, node: process.version, date: new Date().toISOString(), results }));
}

/** A figure with so many decimals, or '-' when it was not measured. */
export function shown(figure: number | undefined, decimals = 0): string {
  return figure === undefined || Number.isNaN(figure) ? '-' : figure.toFixed(decimals);
}

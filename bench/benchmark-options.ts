/** Options of the benchmarks' command lines. */
import { parseArgs } from 'node:util';

/** Options given as --name value, with their defaults; numbers and lists are read by the methods. */
export class BenchmarkOptions {
  private readonly values: Readonly<Record<string, string | undefined>>;

  /**
   * @param defaults every option that exists.
   * @throws on an unknown option.
   */
  constructor(args: string[], defaults: Readonly<Record<string, string>>) {
    const options: Record<string, { type: 'string'; default: string }> = {};
    for (const [name, value] of Object.entries(defaults)) options[name] = { type: 'string', default: value };
    this.values = parseArgs({ args, options, strict: true }).values as Record<string, string | undefined>;
  }

  text(name: string): string {
    return this.values[name] ?? '';
  }

  /** @throws when it is not a number above 0. */
  number(name: string): number {
    const value = Number(this.text(name));
    if (!(value > 0)) throw new Error(`--${name} must be a number above 0`);
    return value;
  }

  /** Numbers with commas between them; an `m` behind one means a million. */
  counts(name: string): number[] {
    return this.list(name).map((item) => {
      const count = item.endsWith('m') ? Number(item.slice(0, -1)) * 1e6 : Number(item);
      if (!(count > 0)) throw new Error(`--${name}: '${item}' is not a count`);
      return Math.round(count);
    });
  }

  /** Words with commas between them; none for ''. */
  list(name: string): string[] {
    return this.text(name)
      .split(',')
      .filter((item) => item !== '');
  }
}

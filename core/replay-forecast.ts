/**
 * Foresees while a log is folded how many keys there will be, so that the hash tables make room for them in large steps: a
 * log mostly begins with entries that each make a key, and without this each key would be read and hashed again at every
 * doubling of its table.
 *
 *   new at the first entry ─> look() now and then ─> finish() until it returns true
 */

/** What is foreseen of one database. */
export interface GrowingKeyspace {
  readonly count: number;
  expectKeys(count: number): void;
  mergeSparse(pages: number): boolean;
}

/** Entries between two looks. */
export const ENTRIES_PER_FORECAST = 1 << 16;
/** Never is more foreseen than this many times what there is: keys that do not come cost memory until the end. */
const FACTOR_MAX = 8;
/** Table pages looked at between two looks at the clock. */
const PAGES_PER_STEP = 256;

export class ReplayForecast {
  private readonly keyspaces: readonly GrowingKeyspace[];
  private readonly counts: Float64Array;
  /** Database that is given back next what was too much. */
  private finishing = 0;
  private looked = false;

  constructor(keyspaces: readonly GrowingKeyspace[]) {
    this.keyspaces = keyspaces;
    this.counts = Float64Array.from(keyspaces, (keyspace) => keyspace.count);
  }

  /** @param folded entries since the last look. @param left entries that come. */
  look(folded: number, left: number): void {
    this.looked = true;
    for (let i = 0; i < this.keyspaces.length; i++) {
      const keyspace = this.keyspaces[i]!;
      const { count } = keyspace;
      const grown = Math.max(0, count - this.counts[i]!);
      keyspace.expectKeys(Math.min(count + (grown / folded) * left, count * FACTOR_MAX));
      this.counts[i] = count;
    }
  }

  /** Gives back what was too much, a little at a time. Returns true at the end. */
  finish(): boolean {
    const keyspace = this.looked ? this.keyspaces[this.finishing] : undefined;
    if (keyspace === undefined) return true;
    keyspace.expectKeys(0);
    if (keyspace.mergeSparse(PAGES_PER_STEP)) this.finishing++;
    return false;
  }
}

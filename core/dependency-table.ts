/**
 * Which committed sequence a reply must wait for. Every key hashes to a bucket that holds the sequence of the last write
 * to any key of that bucket, so the newest write that a lookup could have seen is known in O(1), also for keys that no
 * longer exist. A collision only parks a reply a little longer; a miss cannot happen.
 *
 * Sequences are float64, exact to 2^53: 32 bits would wrap.
 */

/** Number of buckets; a power of two. 2^19 buckets of 8 bytes are 4 MiB. */
export const DEPENDENCY_BUCKETS = 1 << 19;

export class DependencyTable {
  private readonly last = new Float64Array(DEPENDENCY_BUCKETS);
  /** Per database: the sequence of the last command that changed it as a whole (FLUSHDB, FLUSHALL, SWAPDB). */
  private readonly floors: Float64Array;
  /** Only so that touching is not optimised away. */
  protected touched = 0;

  constructor(databases: number) {
    this.floors = new Float64Array(databases);
  }

  /** The bucket of a key, from its hash (Keyspace.hashHigh) and its database. */
  static bucketOf(database: number, hash: number): number {
    return (hash ^ Math.imul(database + 1, 0x9e3779b1)) & (DEPENDENCY_BUCKETS - 1);
  }

  /** The newest sequence that an answer about this bucket's keys can depend on; 0 when nothing was written yet. */
  newest(database: number, bucket: number): number {
    const key = this.last[bucket]!;
    const floor = this.floors[database]!;
    return Math.max(key, floor);
  }

  /** Reads the buckets of these hashes, so that they are at hand for the lookups that follow. */
  touch(database: number, hashes: Int32Array, count: number): void {
    let touched = 0;
    for (let i = 0; i < count; i++) touched += this.last[DependencyTable.bucketOf(database, hashes[i]!)]!;
    this.touched = touched;
  }

  /** Notes that the entry with this sequence changes a key of this bucket. */
  write(bucket: number, sequence: number): void {
    this.last[bucket] = sequence;
  }

  /** Notes that the entry with this sequence changes a database as a whole. */
  writeDatabase(database: number, sequence: number): void {
    this.floors[database] = sequence;
  }
}

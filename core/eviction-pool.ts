/**
 * The candidates for eviction that samples have turned up so far, the best last: Redis' eviction pool (`evict.c`). With it
 * a few samples at a time come close to a true LRU, because what was nearly taken before is remembered.
 *
 * A candidate is a hint, as in the expiry index: database, hash of the key, reference of its record. Whether the table still
 * has such a record is asked when it is its turn; a record that was removed or has moved meanwhile is passed over.
 */

/** Redis' EVPOOL_SIZE. */
export const POOL_SIZE = 16;

export class EvictionPool {
  /** Candidates in places 0 to count - 1, by score, the lowest first. */
  count = 0;
  /** The candidate that `takeBest` has taken out. */
  database = 0;
  hash = 0;
  reference = 0;
  private readonly scores = new Float64Array(POOL_SIZE);
  private readonly databases = new Int32Array(POOL_SIZE);
  private readonly hashes = new Int32Array(POOL_SIZE);
  private readonly references = new Int32Array(POOL_SIZE);

  /** Whether a candidate with this score would be kept. */
  admits(score: number): boolean {
    return this.count < POOL_SIZE || score > this.scores[0]!;
  }

  /** @param score the higher, the sooner it goes. Where the pool is full, the lowest goes out. */
  add(score: number, database: number, hash: number, reference: number): void {
    if (!this.admits(score)) return;
    const { scores } = this;
    let place = 0;
    while (place < this.count && scores[place]! < score) place++;
    if (this.count < POOL_SIZE) {
      this.move(place + 1, place, this.count);
      this.count++;
    } else {
      place--;
      this.move(0, 1, place + 1);
    }
    scores[place] = score;
    this.databases[place] = database;
    this.hashes[place] = hash;
    this.references[place] = reference;
  }

  /** Takes the best candidate out into `database`, `hash` and `reference`; false where there is none. */
  takeBest(): boolean {
    if (this.count === 0) return false;
    const place = --this.count;
    this.database = this.databases[place]!;
    this.hash = this.hashes[place]!;
    this.reference = this.references[place]!;
    return true;
  }

  clear(): void {
    this.count = 0;
  }

  private move(target: number, start: number, end: number): void {
    this.scores.copyWithin(target, start, end);
    this.databases.copyWithin(target, start, end);
    this.hashes.copyWithin(target, start, end);
    this.references.copyWithin(target, start, end);
  }
}

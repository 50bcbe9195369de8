/**
 * Cheap random numbers for choices that nobody gains from guessing: samples for eviction, counters that grow by chance.
 * Seeded from the engine's own source, of which a number costs as much as a whole GET. Mulberry32.
 */

export class RandomNumbers {
  private readonly source: () => number;
  private state = 0;
  private seeded = false;

  /** @param source a number in [0, 1); asked once, at the first use. */
  constructor(source: () => number) {
    this.source = source;
  }

  /** Any 32-bit number, as an int32. */
  int32(): number {
    if (!this.seeded) {
      this.seeded = true;
      this.state = Math.floor(this.source() * 2 ** 32) | 0;
    }
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return mixed ^ (mixed >>> 14);
  }

  /** A number in [0, 1). */
  fraction(): number {
    return (this.int32() >>> 0) / 2 ** 32;
  }
}

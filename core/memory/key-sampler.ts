/**
 * Draws keys of a keyspace by chance, with the access clocks that lie beside them: what eviction chooses from. Here is no
 * choice, and nothing is changed. A sample is a reference, good until the next change.
 */

import type { Arena } from './arena.js';
import type { HashTable } from './hash-table.js';
import type { KeyDeadlines } from './key-deadlines.js';
import { FLAG_EXPIRY } from './record.js';
import type { Reference } from './reference.js';

/** Most samples at once. */
export const SAMPLES_MAX = 1024;
/** Cells of the table that are looked at for one sample at most. */
const CELLS_PER_SAMPLE = 64;
/** Where at least one key in so many has a deadline, samples with a deadline are found among all keys. */
const DEADLINE_SHARE = 8;
/** Draws from the expiry index for one sample at most. */
const DRAWS_PER_SAMPLE = 8;
/** Keys that are walked over where the expiry index holds too many stale hints to find one by chance. */
const WALK_KEYS = 512;
const MIX = 0x6d2b79f5;

export class KeySampler {
  /** Samples of the last call, with their access clocks. */
  count = 0;
  readonly references = new Int32Array(SAMPLES_MAX);
  readonly clocks = new Int32Array(SAMPLES_MAX);
  private readonly arena: Arena;
  private readonly table: HashTable;
  private readonly deadlines: KeyDeadlines;
  /** Where the walk over the keys goes on. */
  private walk = 0;
  private wanted = 0;
  private readonly keepVolatile: (reference: Reference, clock: number) => void;

  constructor(arena: Arena, table: HashTable, deadlines: KeyDeadlines) {
    this.arena = arena;
    this.table = table;
    this.deadlines = deadlines;
    this.keepVolatile = (reference, clock) => this.addVolatile(reference, clock);
  }

  /**
   * Draws up to `wanted` keys: neighbours in the table, which are strangers to each other, so that one place in memory is
   * read for all of them.
   * @param random any 32-bit number.
   */
  draw(wanted: number, random: number): void {
    const most = Math.min(wanted, SAMPLES_MAX);
    this.count = this.table.sampleMany(random, most, most * CELLS_PER_SAMPLE, this.references, this.clocks);
  }

  /**
   * Draws up to `wanted` keys that have a deadline. May find none though there are some: then the next call goes on looking.
   * @param random any 32-bit number.
   */
  drawVolatile(wanted: number, random: number): void {
    this.count = 0;
    this.wanted = Math.min(wanted, SAMPLES_MAX);
    if (this.deadlines.count === 0) return;
    if (this.deadlines.count * DEADLINE_SHARE >= this.table.count) this.filterAll(random);
    else this.drawHints(random);
    if (this.count === 0) this.walk = this.table.scan(this.walk, WALK_KEYS, this.keepVolatile);
  }

  private filterAll(random: number): void {
    const { clocks, references, table } = this;
    const room = SAMPLES_MAX - this.wanted;
    // Drawn behind the ones that are kept, so that the same arrays serve.
    const drawn = Math.min(room, this.wanted * DEADLINE_SHARE);
    const behind = SAMPLES_MAX - drawn;
    const count = table.sampleMany(
      random,
      drawn,
      drawn * CELLS_PER_SAMPLE,
      references.subarray(behind),
      clocks.subarray(behind),
    );
    for (let i = behind; i < behind + count && this.count < this.wanted; i++) {
      this.addVolatile(references[i]!, clocks[i]!);
    }
  }

  private drawHints(random: number): void {
    const { deadlines, table } = this;
    let state = random;
    for (let draws = this.wanted * DRAWS_PER_SAMPLE; draws > 0 && this.count < this.wanted; draws--) {
      state = (Math.imul(state, 0x915f77f5) + MIX) | 0;
      if (deadlines.sample(state)) table.forEachByHash(deadlines.sampledHash, this.keepVolatile);
    }
  }

  private addVolatile(reference: Reference, clock: number): void {
    if (this.count >= this.wanted) return;
    if ((this.arena.bytes(reference)[this.arena.offset(reference) + 1]! & FLAG_EXPIRY) === 0) return;
    this.references[this.count] = reference;
    this.clocks[this.count++] = clock;
  }
}

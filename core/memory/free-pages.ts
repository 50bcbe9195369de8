/**
 * Which pages of which chunk are free: a bitmap outside the pages, searched from the lowest address, so that high
 * chunks empty. Knows no bytes and no owners; `arena.ts` has those.
 */

import { ArenaError } from './arena-error.js';
import { CHUNK_PAGES, CHUNK_SHIFT, SPAN_PAGES_MAX } from './size-classes.js';

const WORDS = CHUNK_PAGES >>> 5;

export class FreePages {
  /** One behind the highest chunk that is present. */
  chunkEnd = 0;
  chunkCount = 0;
  /** Chunks that are present and wholly free. */
  emptyChunks = 0;
  freePages = 0;

  /** A set bit is a free page. */
  private bits: Int32Array;
  private freeOf: Int16Array;
  /** Pages of the chunk that may be handed out; 0 where the chunk is absent. */
  private usableOf: Int16Array;
  /** No run of free pages of the chunk is longer; 16 stands for anything. */
  private runMax: Uint8Array;
  /** What `guaranteedPages` counts in the chunk; -1 where that is to be counted anew. */
  private guaranteedOf: Int16Array;
  /** By run length: no chunk below has such a run. */
  private readonly hint = new Int32Array(SPAN_PAGES_MAX + 1);

  constructor() {
    this.bits = new Int32Array(WORDS);
    this.freeOf = new Int16Array(1);
    this.usableOf = new Int16Array(1);
    this.runMax = new Uint8Array(1);
    this.guaranteedOf = new Int16Array(1);
  }

  /** The lowest chunk number that is absent. */
  lowestAbsent(): number {
    if (this.chunkCount === this.chunkEnd) return this.chunkEnd;
    let chunk = 0;
    while (this.usableOf[chunk] !== 0) chunk++;
    return chunk;
  }

  /** Adds a chunk whose pages `from` to `end - 1` (inside the chunk) are free; the others are never handed out. */
  addChunk(chunk: number, from: number, end: number): void {
    if (chunk >= this.usableOf.length) this.grow(chunk + 1);
    const base = chunk * WORDS;
    for (let index = from; index < end; index++) this.bits[base + (index >>> 5)]! |= 1 << (index & 31);
    this.freeOf[chunk] = end - from;
    this.usableOf[chunk] = end - from;
    this.runMax[chunk] = SPAN_PAGES_MAX;
    this.guaranteedOf[chunk] = -1;
    this.lowerHints(chunk);
    this.chunkCount++;
    this.emptyChunks++;
    this.freePages += end - from;
    if (chunk >= this.chunkEnd) this.chunkEnd = chunk + 1;
  }

  /** Takes a wholly free chunk away. */
  removeChunk(chunk: number): void {
    if (!this.isEmpty(chunk)) throw new ArenaError('ARENA_MISUSE', `chunk ${chunk} is in use and cannot be dropped`);
    this.bits.fill(0, chunk * WORDS, (chunk + 1) * WORDS);
    this.freePages -= this.freeOf[chunk]!;
    this.freeOf[chunk] = 0;
    this.usableOf[chunk] = 0;
    this.runMax[chunk] = 0;
    this.guaranteedOf[chunk] = 0;
    this.chunkCount--;
    this.emptyChunks--;
    while (this.chunkEnd > 0 && this.usableOf[this.chunkEnd - 1] === 0) this.chunkEnd--;
  }

  isPresent(chunk: number): boolean {
    return chunk < this.chunkEnd && this.usableOf[chunk] !== 0;
  }

  isEmpty(chunk: number): boolean {
    return this.isPresent(chunk) && this.freeOf[chunk] === this.usableOf[chunk];
  }

  /** The highest wholly free chunk, or -1. */
  highestEmpty(): number {
    let chunk = this.emptyChunks === 0 ? -1 : this.chunkEnd - 1;
    while (chunk >= 0 && !this.isEmpty(chunk)) chunk--;
    return chunk;
  }

  isFree(page: number): boolean {
    return ((this.bits[page >>> 5] ?? 0) & (1 << (page & 31))) !== 0;
  }

  /** The first of the lowest `count` contiguous free pages, or 0. */
  lowest(count: number): number {
    for (let chunk = this.hint[count]!; chunk < this.chunkEnd; chunk++) {
      if (this.runMax[chunk]! < count) continue;
      const index = count === 1 ? this.findOne(chunk) : this.findRun(chunk, count);
      if (index >= 0) return (chunk << CHUNK_SHIFT) + index;
      this.runMax[chunk] = count - 1;
    }
    return 0;
  }

  /** Takes `count` contiguous pages, the lowest there are. Returns the first, or 0 where there are none. */
  take(count: number): number {
    let chunk = this.hint[count]!;
    for (; chunk < this.chunkEnd; chunk++) {
      if (this.runMax[chunk]! < count) continue;
      const index = count === 1 ? this.findOne(chunk) : this.findRun(chunk, count);
      if (index < 0) {
        this.runMax[chunk] = count - 1;
        continue;
      }
      this.hint[count] = chunk;
      this.guaranteedOf[chunk] = -1;
      if (this.freeOf[chunk] === this.usableOf[chunk]) this.emptyChunks--;
      this.freeOf[chunk]! -= count;
      this.freePages -= count;
      const first = (chunk << CHUNK_SHIFT) + index;
      for (let page = first; page < first + count; page++) this.bits[page >>> 5]! &= ~(1 << (page & 31));
      return first;
    }
    this.hint[count] = chunk;
    return 0;
  }

  /** Takes these contiguous pages, which are free: those of a page image have their numbers already. */
  takeAt(first: number, count: number): void {
    const chunk = first >>> CHUNK_SHIFT;
    for (let page = first; page < first + count; page++) {
      if (!this.isFree(page)) throw new ArenaError('ARENA_MISUSE', `page ${page} is not free`);
      this.bits[page >>> 5]! &= ~(1 << (page & 31));
    }
    this.guaranteedOf[chunk] = -1;
    if (this.freeOf[chunk] === this.usableOf[chunk]) this.emptyChunks--;
    this.freeOf[chunk]! -= count;
    this.freePages -= count;
  }

  /** Gives `count` contiguous pages back. Returns whether their chunk is wholly free now. */
  give(first: number, count: number): boolean {
    const chunk = first >>> CHUNK_SHIFT;
    for (let page = first; page < first + count; page++) this.bits[page >>> 5]! |= 1 << (page & 31);
    this.freeOf[chunk]! += count;
    this.freePages += count;
    this.runMax[chunk] = SPAN_PAGES_MAX;
    this.guaranteedOf[chunk] = -1;
    this.lowerHints(chunk);
    if (this.freeOf[chunk] !== this.usableOf[chunk]) return false;
    this.emptyChunks++;
    return true;
  }

  /**
   * Pages that can be taken in runs of up to 16 pages, in any mix and order: of a run of r free pages all but 15, since
   * one that does not fit leaves at most 15. Stops counting at `enough`.
   */
  guaranteedPages(enough: number): number {
    let guaranteed = 0;
    for (let chunk = 0; chunk < this.chunkEnd && guaranteed < enough; chunk++) {
      if (this.guaranteedOf[chunk]! < 0) this.guaranteedOf[chunk] = this.countGuaranteed(chunk);
      guaranteed += this.guaranteedOf[chunk]!;
    }
    return guaranteed;
  }

  private countGuaranteed(chunk: number): number {
    if (this.runMax[chunk]! < SPAN_PAGES_MAX) return 0;
    let guaranteed = 0;
    let run = 0;
    const end = (chunk + 1) << CHUNK_SHIFT;
    for (let page = chunk << CHUNK_SHIFT; page < end; page++) {
      if (!this.isFree(page)) run = 0;
      else if (++run >= SPAN_PAGES_MAX) guaranteed++;
    }
    return guaranteed;
  }

  private findOne(chunk: number): number {
    const base = chunk * WORDS;
    for (let word = 0; word < WORDS; word++) {
      const bits = this.bits[base + word]!;
      if (bits !== 0) return (word << 5) + 31 - Math.clz32(bits & -bits);
    }
    return -1;
  }

  private findRun(chunk: number, count: number): number {
    const base = chunk * WORDS;
    let run = 0;
    for (let index = 0; index < CHUNK_PAGES; index++) {
      const bits = this.bits[base + (index >>> 5)]!;
      if (bits === 0) {
        run = 0;
        index |= 31;
      } else if ((bits & (1 << (index & 31))) === 0) {
        run = 0;
      } else if (++run === count) {
        return index - count + 1;
      }
    }
    return -1;
  }

  private lowerHints(chunk: number): void {
    for (let count = 1; count <= SPAN_PAGES_MAX; count++) {
      if (this.hint[count]! > chunk) this.hint[count] = chunk;
    }
  }

  private grow(chunks: number): void {
    const length = Math.max(chunks, this.usableOf.length * 2);
    const bits = new Int32Array(length * WORDS);
    bits.set(this.bits);
    this.bits = bits;
    const freeOf = new Int16Array(length);
    freeOf.set(this.freeOf);
    this.freeOf = freeOf;
    const usableOf = new Int16Array(length);
    usableOf.set(this.usableOf);
    this.usableOf = usableOf;
    const runMax = new Uint8Array(length);
    runMax.set(this.runMax);
    this.runMax = runMax;
    const guaranteedOf = new Int16Array(length);
    guaranteedOf.set(this.guaranteedOf);
    this.guaranteedOf = guaranteedOf;
  }
}

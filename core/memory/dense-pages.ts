/**
 * Small pages of int32 words, numbered densely from 0, in blocks of 256 KiB outside the arena.
 *
 * Here: giving out the next page, taking the last one back, growing and dropping blocks. Nothing is ever copied whole but the
 * first block while it is small, so no step is long however many pages there are. Not here: what a page holds, and who names it:
 * to free a page, its owner copies the last page over it and corrects what named that one, so that whole blocks fall free.
 */

const BLOCK_WORDS = 1 << 16;
/** The first block has this share (log 2) of its pages ahead. */
const GROWTH_SHIFT = 2;

/**
 * A whole block: mapped by itself, as the arena's chunks are, because malloc keeps what it once had in blocks of this size. A
 * table that had shrunk from 18 MB to 4 left resident memory where it was.
 */
function newBlock(): Int32Array {
  const bytes = BLOCK_WORDS * 4;
  return new Int32Array(new SharedArrayBuffer(bytes, { maxByteLength: bytes }), 0, BLOCK_WORDS);
}

export class DensePages {
  /** Page n is in `blocks[n >>> blockShift]` from word `(n & pageMask) << wordShift` on. */
  readonly blocks: Int32Array[] = [];
  readonly wordShift: number;
  readonly blockShift: number;
  readonly pageMask: number;
  /** Number of pages. */
  count = 0;
  private readonly pageWords: number;

  /** @param pageWords words of a page, a power of two up to 2^15. */
  constructor(pageWords: number) {
    if (pageWords < 1 || pageWords > BLOCK_WORDS / 2 || (pageWords & (pageWords - 1)) !== 0) {
      throw new RangeError(`dense pages: ${pageWords} words a page is no power of two up to ${BLOCK_WORDS / 2}`);
    }
    this.pageWords = pageWords;
    this.wordShift = 31 - Math.clz32(pageWords);
    this.blockShift = 16 - this.wordShift;
    this.pageMask = (1 << this.blockShift) - 1;
  }

  /** Bytes of all blocks: summed up for every reservation, so it must not take a walk. */
  get bytes(): number {
    const { blocks } = this;
    if (blocks.length === 0) return 0;
    return blocks[0]!.byteLength + (blocks.length - 1) * BLOCK_WORDS * 4;
  }

  /** The block that holds a page. */
  block(page: number): Int32Array {
    return this.blocks[page >>> this.blockShift]!;
  }

  /** The first word of a page in its block. */
  at(page: number): number {
    return (page & this.pageMask) << this.wordShift;
  }

  /** Adds a page of zeros at the end and returns its number. */
  add(): number {
    const page = this.count;
    const blocks = this.blocks;
    const number = page >>> this.blockShift;
    if (number === 0) {
      // The first block grows by a quarter each time: an owner of few entries must not cost 256 KiB.
      const held = blocks[0];
      if (held === undefined) {
        blocks.push(new Int32Array(this.pageWords));
      } else if ((page + 1) * this.pageWords > held.length) {
        const words = (page + 1 + (page >>> GROWTH_SHIFT)) * this.pageWords;
        const grown = words < BLOCK_WORDS ? new Int32Array(words) : newBlock();
        grown.set(held);
        blocks[0] = grown;
      }
    } else if (number === blocks.length) {
      blocks.push(newBlock());
    }
    this.count = page + 1;
    return page;
  }

  /** Copies all words of one page over another. */
  copy(from: number, to: number): void {
    const source = this.block(from);
    const target = this.block(to);
    const sourceAt = this.at(from);
    const targetAt = this.at(to);
    for (let i = 0; i < this.pageWords; i++) target[targetAt + i] = source[sourceAt + i]!;
  }

  /** Frees the last page, and the last block when half a block before it is free too, so that a border is not crossed over and over. */
  removeLast(): void {
    const last = this.count - 1;
    if (last < 0) throw new Error('dense pages: there is no page to remove');
    const at = this.at(last);
    this.block(last).fill(0, at, at + this.pageWords);
    this.count = last;
    const blocks = this.blocks;
    const blockPages = this.pageMask + 1;
    if (blocks.length > 1) {
      if (last <= (blocks.length - 1) * blockPages - (blockPages >>> 1)) blocks.pop();
    } else if (blocks[0]!.length > 4 * this.pageWords && blocks[0]!.length >= 2 * last * this.pageWords) {
      blocks[0] = blocks[0]!.slice(0, (last + 1 + (last >>> GROWTH_SHIFT)) * this.pageWords);
    }
  }

  /** Forgets all pages. */
  clear(): void {
    this.blocks.length = 0;
    this.count = 0;
  }
}

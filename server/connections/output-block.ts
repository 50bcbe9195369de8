/**
 * Buffers for replies. Replies of many connections lie behind each other in one block; a block is used again once
 * nobody refers to it any more. A reply too large for a block gets one of its own.
 */

/** Size of a block in bytes. */
export const BLOCK_BYTES = 64 * 1024;
/** Blocks kept for reuse. */
const SPARE_BLOCKS_MAX = 64;
/** Size in bytes up to which a block of unusual size is kept for reuse. */
const LARGE_SPARE_BYTES_MAX = 1024 * 1024;
/** Room for what follows a large reply. */
const LARGE_SLACK_BYTES = 4096;

export class OutputBlock {
  readonly bytes: Uint8Array;
  /** True for a block of the pool's own size, which holds replies of many connections. */
  readonly shared: boolean;
  /** Pieces of output in it that have not been sent. */
  references = 0;
  /** True while replies are being written to it. */
  current = false;

  constructor(size: number, shared: boolean) {
    this.bytes = Buffer.allocUnsafeSlow(size);
    this.shared = shared;
  }
}

export class OutputBlockPool {
  private readonly spare: OutputBlock[] = [];
  private large: OutputBlock | undefined = undefined;

  /** A block with room for at least `needed` bytes, to be written to: current until leave(). */
  take(needed: number): OutputBlock {
    const block =
      needed <= BLOCK_BYTES ? (this.spare.pop() ?? new OutputBlock(BLOCK_BYTES, true)) : this.takeLarge(needed);
    block.current = true;
    return block;
  }

  private takeLarge(needed: number): OutputBlock {
    const { large } = this;
    if (large !== undefined && large.bytes.length >= needed) {
      this.large = undefined;
      return large;
    }
    return new OutputBlock(needed + LARGE_SLACK_BYTES, false);
  }

  /** Nothing more is written to this block. */
  leave(block: OutputBlock): void {
    block.current = false;
    if (block.references === 0) this.keep(block);
  }

  /** One piece less refers to the block. */
  release(block: OutputBlock): void {
    if (--block.references === 0 && !block.current) this.keep(block);
  }

  private keep(block: OutputBlock): void {
    if (block.shared) {
      if (this.spare.length < SPARE_BLOCKS_MAX) this.spare.push(block);
    } else if (block.bytes.length > BLOCK_BYTES && block.bytes.length <= LARGE_SPARE_BYTES_MAX) {
      this.large = block;
    }
  }
}

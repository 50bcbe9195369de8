/**
 * LZF, the compression of RDB strings: literals and references of at most 264 bytes to at most 8 KiB back. The compressor
 * is liblzf 3.6's as Redis builds it (`lzf_c.c`, VERY_FAST), so that files come out as small; the decompressor refuses
 * whatever is not well-formed. Long values are decompressed in pieces by lzf-stream.ts.
 *
 *   000LLLLL                     L + 1 literal bytes follow
 *   LLLooooo oooooooo            copy L + 2 bytes from o + 1 bytes back, L from 1 to 6
 *   111ooooo LLLLLLLL oooooooo   copy L + 9 bytes
 */

const HASH_BITS = 16;
const HASH_MASK = (1 << HASH_BITS) - 1;
const LITERAL_MAX = 32;
const OFFSET_MAX = 1 << 13;
const REFERENCE_MAX = 264;
/** Positions of the hash table count on from one input to the next; beyond this they start anew. */
const POSITION_MAX = 0x60000000;

/** Bytes that a byte of compressed input stands for at most: 264 for a reference of 3. */
export const LZF_RATIO_MAX = REFERENCE_MAX / 3;

/** Room with which compressing never fails: literals with their control bytes, and the 4 bytes that are always kept free. */
export function lzfBytesMax(length: number): number {
  return length + Math.ceil(length / LITERAL_MAX) + 4;
}

export class LzfCompressor {
  /** Position of the last three bytes with a hash, in a count that goes on over all inputs: no clearing between them. */
  private readonly table = new Int32Array(1 << HASH_BITS);
  private base = 1;

  /**
   * Compresses bytes[start, end) to `target` from `at` on.
   * @param limit first byte of the target that may not be used.
   * @returns length of the compressed bytes; 0 where they do not fit.
   */
  compress(bytes: Uint8Array, start: number, end: number, target: Uint8Array, at: number, limit: number): number {
    if (end === start || at >= limit) return 0;
    const { table } = this;
    if (this.base + (end - start) > POSITION_MAX) {
      table.fill(0);
      this.base = 1;
    }
    // Entries below `start + shift` are another input's. As in liblzf, the first byte is never referred to.
    const shift = this.base - start;
    this.base += end - start;
    const lastHashed = end - 2;
    let from = start;
    let to = at + 1;
    let literals = 0;
    let hash = end - start > 1 ? (bytes[from]! << 8) | bytes[from + 1]! : 0;
    while (from < lastHashed) {
      hash = (hash << 8) | bytes[from + 2]!;
      const slot = ((hash >>> (24 - HASH_BITS)) - hash * 5) & HASH_MASK;
      const found = table[slot]! - shift;
      table[slot] = from + shift;
      const offset = from - found - 1;
      if (
        found > start &&
        offset < OFFSET_MAX &&
        bytes[found + 2] === bytes[from + 2] &&
        bytes[found + 1] === bytes[from + 1] &&
        bytes[found] === bytes[from]
      ) {
        if (to - (literals === 0 ? 1 : 0) + 4 >= limit) return 0;
        to = endLiterals(target, to, literals);
        literals = 0;
        const length = matchLength(bytes, found, from, Math.min(end - from - 2, REFERENCE_MAX));
        to = putReference(target, to, offset, length) + 1;
        from += length;
        if (from >= lastHashed) break;
        from -= 2;
        hash = (bytes[from]! << 8) | bytes[from + 1]!;
        for (let i = 0; i < 2; i++, from++) {
          hash = (hash << 8) | bytes[from + 2]!;
          table[((hash >>> (24 - HASH_BITS)) - hash * 5) & HASH_MASK] = from + shift;
        }
      } else {
        if (to >= limit) return 0;
        target[to++] = bytes[from++]!;
        if (++literals === LITERAL_MAX) {
          to = endLiterals(target, to, literals) + 1;
          literals = 0;
        }
      }
    }
    if (to + 3 > limit) return 0;
    while (from < end) {
      target[to++] = bytes[from++]!;
      if (++literals === LITERAL_MAX) {
        to = endLiterals(target, to, literals) + 1;
        literals = 0;
      }
    }
    return endLiterals(target, to, literals) - at;
  }
}

/**
 * Bytes that are the same at both places, of which the first three are. Where more than 16 may follow, liblzf looks at 16
 * without asking for the end, and so takes a byte or two more at the end of the input; so does this, for the same bytes.
 */
function matchLength(bytes: Uint8Array, found: number, from: number, lengthMax: number): number {
  let length = 2;
  if (lengthMax > 16) {
    while (length < 18) {
      length++;
      if (bytes[found + length] !== bytes[from + length]) return length;
    }
  }
  do length++;
  while (length < lengthMax && bytes[found + length] === bytes[from + length]);
  return length;
}

/** Ends a run of literals, whose first byte was left free, and returns the next byte to write. */
function endLiterals(target: Uint8Array, to: number, literals: number): number {
  if (literals === 0) return to - 1;
  target[to - literals - 1] = literals - 1;
  return to;
}

function putReference(target: Uint8Array, at: number, offset: number, length: number): number {
  const stored = length - 2;
  if (stored < 7) {
    target[at] = (offset >>> 8) | (stored << 5);
    target[at + 1] = offset;
    return at + 2;
  }
  target[at] = (offset >>> 8) | 0xe0;
  target[at + 1] = stored - 7;
  target[at + 2] = offset;
  return at + 3;
}

/**
 * Decompresses bytes[start, end) to target[at, limit).
 * @returns true when they are well-formed and fill that range exactly.
 */
export function decompressLzf(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
): boolean {
  let from = start;
  let to = at;
  while (from < end) {
    const control = bytes[from++]!;
    if (control < LITERAL_MAX) {
      const behind = from + control + 1;
      if (behind > end || to + control + 1 > limit) return false;
      while (from < behind) target[to++] = bytes[from++]!;
      continue;
    }
    let length = (control >>> 5) + 2;
    if (length === 9) {
      if (from >= end) return false;
      length += bytes[from++]!;
    }
    if (from >= end) return false;
    let source = to - ((control & 0x1f) << 8) - bytes[from++]! - 1;
    if (source < at || to + length > limit) return false;
    for (const behind = to + length; to < behind; ) target[to++] = target[source++]!;
  }
  return to === limit;
}

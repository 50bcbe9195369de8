/**
 * What names a place in the arena, and the types that keep reading and writing apart.
 * The arena itself, which resolves them, lives in `arena.ts`.
 */

/** 24 bits of page above 8 bits of slot, as an int32: negative from page 2^23 on. The page is `reference >>> 8`. */
export type Reference = number;

/** Page 0 is never handed out, so that 0 can mean "none". */
export const NO_REFERENCE = 0;

/** A chunk as its readers see it. Writing goes through `Arena.write` alone. */
export interface ReadableBytes {
  readonly [index: number]: number;
  readonly length: number;
}

declare const writable: unique symbol;

/**
 * An offset in the chunk of the last `Arena.write`, behind the barrier. The right to write there ends with the next
 * `write` and with the command: never keep one.
 */
export type WritableOffset = number & { readonly [writable]: true };

/**
 * Memory that the disk can read from directly. A buffer that could grow, but is made at its full length, is mapped by
 * itself and so begins at a page; arrays of fixed length over it are as fast as any.
 */

/** Zeroed shared memory that begins on a multiple of 4096. */
export function alignedMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes, { maxByteLength: bytes });
}

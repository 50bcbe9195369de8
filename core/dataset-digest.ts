/** The digest of a whole dataset: what restarts, snapshots and followers are compared by. */
import { DIGEST_VERSION, DigestSum } from './memory/digest-sum.js';
import { KeyspaceDigest } from './memory/keyspace-digest.js';
import type { ReadableArena } from './memory/readable-arena.js';

/** Bytes of keys and values in one step. */
const STEP_BYTES = 1 << 20;

/**
 * Walks all databases at once; nothing may change meanwhile.
 * @param arena the live one, or one over a page image.
 * @param keyspaces owners of the pages, by database number.
 * @returns the version of the digest and 16 hexadecimal digits, 'v1:0123456789abcdef'.
 */
export function datasetDigest(arena: ReadableArena, keyspaces: readonly { readonly id: number }[]): string {
  const sum = new DigestSum();
  for (const [database, keyspace] of keyspaces.entries()) {
    const walk = new KeyspaceDigest(arena, keyspace.id, database, sum);
    while (!walk.step(STEP_BYTES));
  }
  return `v${DIGEST_VERSION}:${sum.text()}`;
}

/** The digest of a whole dataset: what restarts, snapshots and followers are compared by. */
import type { Arena } from './memory/arena.js';
import { DIGEST_VERSION, DigestSum } from './memory/digest-sum.js';
import type { Keyspace } from './memory/keyspace.js';
import { KeyspaceDigest } from './memory/keyspace-digest.js';

/** Bytes of keys and values in one step. */
const STEP_BYTES = 1 << 20;

/**
 * Walks all databases at once; nothing may change meanwhile.
 * @param keyspaces by database number.
 * @returns the version of the digest and 16 hexadecimal digits, 'v1:0123456789abcdef'.
 */
export function datasetDigest(arena: Arena, keyspaces: readonly Keyspace[]): string {
  const sum = new DigestSum();
  for (const [database, keyspace] of keyspaces.entries()) {
    const walk = new KeyspaceDigest(arena, keyspace, database, sum);
    while (!walk.step(STEP_BYTES));
  }
  return `v${DIGEST_VERSION}:${sum.text()}`;
}

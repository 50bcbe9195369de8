/** The digest of a test engine's whole dataset, as text. */
import { DigestSum } from '../../core/memory/digest-sum.js';
import { KeyspaceDigest } from '../../core/memory/keyspace-digest.js';
import type { TestEngine } from './test-engine.js';

export function datasetDigest(engine: TestEngine): string {
  const sum = new DigestSum();
  engine.engine.keyspaces.forEach((keyspace, database) => {
    const digest = new KeyspaceDigest(engine.arena, keyspace.id, database, sum);
    while (!digest.step(1 << 20));
  });
  return sum.text();
}

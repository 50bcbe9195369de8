import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { datasetDigest } from '../../core/dataset-digest.js';
import { LocalLog } from '../../log/local/local-log.js';
import { Recovery } from '../../server/recovery.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/temporary-directory.js';
import { TestEngine } from '../support/test-engine.js';

/**
 * A log of feature level 1 with every kind of effect that this level has, an entry in parts, two epochs and a kill
 * between them. What it folds to is frozen: a change that makes another digest of it breaks the logs of users.
 */
const GOLDEN = fileURLToPath(new URL('../fixtures/golden-log-level-1', import.meta.url));
const GOLDEN_DIGEST = 'v1:33ff882f6af1e519';
const GOLDEN_KEYS = 17;

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) removeTemporaryDirectory(directory);
});

async function openGolden(): Promise<{ log: LocalLog; lastSequence: number }> {
  const directory = makeTemporaryDirectory('golden');
  directories.push(directory);
  cpSync(GOLDEN, directory, { recursive: true });
  const log = new LocalLog({ directory, background: 'event-loop' });
  const tail = await log.open();
  return { log, lastSequence: tail.lastSequence };
}

describe('recovery', () => {
  it('folds the golden log to the dataset that it always meant', async () => {
    const { log, lastSequence } = await openGolden();
    const { engine } = new TestEngine();
    await new Recovery(engine, () => {}).run(log.readBatches(0), lastSequence);
    await log.close();
    expect(engine.effects.sequence).toBe(lastSequence);
    expect(engine.keyspaces.reduce((keys, keyspace) => keys + keyspace.count, 0)).toBe(GOLDEN_KEYS);
    expect(datasetDigest(engine.arena, engine.keyspaces)).toBe(GOLDEN_DIGEST);
  });

  it('gives clients their turns while it folds', async () => {
    const { log, lastSequence } = await openGolden();
    const test = new TestEngine();
    // Each look at the clock finds more than a slice gone.
    test.clock.microsPerReading = 10_000;
    let slices = 0;
    await new Recovery(test.engine, () => slices++, 1).run(log.readBatches(0), lastSequence);
    await log.close();
    expect(slices).toBe(lastSequence);
  });

  it('refuses a log whose entries end before the log says', async () => {
    const { log, lastSequence } = await openGolden();
    const { engine } = new TestEngine();
    const folding = new Recovery(engine, () => {}).run(log.readBatches(0), lastSequence + 1);
    await expect(folding).rejects.toMatchObject({ code: 'LOG_DAMAGED' });
    await log.close();
  });

  it('passes over what was loaded already', async () => {
    const { log, lastSequence } = await openGolden();
    const { engine } = new TestEngine();
    engine.effects.sequence = lastSequence - 1;
    const recovery = new Recovery(engine, () => {});
    await recovery.run(log.readBatches(lastSequence), lastSequence);
    expect(recovery.entries).toBe(1);
    await log.close();
  });

  it('names the sequence of an entry that does not follow', async () => {
    const { log, lastSequence } = await openGolden();
    const { engine } = new TestEngine();
    engine.effects.sequence = -1;
    const folding = new Recovery(engine, () => {}).run(log.readBatches(0), lastSequence);
    await expect(folding).rejects.toThrow(/sequence 1 does not follow/);
    await log.close();
  });
});

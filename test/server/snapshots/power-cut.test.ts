/**
 * Snapshots under power cuts: what was published stays and reads back, no manifest stands without its file, and the
 * operator's copy is never taken for somebody else's. With any one sync left out one of these fails.
 */
import { expect, test } from 'vitest';
import type { ReadableDataset } from '../../../core/memory/readable-dataset.js';
import { RdbDigest } from '../../../core/rdb/rdb-digest.js';
import { RdbReader } from '../../../core/rdb/rdb-reader.js';
import { nodeFiles } from '../../../log/local/file-layer.js';
import { DumpCopy } from '../../../server/snapshots/dump-copy.js';
import { SnapshotFaults } from '../../../server/snapshots/snapshot-faults.js';
import { SNAPSHOT_SYNC_SITES, type SnapshotSyncSite } from '../../../server/snapshots/snapshot-files.js';
import { runSnapshotJob } from '../../../server/snapshots/snapshot-job.js';
import { SnapshotStore, WORK_IMAGE } from '../../../server/snapshots/snapshot-store.js';
import { PowerCutFiles } from '../../log/support/power-cut-files.js';
import { Random } from '../../log/support/random.js';
import { TestEngine } from '../../support/test-engine.js';
import { exampleJob } from './example-job.js';

/** Cuts in the default run; HOLDFAST_POWER_CUTS raises it, HOLDFAST_SEED moves it. */
const CUTS = Number(process.env.HOLDFAST_POWER_CUTS ?? 1000);
const SEED = Number(process.env.HOLDFAST_SEED ?? 1);
const LIVES_PER_SITE_MAX = 2000;
const DIRECTORY = '/data/snapshots';
const DUMP = '/data/dump.rdb';
const PLACES = { directory: DIRECTORY, logDirectory: '/nowhere', dumpPath: DUMP };

class Life {
  readonly files: PowerCutFiles;
  private readonly random: Random;
  private readonly test = new TestEngine();
  private sequence = 0;
  /** Sequences that were published: the newest two must be there. */
  private promised: number[] = [];

  constructor(seed: number, skipped: SnapshotSyncSite | undefined) {
    this.random = new Random(seed);
    this.files = new PowerCutFiles(this.random);
    this.files.skippedSite = skipped;
  }

  /** Returns what did not hold, if anything. */
  run(): string | undefined {
    for (let session = 2 + this.random.below(4); session > 0; session--) {
      if (session > 1) this.files.changesUntilCut = this.random.below(60);
      const violation = this.session();
      if (violation !== undefined) return violation;
      if (this.files.cutHappened || this.random.chance(0.5)) this.files.cutPower();
      else this.files.restart();
    }
    return undefined;
  }

  private session(): string | undefined {
    try {
      const violation = this.start();
      if (violation !== undefined) return violation;
      for (let jobs = this.random.below(4); jobs > 0; jobs--) this.snapshot();
    } catch (error) {
      if (!this.files.cutHappened) return `a session failed: ${error instanceof Error ? error.stack : String(error)}`;
    }
    return undefined;
  }

  private start(): string | undefined {
    const { files } = this;
    const warnings: string[] = [];
    const store = new SnapshotStore(files, DIRECTORY, (message) => warnings.push(message));
    store.read();
    if (warnings.length > 0) return warnings.join();
    const listed = store.snapshots.map(({ sequence }) => sequence);
    for (const sequence of this.promised.slice(-2)) {
      // Two newer ones take its place, also where the cut came before that was told.
      const replaced = listed.filter((newer) => newer > sequence).length >= 2;
      if (!replaced && !listed.includes(sequence))
        return `snapshot ${sequence} was published and is not listed: ${listed.join()}`;
    }
    for (const { file, digest } of store.snapshots) {
      if (this.digestOf(store.pathOf(file)) !== digest) return `${file} is listed and does not read back`;
    }
    if (new DumpCopy(files, DIRECTORY).isOurs(DUMP) === false) return 'the copy is taken for a foreign file';
    store.clear();
    this.promised = listed;
    return undefined;
  }

  private digestOf(path: string): string {
    const found = new RdbDigest(16);
    const reader = new RdbReader(found);
    const bytes = this.files.contents(path);
    try {
      reader.push(bytes, 0, bytes.length);
      reader.finish();
    } catch (error) {
      return String(error);
    }
    return found.digestText;
  }

  private snapshot(): void {
    const { files, test, random } = this;
    const sequence = ++this.sequence;
    for (let i = random.below(30); i >= 0; i--)
      test.run('SET', `key:${random.below(50)}`, 'v'.repeat(random.below(200)));
    const path = `${DIRECTORY}/${WORK_IMAGE}`;
    if (files.exists(path)) files.unlink(path);
    files.close(files.open(path, 'create'));
    const dataset: ReadableDataset = { arena: test.arena, keyspaces: test.engine.keyspaces };
    runSnapshotJob(exampleJob(sequence, PLACES, dataset), {
      files,
      logFiles: nodeFiles,
      openImage: () => ({ dataset, close: () => {} }),
      faults: new SnapshotFaults(''),
      onStage: (stage) => {
        if (stage === 'image-kept') this.promised.push(sequence);
      },
      onProgress: () => {},
      stopped: () => false,
      rest: () => {},
    });
  }
}

test(`${CUTS} seeded power cuts lose no published snapshot (first seed ${SEED})`, { timeout: 600_000 }, () => {
  let cuts = 0;
  for (let i = 0; cuts < CUTS; i++) {
    const life = new Life(SEED + i, undefined);
    expect(life.run(), `seed ${SEED + i}`).toBeUndefined();
    cuts += life.files.cutCount;
  }
});

for (const site of SNAPSHOT_SYNC_SITES) {
  test(`a missing sync at "${site}" is noticed`, { timeout: 600_000 }, () => {
    let noticed: string | undefined;
    for (let i = 0; i < LIVES_PER_SITE_MAX && noticed === undefined; i++) noticed = new Life(SEED + i, site).run();
    expect(noticed).toBeDefined();
  });
}

/**
 * The steps behind the page image, over the engine's own memory instead of an image: what is published, what never is, and
 * what the disk and the log look like afterwards.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { datasetDigest } from '../../../core/dataset-digest.js';
import { nodeFiles } from '../../../log/local/file-layer.js';
import { DumpCopy } from '../../../server/snapshots/dump-copy.js';
import { SnapshotFaults } from '../../../server/snapshots/snapshot-faults.js';
import { nodeSnapshotFiles, type SnapshotFiles } from '../../../server/snapshots/snapshot-files.js';
import {
  runSnapshotJob,
  type SnapshotJob,
  type SnapshotResult,
  type SnapshotStage,
} from '../../../server/snapshots/snapshot-job.js';
import { SnapshotStore } from '../../../server/snapshots/snapshot-store.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { TestEngine } from '../../support/test-engine.js';
import { exampleJob } from './example-job.js';

let parent: string;
let directory: string;
let test: TestEngine;

beforeEach(() => {
  parent = makeTemporaryDirectory('job');
  directory = join(parent, 'snapshots');
  mkdirSync(directory);
  test = new TestEngine();
  for (let i = 0; i < 300; i++) test.run('SET', `key:${i}`, `value ${i} of this test`);
  test.run('SET', 'late', 'x', 'PXAT', 4_000_000_000_000);
  test.run('SELECT', 3);
  test.run('SET', 'long', 'abcdefgh'.repeat(100_000));
});
afterEach(() => removeTemporaryDirectory(parent));

function jobAt(sequence: number): SnapshotJob {
  const places = { directory, logDirectory: join(parent, 'log'), dumpPath: join(parent, 'dump.rdb') };
  return exampleJob(sequence, places, test.engine);
}

function run(sequence: number, faults = '', files: SnapshotFiles = nodeSnapshotFiles): SnapshotResult {
  writeFileSync(join(directory, 'work.image'), 'pages');
  const stages: SnapshotStage[] = [];
  return runSnapshotJob(jobAt(sequence), {
    files,
    logFiles: nodeFiles,
    openImage: () => ({ dataset: { arena: test.arena, keyspaces: test.engine.keyspaces }, close: () => {} }),
    faults: new SnapshotFaults(faults),
    onStage: (stage) => stages.push(stage),
    onProgress: () => {},
    stopped: () => false,
    rest: () => {},
  });
}

function listed(): number[] {
  const store = new SnapshotStore(nodeSnapshotFiles, directory, (message) => expect.fail(message));
  store.read();
  return store.snapshots.map(({ sequence }) => sequence);
}

describe('a snapshot job', () => {
  it('publishes what reads back, with the digest of the dataset, and copies it for the operator', () => {
    const { manifest, problems, image } = run(7);
    expect(problems).toEqual([]);
    expect(manifest.digest).toBe(datasetDigest(test.arena, test.engine.keyspaces));
    expect(manifest.counts).toEqual([
      { database: 0, keys: 301, expires: 1 },
      { database: 3, keys: 1, expires: 0 },
    ]);
    expect(listed()).toEqual([7]);
    expect(image).toMatchObject({ kind: 'image', sequence: 7, file: '0000000000000007-1.image', bytes: 5 });
    const file = join(directory, manifest.file);
    expect(statSync(file).size).toBe(manifest.bytes);
    expect(readFileSync(join(parent, 'dump.rdb'))).toEqual(readFileSync(file));
    // Never the same file: people overwrite it.
    expect(statSync(file).ino).not.toBe(statSync(join(parent, 'dump.rdb')).ino);
    expect(new DumpCopy(nodeSnapshotFiles, directory).isOurs(join(parent, 'dump.rdb'))).toBe(true);
  });

  it('keeps two, and the image of the newest', () => {
    for (const sequence of [7, 8, 9]) run(sequence);
    expect(listed()).toEqual([8, 9]);
    expect(readdirSync(directory).sort()).toEqual([
      '0000000000000008-1.json',
      '0000000000000008-1.rdb',
      '0000000000000009-1.image',
      '0000000000000009-1.json',
      '0000000000000009-1.rdb',
      'copies.json',
      'image.json',
    ]);
  });

  it.each([
    ['a record is left out', 'skipRecord=5'],
    ['a byte of a value is another one', 'alterByte=700'],
    ['a byte of the header is another one', 'alterByte=1'],
    ['a byte of the long value is another one', 'alterByte=9000'],
  ])('never publishes one in which %s', (_what, faults) => {
    run(7);
    const before = readFileSync(join(parent, 'dump.rdb'));
    expect(() => run(8, faults)).toThrow();
    expect(listed()).toEqual([7]);
    expect(readFileSync(join(parent, 'dump.rdb'))).toEqual(before);
  });

  it('never publishes one whose counts differ from those of the cut', () => {
    const job = jobAt(7);
    const wrong = { ...job, counts: job.counts.map((each, i) => (i === 3 ? { ...each, keysWithExpiry: 1 } : each)) };
    writeFileSync(join(directory, 'work.image'), 'pages');
    const surroundings = {
      files: nodeSnapshotFiles,
      logFiles: nodeFiles,
      openImage: () => ({ dataset: { arena: test.arena, keyspaces: test.engine.keyspaces }, close: () => {} }),
      faults: new SnapshotFaults(''),
      onStage: () => {},
      onProgress: () => {},
      stopped: () => false,
      rest: () => {},
    };
    expect(() => runSnapshotJob(wrong, surroundings)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_WRONG' }));
    expect(() => runSnapshotJob(job, { ...surroundings, stopped: () => true })).toThrow(
      expect.objectContaining({ code: 'SNAPSHOT_STOPPED' }),
    );
    expect(listed()).toEqual([]);
  });

  it('leaves the disk to the log: without room it fails, and nothing is published', () => {
    run(7);
    const full = { ...nodeSnapshotFiles, freeBytes: () => 1 << 20 };
    expect(() => run(8, '', full)).toThrow(expect.objectContaining({ code: 'SNAPSHOT_NO_SPACE' }));
    const refusing: SnapshotFiles = {
      ...nodeSnapshotFiles,
      write: () => {
        throw Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
      },
    };
    expect(() => run(8, '', refusing)).toThrow('ENOSPC');
    expect(listed()).toEqual([7]);
  });

  it('stands although the copy cannot be made, and says so', () => {
    mkdirSync(join(parent, 'dump.rdb'));
    const { problems } = run(7);
    expect(problems.join()).toContain('dump.rdb was not replaced');
    expect(listed()).toEqual([7]);
  });
});

describe('the copy for the operator', () => {
  const path = (): string => join(parent, 'dump.rdb');
  const isOurs = (): boolean | undefined => new DumpCopy(nodeSnapshotFiles, directory).isOurs(path());

  it('is told from a file that somebody put there', () => {
    expect(isOurs()).toBeUndefined();
    run(7);
    const ours = readFileSync(path());
    expect(isOurs()).toBe(true);
    // Moved to another place and back: another file, the same content.
    writeFileSync(`${path()}.moved`, ours);
    writeFileSync(path(), readFileSync(`${path()}.moved`));
    expect(isOurs()).toBe(true);
    const changed = Buffer.from(ours);
    changed[changed.length >> 1]! ^= 1;
    writeFileSync(path(), changed);
    expect(isOurs()).toBe(false);
    writeFileSync(path(), ours.subarray(0, ours.length - 1));
    expect(isOurs()).toBe(false);
    // An older one of this log is a wish to go back, too.
    test.run('SET', 'another', 'x');
    run(8);
    writeFileSync(path(), ours);
    expect(isOurs()).toBe(false);
  });

  it.each(['fsync', 'copy', 'rename'] as const)(
    'that fails at its %s leaves nothing behind, and the one before',
    (step) => {
      run(7);
      const before = readFileSync(path());
      const failure = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
      const failing: SnapshotFiles = {
        ...nodeSnapshotFiles,
        fsync: (fd, site) => {
          if (step === 'fsync' && site === 'copy-write') throw failure;
          nodeSnapshotFiles.fsync(fd, site);
        },
        copy: (from, to) => {
          nodeSnapshotFiles.copy(from, to);
          if (step === 'copy') throw failure;
        },
        rename: (from, to) => {
          if (step === 'rename' && to === path()) throw failure;
          nodeSnapshotFiles.rename(from, to);
        },
      };
      test.run('SET', 'another', 'x');
      const { problems } = run(8, '', failing);
      expect(problems.join()).toContain('dump.rdb was not replaced: EIO');
      expect(existsSync(`${path()}.holdfast-tmp`)).toBe(false);
      expect(readFileSync(path())).toEqual(before);
      expect(isOurs()).toBe(true);
      expect(listed()).toEqual([7, 8]);
    },
  );

  it('is known from before it is there', () => {
    run(7);
    const { manifest } = (() => {
      test.run('SET', 'another', 'x');
      const stopped: SnapshotFiles = {
        ...nodeSnapshotFiles,
        rename: (from, to) => {
          nodeSnapshotFiles.rename(from, to);
          if (to === path()) throw new Error('the process ends here');
        },
      };
      return run(8, '', stopped);
    })();
    expect(readFileSync(path())).toEqual(readFileSync(join(directory, manifest.file)));
    expect(isOurs()).toBe(true);
    expect(existsSync(`${path()}.holdfast-tmp`)).toBe(false);
  });
});

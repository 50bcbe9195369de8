/**
 * What is done on the snapshot thread once the page image is whole, as plain steps: write the RDB file, read it back,
 * publish, copy it for the operator, trim the log. Where it runs is snapshot-thread.ts; the power-cut tests run it on a
 * file system of their own.
 *
 *   image ─> RDB file ─> read back: digest and counts ─> manifest ─> dir/dbfilename ─> log trimmed
 *
 * Whatever fails before the manifest has its name leaves the snapshots as they were, and trims nothing.
 */
import type { ReadableDataset } from '../../core/memory/readable-dataset.js';
import type { DatasetCounts } from '../../core/rdb/dataset-counts.js';
import { DatasetWriter } from '../../core/rdb/dataset-writer.js';
import { RdbDigest } from '../../core/rdb/rdb-digest.js';
import { RDB_VERSION_STRINGS } from '../../core/rdb/rdb-format.js';
import { RdbReader } from '../../core/rdb/rdb-reader.js';
import { type FileLayer, readFully, writeFully } from '../../log/local/file-layer.js';
import { trimSegments } from '../../log/local/trim-segments.js';
import { errorText } from '../error-text.js';
import { requireRoom } from './disk-room.js';
import { DumpCopy } from './dump-copy.js';
import { SnapshotError } from './snapshot-error.js';
import type { SnapshotFaults } from './snapshot-faults.js';
import type { SnapshotFiles } from './snapshot-files.js';
import { crc64Text, type DatabaseCounts, type LogPlace, type SnapshotManifest } from './snapshot-manifest.js';
import { SnapshotStore, WORK_IMAGE, WORK_RDB } from './snapshot-store.js';

/** Bytes of keys and values between two looks at the time and the order to stop: some tenths of a millisecond. */
const STEP_BYTES = 64 << 10;
const READ_BYTES = 1 << 20;
/** Written and synced at once: the log's own writes wait behind it. */
const SYNC_BYTES = 1 << 20;

export interface SnapshotJob {
  /** Of snapshots, and of the log. */
  readonly directory: string;
  readonly logDirectory: string;
  /** Where the operator's copy goes; '' for nowhere. */
  readonly dumpPath: string;
  readonly place: LogPlace;
  /** Counters of the write path at the cut. */
  readonly counts: readonly KeptCounts[];
  readonly auxiliary: readonly (readonly [name: string, value: string])[];
  readonly compress: boolean;
  readonly featureLevel: number;
  readonly createdAtMs: number;
  readonly madeBy: string;
}

/** What the write path counted in a database, by database number. */
export interface KeptCounts {
  readonly count: number;
  readonly keysWithExpiry: number;
  readonly contentBytes: number;
}

export interface SnapshotResult {
  readonly manifest: SnapshotManifest;
  /** What the directory has now. */
  readonly snapshots: readonly SnapshotManifest[];
  readonly image: SnapshotManifest | undefined;
  /** Bytes of log segments that went. */
  readonly trimmedBytes: number;
  /** What went wrong behind the publication: the snapshot stands all the same. */
  readonly problems: readonly string[];
}

/** What the steps need of where they run. */
export interface SnapshotSurroundings {
  readonly files: SnapshotFiles;
  /** The log's own files. */
  readonly logFiles: FileLayer;
  /** Opens the page image that lies at `path`. @throws where it is not whole */
  openImage(path: string): { readonly dataset: ReadableDataset; close(): void };
  /** For tests. */
  readonly faults: SnapshotFaults;
  /** Told of each stage before it begins. */
  onStage(stage: SnapshotStage): void;
  /** Keys written so far. */
  onProgress(keys: number): void;
  /** Asked between two steps; true ends the job. */
  stopped(): boolean;
  /** Called between two steps, so that others get their turn. @param waitedMs for the disk, in this step. */
  rest(waitedMs: number): void;
}

export const SNAPSHOT_STAGES = ['write', 'verify', 'publish', 'image-kept', 'copy', 'trim', 'done'] as const;
export type SnapshotStage = (typeof SNAPSHOT_STAGES)[number];

interface WrittenFile {
  readonly bytes: number;
  readonly crc64: string;
  readonly digest: string;
}

/** @throws SnapshotError, or a system error; nothing is published then. */
export function runSnapshotJob(job: SnapshotJob, around: SnapshotSurroundings): SnapshotResult {
  const { files } = around;
  const store = new SnapshotStore(files, job.directory, () => {});
  store.read();
  const written = makeFile(job, around, store);
  around.onStage('publish');
  const { sequence } = job.place;
  const stem = store.newStem(sequence);
  const manifest = manifestOf(job, `${stem}.rdb`, written);
  files.rename(store.pathOf(WORK_RDB), store.pathOf(manifest.file));
  store.publish(manifest);
  const problems: string[] = [];
  attempt(problems, 'the page image was not kept', () => {
    around.onStage('image-kept');
    keepImage(manifest, store, files, stem);
  });
  attempt(problems, `${job.dumpPath} was not replaced`, () => {
    around.onStage('copy');
    if (job.dumpPath === '') return;
    requireRoom(files, job.directory, written.bytes);
    new DumpCopy(files, job.directory).replace(job.dumpPath, store.pathOf(manifest.file), written);
  });
  let trimmedBytes = 0;
  attempt(problems, 'the log was not trimmed', () => {
    around.onStage('trim');
    const below = store.trimSequence;
    if (below > 0) {
      trimmedBytes = trimSegments(around.logFiles, job.logDirectory, below, () => around.onStage('trim'));
    }
  });
  around.onStage('done');
  return { manifest, snapshots: store.snapshots, image: store.image, trimmedBytes, problems };
}

function attempt(problems: string[], what: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    problems.push(`${what}: ${errorText(error)}`);
  }
}

/** The RDB file, read back. Where that fails nothing is left of it: a full disk needs the room. */
function makeFile(job: SnapshotJob, around: SnapshotSurroundings, store: SnapshotStore): WrittenFile {
  try {
    around.onStage('write');
    const written = writeFile(job, around, store);
    around.onStage('verify');
    verifyFile(job, around, store.pathOf(WORK_RDB), written);
    return written;
  } catch (error) {
    for (const name of [WORK_RDB, WORK_IMAGE]) store.remove(name);
    throw error;
  }
}

// ---- writing -------------------------------------------------------------------------------------------------------

function writeFile(job: SnapshotJob, around: SnapshotSurroundings, store: SnapshotStore): WrittenFile {
  const { files, faults } = around;
  const path = store.pathOf(WORK_RDB);
  store.remove(WORK_RDB);
  const image = around.openImage(store.pathOf(WORK_IMAGE));
  const fd = files.open(path, 'create');
  try {
    let written = 0;
    let synced = 0;
    let waitedMs = 0;
    const sink = (bytes: Uint8Array, start: number, end: number): void => {
      faults.alter(bytes, start, end, written);
      writeFully(files, fd, bytes, start, end - start, written);
      written += end - start;
      if (written - synced < SYNC_BYTES) return;
      const before = performance.now();
      files.fsync(fd, 'snapshot-write');
      waitedMs += performance.now() - before;
      synced = written;
      requireRoom(files, job.directory, 0);
    };
    const dataset = faults.dataset(image.dataset);
    const writer = new DatasetWriter(dataset, job.auxiliary, sink, { compress: job.compress });
    requireRoom(files, job.directory, 0);
    while (!writer.step(STEP_BYTES)) {
      around.onProgress(writer.keys);
      if (around.stopped()) throw new SnapshotError('SNAPSHOT_STOPPED', 'the snapshot was stopped');
      around.rest(waitedMs);
      waitedMs = 0;
    }
    files.fsync(fd, 'snapshot-write');
    requireCounts(writer.counts, job.counts, 'the walk over the image');
    const crc64 = crc64Text(writer.checksumHigh, writer.checksumLow);
    return { bytes: writer.written, crc64, digest: writer.digestText };
  } finally {
    files.close(fd);
    image.close();
  }
}

function requireCounts(found: DatasetCounts, kept: readonly KeptCounts[], where: string): void {
  if (found.equals(kept)) return;
  const shown = (counts: readonly { keys: number; expires: number; bytes: number }[]): string =>
    counts.map(({ keys, expires, bytes }, i) => `db${i}: ${keys}/${expires}/${bytes}`).join(' ');
  const foundText = shown(
    found.databases.map((each) => ({ keys: each.keys, expires: each.keysWithDeadline, bytes: each.contentBytes })),
  );
  const keptText = shown(
    kept.map((each) => ({ keys: each.count, expires: each.keysWithExpiry, bytes: each.contentBytes })),
  );
  const message = `${where} found other keys/deadlines/bytes (${foundText}) than were counted at the cut (${keptText})`;
  throw new SnapshotError('SNAPSHOT_WRONG', message);
}

// ---- verifying -----------------------------------------------------------------------------------------------------

/** Reads the file back: it must be what was written, and hold what was counted. */
function verifyFile(job: SnapshotJob, around: SnapshotSurroundings, path: string, written: WrittenFile): void {
  const found = new RdbDigest(job.counts.length);
  const reader = new RdbReader(found);
  const { files } = around;
  const fd = files.open(path, 'read');
  let at = 0;
  try {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const count = readFully(files, fd, buffer, 0, buffer.length, at);
      if (count === 0) break;
      for (let from = 0; from < count; from += STEP_BYTES) {
        const to = Math.min(count, from + STEP_BYTES);
        if (reader.push(buffer, from, to) !== to) throw new SnapshotError('SNAPSHOT_WRONG', 'the file has a tail');
        if (around.stopped()) throw new SnapshotError('SNAPSHOT_STOPPED', 'the snapshot was stopped');
        around.rest(0);
      }
      at += count;
    }
    reader.finish();
  } finally {
    files.close(fd);
  }
  requireCounts(found.counts, job.counts, 'reading back');
  const crc64 = crc64Text(reader.checksumHigh, reader.checksumLow);
  if (found.digestText !== written.digest || at !== written.bytes || crc64 !== written.crc64) {
    const message = `read back: ${at} bytes, digest ${found.digestText}, CRC-64 ${crc64}; written: ${written.bytes} bytes, digest ${written.digest}, CRC-64 ${written.crc64}`;
    throw new SnapshotError('SNAPSHOT_WRONG', message);
  }
}

// ---- publishing ----------------------------------------------------------------------------------------------------

function manifestOf(job: SnapshotJob, file: string, written: WrittenFile): SnapshotManifest {
  return {
    ...job.place,
    kind: 'snapshot',
    file,
    ...written,
    counts: countsOf(job.counts),
    rdbVersion: RDB_VERSION_STRINGS,
    featureLevel: job.featureLevel,
    createdAtMs: job.createdAtMs,
    madeBy: job.madeBy,
    verified: true,
  };
}

export function countsOf(kept: readonly KeptCounts[]): DatabaseCounts[] {
  const counts = kept.map(({ count, keysWithExpiry }, database) => ({
    database,
    keys: count,
    expires: keysWithExpiry,
  }));
  return counts.filter(({ keys }) => keys > 0);
}

/** The image of a snapshot that was verified is the newest one. */
function keepImage(manifest: SnapshotManifest, store: SnapshotStore, files: SnapshotFiles, stem: string): void {
  const file = `${stem}.image`;
  const { bytes } = files.identity(store.pathOf(WORK_IMAGE));
  files.rename(store.pathOf(WORK_IMAGE), store.pathOf(file));
  store.publishImage({ ...manifest, kind: 'image', file, bytes, crc64: '', rdbVersion: 0 });
}

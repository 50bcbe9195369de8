/**
 * Snapshots of a running server, from the wish for one to the trimmed log: who asks, what runs, what follows, and what is
 * told of it. The server thread's part of one is short: the cut, and taking note of the end. The image is made by
 * page-image-maker.ts' thread, everything behind it by the snapshot thread.
 */
import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Engine } from '../../core/engine.js';
import type { CommitPipeline, FramePlace, LogCut } from '../commit/commit-pipeline.js';
import { errorText } from '../error-text.js';
import { HOLDFAST_VERSION, REDIS_VERSION } from '../version.js';
import { hasRoom } from './disk-room.js';
import type { MadeImage, PageImageMaker, PageImageRun } from './page-image-maker.js';
import { SnapshotError } from './snapshot-error.js';
import type { SnapshotFaults } from './snapshot-faults.js';
import { nodeSnapshotFiles, type SnapshotFiles } from './snapshot-files.js';
import { countsOf, type KeptCounts, type SnapshotJob, type SnapshotResult } from './snapshot-job.js';
import type { LogPlace, SnapshotManifest } from './snapshot-manifest.js';
import { dueSnapshot, type SnapshotRules } from './snapshot-schedule.js';
import { type LoadedDataset, type SnapshotKind, SnapshotStatus } from './snapshot-status.js';
import { type SnapshotStore, WORK_IMAGE } from './snapshot-store.js';
import type { SnapshotThreadHost } from './snapshot-thread-host.js';

/** How long a cut waits for an entry behind the roll: without one the log stays in the segment that it has. */
const ROLL_WAIT_MS = 50;
/** The log is rolled before a cut if so much of it lies behind the last one: each segment is a file more. */
const ROLL_BYTES_MIN = 1 << 20;
/** A clean end writes an image where the start that follows gains by it. */
const IMAGE_DATASET_BYTES_MIN = 8 << 20;
/** Of the dataset: an older image stays where the log has grown by less behind it. */
const IMAGE_GROWTH = 1 / 8;

/** What a manager works on. */
export interface SnapshotParts {
  readonly engine: Engine;
  readonly commit: CommitPipeline;
  readonly log: Logger;
  readonly store: SnapshotStore;
  readonly images: PageImageMaker;
  readonly thread: SnapshotThreadHost;
  readonly faults: SnapshotFaults;
  readonly logDirectory: string;
  /** Of the open log. */
  readonly identity: () => { readonly logId: string; readonly timeline: string };
  readonly featureLevel: number;
  readonly files?: SnapshotFiles;
  readonly rules: () => SnapshotRules;
  readonly compress: () => boolean;
  /** Where the operator's copy goes; '' for nowhere. */
  readonly dumpPath: () => string;
  /** Takes trimmed bytes off the size of the log. */
  readonly onTrimmed: (bytes: number) => Promise<void>;
  readonly nowMs: () => number;
}

/** What there was at a cut. */
interface Cut {
  readonly cut: LogCut;
  readonly counts: readonly KeptCounts[];
  readonly logBytes: number;
  readonly changes: number;
}

export class SnapshotManager {
  readonly status: SnapshotStatus;
  private readonly parts: SnapshotParts;
  private readonly files: SnapshotFiles;
  private image: PageImageRun | undefined = undefined;
  private current: Promise<void> | undefined = undefined;
  private ending = false;

  constructor(parts: SnapshotParts) {
    this.parts = parts;
    this.files = parts.files ?? nodeSnapshotFiles;
    this.status = new SnapshotStatus(parts.nowMs());
    this.noteStore();
  }

  /** Keys that the running snapshot has written. */
  get keysDone(): number {
    return this.status.stage === 'write' ? this.parts.thread.keys : 0;
  }

  /** Bytes that were ever appended to the log, as far as the files that were there at the start tell. */
  get logBytes(): number {
    return this.parts.commit.logBytes + this.status.trimmedBytes;
  }

  /** Bytes that the log has grown by since the last snapshot's cut. */
  get grownBytes(): number {
    return this.logBytes - this.status.logBytesAtCut;
  }

  get changes(): number {
    return this.parts.engine.database.statistics.changes - this.status.changesAtCut;
  }

  /** Looks whether a snapshot is due; to be called a few times a second while the server serves. */
  tick(): void {
    const { status, parts } = this;
    if (this.busy) return;
    const { scheduled } = status;
    if (scheduled !== undefined) {
      this.start(scheduled, 'it was scheduled');
      return;
    }
    const reason = dueSnapshot(parts.rules(), {
      nowMs: parts.nowMs(),
      lastSnapshotMs: status.lastSaveMs,
      lastFailureMs: status.lastFailureMs,
      changes: this.changes,
      logGrowthBytes: this.grownBytes,
      snapshotBytes: status.newest?.bytes ?? 0,
    });
    if (reason !== '') this.start('bgsave', reason);
  }

  /** Starts a snapshot; false where one runs already. What becomes of it is told by `status` and the log. */
  start(kind: SnapshotKind, reason: string): boolean {
    if (this.busy) return false;
    this.save(kind, reason).catch(() => {});
    return true;
  }

  /** Takes a snapshot once the running one is done. */
  schedule(kind: SnapshotKind): void {
    this.status.scheduled = kind;
  }

  /**
   * Takes a snapshot, after the one that runs.
   * @throws SnapshotError
   */
  async save(kind: SnapshotKind, reason: string): Promise<void> {
    await this.alone((take) => take(kind, reason));
  }

  /**
   * Runs `work` once no snapshot runs; none begins until it has ended, but those that it takes itself.
   * @throws SnapshotError, and what `work` throws
   */
  async alone(work: (take: (kind: SnapshotKind, reason: string) => Promise<void>) => Promise<void>): Promise<void> {
    while (this.current !== undefined) await this.current.catch(() => {});
    if (this.ending) throw new SnapshotError('SNAPSHOT_STOPPED', 'the server ends');
    const run = work((kind, reason) => this.run(kind, reason));
    this.current = run;
    try {
      await run;
    } finally {
      this.current = undefined;
    }
  }

  private get busy(): boolean {
    return this.status.running !== undefined || this.current !== undefined || this.ending;
  }

  /** Stops what runs and waits until it has ended; nothing is started any more. */
  async stop(): Promise<void> {
    this.ending = true;
    this.image?.cancel();
    this.parts.thread.stop();
    await this.current?.catch(() => {});
  }

  /**
   * After the last command of a server that ends in order: leaves an image for the next start, where that gains by it.
   * What goes wrong is told and changes nothing: the log has everything.
   */
  async leaveImage(): Promise<void> {
    const { engine, log } = this.parts;
    const { status } = this;
    const datasetBytes = engine.arena.usedBytes;
    const growth = this.logBytes - this.imageLogBytes;
    if (datasetBytes < IMAGE_DATASET_BYTES_MIN) return;
    if (status.image !== undefined && growth < datasetBytes * IMAGE_GROWTH) return;
    const started = performance.now();
    try {
      const { image, place, counts } = await this.makeImage();
      const { store } = this.parts;
      const stem = store.newStem(place.sequence);
      this.files.rename(store.pathOf(WORK_IMAGE), store.pathOf(`${stem}.image`));
      store.publishImage(this.imageManifest(`${stem}.image`, image.bytes, place, counts));
      const milliseconds = Math.round(performance.now() - started);
      log.info(
        { sequence: place.sequence, bytes: image.bytes, milliseconds },
        'a page image is left for the next start',
      );
    } catch (error) {
      log.warn(`no page image is left for the next start: ${errorText(error)}`);
    }
  }

  /** Takes over what a start has found and loaded. */
  loaded({ from, keys, expired }: LoadedDataset, tailEntries: number, tailBytes: number): void {
    const { status } = this;
    status.loadedFrom = from;
    status.loadedKeys = keys;
    status.loadedExpired = expired;
    status.changesAtCut = -tailEntries;
    status.logBytesAtCut = this.logBytes - tailBytes;
    this.imageLogBytes = from === 'image' ? status.logBytesAtCut : 0;
    this.noteStore();
  }

  private imageLogBytes = 0;

  // ---- one snapshot ------------------------------------------------------------------------------------------------

  private async run(kind: SnapshotKind, reason: string): Promise<void> {
    const { status } = this;
    const { log } = this.parts;
    status.running = kind;
    if (status.scheduled === kind) status.scheduled = undefined;
    status.startedAtMs = this.parts.nowMs();
    log.info(`a snapshot begins: ${reason}`);
    try {
      const result = await this.take();
      this.succeeded(kind, result);
    } catch (error) {
      this.failed(kind, error);
      throw error;
    } finally {
      status.running = undefined;
      status.stage = '';
    }
  }

  private async take(): Promise<{ result: SnapshotResult; logBytes: number; changes: number }> {
    const { parts, status } = this;
    await this.roll();
    const { image, place, counts, logBytes, changes } = await this.makeImage();
    status.cutMicros = image.cutMicros;
    status.imageMs = Math.round(image.milliseconds);
    status.viewMs = Math.round(image.viewMilliseconds);
    status.copiedPages = image.copiedPages;
    status.viewBytesPeak = image.extraBytesPeak;
    const job: SnapshotJob = {
      directory: parts.store.directory,
      logDirectory: parts.logDirectory,
      dumpPath: parts.dumpPath(),
      place,
      counts,
      auxiliary: this.auxiliary(place),
      compress: parts.compress(),
      featureLevel: parts.featureLevel,
      createdAtMs: status.startedAtMs,
      madeBy: HOLDFAST_VERSION,
    };
    const result = await parts.thread.run(job, (stage) => {
      status.stage = stage;
    });
    return { result, logBytes, changes };
  }

  /**
   * Begins a new segment of the log in front of the cut, so that the log can be trimmed up to it. The cut must then lie
   * behind an entry of the new segment; a log that nobody writes to has nothing to trim.
   */
  private async roll(): Promise<void> {
    const { commit, engine, faults } = this.parts;
    if (this.grownBytes < faults.rollBytes(ROLL_BYTES_MIN)) return;
    commit.roll();
    const { sequence } = engine.effects;
    const until = performance.now() + ROLL_WAIT_MS;
    while (engine.effects.sequence === sequence && performance.now() < until && !this.ending) await pause();
  }

  private async makeImage(): Promise<{
    readonly image: MadeImage;
    readonly place: LogPlace;
    readonly counts: readonly KeptCounts[];
    readonly logBytes: number;
    readonly changes: number;
  }> {
    const { images, store, faults } = this.parts;
    const { status } = this;
    status.stage = 'cut';
    faults.stage('cut');
    await this.makeRoom();
    const run = await images.prepare(store.pathOf(WORK_IMAGE));
    this.image = run;
    try {
      const { cut, counts, logBytes, changes } = await this.cut(run);
      status.keysTotal = counts.reduce((sum, { count }) => sum + count, 0);
      status.stage = 'image';
      const image = await run.whole;
      faults.stage('image');
      const place = this.placeOf(cut, await cut.committed);
      return { image, place, counts, logBytes, changes };
    } catch (error) {
      run.cancel();
      await run.whole.catch(() => {});
      throw error;
    } finally {
      this.image = undefined;
    }
  }

  /** The image of before is only an accelerator: it goes where the disk has no room for both. */
  private async makeRoom(): Promise<void> {
    const { engine, log, store } = this.parts;
    const { image } = store;
    const needed = engine.arena.usedBytes + (store.snapshots.at(-1)?.bytes ?? 0);
    if (image === undefined || hasRoom(this.files, store.directory, needed)) return;
    log.warn(`the page image ${image.file} is given up: the disk has no room for it and the next snapshot`);
    // A large file takes long to remove: that is done on no thread that serves.
    const file = store.forgetImage();
    this.noteStore();
    if (file !== '') await rm(store.pathOf(file), { force: true });
  }

  /** Freezes the dataset between two commands that are in two frames of the log, and takes down what there is by then. */
  private async cut(run: PageImageRun): Promise<Cut> {
    const { commit, engine } = this.parts;
    for (;;) {
      await pause();
      if (commit.hasFailed) throw new SnapshotError('SNAPSHOT_STOPPED', 'the log has failed');
      // From here to the end nothing may give anyone else a turn.
      const cut = commit.cut();
      if (cut === undefined) continue;
      const { sequence, committed } = cut;
      const { featureLevel } = this.parts;
      run.cut({ ...this.parts.identity(), sequence, committed, featureLevel, createdAtMs: this.parts.nowMs() });
      const counts = engine.keyspaces.map(({ count, keysWithExpiry, contentBytes }) => {
        return { count, keysWithExpiry, contentBytes };
      });
      return { cut, counts, logBytes: this.logBytes, changes: engine.database.statistics.changes };
    }
  }

  private placeOf({ sequence }: LogCut, { epoch, idx, runningChecksum }: FramePlace): LogPlace {
    const { logId, timeline } = this.parts.identity();
    return { logId, timeline, sequence, epoch, idx, runningChecksum: Buffer.from(runningChecksum).toString('hex') };
  }

  /** Redis' fields, and ours for what an RDB file has no form for. */
  private auxiliary(place: LogPlace): SnapshotJob['auxiliary'] {
    const { engine, featureLevel } = this.parts;
    return [
      ['redis-ver', REDIS_VERSION],
      ['redis-bits', '64'],
      ['ctime', String(Math.floor(this.status.startedAtMs / 1000))],
      ['used-mem', String(engine.usedBytes())],
      ['aof-base', '0'],
      ['holdfast-version', HOLDFAST_VERSION],
      ['holdfast-log-id', place.logId],
      ['holdfast-timeline', place.timeline],
      ['holdfast-sequence', String(place.sequence)],
      ['holdfast-epoch', String(place.epoch)],
      ['holdfast-idx', String(place.idx)],
      ['holdfast-running-checksum', place.runningChecksum],
      ['holdfast-feature-level', String(featureLevel)],
    ];
  }

  private imageManifest(file: string, bytes: number, place: LogPlace, counts: readonly KeptCounts[]): SnapshotManifest {
    return {
      ...place,
      kind: 'image',
      file,
      bytes,
      crc64: '',
      digest: '',
      counts: countsOf(counts),
      rdbVersion: 0,
      featureLevel: this.parts.featureLevel,
      createdAtMs: this.parts.nowMs(),
      madeBy: HOLDFAST_VERSION,
      verified: false,
    };
  }

  // ---- how it ended ------------------------------------------------------------------------------------------------

  private succeeded(
    kind: SnapshotKind,
    { result, logBytes, changes }: { result: SnapshotResult; logBytes: number; changes: number },
  ): void {
    const { status } = this;
    const { log, nowMs, store, onTrimmed } = this.parts;
    const seconds = Math.max(0, Math.round((nowMs() - status.startedAtMs) / 1000));
    this.note(kind, 'ok', seconds);
    status.taken++;
    if (kind === 'rewrite') status.rewrites++;
    status.failuresInRow = 0;
    status.lastFailureMs = 0;
    status.lastError = '';
    status.lastSaveMs = nowMs();
    status.changesAtCut = changes;
    status.logBytesAtCut = logBytes;
    this.imageLogBytes = logBytes;
    status.trimmedBytes += result.trimmedBytes;
    store.snapshots = result.snapshots;
    store.image = result.image;
    this.noteStore();
    if (result.trimmedBytes > 0) onTrimmed(result.trimmedBytes).catch((error: unknown) => log.error(error));
    for (const problem of result.problems) log.warn(`after a snapshot: ${problem}`);
    const { sequence, bytes, file, digest } = result.manifest;
    const facts = {
      file,
      sequence,
      keys: status.keysTotal,
      bytes,
      digest,
      milliseconds: nowMs() - status.startedAtMs,
      viewMilliseconds: status.viewMs,
      imageMilliseconds: status.imageMs,
      copiedPages: status.copiedPages,
      cutMicros: status.cutMicros,
      extraBytesPeak: status.viewBytesPeak,
      trimmedBytes: result.trimmedBytes,
    };
    log.info(facts, `snapshot ${file} is verified: ${status.keysTotal} keys behind sequence ${sequence}`);
  }

  private failed(kind: SnapshotKind, error: unknown): void {
    const { status } = this;
    const { log, nowMs } = this.parts;
    if (this.ending) return;
    this.note(kind, 'err', Math.max(0, Math.round((nowMs() - status.startedAtMs) / 1000)));
    status.failuresInRow++;
    status.lastFailureMs = nowMs();
    status.lastError = errorText(error);
    log.error(`the snapshot failed, the ones before it stay and the log is not trimmed: ${status.lastError}`);
    if (status.failuresInRow < 2) return;
    log.warn({ failures: status.failuresInRow }, 'snapshots keep failing: the log grows until one succeeds');
  }

  private note(kind: SnapshotKind, result: 'ok' | 'err', seconds: number): void {
    const { status } = this;
    if (kind === 'rewrite') {
      status.lastRewriteStatus = result;
      status.lastRewriteSeconds = seconds;
    } else {
      status.lastStatus = result;
      status.lastSeconds = seconds;
    }
  }

  /** Shows what the directory has now. */
  noteStore(): void {
    const { store } = this.parts;
    this.status.snapshots = store.snapshots;
    this.status.image = store.image;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

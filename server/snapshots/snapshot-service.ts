/**
 * Everything about snapshots that a server's start, life and end call, put together: the directory, loading, taking over
 * a Redis' files, and the manager. The order is server-core.ts'.
 *
 *   constructor: what is there ─> lock the log ─> load() ─> fold the tail ─> become the writer ─> begin()
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Engine } from '../../core/engine.js';
import type { KnownCommitted } from '../../log/local/local-log-options.js';
import type { LogTail } from '../../log/transaction-log.js';
import type { CommitPipeline } from '../commit/commit-pipeline.js';
import type { Config } from '../config/config.js';
import { dumpPathOf, logDirectoryOf } from '../data-directory.js';
import { DumpCopy } from './dump-copy.js';
import { loadImageFile } from './image-file.js';
import { ImageReadHost } from './image-read-host.js';
import { ImportRecord } from './import-record.js';
import { PageImageMaker } from './page-image-maker.js';
import { findImport, type ImportSource, type RedisFileNames, refuseForeignData } from './redis-data.js';
import { takeOver } from './redis-take-over.js';
import { SNAPSHOT_FAULTS_VARIABLE, SnapshotFaults } from './snapshot-faults.js';
import { nodeSnapshotFiles } from './snapshot-files.js';
import { SnapshotManager } from './snapshot-manager.js';
import { type AcceptedLog, SnapshotRecovery } from './snapshot-recovery.js';
import type { LoadedDataset } from './snapshot-status.js';
import { SnapshotStore } from './snapshot-store.js';
import { SnapshotThreadHost } from './snapshot-thread-host.js';

/** How often it is looked whether a snapshot is due. */
const TICK_MS = 200;

export interface SnapshotServiceParts {
  readonly engine: Engine;
  readonly commit: CommitPipeline;
  readonly config: Config;
  readonly log: Logger;
  /** Data directory. */
  readonly directory: string;
  readonly featureLevel: number;
  readonly nowMs: () => number;
  /** Told how far loading is, in bytes. */
  readonly onLoading: (loadedBytes: number, totalBytes: number) => void;
  /** Takes bytes that were trimmed off the size of the log. */
  readonly onTrimmed: (bytes: number) => Promise<void>;
}

export class SnapshotService {
  readonly manager: SnapshotManager;
  private readonly parts: SnapshotServiceParts;
  private readonly store: SnapshotStore;
  private readonly recovery: SnapshotRecovery;
  private readonly copy: DumpCopy;
  private identity = { logId: '', timeline: '' };
  private readonly record: ImportRecord;
  private imported: { readonly source: ImportSource; readonly paths: readonly string[] } | undefined = undefined;
  private loaded: LoadedDataset = { from: 'log', keys: 0, expired: 0 };
  /** Reads the image, where there is one; it is started at once. */
  private readonly imageThread: ImageReadHost | undefined;
  private timer: NodeJS.Timeout | undefined = undefined;

  /** Reads what is in the directory of snapshots, and changes nothing. @throws a system error */
  constructor(parts: SnapshotServiceParts) {
    const { engine, commit, config, log, directory, featureLevel, nowMs } = parts;
    this.parts = parts;
    const snapshotDirectory = join(directory, 'snapshots');
    const files = nodeSnapshotFiles;
    const faultText = process.env[SNAPSHOT_FAULTS_VARIABLE] ?? '';
    if (faultText !== '') log.warn(`${SNAPSHOT_FAULTS_VARIABLE} is set: snapshots are made wrong on purpose`);
    const faults = new SnapshotFaults(faultText);
    this.store = new SnapshotStore(files, snapshotDirectory, (message) => log.warn(message));
    this.store.read();
    this.imageThread = this.store.image === undefined ? undefined : new ImageReadHost();
    this.copy = new DumpCopy(files, snapshotDirectory);
    this.record = new ImportRecord(files, snapshotDirectory, directory);
    this.recovery = new SnapshotRecovery({
      files,
      store: this.store,
      engine,
      log,
      featureLevel,
      loadImage: (path, target, onSlice) => loadImageFile(path, target, onSlice, this.imageThread),
      onSlice: parts.onLoading,
    });
    const { values } = config;
    this.manager = new SnapshotManager({
      engine,
      commit,
      log,
      store: this.store,
      images: new PageImageMaker(engine),
      thread: new SnapshotThreadHost(faultText),
      faults,
      logDirectory: logDirectoryOf(directory),
      identity: () => this.identity,
      featureLevel,
      rules: () => ({
        savePoints: values.save,
        growthPercent: values['auto-aof-rewrite-percentage'],
        growthBytesMin: Number(values['auto-aof-rewrite-min-size']),
      }),
      compress: () => values.rdbcompression,
      dumpPath: () => this.dumpPath,
      onTrimmed: parts.onTrimmed,
      nowMs,
    });
  }

  /** What the snapshots say that the log must have. */
  get knownCommitted(): KnownCommitted[] {
    const { store } = this;
    const manifests = store.image === undefined ? store.snapshots : [...store.snapshots, store.image];
    return manifests.map(({ logId, timeline, epoch, idx, file }) => {
      return { logId, timeline, epoch, idx, where: `the snapshot ${store.pathOf(file)}` };
    });
  }

  /**
   * Loads what the log goes on from into the empty engine, whose last sequence says where that is.
   * @throws ServerError `FOREIGN_DATA`, `LOG_MISSING`, LogError `LOG_DAMAGED`, RdbError, LoadError
   */
  async load(tail: LogTail, accepted: AcceptedLog): Promise<void> {
    this.identity = { logId: tail.logId, timeline: tail.timeline };
    try {
      await this.loadState(tail, accepted);
    } finally {
      // Where the image was not tried.
      await this.imageThread?.close();
    }
  }

  private async loadState(tail: LogTail, accepted: AcceptedLog): Promise<void> {
    const { directory } = this.parts;
    if (tail.lastSequence === 0 && this.store.snapshots.length === 0) {
      const source = findImport(directory, this.names);
      if (source !== undefined) await this.takeOver(source);
      return;
    }
    refuseForeignData(directory, this.names, this.copy, this.record);
    this.loaded = { ...(await this.recovery.load(tail, accepted)), expired: 0 };
  }

  /**
   * After the tail is folded and the log has its writer, before anybody is served: a dataset that was taken over becomes
   * the snapshot at sequence 0, without which the log would have nothing to stand on.
   * @param tailBytes of the entries that were folded.
   */
  async begin(tailEntries: number, tailBytes: number): Promise<void> {
    const { manager, store, copy } = this;
    store.clear();
    this.recovery.setDamagedAside();
    if (this.dumpPath !== '') copy.clear(this.dumpPath);
    manager.loaded(this.loaded, tailEntries, tailBytes);
    if (this.imported === undefined) return;
    const { source, paths } = this.imported;
    // Recorded first: a crash behind the snapshot must not leave a file that the next start takes for foreign.
    if (source.kind === 'rdb') copy.adopt(source.path);
    else this.record.adopt(source.path, paths);
    await manager.save('bgsave', `${source.path} was loaded`);
  }

  /**
   * Loads what a running server's log goes on from into the engine, which was emptied; only inside of `manager.alone`.
   * @throws as `load`
   */
  async reload(tail: LogTail, accepted: AcceptedLog): Promise<void> {
    await this.recovery.load(tail, accepted, false);
    this.recovery.setDamagedAside();
    this.manager.noteStore();
  }

  /** No snapshot is taken because it is due, until `serve`. */
  rest(): void {
    clearInterval(this.timer);
  }

  /** From now on snapshots are taken when they are due. */
  serve(): void {
    this.rest();
    this.timer = setInterval(() => this.manager.tick(), TICK_MS);
  }

  /**
   * The end of a server in order, after its last command was committed: leaves an image where the next start gains by it,
   * unless it is told to leave nothing. What goes wrong is told, and ends nothing: the log has every write.
   */
  async end(save: 'snapshot' | 'nothing' | undefined): Promise<void> {
    clearInterval(this.timer);
    await this.manager.stop();
    if (save === undefined) await this.manager.leaveImage();
  }

  /** No snapshot begins any more, and the one that runs is given up. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.imageThread?.close();
    await this.manager.stop();
  }

  private get dumpPath(): string {
    return dumpPathOf(this.parts.directory, this.parts.config.values.dbfilename);
  }

  private get names(): RedisFileNames {
    return this.parts.config.values;
  }

  private async takeOver(source: ImportSource): Promise<void> {
    const { values } = this.parts.config;
    const { keys, expired, paths } = await takeOver(source, {
      ...this.parts,
      appendfilename: values.appendfilename,
      loadTruncated: values['aof-load-truncated'],
    });
    this.imported = { source, paths };
    this.loaded = { from: 'snapshot', keys, expired };
  }
}

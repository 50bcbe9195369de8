/** What INFO, LASTSAVE and the log for people say of snapshots: figures only. */
import type { SnapshotManifest } from './snapshot-manifest.js';

export type SnapshotKind = 'bgsave' | 'rewrite';

/** What a start began with. */
export interface LoadedDataset {
  readonly from: 'log' | 'image' | 'snapshot';
  readonly keys: number;
  /** Keys of a Redis' file that were left out because their time was up. */
  readonly expired: number;
}

export class SnapshotStatus {
  /** What runs, if anything does. */
  running: SnapshotKind | undefined = undefined;
  /** What is to follow. */
  scheduled: SnapshotKind | undefined = undefined;
  stage = '';
  /** Wall clock in ms. */
  startedAtMs = 0;
  /** Of the last one that succeeded, or of the server's start. */
  lastSaveMs: number;
  lastStatus: 'ok' | 'err' = 'ok';
  lastRewriteStatus: 'ok' | 'err' = 'ok';
  /** Seconds; -1 before the first. */
  lastSeconds = -1;
  lastRewriteSeconds = -1;
  /** Snapshots that succeeded since the start. */
  taken = 0;
  rewrites = 0;
  failuresInRow = 0;
  lastFailureMs = 0;
  lastError = '';
  /** The keyspace's count of changes at the last snapshot's cut. */
  changesAtCut = 0;
  /** Bytes ever appended to the log when the last snapshot was cut. */
  logBytesAtCut = 0;
  /** Bytes of log that were trimmed since the start. */
  trimmedBytes = 0;
  keysTotal = 0;
  /** Of the last view: copies made, most bytes that they took, how long the cut, the view and the image took. */
  copiedPages = 0;
  viewBytesPeak = 0;
  cutMicros = 0;
  viewMs = 0;
  imageMs = 0;
  snapshots: readonly SnapshotManifest[] = [];
  image: SnapshotManifest | undefined = undefined;
  /** Of the last loading; see LoadedDataset. */
  loadedFrom: LoadedDataset['from'] = 'log';
  loadedKeys = 0;
  loadedExpired = 0;

  constructor(nowMs: number) {
    this.lastSaveMs = nowMs;
  }

  get newest(): SnapshotManifest | undefined {
    return this.snapshots.at(-1);
  }
}

/**
 * Chooses what a start begins with, and loads it: the page image, else the newest verified snapshot, else the older one,
 * else nothing, which needs the log to reach back to its first entry. One of them counts only if its place lies on the
 * accepted log. Every fallback is told in one line. The tail is recovery.ts'.
 */
import type { Logger } from 'pino';
import type { Engine } from '../../core/engine.js';
import { LoadError } from '../../core/rdb/dataset-loader.js';
import type { FrameBatch } from '../../log/entry-reader.js';
import { advanceRunningChecksum, copyRunningChecksum, FrameHeader } from '../../log/frame.js';
import { LogError } from '../../log/log-error.js';
import type { LogTail } from '../../log/transaction-log.js';
import { errorText } from '../error-text.js';
import { loadRdb } from '../import/load-rdb.js';
import { ServerError } from '../server-error.js';
import { fileChunks } from './file-chunks.js';
import type { SnapshotFiles } from './snapshot-files.js';
import { crc64Text, type LogPlace, type SnapshotManifest } from './snapshot-manifest.js';
import type { SnapshotStore } from './snapshot-store.js';

/** What the log of a start can be asked. */
export interface AcceptedLog {
  readBatches(from: number): AsyncIterable<FrameBatch>;
}

export interface SnapshotRecoveryParts {
  readonly files: SnapshotFiles;
  readonly store: SnapshotStore;
  readonly engine: Engine;
  readonly log: Logger;
  readonly featureLevel: number;
  /** Loads a page image into the empty engine. @throws where it is damaged or has another layout */
  readonly loadImage: (path: string, engine: Engine, onSlice: (bytes: number) => void) => Promise<void>;
  /** Told how many bytes are loaded, and of how many. */
  readonly onSlice: (loadedBytes: number, totalBytes: number) => void;
}

/** What a start began with. */
export interface Loaded {
  readonly from: 'log' | 'image' | 'snapshot';
  readonly sequence: number;
  readonly keys: number;
}

/** Pages given back at once. */
const SWEPT_PAGES = 4096;

export class SnapshotRecovery {
  private readonly parts: SnapshotRecoveryParts;
  private readonly damaged: SnapshotManifest[] = [];

  constructor(parts: SnapshotRecoveryParts) {
    this.parts = parts;
  }

  /**
   * Loads the newest state that the log goes on from.
   * @param images false passes the page image over: one is loaded into an arena that has never held anything.
   * @throws LogError `LOG_DAMAGED` where the log begins behind its first entry and nothing reaches it
   */
  async load(tail: LogTail, accepted: AcceptedLog, images = true): Promise<Loaded> {
    const { log, engine } = this.parts;
    const candidates = this.candidates().filter(({ kind }) => images || kind !== 'image');
    for (const candidate of candidates) {
      const objection = this.objection(candidate, tail);
      if (objection !== undefined) {
        log.warn(`${nameOf(candidate)} is not used: ${objection}`);
        continue;
      }
      const started = performance.now();
      // Finding the place may mean to read most of a segment, so the file is loaded meanwhile.
      const [place, load] = await Promise.allSettled([liesOnLog(candidate, tail, accepted), this.loadFile(candidate)]);
      if (place.status === 'rejected') throw place.reason;
      if (!place.value || load.status === 'rejected') {
        const failure: unknown = load.status === 'rejected' ? load.reason : undefined;
        // Memory that the system does not give says nothing about the file.
        if (place.value && failure instanceof LoadError && failure.code === 'LOAD_MEMORY') throw failure;
        const reason = place.value ? errorText(failure) : 'its place does not lie on the log';
        log.warn(`${nameOf(candidate)} is not used: ${reason}`);
        this.empty();
        if (place.value) this.damaged.push(candidate);
        continue;
      }
      engine.effects.sequence = candidate.sequence;
      const keys = countKeys(engine);
      const { file, sequence, bytes } = candidate;
      const milliseconds = Math.round(performance.now() - started);
      log.info({ file, sequence, keys, bytes, milliseconds }, `${nameOf(candidate)} is loaded: ${keys} keys`);
      return { from: candidate.kind, sequence, keys };
    }
    this.requireWholeLog(tail, candidates);
    if (candidates.length > 0) log.warn('no snapshot could be used: the log is folded from its first entry');
    return { from: 'log', sequence: 0, keys: 0 };
  }

  /** Newest first; at the same sequence the image, which is quicker. */
  private candidates(): SnapshotManifest[] {
    const { store } = this.parts;
    const candidates = [...store.snapshots].reverse();
    const { image } = store;
    if (image === undefined) return candidates;
    const at = candidates.findIndex(({ sequence }) => sequence <= image.sequence);
    candidates.splice(at < 0 ? candidates.length : at, 0, image);
    return candidates;
  }

  /** Why a state may not be the beginning of this log's tail. */
  private objection(candidate: SnapshotManifest, tail: LogTail): string | undefined {
    const { sequence, logId, featureLevel } = candidate;
    if (logId !== tail.logId) return 'it belongs to another log';
    if (featureLevel > this.parts.featureLevel) return `it needs feature level ${featureLevel}: use a newer version`;
    if (sequence > tail.lastSequence) return `the log ends with sequence ${tail.lastSequence}`;
    if (sequence + 1 < tail.firstSequence) return `the log begins with sequence ${tail.firstSequence}`;
    const databases = this.parts.engine.keyspaces.length;
    const beyond = candidate.counts.find(({ database }) => database >= databases);
    if (beyond !== undefined) return `it has keys in database ${beyond.database}: databases is ${databases}`;
    return undefined;
  }

  /** Lets go of what was loaded in vain, so that anything else can be. */
  private empty(): void {
    const { arena, keyspaces } = this.parts.engine;
    for (const keyspace of keyspaces) keyspace.detach();
    while (arena.sweep(SWEPT_PAGES) > 0);
    arena.purge();
  }

  /** Loads the file of a state. @throws whatever says that it is not the one that its manifest names */
  private async loadFile(candidate: SnapshotManifest): Promise<void> {
    const { engine, store, loadImage, onSlice } = this.parts;
    const path = store.pathOf(candidate.file);
    const told = (bytes: number): void => onSlice(bytes, candidate.bytes);
    if (candidate.kind === 'image') await loadImage(path, engine, told);
    else await this.loadRdbFile(path, candidate, told);
    this.checkCounts(candidate);
  }

  private async loadRdbFile(path: string, candidate: SnapshotManifest, told: (bytes: number) => void): Promise<void> {
    const { engine, files } = this.parts;
    const { bytes, checksumHigh, checksumLow } = await loadRdb(engine, fileChunks(files, path), {
      dropExpiredAtMs: 0,
      onSlice: (progress) => told(progress.loadedBytes),
    });
    const crc64 = crc64Text(checksumHigh, checksumLow);
    if (bytes === candidate.bytes && crc64 === candidate.crc64) return;
    const found = `it has ${bytes} bytes and CRC-64 ${crc64}`;
    throw new Error(`${found}, its manifest says ${candidate.bytes} and ${candidate.crc64}`);
  }

  private checkCounts({ counts }: SnapshotManifest): void {
    for (const [database, keyspace] of this.parts.engine.keyspaces.entries()) {
      const kept = counts.find((each) => each.database === database);
      const { count, keysWithExpiry } = keyspace;
      if (count === (kept?.keys ?? 0) && keysWithExpiry === (kept?.expires ?? 0)) continue;
      const found = `database ${database} has ${count} keys, ${keysWithExpiry} with a deadline`;
      throw new Error(`${found}, its manifest says ${kept?.keys ?? 0} and ${kept?.expires ?? 0}`);
    }
  }

  /**
   * Once the start has succeeded: what turned out to be damaged is not tried again, and does not count when the log is
   * trimmed. A start that fails changes nothing.
   */
  setDamagedAside(): void {
    const { store } = this.parts;
    for (const candidate of this.damaged.splice(0)) {
      if (candidate.kind === 'image') store.dropImage();
      else store.setAside(candidate);
    }
  }

  private requireWholeLog(tail: LogTail, candidates: readonly SnapshotManifest[]): void {
    const { store } = this.parts;
    if (tail.fresh && candidates.length > 0) {
      const message =
        `${store.directory} holds snapshots of a log that is not there. Put the log back, or start from one of them: ` +
        `copy its .rdb file as dump.rdb into an empty directory and start with --dir there`;
      throw new ServerError('LOG_MISSING', message);
    }
    if (tail.firstSequence === 1) return;
    const message =
      `the log begins with sequence ${tail.firstSequence} and no sound snapshot in ${store.directory} reaches it: ` +
      `nothing was changed. Put the missing files back from a copy of the whole directory`;
    throw new LogError('LOG_DAMAGED', message);
  }
}

/** Whether the frame that a place names is on the accepted log, with the history behind it that the place saw. */
export async function liesOnLog(place: LogPlace, tail: LogTail, accepted: AcceptedLog): Promise<boolean> {
  // Before the first frame there is one history only.
  if (place.epoch === 0) return place.sequence === 0 && tail.firstSequence === 1;
  const running = new Uint8Array(16);
  const header = new FrameHeader();
  for await (const { bytes, frameStarts, frameCount } of accepted.readBatches(Math.max(1, place.sequence))) {
    for (let i = 0; i < frameCount; i++) {
      const at = frameStarts[i]!;
      header.readVerified(bytes, at);
      if (header.epoch < place.epoch || (header.epoch === place.epoch && header.idx < place.idx)) continue;
      if (header.epoch !== place.epoch || header.idx !== place.idx) return false;
      copyRunningChecksum(bytes, at, running);
      advanceRunningChecksum(bytes, at, header.bodyBytes, running);
      const same = Buffer.from(running).toString('hex') === place.runningChecksum;
      return same && header.nextSequence === place.sequence + 1;
    }
  }
  return false;
}

function nameOf({ kind, file }: SnapshotManifest): string {
  return `the ${kind === 'image' ? 'page image' : 'snapshot'} ${file}`;
}

function countKeys(engine: Engine): number {
  return engine.keyspaces.reduce((keys, keyspace) => keys + keyspace.count, 0);
}

/**
 * Reading a log from another process: only up to the newest committed mark, never repairing anything, also while its
 * server runs.
 */
import { EntryReader, type FrameBatch } from '../entry-reader.js';
import { LogError } from '../log-error.js';
import type { TornTail } from '../transaction-log.js';
import { readBatchesHere } from './batch-stream.js';
import { type FileLayer, nodeFiles, systemErrorCode } from './file-layer.js';
import { scanTail, type TailScan } from './tail-scan.js';

/** A live writer may change the tail between two looks; what is wrong each time is wrong. */
const LOOKS = 5;

export interface LogInspection {
  readonly logId: string;
  readonly timeline: string;
  readonly parentTimeline: string;
  readonly forkSequence: number;
  readonly segmentCount: number;
  readonly firstSequence: number;
  /** Last sequence at or below the newest committed mark. */
  readonly committedSequence: number;
  readonly committedEpoch: number;
  readonly committedIdx: number;
  /** Sound frames above the mark, which the next start will accept, and their last sequence. */
  readonly uncoveredFrames: number;
  readonly lastSequence: number;
  readonly sealed: boolean;
  /** Bytes behind the last sound frame: torn, or being written. */
  readonly torn: TornTail | undefined;
  readonly featureLevel: number;
  /** The committed frames from the segment that holds `from`, in order. Reads the files as it goes. */
  batches(from: number): Iterable<FrameBatch>;
}

/** @throws LogError `LOG_MISSING`, `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`, `LOG_LEVEL_UNKNOWN` */
export function inspectLog(directory: string, files: FileLayer = nodeFiles): LogInspection {
  const scan = scanQuietly(files, directory);
  const header = scan.segments[0]?.header;
  if (header === undefined) throw new LogError('LOG_MISSING', `${directory} holds no log`, { file: directory });
  const covered = coveredEnd(scan);
  return {
    logId: header.logId,
    timeline: header.timeline,
    parentTimeline: header.parentTimeline,
    forkSequence: header.forkSequence,
    segmentCount: scan.segments.length,
    firstSequence: scan.firstSequence,
    committedSequence: covered.nextSequence - 1,
    committedEpoch: covered.epoch,
    committedIdx: covered.idx,
    uncoveredFrames: scan.uncovered.length,
    lastSequence: scan.chain.nextSequence - 1,
    sealed: scan.sealed,
    torn: scan.torn,
    featureLevel: scan.chain.featureLevel,
    batches(from) {
      const { segments, mark } = scan;
      const plan = {
        segments: segments.slice(0, covered.segmentCount),
        endOffset: covered.offset,
        endEpoch: covered.epoch,
        endIdx: covered.idx,
        from,
        mark,
      };
      return readBatchesHere(files, plan);
    },
  };
}

export interface LogVerification {
  readonly entries: number;
  readonly frames: number;
  readonly bytes: number;
}

/** Reads everything up to the committed mark and checks it down to the entries. @throws LogError as `inspectLog` */
export function verifyLog(inspection: LogInspection): LogVerification {
  const reader = new EntryReader();
  let entries = 0;
  let frames = 0;
  let bytes = 0;
  for (const batch of inspection.batches(inspection.firstSequence)) {
    frames += batch.frameCount;
    reader.load(batch);
    while (reader.next()) {
      entries++;
      bytes += reader.end - reader.start;
    }
  }
  return { entries, frames, bytes };
}

/** Where the newest committed mark ends. */
function coveredEnd(scan: TailScan) {
  const first = scan.uncovered[0];
  const { chain, segments, endOffset } = scan;
  if (first === undefined) {
    const { epoch, idx, nextSequence } = chain;
    return { epoch, idx, nextSequence, segmentCount: segments.length, offset: endOffset };
  }
  return { ...first.before, segmentCount: segments.indexOf(first.segment) + 1, offset: first.offset };
}

function scanQuietly(files: FileLayer, directory: string): TailScan {
  if (!files.exists(directory)) throw new LogError('LOG_MISSING', `${directory} does not exist`, { file: directory });
  for (let look = 1; ; look++) {
    try {
      return scanTail(files, directory);
    } catch (error) {
      const passing = error instanceof LogError ? error.code === 'LOG_DAMAGED' : systemErrorCode(error) === 'ENOENT';
      if (!passing || look === LOOKS) throw error;
    }
  }
}

/**
 * Writes one frame at the end of the open segment and makes it durable. Both committing threads run this code, each with
 * its own instance over the shared state; whoever calls holds the commit token.
 */
import {
  advanceRunningChecksum,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  FrameHeader,
  FrameKind,
  frameBytes,
  RUNNING_INPUT_AT,
  sealFrame,
} from '../frame.js';
import { LogError } from '../log-error.js';
import { alignedBytes } from './aligned-memory.js';
import { type CommitState, monotonicMs, Num, Word } from './commit-state.js';
import { type FileLayer, writeDurably } from './file-layer.js';

/** Up to this, in microseconds, a sync counts in full, whatever was usual. */
const SAMPLE_MICROS_MIN = 200;
/**
 * Weights of the newest commit in the moving average. It leans to the quick ones: a thread that had to wait for a processor
 * after its write measures more than the disk took, and says nothing of the disk.
 */
const RISING_WEIGHT = 1 / 32;
const FALLING_WEIGHT = 1 / 4;

export class Committer {
  private readonly files: FileLayer;
  private readonly state: CommitState;
  private readonly header = new FrameHeader();

  constructor(files: FileLayer, state: CommitState) {
    this.files = files;
    this.state = state;
  }

  /**
   * Commits the frame whose body lies at bytes[FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + bodyBytes). The room for it must
   * be there. When it returns, the frame is durable and the shared end of the log lies behind it.
   * @param postpone leaves the running checksum to the next who takes the token; only for the server thread
   * @throws LogError `LOG_FAILED`: the outcome is unknown, and the log is poisoned for every thread
   */
  commit(
    bytes: Uint8Array,
    bodyBytes: number,
    kind: number,
    flags: number,
    firstSequence: number,
    entryCount: number,
    timeMs: number,
    postpone = false,
  ): void {
    const { state } = this;
    const { words, numbers } = state;
    const header = this.header;
    header.kind = kind;
    header.flags = flags;
    header.entryCount = entryCount;
    header.epoch = numbers[Num.epoch]!;
    header.idx = numbers[Num.idx]! + 1;
    header.firstSequence = firstSequence;
    header.timeMs = Math.max(timeMs, numbers[Num.lastTimeMs]!);
    header.committedEpoch = numbers[Num.committedEpoch]!;
    header.committedIdx = numbers[Num.committedIdx]!;
    header.bodyBytes = bodyBytes;
    const total = sealFrame(bytes, 0, header, state.running, words[Word.salt]!);
    this.writeAndSync(bytes, total);
    if (!postpone || !state.postponeRunning(bytes, RUNNING_INPUT_AT, FRAME_HEADER_BYTES + bodyBytes)) {
      advanceRunningChecksum(bytes, 0, bodyBytes, state.running);
    }
    numbers[Num.idx] = header.idx;
    numbers[Num.committedEpoch] = header.epoch;
    numbers[Num.committedIdx] = header.idx;
    numbers[Num.nextSequence] = firstSequence + entryCount;
    numbers[Num.lastTimeMs] = header.timeMs;
    numbers[Num.segmentBodies] = numbers[Num.segmentBodies]! + bodyBytes;
    words[Word.lastKind] = kind;
    Atomics.add(words, Word.offsetSectors, total / FRAME_ALIGNMENT);
  }

  /** Commits a frame of the log's own, without entries. `bytes` must have room for its header and padding. */
  commitControl(bytes: Uint8Array, bodyBytes: number, kind: number, flags: number): void {
    const { numbers } = this.state;
    this.commit(bytes, bodyBytes, kind, flags, numbers[Num.nextSequence]!, 0, numbers[Num.lastTimeMs]!);
  }

  private writeAndSync(bytes: Uint8Array, total: number): void {
    const { words, numbers } = this.state;
    const fd = words[Word.fd]!;
    const offset = this.state.offset;
    try {
      const before = monotonicMs();
      writeDurably(this.files, fd, bytes, 0, total, offset, 'commit');
      const after = monotonicMs();
      const average = numbers[Num.syncAverage]!;
      // One slow sync says little of the disk: it counts as at most twice what was usual.
      const sample = Math.min((after - before) * 1000, Math.max(average * 2, SAMPLE_MICROS_MIN));
      const weight = sample < average ? FALLING_WEIGHT : RISING_WEIGHT;
      numbers[Num.syncAverage] = average + (sample - average) * weight;
      numbers[Num.lastAppendMs] = after;
    } catch (cause) {
      throw this.poison(cause, `a commit at offset ${offset} of segment ${numbers[Num.segment]} failed`);
    }
  }

  /** Marks the log as failed for every thread and returns the error to throw. The first failure is final. */
  poison(cause: unknown, what: string): LogError {
    Atomics.store(this.state.words, Word.failed, 1);
    const text = cause instanceof Error ? cause.message : String(cause);
    return new LogError('LOG_FAILED', `${what}: ${text}. What was not acknowledged may or may not be in the log`, {
      cause,
    });
  }
}

/** A buffer for frames with a body of at most `bodyBytesMax`. */
export function frameBuffer(bodyBytesMax: number): Uint8Array {
  return alignedBytes(frameBytes(bodyBytesMax));
}

/** Whether a frame of this kind leaves nothing that a mark would still have to cover. */
export function coversItself(kind: number): boolean {
  return kind === FrameKind.checksum || kind === 0;
}

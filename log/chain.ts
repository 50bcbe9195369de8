/**
 * The acceptance rule of every log: a frame is accepted iff its epoch is the current one and its idx the last plus one,
 * or it is a leader record with a higher epoch whose `after` is the last accepted frame. The running checksum, the
 * sequence and the time must go on as well.
 */
import { RUNNING_CHECKSUM_BYTES } from './checksums.js';
import { readLeaderBody, readLevelBody } from './control-body.js';
import {
  advanceRunningChecksum,
  continuesRunningChecksum,
  copyRunningChecksum,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  FrameKind,
} from './frame.js';
import { LogError } from './log-error.js';

/** Highest feature level that this program can fold. */
export const FEATURE_LEVEL = 1;

export class Chain {
  epoch = 0;
  idx = 0;
  nextSequence = 1;
  timeMs = 0;
  featureLevel = 1;
  lastKind = 0;
  lastFlags = 0;
  readonly running = new Uint8Array(RUNNING_CHECKSUM_BYTES);

  /** Begins in front of this frame, whatever it is: where a log was trimmed, its first frame has nothing to follow. */
  beginAt(header: FrameHeader, bytes: Uint8Array, at: number): void {
    copyRunningChecksum(bytes, at, this.running);
    this.nextSequence = header.firstSequence;
    this.timeMs = header.timeMs;
    this.epoch = header.epoch;
    this.idx = header.idx - 1;
    if (header.kind !== FrameKind.leader) return;
    const { after } = readLeaderBody(bytes, at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + header.bodyBytes);
    this.epoch = after.epoch;
    this.idx = after.idx;
  }

  /** Why the sound frame at `at` does not follow, or undefined if it does. */
  objection(header: FrameHeader, bytes: Uint8Array, at: number): string | undefined {
    if (header.kind === FrameKind.leader) {
      if (header.epoch <= this.epoch || header.idx !== 1) return `a leader record of epoch ${header.epoch}`;
      const { after } = readLeaderBody(bytes, at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + header.bodyBytes);
      if (after.epoch !== this.epoch || after.idx !== this.idx) {
        return `a leader record after epoch ${after.epoch} idx ${after.idx}`;
      }
    } else if (header.epoch !== this.epoch || header.idx !== this.idx + 1) {
      return `epoch ${header.epoch} idx ${header.idx} after epoch ${this.epoch} idx ${this.idx}`;
    }
    if (!continuesRunningChecksum(bytes, at, this.running)) return 'another running checksum';
    if (header.firstSequence !== this.nextSequence) {
      return `sequence ${header.firstSequence} instead of ${this.nextSequence}`;
    }
    if (header.timeMs < this.timeMs) return 'a time that goes back';
    return undefined;
  }

  /** Takes in a frame without objection. */
  advance(header: FrameHeader, bytes: Uint8Array, at: number): void {
    advanceRunningChecksum(bytes, at, header.bodyBytes, this.running);
    this.epoch = header.epoch;
    this.idx = header.idx;
    this.nextSequence = header.nextSequence;
    this.timeMs = header.timeMs;
    this.lastKind = header.kind;
    this.lastFlags = header.flags;
    const end = at + FRAME_HEADER_BYTES + header.bodyBytes;
    if (header.kind === FrameKind.leader) {
      this.takeLevel(readLeaderBody(bytes, at + FRAME_HEADER_BYTES, end).featureLevel);
    } else if (header.kind === FrameKind.level) {
      this.takeLevel(readLevelBody(bytes, at + FRAME_HEADER_BYTES, end));
    }
  }

  private takeLevel(level: number): void {
    if (level > FEATURE_LEVEL) {
      const message = `the log needs feature level ${level}, this program knows level ${FEATURE_LEVEL}: use a newer one`;
      throw new LogError('LOG_LEVEL_UNKNOWN', message);
    }
    if (level > this.featureLevel) this.featureLevel = level;
  }
}

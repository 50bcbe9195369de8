/**
 * What the log thread does, as a step function without threads: commits what was submitted, keeps room ahead and a spare
 * ready, rolls, writes marks, appends the idle checksum frame, seals. `log-thread.ts` runs it in a loop on a thread of its
 * own, `event-loop-host.ts` on the caller's event loop.
 */
import { CONTROL_BODY_BYTES_MAX, type LeaderAfter, writeLeaderBody } from '../control-body.js';
import { FRAME_HEADER_BYTES, FrameFlag, FrameKind, frameBytes } from '../frame.js';
import { LogError } from '../log-error.js';
import type { LeaderRecord } from '../transaction-log.js';
import type { BatchBuffer } from './batch-buffer.js';
import { type CommitState, Holder, Num, Order, Word } from './commit-state.js';
import { Committer, coversItself, frameBuffer } from './committer.js';
import type { FileLayer } from './file-layer.js';
import type { LocalLogEvent, LocalLogSizes } from './local-log-options.js';
import type { Mark } from './mark.js';
import { type LogIdentity, SegmentKeeper } from './segment-keeper.js';

/** `round` answers this when the log is over. */
export const STOPPED = -1;
/** How often a test's hold is looked at. */
const HELD_POLL_MS = 2;

/** How the epoch begins. */
export interface KeeperStart {
  readonly leader: LeaderRecord;
  readonly epoch: number;
  readonly after: LeaderAfter;
  /** Number of the segment to create. */
  readonly segment: number;
  /** Names the last frame before this epoch; undefined where there is none. */
  readonly mark: Mark | undefined;
}

export interface KeeperSetup {
  readonly directory: string;
  readonly identity: LogIdentity;
  readonly sizes: LocalLogSizes;
}

export class LogKeeper {
  private readonly state: CommitState;
  private readonly cells: readonly BatchBuffer[];
  private readonly committer: Committer;
  private readonly segments: SegmentKeeper;
  private readonly sizes: LocalLogSizes;
  private readonly held: () => boolean;
  private readonly onEvent: (event: LocalLogEvent) => void;
  private readonly onSealed: () => void;
  private readonly control = frameBuffer(CONTROL_BODY_BYTES_MAX);
  private mark: Mark | undefined = undefined;
  /** Number of a segment that could not be entered for want of room; 0 where one is open. */
  private entering = 0;
  private retryStepAt = 0;
  private retrySpareAt = 0;
  private stalled = false;
  private sealed = false;

  constructor(
    files: FileLayer,
    state: CommitState,
    cells: readonly BatchBuffer[],
    setup: KeeperSetup,
    held: () => boolean,
    onEvent: (event: LocalLogEvent) => void,
    onSealed: () => void,
  ) {
    this.state = state;
    this.cells = cells;
    this.sizes = setup.sizes;
    this.held = held;
    this.onEvent = onEvent;
    this.onSealed = onSealed;
    this.committer = new Committer(files, state);
    const { directory, identity, sizes } = setup;
    this.segments = new SegmentKeeper(files, state, this.committer, directory, identity, sizes, onEvent);
  }

  /**
   * Creates the epoch's first segment and commits the leader record.
   * @throws LogError `LOG_NO_SPACE` where the disk has no room for it, else `LOG_FAILED`
   */
  begin(start: KeeperStart): void {
    const { words, numbers } = this.state;
    this.segments.adoptSpare(start.segment);
    if (!this.segments.enter(start.segment)) {
      throw new LogError('LOG_NO_SPACE', 'the disk has no room for the first step of a log segment (64 KiB)');
    }
    numbers[Num.epoch] = start.epoch;
    numbers[Num.idx] = 0;
    words[Word.featureLevel] = Math.max(words[Word.featureLevel]!, start.leader.featureLevel);
    const end = writeLeaderBody(this.control, FRAME_HEADER_BYTES, start.leader, start.after);
    numbers[Num.lastTimeMs] = Math.max(numbers[Num.lastTimeMs]!, start.leader.timeMs);
    this.committer.commitControl(this.control, end - FRAME_HEADER_BYTES, FrameKind.leader, FrameFlag.originReset);
    this.mark = start.mark;
  }

  /**
   * Does the most urgent thing and returns how many ms it has nothing to do for unless woken: 0 to go on at once,
   * Infinity while everything is covered, `STOPPED` at the end.
   * @throws LogError `LOG_FAILED`: final; the log is poisoned for every thread
   */
  round(nowMs: number): number {
    try {
      return this.next(nowMs);
    } catch (cause) {
      if (cause instanceof LogError) throw cause;
      throw this.committer.poison(cause, 'the log failed');
    }
  }

  /** Closes the segment as it is; for a keeper that is not asked for another round. */
  close(): void {
    this.segments.close();
  }

  private next(nowMs: number): number {
    const { words } = this.state;
    if (this.state.failed) return STOPPED;
    const order = Atomics.load(words, Word.order);
    if (order === Order.stop) {
      this.segments.close();
      return STOPPED;
    }
    if (this.state.pending > 0) return this.drain(nowMs, order);
    if (order === Order.seal) return this.seal();
    if (this.sealed) return Number.POSITIVE_INFINITY;
    if (this.mark !== undefined) {
      this.segments.writeMark(this.mark);
      this.mark = undefined;
      return 0;
    }
    return this.prepareOrIdle(nowMs);
  }

  /** Room ahead, the spare, and the idle checksum frame, in this order. */
  private prepareOrIdle(nowMs: number): number {
    if (this.entering !== 0 || this.state.room < this.sizes.aheadBytes) {
      if (nowMs >= this.retryStepAt) {
        this.prepareStep(nowMs);
        return 0;
      }
    } else if (!this.segments.spareReady && nowMs >= this.retrySpareAt) {
      this.prepareSpare(nowMs);
      return 0;
    }
    const wait = this.untilRetry(nowMs);
    if (coversItself(Atomics.load(this.state.words, Word.lastKind)) || this.entering !== 0) return wait;
    const due = this.state.numbers[Num.lastAppendMs]! + this.sizes.idleMarkMs;
    if (nowMs < due) return Math.max(1, Math.min(due - nowMs, wait));
    return this.appendIdleChecksum(wait);
  }

  private untilRetry(nowMs: number): number {
    let wait = Number.POSITIVE_INFINITY;
    if (this.state.room < this.sizes.aheadBytes || this.entering !== 0) wait = Math.max(1, this.retryStepAt - nowMs);
    else if (!this.segments.spareReady) wait = Math.max(1, this.retrySpareAt - nowMs);
    return wait;
  }

  private prepareSpare(nowMs: number): void {
    const number = this.state.numbers[Num.segment]! + 1;
    if (!this.segments.prepareSpare(number)) this.retrySpareAt = nowMs + this.sizes.spaceRetryMs;
  }

  private prepareStep(nowMs: number): void {
    this.segments.checkFreeSpace();
    const room = this.entering === 0 ? this.extend() : this.enterLate();
    this.spaceIs(room, nowMs);
  }

  private extend(): boolean {
    if (!this.segments.spaceIsLow) return this.segments.extend();
    this.state.take(Holder.logThread);
    try {
      return this.segments.extend();
    } finally {
      this.state.release();
    }
  }

  /** Enters the segment for which there was no room when the one before it ended. */
  private enterLate(): boolean {
    this.state.take(Holder.logThread);
    try {
      if (!this.segments.enter(this.entering)) return false;
      this.entering = 0;
      return true;
    } finally {
      this.state.release();
    }
  }

  /** Takes note of whether the disk had room, and tells when that changes. */
  private spaceIs(room: boolean, nowMs: number): void {
    const { words } = this.state;
    if (!room) this.retryStepAt = nowMs + this.sizes.spaceRetryMs;
    const short = room ? 0 : 1;
    const before = Atomics.exchange(words, Word.spaceShort, short);
    if (before !== short) {
      this.onEvent(room ? { type: 'space-back' } : { type: 'space-short', roomBytes: this.state.room });
    }
    this.state.tell();
  }

  private appendIdleChecksum(wait: number): number {
    this.state.take(Holder.logThread);
    try {
      // An inline commit may have come first: then the last frame is new, and the time starts over.
      const lastKind = this.state.words[Word.lastKind]!;
      if (coversItself(lastKind) || this.state.room < frameBytes(0)) return wait;
      this.committer.commitControl(this.control, 0, FrameKind.checksum, 0);
      this.state.tell();
      return 0;
    } finally {
      this.state.release();
    }
  }

  /** Commits what was submitted, in order. */
  private drain(nowMs: number, order: number): number {
    if (this.held()) return HELD_POLL_MS;
    if (this.stalled && nowMs < this.retryStepAt && order === Order.none) return Math.max(1, this.retryStepAt - nowMs);
    this.state.take(Holder.logThread);
    try {
      for (let i = 0; i < this.cells.length && this.state.pending > 0; i++) {
        if (!this.commitNext(nowMs)) {
          this.stalled = true;
          if (order === Order.none) return this.sizes.spaceRetryMs;
          throw this.committer.poison(
            new Error('the disk is full'),
            'what was pending at shutdown cannot be committed',
          );
        }
        this.stalled = false;
        if (this.held()) break;
      }
    } finally {
      this.state.release();
    }
    this.keepUp(nowMs);
    return 0;
  }

  /** A little of the other work, where commits never stop and it must not wait for a pause. */
  private keepUp(nowMs: number): void {
    const { numbers } = this.state;
    if (this.mark !== undefined) {
      this.segments.writeMark(this.mark);
      this.mark = undefined;
    } else if (this.entering !== 0) {
      return;
    } else if (this.state.room < this.sizes.stepBytes) {
      if (nowMs >= this.retryStepAt) this.prepareStep(nowMs);
    } else if (!this.segments.spareReady && numbers[Num.segmentBodies]! > this.sizes.segmentBytesMax / 2) {
      if (nowMs >= this.retrySpareAt) this.prepareSpare(nowMs);
    }
  }

  /** Commits the oldest closed batch; false where there is no room for it. */
  private commitNext(nowMs: number): boolean {
    const { words } = this.state;
    const position = Atomics.load(words, Word.committed);
    const cell = this.cells[position & (this.cells.length - 1)]!;
    const { control } = cell;
    const kind = control[0]!;
    const flags = control[1]!;
    const bodyBytes = control[5]!;
    if ((flags & FrameFlag.originReset) !== 0 && !this.roll()) return this.noRoom(nowMs);
    const total = frameBytes(bodyBytes);
    while (this.entering !== 0 || this.state.room < total + frameBytes(0)) {
      const room = this.entering === 0 ? this.segments.extend() : this.enterEnded();
      if (!room) return this.noRoom(nowMs);
    }
    this.committer.commit(cell.bytes, bodyBytes, kind, flags, control[2]!, control[3]!, control[4]!);
    this.state.countCommitted();
    this.state.tell();
    return true;
  }

  private noRoom(nowMs: number): boolean {
    this.spaceIs(false, nowMs);
    return false;
  }

  /** Begins a new segment where origin numbers start anew, unless nothing but its leader record is in this one. */
  private roll(): boolean {
    const { numbers } = this.state;
    if (this.entering !== 0) return this.enterEnded();
    if (numbers[Num.idx] === 1 && this.state.words[Word.lastKind] === FrameKind.leader) return true;
    if (numbers[Num.segmentBodies] === 0) return true;
    this.mark = this.segments.endSegment();
    this.entering = numbers[Num.segment]! + 1;
    return this.enterEnded();
  }

  private enterEnded(): boolean {
    if (!this.segments.enter(this.entering)) return false;
    this.entering = 0;
    this.segments.checkFreeSpace();
    return true;
  }

  /** The seal of a clean shutdown: the last frame, covering the one before, and a mark that names that one. */
  private seal(): number {
    this.state.take(Holder.logThread);
    try {
      const mark = this.segments.markHere();
      if (this.entering === 0 && this.state.room >= frameBytes(0)) {
        this.committer.commitControl(this.control, 0, FrameKind.checksum, FrameFlag.seal);
      }
      this.segments.writeMark(mark);
    } finally {
      this.state.release();
    }
    this.mark = undefined;
    this.sealed = true;
    Atomics.store(this.state.words, Word.order, Order.none);
    this.onSealed();
    return 0;
  }
}

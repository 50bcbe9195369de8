/**
 * The local log: one directory of preallocated segment files on this machine's disk, one writer, held by the directory
 * lock. This file puts the parts together; the tour of the folder is in docs/log.md.
 */
import { randomBytes } from 'node:crypto';
import type { FrameBatch } from '../entry-reader.js';
import { LogError, requireUse } from '../log-error.js';
import type {
  Frame,
  LeaderRecord,
  LogCapabilities,
  LogTail,
  Position,
  Sequence,
  TransactionLog,
} from '../transaction-log.js';
import { BatchBuffer, cellMemory } from './batch-buffer.js';
import { readBatchesAhead, readBatchesHere } from './batch-stream.js';
import { firstSequence, type ReadPlan } from './block-reader.js';
import { CommitState, Holder, Num, Word } from './commit-state.js';
import { endBelow } from './damage.js';
import { type DirectoryLock, lockDirectory } from './directory-lock.js';
import { EventLoopHost } from './event-loop-host.js';
import { FAULT_COUNTER_BYTES, FaultFiles, parseLogFaults } from './fault-files.js';
import { type FileLayer, makeDirectories, nodeFiles } from './file-layer.js';
import { FrameFollower } from './frame-follower.js';
import type { KeeperHost, KeeperHostCallbacks } from './keeper-host.js';
import { type LocalLogEvent, type LocalLogOptions, type LocalLogSizes, localLogSizes } from './local-log-options.js';
import { LocalLogWriter } from './local-log-writer.js';
import { type KeeperSetup, LogKeeper } from './log-keeper.js';
import { repairTail } from './recovery.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';
import type { LogIdentity } from './segment-keeper.js';
import { readSegmentList, type SegmentFile } from './segment-list.js';
import { scanTail, type TailScan } from './tail-scan.js';
import { compiledModule, ThreadHost } from './thread-host.js';
import { trimSegments } from './trim-segments.js';

const NO_TIMELINE = '0000000000000000';

/** A live log up to where it was committed at one moment, as a restart would read it. */
export interface CommittedLog {
  readonly tail: LogTail;
  /** See `LocalLog.readBatches`. */
  readBatches(from: Sequence): AsyncIterable<FrameBatch>;
}

export class LocalLog implements TransactionLog {
  readonly capabilities: LogCapabilities;
  private readonly options: LocalLogOptions;
  private readonly sizes: LocalLogSizes;
  private readonly directory: string;
  private readonly files: FileLayer;
  private readonly faultFiles: FaultFiles | undefined;
  private readonly faultCounters = new SharedArrayBuffer(FAULT_COUNTER_BYTES);
  private readonly background: 'thread' | 'event-loop' | 'manual';
  private readonly state = new CommitState();
  private readonly followers = new Set<() => void>();
  private lock: DirectoryLock | undefined = undefined;
  private scan: TailScan | undefined = undefined;
  private identity: LogIdentity | undefined = undefined;
  private writer: LocalLogWriter | undefined = undefined;
  private host: KeeperHost | undefined = undefined;
  /** The keeper may fail before there is a writer to tell. */
  private hostFailure: LogError | undefined = undefined;
  private closed = false;

  constructor(options: LocalLogOptions) {
    this.options = options;
    this.sizes = localLogSizes(options);
    this.directory = options.directory;
    this.background = options.background ?? 'thread';
    requireUse(
      options.files === undefined || this.background !== 'thread',
      'another file layer cannot cross to a thread',
    );
    const faults = options.faults ?? '';
    const inner = options.files ?? nodeFiles;
    this.faultFiles = faults === '' ? undefined : new FaultFiles(inner, parseLogFaults(faults), this.faultCounters);
    this.files = this.faultFiles ?? inner;
    this.capabilities = {
      durability: 'power',
      batchBytesMax: this.sizes.batchBytesMax,
      appendsInFlightMax: this.sizes.batchCount,
      leases: false,
    };
  }

  async open(): Promise<LogTail> {
    requireUse(this.scan === undefined && !this.closed, 'the log was opened before');
    makeDirectories(this.files, this.directory);
    this.lock = await this.takeLock();
    for (const message of this.lock.weaknesses) this.tell({ type: 'lock-weaker', message });
    try {
      this.scan = scanTail(this.files, this.directory);
      this.checkKnown(this.scan);
      repairTail(this.files, this.scan);
    } catch (error) {
      await this.close();
      throw error;
    }
    if (this.scan.torn !== undefined) this.tell({ type: 'torn-tail-cut', ...this.scan.torn });
    this.identity = this.scan.segments.at(-1)?.header ?? newIdentity();
    this.setState(this.scan);
    return this.tailOf(this.scan, this.identity);
  }

  async acquire(after: Position, leader: LeaderRecord): Promise<LocalLogWriter> {
    const { scan, identity } = this;
    requireUse(scan !== undefined && identity !== undefined, 'acquire comes after open');
    requireUse(this.writer === undefined && !this.closed, 'this log has a writer or is closed');
    const { chain } = scan;
    if (after.epoch !== chain.epoch || after.idx !== chain.idx) {
      const message = `the log ends at epoch ${chain.epoch} idx ${chain.idx}, not at epoch ${after.epoch} idx ${after.idx}`;
      throw new LogError('LOG_FENCED', message);
    }
    const cells: SharedArrayBuffer[] = [];
    for (let i = 0; i < this.sizes.batchCount; i++) {
      cells.push(cellMemory(this.sizes.batchBytesMax));
    }
    const buffers = cells.map((memory) => new BatchBuffer(memory));
    const host = this.newHost(cells, buffers, identity);
    this.host = host;
    const last = scan.segments.at(-1);
    const epoch = chain.epoch + 1;
    await host.begin({
      leader,
      epoch,
      after: { epoch: chain.epoch, idx: chain.idx, runningChecksum: chain.running.slice() },
      segment: (last?.header.number ?? 0) + 1,
      mark: last === undefined || chain.idx === 0 ? undefined : this.markOf(scan, last, identity),
    });
    this.writer = new LocalLogWriter({
      files: this.files,
      directory: this.directory,
      state: this.state,
      cells: buffers,
      host,
      sizes: this.sizes,
      epoch,
      lastSequence: chain.nextSequence - 1,
      held: this.held,
      onAdvance: this.advanced,
      listen: this.background !== 'manual',
    });
    if (this.hostFailure !== undefined) this.writer.fail(this.hostFailure);
    return this.writer;
  }

  /**
   * All frames from the segment that holds `from` to the end that `open` found, verified ahead on a thread; for a restart.
   * Entries below `from` may come first. @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`, `LOG_LEVEL_UNKNOWN`
   */
  readBatches(from: Sequence): AsyncIterable<FrameBatch> {
    const { scan } = this;
    requireUse(scan !== undefined, 'reading comes after open');
    return this.batchesOf(this.planOf(scan, from));
  }

  private batchesOf(plan: ReadPlan): AsyncIterable<FrameBatch> {
    if (this.background === 'thread') return readBatchesAhead(plan, this.module('read-thread'));
    return asyncOf(readBatchesHere(this.files, plan));
  }

  /**
   * What is committed now, while the writer lives. Nothing may be appended and nothing trimmed until its batches are read:
   * an idle frame of the log thread does no harm. @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`
   */
  async committed(): Promise<CommittedLog> {
    const { identity, state, writer } = this;
    requireUse(identity !== undefined && writer !== undefined && !this.closed, 'a log without a writer is not live');
    await this.takeToken();
    const { numbers, words } = state;
    const epoch = numbers[Num.committedEpoch]!;
    const idx = numbers[Num.committedIdx]!;
    const number = numbers[Num.segment]!;
    const endOffset = state.offset;
    const now = {
      lastSequence: numbers[Num.nextSequence]! - 1,
      lastTimeMs: numbers[Num.lastTimeMs]!,
      runningChecksum: state.running.slice(),
      featureLevel: Atomics.load(words, Word.featureLevel),
      sizeBytes: writer.sizeBytes,
    };
    state.release();
    const segments = readSegmentList(this.files, this.directory).filter(({ header }) => header.number <= number);
    const tail: LogTail = {
      ...now,
      logId: identity.logId,
      timeline: identity.timeline,
      fresh: false,
      position: { epoch, idx, address: `${segments.at(-1)?.path ?? this.directory}:${endOffset}` },
      firstSequence: segments[0] === undefined ? 1 : firstSequence(this.files, segments[0]),
      sealed: false,
      torn: undefined,
    };
    const plan = { segments, endOffset, endEpoch: epoch, endIdx: idx, mark: undefined };
    return { tail, readBatches: (from) => this.batchesOf({ ...plan, from }) };
  }

  read(from: Sequence, signal?: AbortSignal): AsyncIterable<Frame> {
    requireUse(this.scan !== undefined, 'reading comes after open');
    const follower = new FrameFollower(this.files, this.directory, from, () => this.committedEnd());
    return follower.frames(
      (wait) => this.nextAdvance(wait, signal),
      () => this.closed || signal?.aborted === true,
    );
  }

  async truncateBefore(sequence: Sequence): Promise<void> {
    requireUse(this.scan !== undefined && !this.closed, 'trimming comes after open');
    await this.countTrimmed(trimSegments(this.files, this.directory, sequence));
  }

  /** Takes bytes that were trimmed elsewhere, by `trimSegments`, off the size of the log. */
  async countTrimmed(bytes: number): Promise<void> {
    await this.takeToken();
    const { numbers } = this.state;
    numbers[Num.closedSegmentsBytes] = numbers[Num.closedSegmentsBytes]! - bytes;
    this.state.release();
  }

  private async takeToken(): Promise<void> {
    while (!this.state.tryTake(Holder.server)) {
      if (this.state.failed) throw new LogError('LOG_FAILED', 'the log has failed');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Ends the writer and frees the directory. Without `flushAndSeal` before it the log ends as after a crash. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.advanced();
    try {
      if (this.writer !== undefined) await this.writer.close();
      else await this.host?.stop();
    } finally {
      await this.lock?.release();
      this.lock = undefined;
    }
  }

  /** JavaScript heap of the log thread in bytes, as it saw it last; 0 where there is none. */
  get threadHeapBytes(): number {
    return this.state.numbers[Num.threadHeapBytes]!;
  }

  /** Runs the keeper where `background` is `manual`. @throws LogError `LOG_FAILED` */
  pump(nowMs: number): void {
    requireUse(this.host instanceof EventLoopHost, 'only a log without a thread is pumped');
    for (;;) {
      this.host.pump(nowMs);
      const closed = Atomics.load(this.state.words, Word.closed);
      this.writer?.poll();
      if (Atomics.load(this.state.words, Word.closed) === closed) return;
    }
  }

  private readonly held = (): boolean => this.faultFiles?.held ?? false;

  private readonly advanced = (): void => {
    if (this.followers.size === 0) return;
    for (const follower of this.followers) follower();
    this.followers.clear();
  };

  private tell(event: LocalLogEvent): void {
    this.options.onEvent?.(event);
  }

  private takeLock(): Promise<DirectoryLock> {
    if (this.options.lock !== undefined) return this.options.lock(this.directory);
    return lockDirectory(this.directory, { unsafeNoDirectoryLock: this.options.unsafeNoDirectoryLock ?? false });
  }

  /** What a snapshot has seen as committed may be neither cut off nor missing. */
  private checkKnown({ segments, chain }: TailScan): void {
    const last = segments.at(-1);
    for (const { logId, timeline, epoch, idx, where } of this.options.knownCommitted ?? []) {
      if (last?.header.logId !== logId || last.header.timeline !== timeline) continue;
      if (chain.epoch > epoch || (chain.epoch === epoch && chain.idx >= idx)) continue;
      throw endBelow(last.path, chain, { epoch, idx }, where);
    }
  }

  private setState(scan: TailScan): void {
    const { chain } = scan;
    const { numbers, words, running } = this.state;
    numbers[Num.epoch] = chain.epoch;
    numbers[Num.idx] = chain.idx;
    numbers[Num.committedEpoch] = chain.epoch;
    numbers[Num.committedIdx] = chain.idx;
    numbers[Num.nextSequence] = chain.nextSequence;
    numbers[Num.lastTimeMs] = chain.timeMs;
    numbers[Num.segment] = scan.segments.at(-1)?.header.number ?? 0;
    numbers[Num.closedSegmentsBytes] = sizeOf(scan);
    words[Word.fd] = -1;
    words[Word.closed] = this.options.firstPosition ?? 0;
    words[Word.committed] = this.options.firstPosition ?? 0;
    words[Word.featureLevel] = chain.featureLevel;
    running.set(chain.running);
  }

  private tailOf(scan: TailScan, identity: LogIdentity): LogTail {
    const { chain } = scan;
    const file = scan.segments.at(-1)?.path ?? this.directory;
    return {
      logId: identity.logId,
      timeline: identity.timeline,
      fresh: chain.epoch === 0,
      position: { epoch: chain.epoch, idx: chain.idx, address: `${file}:${scan.endOffset}` },
      firstSequence: scan.firstSequence,
      lastSequence: chain.nextSequence - 1,
      lastTimeMs: chain.timeMs,
      runningChecksum: chain.running.slice(),
      featureLevel: chain.featureLevel,
      sizeBytes: sizeOf(scan),
      sealed: scan.sealed,
      torn: scan.torn,
    };
  }

  private markOf(scan: TailScan, last: SegmentFile, identity: LogIdentity) {
    const { chain } = scan;
    return {
      logId: identity.logId,
      epoch: chain.epoch,
      idx: chain.idx,
      runningChecksum: chain.running.slice(),
      segment: last.header.number,
      offset: scan.endOffset,
      nextSequence: chain.nextSequence,
      timeMs: chain.timeMs,
      featureLevel: chain.featureLevel,
    };
  }

  private planOf(scan: TailScan, from: Sequence): ReadPlan {
    const { segments, endOffset, mark, chain } = scan;
    return { segments, endOffset, endEpoch: chain.epoch, endIdx: chain.idx, from, mark };
  }

  private newHost(
    cells: readonly SharedArrayBuffer[],
    buffers: readonly BatchBuffer[],
    identity: LogIdentity,
  ): KeeperHost {
    const { logId, timeline, parentTimeline, forkSequence } = identity;
    const setup: KeeperSetup = {
      directory: this.directory,
      identity: { logId, timeline, parentTimeline, forkSequence },
      sizes: this.sizes,
    };
    const callbacks: KeeperHostCallbacks = {
      onEvent: (event) => this.tell(event),
      onFailed: (error) => {
        this.hostFailure = error;
        this.writer?.fail(error);
      },
    };
    if (this.background === 'thread') {
      const faults = this.options.faults ?? '';
      const data = { state: this.state.memory, cells, setup, faults, faultCounters: this.faultCounters };
      return new ThreadHost(this.state, data, this.module('log-thread'), callbacks);
    }
    const onSealed = (): void => {};
    const keeper = new LogKeeper(this.files, this.state, buffers, setup, this.held, callbacks.onEvent, onSealed);
    return new EventLoopHost(this.state, keeper, this.background === 'event-loop', callbacks);
  }

  private module(name: string): URL {
    const given = this.options.threadModule;
    return given === undefined ? compiledModule(name) : new URL(`./${name}.js`, given);
  }

  /** Up to where frames are committed: what a follower may read. */
  private committedEnd(): { segment: number; offset: number } {
    if (this.writer === undefined) {
      const { segments, endOffset } = this.scan!;
      return { segment: segments.at(-1)?.header.number ?? 0, offset: endOffset };
    }
    const segment = this.state.numbers[Num.segment]!;
    return { segment, offset: Math.max(this.state.offset, SEGMENT_HEADER_BYTES) };
  }

  private nextAdvance(wait: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener('abort', done);
        resolve();
      };
      this.followers.add(done);
      signal?.addEventListener('abort', done);
      // Something may have come, or ended, between the look and the registration.
      if (!wait()) done();
    });
  }
}

function newIdentity(): LogIdentity {
  return {
    logId: randomBytes(16).toString('hex'),
    timeline: randomBytes(8).toString('hex'),
    parentTimeline: NO_TIMELINE,
    forkSequence: 0,
  };
}

function sizeOf(scan: TailScan): number {
  let bytes = 0;
  for (const segment of scan.segments.slice(0, -1)) bytes += segment.size;
  return scan.segments.length === 0 ? 0 : bytes + scan.endOffset;
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

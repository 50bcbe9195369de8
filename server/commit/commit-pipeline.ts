/**
 * From sealed entries to committed sequences. Collects the entries of an event-loop turn in a batch buffer of the log,
 * closes the batch at the end of the turn, chooses who commits it, and says when replies may leave. It knows nothing of
 * connections, and nothing of how a log makes a batch durable.
 *
 *   sealed entry ─> open batch ─ end of turn ─┬─ small, disk fast, nothing in flight: committed inline
 *                                             └─ else to the log thread; what arrives meanwhile is the next batch
 */
import type { EffectSink, EffectWriter } from '../../core/effect-writer.js';
import type { Session } from '../../core/session.js';
import { writeOriginItem } from '../../log/entry.js';
import type { BatchBuffer } from '../../log/local/batch-buffer.js';
import type { BatchLogWriter } from '../../log/local/batch-log-writer.js';

/** Batches up to this size are committed inline while the disk is fast: beyond it, others would wait too long. */
const INLINE_BYTES_MAX = 24 * 1024;
/** Moving average of a sync, in microseconds, up to which a disk counts as fast. */
const INLINE_SYNC_MICROS_MAX = 300;
/**
 * Before a small batch is committed the sockets are looked at again, so that clients which answer the last commit's
 * replies one after the other share the next one: so often at most as each look brings so many entries, this share of the
 * batch, and mostly entries (beside readers, writers would lose more by the readers' turns than they win) ...
 */
const LOOKS_MAX = 4;
const LOOK_ENTRIES_MIN = 4;
const LOOK_SHARE_MIN = 1 / 8;
const LOOK_WRITES_MIN = 1 / 2;
/** ... or, on a slow disk, until this share of those who may come back is there, for this share of a usual sync. */
const RETURNED_SHARE = 0.9;
const LOOK_SYNC_SHARE = 1 / 2;
/** Looking keeps a processor busy, and who has not answered by then does not answer at once: the limit, however slow the disk. */
const LOOK_MICROS_MAX = 1000;
/** Share of writes in the commands of the last commit from which replies of reads wait for the next one, too. */
const EVEN_SHARE_MIN = 0.2;
/** Replies that only wait for the commit of their turn stand between two sequences: they can be let go without the second. */
const FLOOR_STEP = 0.5;
/** Batches in flight at most; a power of two above what the log's ring holds. */
const FLIGHT_MAX = 4096;

/** Is told how long commits took. Times are microseconds of one monotonic clock. */
export interface CommitWatch {
  /** What the clock showed when it was last read by anyone: costs nothing. */
  readonly lastMicros: number;
  /** Reads the clock. */
  nowMicros(): number;
  /** A batch is durable whose first entry was made at `since`. */
  committed(sinceMicros: number, nowMicros: number): void;
  /** The server thread itself waited so long for the disk. */
  synced(micros: number): void;
}

export interface CommitPipelineOptions {
  /** Engine time in ms. */
  readonly nowMs: () => number;
  /** Commands executed so far, of any kind. */
  readonly commandsRun: () => number;
  /** False leaves every commit to the log thread. */
  readonly inline: boolean;
  readonly watch?: CommitWatch;
}

/** A frame, and the running checksum behind it. */
export interface FramePlace {
  readonly epoch: number;
  readonly idx: number;
  readonly runningChecksum: Uint8Array;
}

/** A place between two entries that is also a place between two frames. */
export interface LogCut {
  /** The last entry before the cut. */
  readonly sequence: number;
  /** The frame that ends with it, once that is committed; rejects when the log fails before. */
  readonly committed: Promise<FramePlace>;
}

interface CommitWaiter {
  readonly sequence: number;
  resolve(): void;
  reject(error: Error): void;
}

interface OpenCut {
  readonly sequence: number;
  readonly position: number;
  readonly resolve: (place: FramePlace) => void;
  readonly reject: (error: Error) => void;
}

/** Before the first frame of a log. */
const LOG_START: FramePlace = { epoch: 0, idx: 0, runningChecksum: new Uint8Array(16) };

/** An entry that found no batch with room for it. */
interface WaitingEntry {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly sequence: number;
  readonly session: Session | undefined;
}

export class CommitPipeline implements EffectSink {
  originGeneration = 0;
  /** Sequence of the newest committed entry. */
  committed = 0;
  /** Replies that wait for this or less may leave: `committed`, or a little more where replies need not wait any longer. */
  releasable = 0;
  /** Bytes of sealed entries that are not committed. */
  uncommittedBytes = 0;
  /** `committed` or `releasable` moved, or congestion ended, or disk space ran short or came back. */
  onAdvance: () => void = () => {};
  /** The log failed: no reply that waits may be sent any more. Called once. */
  onFatal: (error: Error) => void = () => {};
  /** Batches committed inline and handed to the log thread since the start. */
  inlineCommits = 0;
  threadCommits = 0;
  private writer: BatchLogWriter | undefined = undefined;
  private readonly nowMs: () => number;
  private readonly commandsRun: () => number;
  private readonly inline: boolean;
  private readonly watch: CommitWatch | undefined;
  private effects: EffectWriter | undefined = undefined;
  private batch: BatchBuffer | undefined = undefined;
  private batchEntries = 0;
  private batchFirstSequence = 0;
  /** When its first entry was made. */
  private batchSince = 0;
  /** Sequence of the newest sealed entry. */
  private sealedSequence = 0;
  private originNumber = 0;
  private scheduled = false;
  private failed = false;
  /** Nothing is executed any more, and everything is committed. */
  private drained = false;
  /** Entries that wait for a batch, oldest first; only while congested, so few. */
  private readonly waiting: WaitingEntry[] = [];
  /** Batches with the log thread, oldest first: last sequence and bytes of each, in rings. */
  private readonly flightSequence = new Float64Array(FLIGHT_MAX);
  private readonly flightBytes = new Float64Array(FLIGHT_MAX);
  private readonly flightSince = new Float64Array(FLIGHT_MAX);
  private flightHead = 0;
  private flightTail = 0;
  /** The last frame before this epoch, and the position that no batch of this epoch has. */
  private framesBefore: FramePlace = LOG_START;
  private firstPosition = 0;
  /** Cuts whose entries are not all committed, oldest first. */
  private cuts: OpenCut[] = [];
  /** Who waits for a sequence, in no order. */
  private waiters: CommitWaiter[] = [];
  /** How often the sockets were looked at again for the open batch; its entries and all commands at the last look. */
  private looks = 0;
  private entriesAtLook = 0;
  private commandsAtLook = 0;
  /** When that began. */
  private lookingSince = 0;
  /** Entries that the last commit let go or left waiting: as many may be back soon. */
  private expectedEntries = 0;
  /** Writers were many in the last commit; all commands before it. */
  private sharesEvenly = false;
  private commandsAtCommit = 0;
  /** Replies wait for the commit of this turn that depend on nothing in it. */
  private repliesHeld = false;
  private readonly letGo = (): void => {
    if (this.failed) return;
    this.releasable = this.committed + FLOOR_STEP;
    this.onAdvance();
  };
  private readonly turnEnd = (): void => {
    this.scheduled = false;
    this.endTurnOrLook();
  };

  constructor(options: CommitPipelineOptions) {
    this.nowMs = options.nowMs;
    this.commandsRun = options.commandsRun;
    this.inline = options.inline;
    this.watch = options.watch;
  }

  /**
   * Starts an epoch: from now on this writer's entries go to this log.
   * @param lastSequence sequence of the last entry in the log.
   * @param lastFrame the last frame before the writer's own.
   */
  attach(writer: BatchLogWriter, effects: EffectWriter, lastSequence: number, lastFrame = LOG_START): void {
    this.writer = writer;
    this.framesBefore = lastFrame;
    this.firstPosition = writer.closedCount;
    this.effects = effects;
    this.committed = this.releasable = lastSequence;
    this.sealedSequence = lastSequence;
    // The leader record that opened the epoch carries an origin reset.
    this.originGeneration++;
    effects.attach(this);
    writer.onCommitted(() => this.threadAdvanced());
    writer.onFailed((error) => this.fail(error));
    this.openBatch();
  }

  /**
   * True while no command may be executed: there is no batch to write to. Before there is a log at all the engine is
   * loading and refuses by itself what would write.
   */
  get congested(): boolean {
    return (this.batch === undefined && this.writer !== undefined) || this.failed;
  }

  /**
   * What replies that are ready now wait for at least, between the committed sequence and the next; 0 for nothing. On a fast disk this thread commits at the end of the turn and
   * serves nobody meanwhile. Where writers are many, replies of reads wait for that, too: readers who are answered at once
   * come back before it, several times while a writer waits once, and the writers lose the processor to them. If the log
   * thread gets the batch after all, they leave without it.
   */
  replyFloor(): number {
    if (!this.holdsReplies) return 0;
    this.repliesHeld = true;
    return this.committed + FLOOR_STEP;
  }

  private get holdsReplies(): boolean {
    if (this.batchEntries === 0 || !this.sharesEvenly || this.flightTail !== this.flightHead) return false;
    return this.inlineNow && this.batchBytes <= INLINE_BYTES_MAX;
  }

  /** The log has failed, and with it everything that waits for it. */
  get hasFailed(): boolean {
    return this.failed;
  }

  /** True while the disk has no room for clients' writes; the engine's own may have some left. */
  get refusesWrites(): boolean {
    return this.writer?.refusesWrites ?? false;
  }

  get refusesEngineWrites(): boolean {
    return this.writer?.refusesEngineWrites ?? false;
  }

  /** Whether the disk has room for an entry of so many bytes. */
  admits(bytes: number): boolean {
    const writer = this.writer;
    return writer === undefined || bytes <= writer.batchBytesMax || writer.admitsLarge(bytes);
  }

  /** Moving average of a sync in microseconds. */
  get averageSyncMicros(): number {
    return this.writer?.averageSyncMicros ?? 0;
  }

  /** Bytes that the log occupies on disk. */
  get logBytes(): number {
    return this.writer?.sizeBytes ?? 0;
  }

  // ---- the engine's side -------------------------------------------------------------------------------------------

  nextBatch(): void {
    this.submitOpenBatch();
    this.openBatch();
  }

  writeOrigin(effects: EffectWriter, session: Session): void {
    session.origin = ++this.originNumber;
    session.originGeneration = this.originGeneration;
    effects.position = writeOriginItem(effects.bytes, effects.position, {
      number: session.origin,
      address: session.address,
      user: session.user,
      clientName: session.name,
      connectedAtMs: session.connectedAt,
    });
  }

  sealed(effects: EffectWriter): void {
    this.sealedSequence = effects.sequence;
    if (this.batchEntries++ === 0) this.beginBatch(effects.sequence);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.turnEnd);
    }
  }

  sealedLarge(effects: EffectWriter, bytes: Uint8Array, length: number, session: Session | undefined): void {
    this.sealedSequence = effects.sequence;
    this.uncommittedBytes += length;
    this.waiting.push({ bytes, length, sequence: effects.sequence, session });
    this.submitOpenBatch();
    this.placeWaiting();
  }

  // ---- snapshots ---------------------------------------------------------------------------------------------------

  /**
   * Closes the open batch, between two commands: a snapshot taken now is the state behind the last entry of a frame.
   * Undefined while entries wait for a batch: try again once the log has advanced.
   */
  cut(): LogCut | undefined {
    if (this.writer === undefined || this.failed) return undefined;
    if (!this.drained) {
      if (this.congested || this.waiting.length > 0) return undefined;
      this.submitOpenBatch();
    }
    const sequence = this.sealedSequence;
    const position = this.writer.closedCount;
    const committed = new Promise<FramePlace>((resolve, reject) => {
      this.cuts.push({ sequence, position, resolve, reject });
    });
    // Whoever waits for it is told; that nobody does is no failure of its own.
    committed.catch(() => {});
    this.settleCuts();
    if (!this.drained) this.openBatch();
    return { sequence, committed };
  }

  /** What is executed from now on goes to a new segment of the log, unless the open one is empty. */
  roll(): void {
    if (this.writer === undefined || this.failed || this.drained) return;
    this.writer.rollNext();
    const { batch } = this;
    if (batch === undefined || this.effects!.position !== batch.bodyStart) {
      this.submitOpenBatch();
    } else {
      this.batch = undefined;
      this.effects!.limit = this.effects!.position = 0;
      this.writer.releaseBatch(batch);
    }
    this.openBatch();
  }

  private settleCuts(): void {
    while (this.cuts.length > 0 && this.cuts[0]!.sequence <= this.committed) {
      const { position, resolve } = this.cuts.shift()!;
      resolve(position === this.firstPosition ? this.framesBefore : this.writer!.frameOf(position));
    }
  }

  // ---- batches -----------------------------------------------------------------------------------------------------

  /** Gives the effect writer a batch to write to; without one it keeps its entry to itself (sealedLarge). */
  private openBatch(): void {
    const effects = this.effects!;
    if (this.batch === undefined && this.waiting.length === 0 && !this.failed && !this.drained) this.takeBatch();
    const batch = this.batch;
    if (batch === undefined) effects.limit = effects.position = 0;
  }

  private takeBatch(): boolean {
    const batch = this.writer!.takeBatch();
    if (batch === undefined) return false;
    const effects = this.effects!;
    this.batch = batch;
    this.batchEntries = 0;
    if (batch.originReset) {
      this.originGeneration++;
      this.originNumber = 0;
    }
    effects.bytes = batch.bytes;
    effects.position = batch.bodyStart;
    effects.limit = batch.bodyLimit;
    return true;
  }

  /** Places entries that were too large for the rest of a batch, as far as the log takes them. */
  private placeWaiting(): void {
    const effects = this.effects!;
    while (this.waiting.length > 0 && (this.batch !== undefined || this.takeBatch())) {
      const entry = this.waiting[0]!;
      const batch = this.batch!;
      const { session, bytes, length } = entry;
      if (session !== undefined && session.originGeneration !== this.originGeneration) {
        this.writeOrigin(effects, session);
        writeUint32(bytes, 4, session.origin);
      }
      if (effects.position + length <= batch.bodyLimit) this.placeInBatch(entry);
      else if (batch.bodyStart < effects.position) this.submitOpenBatch();
      else this.submitInParts(entry);
    }
    this.openBatch();
  }

  private beginBatch(sequence: number): void {
    this.batchFirstSequence = sequence;
    if (this.watch !== undefined) this.batchSince = this.watch.lastMicros;
  }

  private placeInBatch(entry: WaitingEntry): void {
    const effects = this.effects!;
    effects.bytes.set(entry.bytes.subarray(0, entry.length), effects.position);
    effects.position += entry.length;
    this.uncommittedBytes -= entry.length;
    this.waiting.shift();
    if (this.batchEntries++ === 0) this.beginBatch(entry.sequence);
    if (!this.scheduled) {
      this.scheduled = true;
      setImmediate(this.turnEnd);
    }
  }

  private submitInParts(entry: WaitingEntry): void {
    this.writer!.releaseBatch(this.batch!);
    this.batch = undefined;
    this.waiting.shift();
    this.uncommittedBytes -= entry.length;
    if (this.watch !== undefined) this.batchSince = this.watch.lastMicros;
    this.launch(entry.sequence, entry.length);
    const origin = entry.session === undefined ? 0 : entry.session.origin;
    this.writer!.submitLarge(entry.bytes.subarray(ENTRY_HEADER, entry.length), origin, entry.sequence, this.nowMs());
  }

  /** Ends the turn, unless others may bring entries at once that can share the commit. */
  private endTurnOrLook(): void {
    const again = this.worthALook();
    this.commandsAtLook = this.commandsRun();
    if (again) {
      this.looks++;
      this.entriesAtLook = this.batchEntries;
      this.scheduled = true;
      setImmediate(this.turnEnd);
      return;
    }
    this.looks = this.entriesAtLook = 0;
    this.endTurn();
  }

  private worthALook(): boolean {
    const { batch, batchEntries, looks } = this;
    if (batch === undefined || batchEntries === 0 || this.flightTail !== this.flightHead) return false;
    if (this.batchBytes > INLINE_BYTES_MAX) return false;
    if (!this.inlineNow) return this.othersReturn();
    const brought = batchEntries - this.entriesAtLook;
    if (looks === LOOKS_MAX || brought === 0) return false;
    // Readers whose replies are held do not come back before the commit.
    if (this.holdsReplies && batchEntries < this.commandsRun() - this.commandsAtCommit) return true;
    if (brought < LOOK_ENTRIES_MIN || brought < batchEntries * LOOK_SHARE_MIN) return false;
    return brought >= (this.commandsRun() - this.commandsAtLook) * LOOK_WRITES_MIN;
  }

  private get batchBytes(): number {
    return this.batch === undefined ? 0 : this.effects!.position - this.batch.bodyStart;
  }

  /** Whether it is worth to wait for those who may come back. */
  private othersReturn(): boolean {
    const { batchEntries, expectedEntries, watch } = this;
    if (watch === undefined || expectedEntries < LOOK_ENTRIES_MIN) return false;
    if (batchEntries >= expectedEntries * RETURNED_SHARE) return false;
    const now = watch.nowMicros();
    if (this.looks === 0) this.lookingSince = now;
    return now - this.lookingSince < Math.min(this.averageSyncMicros * LOOK_SYNC_SHARE, LOOK_MICROS_MAX);
  }

  /** Whether a small batch would be committed by this thread. */
  private get inlineNow(): boolean {
    return this.inline && this.writer!.averageSyncMicros <= INLINE_SYNC_MICROS_MAX;
  }

  /** The turn is over: what was sealed is on its way, unless a batch is in flight that it can follow. */
  private endTurn(): void {
    if (this.failed || this.batchEntries === 0 || this.flightTail !== this.flightHead) return;
    const inline = this.batchBytes <= INLINE_BYTES_MAX && this.inlineNow;
    if (!inline || !this.commitInline(this.batch!, this.effects!.position)) this.submitOpenBatch();
    this.openBatch();
  }

  private commitInline(batch: BatchBuffer, bodyEnd: number): boolean {
    const { batchFirstSequence, batchEntries, watch } = this;
    const started = watch === undefined ? 0 : watch.nowMicros();
    try {
      if (!this.writer!.commitInline(batch, bodyEnd, batchFirstSequence, batchEntries, this.nowMs(), 0)) return false;
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return true;
    }
    if (watch !== undefined) {
      const now = watch.nowMicros();
      watch.synced(now - started);
      watch.committed(this.batchSince, now);
    }
    this.inlineCommits++;
    this.batch = undefined;
    this.batchEntries = 0;
    this.committed = this.releasable = batchFirstSequence + batchEntries - 1;
    this.repliesHeld = false;
    this.expectedEntries = batchEntries;
    const commands = this.commandsRun();
    const share = batchEntries / (commands - this.commandsAtCommit);
    this.sharesEvenly = batchEntries >= LOOK_ENTRIES_MIN && share >= EVEN_SHARE_MIN;
    this.commandsAtCommit = commands;
    if (this.cuts.length > 0) this.settleCuts();
    this.openBatch();
    this.onAdvance();
    this.writer!.settle();
    if (this.waiters.length > 0) this.settleWaiters();
    return true;
  }

  /** Hands the open batch to the log thread if anything was written to it. */
  private submitOpenBatch(): void {
    const batch = this.batch;
    if (batch === undefined) return;
    const effects = this.effects!;
    const bodyEnd = effects.position;
    if (bodyEnd === batch.bodyStart) return;
    const entries = this.batchEntries;
    const last = entries === 0 ? this.lastClosedSequence() : this.batchFirstSequence + entries - 1;
    this.batch = undefined;
    this.batchEntries = 0;
    effects.limit = effects.position = 0;
    this.launch(last, bodyEnd - batch.bodyStart);
    this.writer!.submit(batch, bodyEnd, last - entries + 1, entries, this.nowMs(), 0);
  }

  /** The last sequence of the newest closed batch. */
  private lastClosedSequence(): number {
    if (this.flightTail === this.flightHead) return this.committed;
    return this.flightSequence[(this.flightTail - 1) & (FLIGHT_MAX - 1)]!;
  }

  private launch(sequence: number, bytes: number): void {
    if (this.flightTail - this.flightHead === FLIGHT_MAX) throw new Error('more batches in flight than the log holds');
    const cell = this.flightTail & (FLIGHT_MAX - 1);
    this.flightSequence[cell] = sequence;
    this.flightBytes[cell] = bytes;
    this.flightSince[cell] = this.batchSince;
    this.flightTail++;
    this.uncommittedBytes += bytes;
    this.threadCommits++;
    if (!this.repliesHeld) return;
    // Not here: a connection may be in the middle of its turn.
    this.repliesHeld = false;
    setImmediate(this.letGo);
  }

  private threadAdvanced(): void {
    if (this.failed) return;
    const committed = this.writer!.committedSequence;
    const now = this.watch === undefined ? 0 : this.watch.nowMicros();
    while (this.flightHead !== this.flightTail) {
      const cell = this.flightHead & (FLIGHT_MAX - 1);
      if (this.flightSequence[cell]! > committed) break;
      this.uncommittedBytes -= this.flightBytes[cell]!;
      this.watch?.committed(this.flightSince[cell]!, now);
      this.flightHead++;
    }
    if (committed > this.committed) {
      this.expectedEntries = committed - this.committed + this.batchEntries;
      this.committed = this.releasable = committed;
    }
    if (this.cuts.length > 0) this.settleCuts();
    this.placeWaiting();
    if (!this.scheduled) this.endTurnOrLook();
    this.onAdvance();
    if (this.waiters.length > 0) this.settleWaiters();
  }

  private fail(error: Error): void {
    if (this.failed) return;
    this.failed = true;
    for (const cut of this.cuts.splice(0)) cut.reject(error);
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    this.onFatal(error);
  }

  // ---- shutting down -----------------------------------------------------------------------------------------------

  /**
   * Resolves once everything sealed is committed; rejects when the log fails before. Nothing may be executed any more:
   * the open batch goes back to the log.
   */
  async drain(): Promise<void> {
    await this.whenCommitted(this.sealedSequence);
    this.drained = true;
    const { batch } = this;
    if (batch === undefined) return;
    this.batch = undefined;
    this.effects!.limit = this.effects!.position = 0;
    this.writer!.releaseBatch(batch);
  }

  /** Resolves once this sequence is committed and replies that wait for it were let go; rejects when the log fails before. */
  whenCommitted(sequence: number): Promise<void> {
    if (this.failed) return Promise.reject(new Error('the log has failed'));
    if (this.committed >= sequence) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ sequence, resolve, reject });
    });
  }

  private settleWaiters(): void {
    const { committed } = this;
    const due = this.waiters.filter(({ sequence }) => sequence <= committed);
    if (due.length === 0) return;
    this.waiters = this.waiters.filter(({ sequence }) => sequence > committed);
    for (const waiter of due) waiter.resolve();
  }
}

/** Bytes in front of an entry's effects; parts carry the effects alone. */
const ENTRY_HEADER = 8;

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
  bytes[at + 2] = (value >>> 16) & 255;
  bytes[at + 3] = value >>> 24;
}

/**
 * The writer of the local log, on the server thread: hands out the cells of the ring, commits them inline or passes them
 * on, and tells what was committed. The keeper, wherever it runs, does the rest.
 *
 * Positions count closed batches, 32-bit wrapping. A cell is free again when its position is committed; positions in
 * [committed, closed) are in flight, and what is known of each lies in small rings that are twice as long as the ring of
 * cells, so that the newest committed position can still be asked for while all cells are in flight.
 */
import { ITEM_HEADER_BYTES, ItemKind, PART_HEADER_BYTES, writeItemHeader } from '../entry.js';
import { FRAME_ALIGNMENT, FRAME_HEADER_BYTES, FrameFlag, FrameKind, frameBytes } from '../frame.js';
import { writeU32, writeU64 } from '../little-endian.js';
import { LogError, requireUse } from '../log-error.js';
import type { Committed, FrameBody, Sequence } from '../transaction-log.js';
import type { BatchBuffer } from './batch-buffer.js';
import type { BatchLogWriter } from './batch-log-writer.js';
import { type CommitState, Holder, Num, Word } from './commit-state.js';
import { Committer } from './committer.js';
import type { FileLayer } from './file-layer.js';
import type { KeeperHost } from './keeper-host.js';
import type { LocalLogSizes } from './local-log-options.js';

/** An engine-only batch is not worth having below this. */
const ENGINE_BATCH_BYTES_MIN = 4096;

/** An entry in parts whose cells are not all closed yet. */
interface LargeEntry {
  readonly effects: Uint8Array;
  readonly origin: number;
  readonly sequence: number;
  readonly timeMs: number;
  readonly partCount: number;
  nextPart: number;
}

/** A promise of `append` and the position that it waits for. */
interface Append {
  readonly position: number;
  readonly lastSequence: number;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: LogError) => void;
}

/** What the writer is made of; `LocalLog.acquire` puts it together. */
export interface LocalLogWriterParts {
  readonly files: FileLayer;
  readonly directory: string;
  readonly state: CommitState;
  readonly cells: readonly BatchBuffer[];
  readonly host: KeeperHost;
  readonly sizes: LocalLogSizes;
  readonly epoch: number;
  readonly lastSequence: Sequence;
  /** Whether a test holds commits back. */
  readonly held: () => boolean;
  /** Called on the writer's thread after each advance of what is committed, however it came about. */
  readonly onAdvance: () => void;
  /** False where nobody tells: the keeper runs only when it is pumped. */
  readonly listen: boolean;
}

export class LocalLogWriter implements BatchLogWriter {
  readonly epoch: number;
  readonly batchBytesMax: number;
  failure: LogError | undefined = undefined;
  private readonly files: FileLayer;
  private readonly directory: string;
  private readonly state: CommitState;
  private readonly words: Int32Array;
  private readonly cells: readonly BatchBuffer[];
  private readonly cellMask: number;
  private readonly host: KeeperHost;
  private readonly sizes: LocalLogSizes;
  private readonly held: () => boolean;
  private readonly committer: Committer;
  private taken: BatchBuffer | undefined = undefined;
  /** By position: last sequence behind it, and bytes of its frame. */
  private readonly sequences: Float64Array;
  private readonly frameSizes: Float64Array;
  /** Up to here, committed positions have been taken off `inFlightBytes`. */
  private reaped = 0;
  private inFlightBytes = 0;
  private bodiesSinceReset = 0;
  private resetDue = false;
  private readonly large: LargeEntry[] = [];
  private largePartsQueued = 0;
  private lastSequence: number;
  private appends: Append[] = [];
  private committedCallback: (() => void) | undefined = undefined;
  private failedCallback: ((error: LogError) => void) | undefined = undefined;
  private closing = false;
  private closed = false;
  private readonly onAdvance: () => void;
  private readonly told = (): void => this.onTold();

  constructor(parts: LocalLogWriterParts) {
    this.files = parts.files;
    this.directory = parts.directory;
    this.state = parts.state;
    this.words = parts.state.words;
    this.cells = parts.cells;
    this.cellMask = parts.cells.length - 1;
    this.host = parts.host;
    this.sizes = parts.sizes;
    this.epoch = parts.epoch;
    this.held = parts.held;
    this.onAdvance = parts.onAdvance;
    this.batchBytesMax = parts.sizes.batchBytesMax;
    this.committer = new Committer(parts.files, parts.state);
    this.sequences = new Float64Array(parts.cells.length * 2);
    this.frameSizes = new Float64Array(parts.cells.length * 2);
    this.sequences.fill(parts.lastSequence);
    this.reaped = this.committedCount;
    this.lastSequence = parts.lastSequence;
    if (parts.listen) this.listen();
  }

  get closedCount(): number {
    return (Atomics.load(this.words, Word.closed) + this.largePartsQueued) | 0;
  }

  get committedCount(): number {
    return Atomics.load(this.words, Word.committed);
  }

  get committedSequence(): Sequence {
    return this.sequences[(this.committedCount - 1) & (this.sequences.length - 1)]!;
  }

  /** Which frame committed the batch that made `closedCount` this position; only for one of the newest 64. */
  frameOf(position: number): { epoch: number; idx: number; runningChecksum: Uint8Array } {
    const runningChecksum = this.state.runningOf(position - 1);
    return { epoch: this.epoch, idx: this.state.idxOf(position - 1), runningChecksum };
  }

  get averageSyncMicros(): number {
    return this.state.numbers[Num.syncAverage]!;
  }

  get sizeBytes(): number {
    return this.state.numbers[Num.closedSegmentsBytes]! + this.state.offset;
  }

  get refusesWrites(): boolean {
    if (this.words[Word.spaceShort] === 0) return false;
    // A batch that is out had its room promised.
    if (this.taken !== undefined && !this.taken.engineOnly) return false;
    return this.freeRoom() < this.sizes.engineReserveBytes + frameBytes(this.batchBytesMax);
  }

  get refusesEngineWrites(): boolean {
    if (!this.refusesWrites || this.taken !== undefined) return false;
    return this.freeRoom() < this.sizes.ownReserveBytes + frameBytes(ENGINE_BATCH_BYTES_MIN);
  }

  admitsLarge(bytes: number): boolean {
    if (this.refusesWrites) return false;
    const needed = bytes + bytes / 64 + this.sizes.stepBytes + this.sizes.engineReserveBytes;
    if (this.freeRoom() >= needed) return true;
    return this.files.freeBytes(this.directory) + this.freeRoom() >= needed;
  }

  takeBatch(): BatchBuffer | undefined {
    if (this.failure !== undefined) return undefined;
    requireUse(this.taken === undefined, 'a batch is out already');
    if (this.closing || this.large.length > 0) return undefined;
    const closed = Atomics.load(this.words, Word.closed);
    if (((closed - Atomics.load(this.words, Word.committed)) | 0) >= this.cells.length) return undefined;
    const cell = this.cells[closed & this.cellMask]!;
    if (!this.promiseRoom(cell)) return undefined;
    if (this.bodiesSinceReset >= this.sizes.segmentBytesMax) this.resetDue = true;
    cell.originReset = this.resetDue;
    this.taken = cell;
    return cell;
  }

  rollNext(): void {
    if (this.bodiesSinceReset > 0) this.resetDue = true;
  }

  releaseBatch(batch: BatchBuffer): void {
    requireUse(this.taken === batch, 'this batch is not out');
    this.taken = undefined;
  }

  commitInline(
    batch: BatchBuffer,
    bodyEnd: number,
    firstSequence: Sequence,
    entryCount: number,
    timeMs: number,
    flags: number,
  ): boolean {
    requireUse(this.taken === batch && bodyEnd <= batch.bodyLimit, 'this batch is not out, or its body is too long');
    if (this.failure !== undefined) throw this.failure;
    if (batch.originReset || this.large.length > 0 || this.state.pending > 0 || this.held()) return false;
    if (!this.state.tryTake(Holder.server)) return false;
    const bodyBytes = bodyEnd - FRAME_HEADER_BYTES;
    let committed = false;
    try {
      // A roll leaves the segment without room, so this also keeps commits out of one that has ended.
      if (!this.state.failed && this.state.room >= frameBytes(bodyBytes) + FRAME_ALIGNMENT) {
        this.committer.commit(batch.bytes, bodyBytes, FrameKind.data, flags, firstSequence, entryCount, timeMs, true);
        committed = true;
        // Committed before closed, and both under the token: the log thread must never see this batch as pending.
        this.state.countCommitted();
        this.closeCell(bodyBytes, firstSequence + entryCount - 1);
      }
    } catch (error) {
      throw this.fail(error);
    } finally {
      this.state.release();
    }
    if (!committed) {
      this.host.wake();
      return false;
    }
    this.host.committedInline();
    this.onAdvance();
    return true;
  }

  settle(): void {
    if (this.state.runningIsDue && this.state.tryTake(Holder.server)) this.state.release();
  }

  submit(
    batch: BatchBuffer,
    bodyEnd: number,
    firstSequence: Sequence,
    entryCount: number,
    timeMs: number,
    flags: number,
  ): void {
    requireUse(this.taken === batch && bodyEnd <= batch.bodyLimit, 'this batch is not out, or its body is too long');
    if (this.failure !== undefined) throw this.failure;
    const bodyBytes = bodyEnd - FRAME_HEADER_BYTES;
    const reset = batch.originReset ? FrameFlag.originReset : 0;
    setControl(batch, FrameKind.data, flags | reset, firstSequence, entryCount, timeMs, bodyBytes);
    if (batch.originReset) {
      this.bodiesSinceReset = 0;
      this.resetDue = false;
    }
    this.closeCell(bodyBytes, firstSequence + entryCount - 1);
    this.host.wake();
  }

  submitLarge(effects: Uint8Array, origin: number, sequence: Sequence, timeMs: number): number {
    requireUse(this.taken === undefined, 'a large entry must not come between a batch');
    if (this.failure !== undefined) throw this.failure;
    const whole = effects.length + ITEM_HEADER_BYTES <= this.batchBytesMax;
    const partCount = whole ? 1 : Math.ceil(effects.length / this.partBytes);
    this.large.push({ effects, origin, sequence, timeMs, partCount, nextPart: 0 });
    this.largePartsQueued += partCount;
    const position = this.closedCount;
    this.pumpLarge();
    return position;
  }

  append(batch: FrameBody): Promise<Committed> {
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (batch.body.length > this.batchBytesMax) {
      const message = `a body of ${batch.body.length} bytes is above the limit of ${this.batchBytesMax}`;
      return Promise.reject(new LogError('LOG_REFUSED', message));
    }
    const cell = this.takeBatch();
    if (cell === undefined || cell.engineOnly || batch.body.length > cell.bodyLimit - FRAME_HEADER_BYTES) {
      if (cell !== undefined) this.releaseBatch(cell);
      return Promise.reject(new LogError('LOG_REFUSED', 'all batches are in flight, or the disk is full: try again'));
    }
    cell.bytes.set(batch.body, cell.bodyStart);
    const lastSequence = batch.firstSequence + batch.entryCount - 1;
    const end = cell.bodyStart + batch.body.length;
    this.submit(cell, end, batch.firstSequence, batch.entryCount, batch.timeMs, 0);
    const position = this.closedCount;
    return new Promise((resolve, reject) => {
      this.appends.push({ position, lastSequence, resolve, reject });
    });
  }

  onCommitted(callback: () => void): void {
    this.committedCallback = callback;
  }

  onFailed(callback: (error: LogError) => void): void {
    this.failedCallback = callback;
    if (this.failure !== undefined) callback(this.failure);
  }

  /** Ends the writer with an error: nothing that is not committed by now ever will be. Later calls change nothing. */
  fail(error: unknown): LogError {
    if (this.failure !== undefined) return this.failure;
    this.failure = error instanceof LogError ? error : new LogError('LOG_FAILED', String(error), { cause: error });
    Atomics.store(this.words, Word.failed, 1);
    this.settleAppends();
    for (const append of this.appends.splice(0)) append.reject(this.failure);
    this.failedCallback?.(this.failure);
    return this.failure;
  }

  async flushAndSeal(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    requireUse(this.taken === undefined, 'a batch is still out');
    while (this.large.length > 0) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise((resolve) => setImmediate(resolve));
      this.poll();
    }
    this.closing = true;
    try {
      await this.host.seal();
    } catch (error) {
      throw this.fail(error);
    }
    this.poll();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.closed = true;
    await this.host.stop();
    // Lets the outstanding wait end, so that nothing refers to this writer any more.
    Atomics.add(this.words, Word.told, 1);
    Atomics.notify(this.words, Word.told);
    const error = new LogError('LOG_CLOSED', 'the log was closed');
    for (const append of this.appends.splice(0)) append.reject(this.failure ?? error);
  }

  private get partBytes(): number {
    return this.batchBytesMax - ITEM_HEADER_BYTES - PART_HEADER_BYTES;
  }

  /** Zeroed room that no closed batch has been promised. */
  private freeRoom(): number {
    this.reap();
    return this.state.room - this.inFlightBytes;
  }

  /** Takes committed batches off the bytes in flight. Counts before it looks at the room, so it errs to the safe side. */
  private reap(): void {
    const committed = Atomics.load(this.words, Word.committed);
    while (this.reaped !== committed) {
      this.inFlightBytes -= this.frameSizes[this.reaped & (this.frameSizes.length - 1)]!;
      this.reaped = (this.reaped + 1) | 0;
    }
  }

  /** Sets how much the cell may take. False: nothing may be written now. */
  private promiseRoom(cell: BatchBuffer): boolean {
    const whole = frameBytes(this.batchBytesMax);
    const free = this.freeRoom();
    cell.engineOnly = false;
    cell.bodyLimit = FRAME_HEADER_BYTES + this.batchBytesMax;
    if (free >= whole + this.sizes.engineReserveBytes) return true;
    if (this.words[Word.spaceShort] === 0) {
      this.host.wake();
      return false;
    }
    cell.engineOnly = true;
    const rest = Math.floor((free - this.sizes.ownReserveBytes) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
    cell.bodyLimit = Math.min(cell.bodyLimit, rest);
    return rest >= frameBytes(ENGINE_BATCH_BYTES_MIN);
  }

  /** Counts the batch at the next position as closed; what the log thread needs of it must be set by now. */
  private closeCell(bodyBytes: number, lastSequence: number): void {
    const closed = Atomics.load(this.words, Word.closed);
    const size = frameBytes(bodyBytes);
    const slot = closed & (this.sequences.length - 1);
    this.sequences[slot] = lastSequence;
    this.frameSizes[slot] = size;
    this.inFlightBytes += size;
    this.bodiesSinceReset += bodyBytes;
    this.lastSequence = lastSequence;
    this.taken = undefined;
    Atomics.add(this.words, Word.closed, 1);
  }

  /** Closes as many parts of large entries as there are free cells. */
  private pumpLarge(): void {
    let closed = 0;
    while (this.large.length > 0) {
      if (this.state.pending >= this.cells.length) break;
      const entry = this.large[0]!;
      this.closePart(entry);
      closed++;
      if (entry.nextPart === entry.partCount) this.large.shift();
    }
    if (closed > 0) this.host.wake();
  }

  private closePart(entry: LargeEntry): void {
    const cell = this.cells[Atomics.load(this.words, Word.closed) & this.cellMask]!;
    const { effects, origin, partCount } = entry;
    const number = entry.nextPart++;
    let at = cell.bodyStart;
    let end: number;
    if (partCount === 1) {
      at = writeItemHeader(cell.bytes, at, ItemKind.entry, effects.length, origin);
      cell.bytes.set(effects, at);
      end = at + effects.length;
    } else {
      const from = number * this.partBytes;
      const part = effects.subarray(from, Math.min(from + this.partBytes, effects.length));
      at = writeItemHeader(cell.bytes, at, ItemKind.part, PART_HEADER_BYTES + part.length, origin);
      writeU64(cell.bytes, at, effects.length);
      writeU32(cell.bytes, at + 8, number);
      cell.bytes.set(part, at + PART_HEADER_BYTES);
      end = at + PART_HEADER_BYTES + part.length;
    }
    const last = entry.nextPart === partCount;
    const kind = last ? FrameKind.data : FrameKind.part;
    setControl(cell, kind, 0, entry.sequence, last ? 1 : 0, entry.timeMs, end - FRAME_HEADER_BYTES);
    this.largePartsQueued--;
    this.closeCell(end - FRAME_HEADER_BYTES, last ? entry.sequence : this.lastSequence);
  }

  /** Waits, without blocking, for the keeper to tell something; goes on for as long as the writer is open. */
  private listen(): void {
    const value = Atomics.load(this.words, Word.told);
    Atomics.store(this.words, Word.tell, 1);
    const waiting = Atomics.waitAsync(this.words, Word.told, value);
    if (waiting.async) waiting.value.then(this.told);
    else setImmediate(this.told);
  }

  private onTold(): void {
    if (this.closed) return;
    this.listen();
    this.poll();
    this.committedCallback?.();
  }

  /** Takes note of what was committed and hands over what waits for free cells. Done by itself where the keeper tells. */
  poll(): void {
    this.reap();
    if (this.large.length > 0 && this.failure === undefined) this.pumpLarge();
    this.settleAppends();
    this.onAdvance();
  }

  private settleAppends(): void {
    if (this.appends.length === 0) return;
    const committed = this.committedCount;
    let count = 0;
    for (const append of this.appends) {
      if (((committed - append.position) | 0) < 0) break;
      const idx = this.state.idxOf(append.position - 1);
      append.resolve({ lastSequence: append.lastSequence, epoch: this.epoch, idx });
      count++;
    }
    this.appends.splice(0, count);
  }
}

function setControl(
  cell: BatchBuffer,
  kind: number,
  flags: number,
  firstSequence: number,
  entryCount: number,
  timeMs: number,
  bodyBytes: number,
): void {
  const { control } = cell;
  control[0] = kind;
  control[1] = flags;
  control[2] = firstSequence;
  control[3] = entryCount;
  control[4] = timeMs;
  control[5] = bodyBytes;
}

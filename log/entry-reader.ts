/**
 * Entries out of frames, in order, without an object per entry: walks the frames of a batch, puts large entries together
 * from their parts, and checks that a frame holds as many entries as it says.
 */
import { ItemKind, ItemReader, type Origin, readOriginItem } from './entry.js';
import { FRAME_HEADER_BYTES, FrameFlag, FrameHeader, FrameKind } from './frame.js';
import { LogError } from './log-error.js';

/** Verified frames that lie in one buffer, in order. Valid until the next batch is asked for. */
export interface FrameBatch {
  readonly bytes: Uint8Array;
  /** Offsets in `bytes`; the first `frameCount` are set. */
  readonly frameStarts: Int32Array;
  readonly frameCount: number;
  /** For messages: the file, and its offset that bytes[0] has. */
  readonly file: string;
  readonly fileOffset: number;
}

export interface EntryReaderOptions {
  /** Entries below this sequence are passed over. */
  readonly from?: number;
  /** Told of each origin item, and of each reset (undefined). */
  readonly onOrigin?: (origin: Origin | undefined) => void;
  /** Told of each frame before its entries. */
  readonly onFrame?: (header: FrameHeader) => void;
}

export class EntryReader {
  /** The current entry: its effects are bytes[start, end). Of its origin, the number; 0 is the engine itself. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  sequence = 0;
  origin = 0;
  /** Time of its frame. */
  timeMs = 0;
  private readonly from: number;
  private readonly onOrigin: ((origin: Origin | undefined) => void) | undefined;
  private readonly onFrame: ((header: FrameHeader) => void) | undefined;
  private readonly header = new FrameHeader();
  private readonly items = new ItemReader();
  private batch: FrameBatch | undefined = undefined;
  private nextFrame = 0;
  private inFrame = false;
  private nextSequence = 0;
  /** Parts of a large entry that have come so far; its effects are large[0, largeLength). */
  private large: Uint8Array = new Uint8Array(0);
  private largeTotal = -1;
  private largeLength = 0;
  private largeParts = 0;

  constructor(options: EntryReaderOptions = {}) {
    this.from = options.from ?? 0;
    this.onOrigin = options.onOrigin;
    this.onFrame = options.onFrame;
  }

  /** Goes on with the next batch; the one before must have been read to its end. */
  load(batch: FrameBatch): void {
    this.batch = batch;
    this.nextFrame = 0;
    this.inFrame = false;
  }

  /** Moves to the next entry; false at the end of the batch. @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN` */
  next(): boolean {
    const { items } = this;
    for (;;) {
      while (this.inFrame) {
        if (!this.nextItem()) {
          this.endFrame();
        } else if (items.kind === ItemKind.entry) {
          this.bytes = items.bytes;
          this.start = items.start;
          this.end = items.end;
          if (this.isEntry()) return true;
        } else if (items.kind === ItemKind.part) {
          if (this.addPart() && this.isEntry()) return true;
        } else if (this.onOrigin !== undefined) {
          this.onOrigin(readOriginItem(items.bytes, items.start, items.end, items.origin));
        }
      }
      if (!this.openFrame()) return false;
    }
  }

  /** Takes the current item as the next entry; false if it is not asked for. */
  private isEntry(): boolean {
    this.sequence = this.nextSequence++;
    this.origin = this.items.origin;
    this.timeMs = this.header.timeMs;
    if (this.sequence >= this.header.nextSequence) throw this.damaged('holds more entries than it says');
    return this.sequence >= this.from;
  }

  private openFrame(): boolean {
    const batch = this.batch;
    if (batch === undefined || this.nextFrame === batch.frameCount) return false;
    const at = batch.frameStarts[this.nextFrame++]!;
    const { header } = this;
    header.readVerified(batch.bytes, at);
    this.onFrame?.(header);
    if ((header.flags & FrameFlag.originReset) !== 0) this.onOrigin?.(undefined);
    if (header.kind === FrameKind.leader) this.largeTotal = -1;
    if (header.kind !== FrameKind.data && header.kind !== FrameKind.part) return true;
    this.nextSequence = header.firstSequence;
    const body = at + FRAME_HEADER_BYTES;
    this.items.reset(batch.bytes, body, body + header.bodyBytes);
    this.inFrame = true;
    return true;
  }

  private endFrame(): void {
    this.inFrame = false;
    if (this.nextSequence !== this.header.nextSequence) throw this.damaged('holds fewer entries than it says');
    if (this.largeTotal >= 0 && this.header.kind === FrameKind.data) throw this.damaged('cuts a large entry off');
  }

  private nextItem(): boolean {
    try {
      return this.items.next();
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
      throw this.damaged(error.message, error.code === 'LOG_FORMAT_UNKNOWN');
    }
  }

  /** Adds a part; true once the entry is complete and is the current one. */
  private addPart(): boolean {
    const { items } = this;
    if (items.partNumber === 0) {
      this.largeTotal = items.partTotal;
      this.largeLength = 0;
      this.largeParts = 0;
      if (this.large.length < items.partTotal) this.large = new Uint8Array(items.partTotal);
    }
    const length = items.end - items.start;
    const fits = items.partTotal === this.largeTotal && items.partNumber === this.largeParts;
    if (!fits || this.largeLength + length > this.largeTotal) throw this.damaged('holds a part out of place');
    this.large.set(items.bytes.subarray(items.start, items.end), this.largeLength);
    this.largeLength += length;
    this.largeParts++;
    const complete = this.largeLength === this.largeTotal;
    if (complete !== (this.header.kind === FrameKind.data)) throw this.damaged('ends a large entry at the wrong place');
    if (!complete) return false;
    this.largeTotal = -1;
    this.bytes = this.large;
    this.start = 0;
    this.end = this.largeLength;
    return true;
  }

  private damaged(what: string, unknown = false): LogError {
    const batch = this.batch!;
    const offset = batch.fileOffset + batch.frameStarts[this.nextFrame - 1]!;
    const message = `${batch.file}: the frame at offset ${offset} (sequence ${this.header.firstSequence}) ${what}`;
    return new LogError(unknown ? 'LOG_FORMAT_UNKNOWN' : 'LOG_DAMAGED', message, { file: batch.file, offset });
  }
}

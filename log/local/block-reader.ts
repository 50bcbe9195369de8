/**
 * Reads a log from one end to the other in large blocks and verifies each frame: checksum, acceptance, running checksum,
 * known format. Everything up to the end that was found at the start must be there. Synchronous; the read thread and the
 * tools run it.
 */
import { Chain } from '../chain.js';
import type { FrameBatch } from '../entry-reader.js';
import { FRAME_ALIGNMENT, FRAME_BODY_BYTES_MAX, FrameHeader, FrameKind, frameBytes } from '../frame.js';
import { LogError } from '../log-error.js';
import { damagedFrame, endMissing, placed, unknownFrame } from './damage.js';
import { type FileLayer, readFully } from './file-layer.js';
import { FrameWindow } from './frame-window.js';
import type { Mark } from './mark.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';
import type { SegmentFile } from './segment-list.js';

/** A block as large as this takes any frame. */
export const BLOCK_BYTES_LARGEST = frameBytes(FRAME_BODY_BYTES_MAX);

/** What is to be read. */
export interface ReadPlan {
  readonly segments: readonly SegmentFile[];
  /** Offset behind the last accepted frame in the last segment. */
  readonly endOffset: number;
  readonly endEpoch: number;
  readonly endIdx: number;
  /** Reading begins with the segment that holds this sequence. */
  readonly from: number;
  readonly mark: Mark | undefined;
}

/** A buffer that blocks are read into, with the offsets of the frames in it. */
export interface Block {
  bytes: Uint8Array;
  frameStarts: Int32Array;
}

export class BlockReader {
  readonly chain = new Chain();
  private readonly files: FileLayer;
  private readonly plan: ReadPlan;
  private readonly header = new FrameHeader();
  private index: number;
  private fd = -1;
  private offset = SEGMENT_HEADER_BYTES;
  private limit = 0;
  /** False in front of the first frame, unless that is the log's very first. */
  private begun: boolean;

  constructor(files: FileLayer, plan: ReadPlan) {
    this.files = files;
    this.plan = plan;
    this.index = firstSegmentFor(files, plan.segments, plan.from);
    this.begun = plan.segments[this.index]?.header.number === 1;
  }

  /**
   * Fills a block with whole frames of one segment. Undefined at the end; a number if the next frame needs a block of so
   * many bytes.
   * @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`, `LOG_LEVEL_UNKNOWN`, `LOG_FAILED`
   */
  fill(block: Block): FrameBatch | number | undefined {
    for (;;) {
      const segment = this.plan.segments[this.index];
      if (segment === undefined) {
        this.checkEnd();
        return undefined;
      }
      if (this.fd < 0) this.openSegment(segment);
      if (this.offset < this.limit) return this.fillFrom(segment, block);
      if (!this.begun) throw damagedFrame(segment.path, this.offset, 'blank', undefined);
      this.close();
      this.index++;
    }
  }

  close(): void {
    if (this.fd >= 0) this.files.close(this.fd);
    this.fd = -1;
  }

  private openSegment(segment: SegmentFile): void {
    this.fd = this.files.open(segment.path, 'read');
    this.offset = SEGMENT_HEADER_BYTES;
    const last = this.index === this.plan.segments.length - 1;
    this.limit = last ? this.plan.endOffset : segment.size;
    const size = this.files.size(this.fd);
    if (size < this.limit) throw damagedFrame(segment.path, size, 'short', undefined);
  }

  private fillFrom(segment: SegmentFile, block: Block): FrameBatch | number {
    const { bytes, frameStarts } = block;
    const fileOffset = this.offset;
    const length = this.read(segment, bytes, Math.min(bytes.length, this.limit - fileOffset));
    let at = 0;
    let frameCount = 0;
    while (at < length) {
      const probe = this.header.probe(bytes, at, length, segment.header.salt);
      if (probe === 'short' && length < this.limit - fileOffset) break;
      if (probe !== 'sound') throw damagedFrame(segment.path, fileOffset + at, probe, undefined);
      try {
        this.accept(segment, bytes, at, fileOffset + at);
      } catch (error) {
        throw placed(error, segment.path, fileOffset + at);
      }
      frameStarts[frameCount++] = at;
      at += this.header.totalBytes;
    }
    this.offset = fileOffset + at;
    if (frameCount === 0) return Math.max(this.header.totalBytes, bytes.length + 1);
    return { bytes, frameStarts, frameCount, file: segment.path, fileOffset };
  }

  private read(segment: SegmentFile, bytes: Uint8Array, length: number): number {
    try {
      return readFully(this.files, this.fd, bytes, 0, length, this.offset);
    } catch (cause) {
      const message = `${segment.path}: cannot be read at offset ${this.offset}: ${String(cause)}`;
      throw new LogError('LOG_FAILED', message, { file: segment.path, offset: this.offset, cause });
    }
  }

  private accept(segment: SegmentFile, bytes: Uint8Array, at: number, offset: number): void {
    const { header, chain } = this;
    const unknown = header.unknown();
    if (unknown !== undefined) throw unknownFrame(segment.path, offset, unknown);
    if (!this.begun) chain.beginAt(header, bytes, at);
    this.begun = true;
    const objection = chain.objection(header, bytes, at);
    if (objection !== undefined) {
      const before = offset === SEGMENT_HEADER_BYTES ? this.plan.segments[this.index - 1] : undefined;
      if (before !== undefined) throw endMissing(before.path, before.size, objection);
      throw damagedFrame(segment.path, offset, 'sound', objection);
    }
    if (chain.lastKind === FrameKind.end && offset !== SEGMENT_HEADER_BYTES) {
      throw damagedFrame(segment.path, offset, 'sound', 'a frame behind the end of its segment');
    }
    chain.advance(header, bytes, at);
    this.checkMark(segment, offset);
  }

  /** The mark must lie on the chain. */
  private checkMark(segment: SegmentFile, offset: number): void {
    const { mark } = this.plan;
    if (mark === undefined || mark.idx !== this.chain.idx || mark.epoch !== this.chain.epoch) return;
    if (Buffer.compare(mark.runningChecksum, this.chain.running) === 0) return;
    throw damagedFrame(segment.path, offset, 'sound', 'another history than the one that was marked as committed');
  }

  private checkEnd(): void {
    const { plan, chain } = this;
    if (plan.segments.length === 0) return;
    if (chain.epoch === plan.endEpoch && chain.idx === plan.endIdx) return;
    const last = plan.segments.at(-1)!;
    throw damagedFrame(last.path, plan.endOffset, 'blank', undefined);
  }
}

/** Index of the last segment whose first entry is not above `from`. */
function firstSegmentFor(files: FileLayer, segments: readonly SegmentFile[], from: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (firstSequence(files, segments[middle]!) <= from) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The sequence that a segment begins with; Infinity for an empty one. */
export function firstSequence(files: FileLayer, segment: SegmentFile): number {
  const fd = files.open(segment.path, 'read');
  try {
    const window = new FrameWindow(files, fd, segment.path, segment.header.salt);
    return window.probe(SEGMENT_HEADER_BYTES) === 'sound' ? window.header.firstSequence : Number.POSITIVE_INFINITY;
  } finally {
    files.close(fd);
  }
}

/** A block of ordinary memory. */
export function newBlock(bytes: number, shared: boolean): Block {
  const size = Math.ceil(bytes / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
  const starts = (size / FRAME_ALIGNMENT) * 4;
  if (!shared) return { bytes: new Uint8Array(size), frameStarts: new Int32Array(starts / 4) };
  return {
    bytes: new Uint8Array(new SharedArrayBuffer(size)),
    frameStarts: new Int32Array(new SharedArrayBuffer(starts)),
  };
}

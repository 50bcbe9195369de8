/**
 * Finds the end of a log directory: follows the frames from the newest mark to the last accepted one and decides whether
 * what comes behind is nothing, torn, or damage. Reads only; `recovery.ts` repairs.
 */
import { Chain } from '../chain.js';
import { FrameFlag, type FrameHeader, type FrameProbe } from '../frame.js';
import type { TornTail } from '../transaction-log.js';
import { damagedFile, damagedFrame, damagedMark, endMissing, missingSegment, placed, unknownFrame } from './damage.js';
import type { FileLayer } from './file-layer.js';
import { FrameWindow } from './frame-window.js';
import { MARK_NAME, type Mark, readMark } from './mark.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';
import { readSegmentList, type SegmentFile } from './segment-list.js';

/** An accepted frame that no mark covers: it may lie in the page cache only. */
export interface UncoveredFrame {
  readonly segment: SegmentFile;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly epoch: number;
  readonly idx: number;
  /** The chain in front of it. */
  readonly before: { readonly epoch: number; readonly idx: number; readonly nextSequence: number };
}

export interface TailScan {
  readonly segments: readonly SegmentFile[];
  readonly mark: Mark | undefined;
  /** Stands behind the last accepted frame. */
  readonly chain: Chain;
  /** Offset behind the last accepted frame in the last segment. */
  readonly endOffset: number;
  readonly firstSequence: number;
  readonly uncovered: readonly UncoveredFrame[];
  readonly torn: TornTail | undefined;
  readonly sealed: boolean;
}

/** @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`, `LOG_LEVEL_UNKNOWN`, `LOG_FAILED` (unreadable) */
export function scanTail(files: FileLayer, directory: string): TailScan {
  const segments = readSegmentList(files, directory);
  const mark = readMark(files, directory);
  checkMark(directory, segments, mark);
  const scanner = new TailScanner(files, segments, mark);
  scanner.run();
  return {
    segments,
    mark,
    chain: scanner.chain,
    endOffset: scanner.endOffset,
    firstSequence: firstSequenceOf(files, segments[0]),
    uncovered: scanner.uncovered,
    torn: scanner.torn,
    sealed: (scanner.chain.lastFlags & FrameFlag.seal) !== 0,
  };
}

function checkMark(directory: string, segments: readonly SegmentFile[], mark: Mark | undefined): void {
  if (mark === undefined) return;
  const first = segments[0];
  if (first === undefined) throw missingSegment(directory, mark.segment);
  const file = `${directory}/${MARK_NAME}`;
  if (first.header.logId !== mark.logId) {
    throw damagedMark(file, 'the mark belongs to another log');
  }
  const marked = segments[mark.segment - first.header.number];
  if (marked === undefined) throw missingSegment(directory, mark.segment);
  if (marked.size >= mark.offset) return;
  const what = `the file ends at offset ${marked.size}, committed was up to offset ${mark.offset}`;
  throw damagedFile(marked.path, marked.size, what);
}

/** The sequence that the oldest segment begins with; 1 where there is no frame. */
function firstSequenceOf(files: FileLayer, segment: SegmentFile | undefined): number {
  if (segment === undefined) return 1;
  const fd = files.open(segment.path, 'read');
  try {
    const window = new FrameWindow(files, fd, segment.path, segment.header.salt);
    return window.probe(SEGMENT_HEADER_BYTES) === 'sound' ? window.header.firstSequence : 1;
  } finally {
    files.close(fd);
  }
}

class TailScanner {
  readonly chain = new Chain();
  endOffset = SEGMENT_HEADER_BYTES;
  uncovered: UncoveredFrame[] = [];
  torn: TornTail | undefined = undefined;
  private readonly files: FileLayer;
  private readonly segments: readonly SegmentFile[];
  private first = 0;
  /** False in front of the first frame of a log that was trimmed: there is nothing that it could follow. */
  private begun: boolean;

  constructor(files: FileLayer, segments: readonly SegmentFile[], mark: Mark | undefined) {
    this.files = files;
    this.segments = segments;
    this.begun = segments[0]?.header.number === 1;
    if (mark === undefined) return;
    this.first = mark.segment - segments[0]!.header.number;
    this.endOffset = mark.offset;
    this.begun = true;
    this.chain.epoch = mark.epoch;
    this.chain.idx = mark.idx;
    this.chain.nextSequence = mark.nextSequence;
    this.chain.timeMs = mark.timeMs;
    this.chain.featureLevel = mark.featureLevel;
    this.chain.running.set(mark.runningChecksum);
  }

  run(): void {
    for (let i = this.first; i < this.segments.length; i++) {
      if (i > this.first) this.endOffset = SEGMENT_HEADER_BYTES;
      this.scanSegment(this.segments[i]!, i);
    }
  }

  private scanSegment(segment: SegmentFile, index: number): void {
    const last = index === this.segments.length - 1;
    const fd = this.files.open(segment.path, 'read');
    try {
      const window = new FrameWindow(this.files, fd, segment.path, segment.header.salt);
      let probe: FrameProbe;
      let objection: string | undefined;
      for (;;) {
        probe = window.probe(this.endOffset);
        if (probe !== 'sound') break;
        objection = this.judgeAndAccept(segment, window);
        if (objection !== undefined) break;
      }
      const before = this.segments[index - 1];
      if (objection !== undefined && before !== undefined && this.endOffset === SEGMENT_HEADER_BYTES) {
        throw endMissing(before.path, before.size, objection);
      }
      if (last) this.judgeTail(window, probe, objection);
      else if (this.endOffset !== window.size || !this.begun)
        throw damagedFrame(window.file, this.endOffset, probe, objection);
    } finally {
      this.files.close(fd);
    }
  }

  private judgeAndAccept(segment: SegmentFile, window: FrameWindow): string | undefined {
    try {
      const objection = this.judge(window);
      if (objection === undefined) this.accept(segment, window.header, window.bytes, window.at);
      return objection;
    } catch (error) {
      throw placed(error, window.file, this.endOffset);
    }
  }

  /** Whether the sound frame in the window may follow. Knows the format or refuses. */
  private judge(window: FrameWindow): string | undefined {
    const unknown = window.header.unknown();
    if (unknown !== undefined) throw unknownFrame(window.file, this.endOffset, unknown);
    if (!this.begun) this.chain.beginAt(window.header, window.bytes, window.at);
    this.begun = true;
    return this.chain.objection(window.header, window.bytes, window.at);
  }

  private accept(segment: SegmentFile, header: FrameHeader, bytes: Uint8Array, at: number): void {
    const before = { epoch: this.chain.epoch, idx: this.chain.idx, nextSequence: this.chain.nextSequence };
    this.chain.advance(header, bytes, at);
    const { committedEpoch, committedIdx } = header;
    this.uncovered = this.uncovered.filter(
      (frame) => frame.epoch > committedEpoch || (frame.epoch === committedEpoch && frame.idx > committedIdx),
    );
    this.uncovered.push({
      segment,
      offset: this.endOffset,
      bytes: bytes.slice(at, at + header.totalBytes),
      epoch: header.epoch,
      idx: header.idx,
      before,
    });
    this.endOffset += header.totalBytes;
  }

  /** No acceptable frame starts at the end of the last segment: nothing there, torn, or damage? */
  private judgeTail(window: FrameWindow, probe: FrameProbe, objection: string | undefined): void {
    const { end, coveredBy } = window.remains(this.endOffset, this.chain.epoch, this.chain.idx);
    if (coveredBy !== undefined) throw damagedFrame(window.file, this.endOffset, probe, objection);
    if (end === this.endOffset) return;
    this.torn = { file: window.file, offset: this.endOffset, bytes: end - this.endOffset };
  }
}

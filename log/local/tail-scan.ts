/**
 * Finds the end of a log directory: follows the frames from the newest mark to the last accepted one and decides whether
 * what comes behind is nothing, torn, or damage. Reads only; `recovery.ts` repairs.
 */
import { Chain } from '../chain.js';
import { FrameFlag, type FrameHeader, type FrameProbe } from '../frame.js';
import { LogError } from '../log-error.js';
import type { TornTail } from '../transaction-log.js';
import type { FileLayer } from './file-layer.js';
import { FrameWindow } from './frame-window.js';
import { MARK_NAME, type Mark, readMark } from './mark.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';
import { DAMAGE_ADVICE, missingSegment, readSegmentList, type SegmentFile } from './segment-list.js';

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
    throw new LogError('LOG_DAMAGED', `${file} belongs to another log: ${DAMAGE_ADVICE}`, { file, offset: 0 });
  }
  const marked = segments[mark.segment - first.header.number];
  if (marked === undefined) throw missingSegment(directory, mark.segment);
  if (marked.size >= mark.offset) return;
  const message = `${marked.path} ends at ${marked.size}, below offset ${mark.offset} up to which it was committed: ${DAMAGE_ADVICE}`;
  throw new LogError('LOG_DAMAGED', message, { file: marked.path, offset: marked.size });
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
  private begun = false;

  constructor(files: FileLayer, segments: readonly SegmentFile[], mark: Mark | undefined) {
    this.files = files;
    this.segments = segments;
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
      this.scanSegment(this.segments[i]!, i === this.segments.length - 1);
    }
  }

  private scanSegment(segment: SegmentFile, last: boolean): void {
    const fd = this.files.open(segment.path, 'read');
    try {
      const window = new FrameWindow(this.files, fd, segment.path, segment.header.salt);
      let probe: FrameProbe;
      let objection: string | undefined;
      for (;;) {
        probe = window.probe(this.endOffset);
        if (probe !== 'sound') break;
        objection = this.judge(segment, window);
        if (objection !== undefined) break;
        this.accept(segment, window.header, window.bytes, window.at);
      }
      if (last) this.judgeTail(window, probe, objection);
      else if (this.endOffset !== window.size) throw damagedAt(window.file, this.endOffset, probe, objection);
    } finally {
      this.files.close(fd);
    }
  }

  /** Whether the sound frame in the window may follow. Knows the format or refuses. */
  private judge(segment: SegmentFile, window: FrameWindow): string | undefined {
    const unknown = window.header.unknown();
    if (unknown !== undefined) throw unknownFrame(window.file, this.endOffset, unknown);
    if (!this.begun) {
      this.begun = true;
      if (segment.header.number > 1) this.chain.beginAt(window.header, window.bytes, window.at);
    }
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
    if (coveredBy !== undefined) throw damagedAt(window.file, this.endOffset, probe, objection);
    if (end === this.endOffset) return;
    this.torn = { file: window.file, offset: this.endOffset, bytes: end - this.endOffset };
  }
}

/** The error for bytes at or below a mark that are not the frame that should be there. */
export function damagedAt(file: string, offset: number, probe: FrameProbe, objection: string | undefined): LogError {
  const found =
    probe === 'sound'
      ? `holds ${objection ?? 'a frame out of place'}`
      : probe === 'short'
        ? 'holds a frame that is cut off'
        : probe === 'blank'
          ? 'holds nothing where a committed frame should be'
          : 'holds a frame with a wrong checksum';
  const message = `${file}: offset ${offset} ${found}: ${DAMAGE_ADVICE}`;
  return new LogError('LOG_DAMAGED', message, { file, offset });
}

/** The error for a sound frame of a later version. */
export function unknownFrame(file: string, offset: number, what: string): LogError {
  const message = `${file}: the frame at offset ${offset} has ${what}, which this version does not know: use a newer one`;
  return new LogError('LOG_FORMAT_UNKNOWN', message, { file, offset });
}

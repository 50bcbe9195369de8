/**
 * Gives up the end of a damaged log: copies what is sound up to a sequence into a new directory, on a new timeline, and
 * lists what is dropped. The original is only read.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Chain } from '../chain.js';
import { ItemKind, ItemReader } from '../entry.js';
import {
  advanceRunningChecksum,
  FRAME_ALIGNMENT,
  FRAME_HEADER_BYTES,
  FrameHeader,
  FrameKind,
  sealFrame,
} from '../frame.js';
import { LogError } from '../log-error.js';
import { firstSequence } from './block-reader.js';
import { frameBuffer } from './committer.js';
import { type FileLayer, makeDirectories, nodeFiles, writeFully } from './file-layer.js';
import { FrameWindow } from './frame-window.js';
import { replaceMark } from './mark.js';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment-header.js';
import { readSegmentHeader, type SegmentFile, segmentNumbers } from './segment-list.js';
import { segmentName } from './segment-name.js';

export interface CutLogOptions {
  readonly directory: string;
  /** Must not exist, or be empty. */
  readonly target: string;
  /** The last sequence to keep. */
  readonly afterSequence: number;
  readonly files?: FileLayer;
}

/** A stretch of a file that is not in the new log. */
export interface DroppedRange {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** Sequences of the entries in it; undefined where it cannot be read. */
  readonly firstSequence: number | undefined;
  readonly lastSequence: number | undefined;
  readonly what: 'entries' | 'control frames' | 'unreadable';
}

export interface CutReport {
  /** Of the log that was read: above 1 where its front was trimmed. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly timeline: string;
  readonly parentTimeline: string;
  readonly segmentCount: number;
  readonly bytes: number;
  readonly dropped: readonly DroppedRange[];
}

/**
 * @throws LogError `LOG_EXISTS` if the target holds something, `LOG_MISSING` without a log, `LOG_DAMAGED` if what is sound
 * ends below `afterSequence` (the message names how far it goes), `LOG_TRIMMED` if the log begins above it
 */
export function cutLog(options: CutLogOptions): CutReport {
  const files = options.files ?? nodeFiles;
  if (files.exists(options.target) && files.list(options.target).length > 0) {
    throw new LogError('LOG_EXISTS', `${options.target} is not empty`, { file: options.target });
  }
  const segments = soundSegments(files, options.directory);
  if (segments.length === 0) {
    throw new LogError('LOG_MISSING', `${options.directory} holds no readable log`, { file: options.directory });
  }
  // Once without writing: the target is not begun unless the cut can be made.
  new LogCutter(files, options, segments, undefined).run();
  makeDirectories(files, options.target);
  return new LogCutter(files, options, segments, options.target).run();
}

/**
 * The first sequence of a log that may be damaged; above 1 where its front was trimmed, infinite where nothing at its
 * beginning can be read. @throws LogError `LOG_MISSING`
 */
export function firstSequenceOf(directory: string, files: FileLayer = nodeFiles): number {
  const first = soundSegments(files, directory)[0];
  if (first === undefined) {
    throw new LogError('LOG_MISSING', `${directory} holds no readable log`, { file: directory });
  }
  return first.header.number === 1 ? 1 : firstSequence(files, first);
}

/** The segments from the first one on, as far as headers are sound and numbers contiguous. */
function soundSegments(files: FileLayer, directory: string): SegmentFile[] {
  const segments: SegmentFile[] = [];
  for (const number of segmentNumbers(files, directory)) {
    try {
      const segment = readSegmentHeader(files, join(directory, segmentName(number)));
      const before = segments.at(-1)?.header;
      if (before !== undefined && (number !== before.number + 1 || segment.header.logId !== before.logId)) break;
      segments.push(segment);
    } catch (error) {
      if (error instanceof LogError && error.code === 'LOG_DAMAGED') break;
      throw error;
    }
  }
  return segments;
}

class LogCutter {
  private readonly files: FileLayer;
  private readonly options: CutLogOptions;
  private readonly segments: readonly SegmentFile[];
  private readonly target: string | undefined;
  private readonly chain = new Chain();
  private readonly timeline = randomBytes(8).toString('hex');
  private readonly dropped: DroppedRange[] = [];
  private begun: boolean;
  private beginsWith = 1;
  private done = false;
  private bytes = 0;
  /** Where the copy ends. */
  private endSegment = 0;
  private endOffset = SEGMENT_HEADER_BYTES;
  private segmentCount = 0;
  /** Offset of a frame of which only a part was kept. */
  private splitOffset: number | undefined = undefined;

  constructor(files: FileLayer, options: CutLogOptions, segments: readonly SegmentFile[], target: string | undefined) {
    this.files = files;
    this.options = options;
    this.segments = segments;
    this.target = target;
    this.begun = segments[0]?.header.number === 1;
  }

  run(): CutReport {
    const { directory, afterSequence } = this.options;
    for (const segment of this.segments) {
      if (!this.done) this.copySegment(segment);
      else this.listDropped(segment.path, segment, SEGMENT_HEADER_BYTES);
    }
    if (this.beginsWith > afterSequence && this.beginsWith > 1) {
      const message = `${directory} begins with sequence ${this.beginsWith}, what is before it was trimmed: cut after that or above`;
      throw new LogError('LOG_TRIMMED', message);
    }
    if (this.chain.nextSequence <= afterSequence) {
      const sound = this.chain.nextSequence - 1;
      throw new LogError('LOG_DAMAGED', `${directory} is sound up to sequence ${sound} only: cut after that or below`);
    }
    const known = new Set(this.segments.map((segment) => segment.header.number));
    for (const number of segmentNumbers(this.files, directory)) {
      if (!known.has(number)) this.listUnreadable(join(directory, segmentName(number)));
    }
    if (this.target !== undefined) this.finish(this.target);
    return {
      firstSequence: this.beginsWith,
      lastSequence: this.chain.nextSequence - 1,
      timeline: this.timeline,
      parentTimeline: this.segments[0]!.header.timeline,
      segmentCount: this.segmentCount,
      bytes: this.bytes,
      dropped: this.dropped,
    };
  }

  private copySegment(segment: SegmentFile): void {
    const { header } = segment;
    const source = this.files.open(segment.path, 'read');
    const copy = this.createCopy(segment);
    this.segmentCount++;
    this.endSegment = header.number;
    this.endOffset = SEGMENT_HEADER_BYTES;
    try {
      const window = new FrameWindow(this.files, source, segment.path, header.salt);
      while (!this.done && window.probe(this.endOffset) === 'sound' && this.follows(window)) {
        this.copyFrame(window, copy, header.salt);
      }
      if (copy >= 0) this.files.fsync(copy, 'cut-segment');
    } finally {
      this.files.close(source);
      if (copy >= 0) this.files.close(copy);
    }
    this.bytes += this.endOffset;
    const whole = !this.done && this.begun && this.endOffset === segment.size;
    if (whole) return;
    // What could not be followed ends what is sound, even where sound frames come behind it.
    this.done = true;
    this.listDropped(segment.path, segment, this.dropFrom);
  }

  /** Where dropping begins in the segment of the last copied frame; a frame that was cut is listed as a whole. */
  private get dropFrom(): number {
    return this.splitOffset ?? this.endOffset;
  }

  private createCopy(segment: SegmentFile): number {
    if (this.target === undefined) return -1;
    const { header } = segment;
    const fd = this.files.open(join(this.target, segmentName(header.number)), 'create');
    const parentTimeline = header.timeline;
    const forkSequence = this.options.afterSequence;
    const bytes = encodeSegmentHeader({ ...header, timeline: this.timeline, parentTimeline, forkSequence });
    writeFully(this.files, fd, bytes, 0, SEGMENT_HEADER_BYTES, 0);
    return fd;
  }

  private follows(window: FrameWindow): boolean {
    const { header, bytes, at } = window;
    if (header.unknown() !== undefined) return false;
    if (!this.begun) {
      this.chain.beginAt(header, bytes, at);
      this.beginsWith = this.chain.nextSequence;
    }
    this.begun = true;
    if (this.chain.objection(header, bytes, at) !== undefined) return false;
    if (header.firstSequence <= this.options.afterSequence) return true;
    this.done = true;
    return false;
  }

  private copyFrame(window: FrameWindow, copy: number, salt: number): void {
    const { header, bytes, at } = window;
    if (header.nextSequence - 1 <= this.options.afterSequence) {
      if (copy >= 0) writeFully(this.files, copy, bytes, at, header.totalBytes, this.endOffset);
      this.chain.advance(header, bytes, at);
      this.endOffset += header.totalBytes;
      return;
    }
    this.splitFrame(window, copy, salt);
    this.done = true;
  }

  /** Writes the part of a frame that holds entries up to the cut. */
  private splitFrame(window: FrameWindow, copy: number, salt: number): void {
    const { header, bytes, at } = window;
    const body = at + FRAME_HEADER_BYTES;
    const items = new ItemReader();
    items.reset(bytes, body, body + header.bodyBytes);
    const entryCount = this.options.afterSequence - header.firstSequence + 1;
    let seen = 0;
    while (seen < entryCount && items.next()) if (items.kind !== ItemKind.origin) seen++;
    const bodyBytes = items.end - body;
    const cut = Object.assign(new FrameHeader(), header, { entryCount, bodyBytes });
    const frame = frameBuffer(bodyBytes);
    frame.set(bytes.subarray(body, items.end), FRAME_HEADER_BYTES);
    const total = sealFrame(frame, 0, cut, this.chain.running, salt);
    if (copy >= 0) writeFully(this.files, copy, frame, 0, total, this.endOffset);
    advanceRunningChecksum(frame, 0, bodyBytes, this.chain.running);
    this.chain.epoch = cut.epoch;
    this.chain.idx = cut.idx;
    this.chain.timeMs = cut.timeMs;
    this.chain.nextSequence = cut.nextSequence;
    this.splitOffset = this.endOffset;
    this.endOffset += total;
  }

  /** Lists what a file holds from an offset on: sound frames with their sequences, and what cannot be read. */
  private listDropped(path: string, segment: SegmentFile, from: number): void {
    const fd = this.files.open(path, 'read');
    try {
      const window = new FrameWindow(this.files, fd, path, segment.header.salt);
      let offset = from;
      while (offset < window.size) {
        const probe = window.probe(offset);
        if (probe === 'sound') {
          this.listFrame(path, offset, window.header);
          offset += window.header.totalBytes;
        } else {
          const bytes = Math.min(FRAME_ALIGNMENT, window.size - offset);
          if (!window.blank(offset, bytes)) this.addUnreadable(path, offset, bytes);
          offset += bytes;
        }
      }
    } finally {
      this.files.close(fd);
    }
  }

  private listFrame(path: string, offset: number, header: FrameHeader): void {
    const entries = header.kind === FrameKind.data && header.entryCount > 0;
    const first = Math.max(header.firstSequence, this.options.afterSequence + 1);
    const what = entries ? 'entries' : 'control frames';
    const last = this.dropped.at(-1);
    const joined =
      last !== undefined && last.file === path && last.what === what && last.offset + last.bytes === offset;
    if (joined) this.dropped.pop();
    this.dropped.push({
      file: path,
      offset: joined ? last.offset : offset,
      bytes: (joined ? last.bytes : 0) + header.totalBytes,
      firstSequence: entries ? (joined ? last.firstSequence : first) : undefined,
      lastSequence: entries ? header.nextSequence - 1 : undefined,
      what,
    });
  }

  private listUnreadable(path: string): void {
    const fd = this.files.open(path, 'read');
    const bytes = this.files.size(fd);
    this.files.close(fd);
    this.addUnreadable(path, 0, bytes);
  }

  private addUnreadable(file: string, offset: number, bytes: number): void {
    const last = this.dropped.at(-1);
    const joined =
      last !== undefined && last.file === file && last.what === 'unreadable' && last.offset + last.bytes === offset;
    if (joined) this.dropped.pop();
    const from = joined ? last.offset : offset;
    const length = (joined ? last.bytes : 0) + bytes;
    this.dropped.push({
      file,
      offset: from,
      bytes: length,
      firstSequence: undefined,
      lastSequence: undefined,
      what: 'unreadable',
    });
  }

  private finish(target: string): void {
    // Replacing the mark syncs the directory; without one there is nothing that could be lost.
    if (this.chain.idx === 0) return;
    replaceMark(this.files, target, {
      logId: this.segments[0]!.header.logId,
      epoch: this.chain.epoch,
      idx: this.chain.idx,
      runningChecksum: this.chain.running.slice(),
      segment: this.endSegment,
      offset: this.endOffset,
      nextSequence: this.chain.nextSequence,
      timeMs: this.chain.timeMs,
      featureLevel: this.chain.featureLevel,
    });
  }
}

/** A dropped range in words, for people. */
export function describeDropped(range: DroppedRange): string {
  const where = `${range.file} offset ${range.offset}, ${range.bytes} bytes`;
  if (range.what === 'entries') return `sequences ${range.firstSequence} to ${range.lastSequence} (${where})`;
  return `${range.what} (${where})`;
}

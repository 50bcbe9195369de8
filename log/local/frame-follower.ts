/** Reads accepted frames of a live log in order, one at a time, and waits at the end of what is committed. */
import { join } from 'node:path';
import { Chain } from '../chain.js';
import { FRAME_HEADER_BYTES } from '../frame.js';
import type { Frame } from '../transaction-log.js';
import { firstSequence } from './block-reader.js';
import { damagedFrame, missingSegment, unknownFrame } from './damage.js';
import type { FileLayer } from './file-layer.js';
import { FrameWindow } from './frame-window.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';
import { readSegmentHeader, segmentNumbers } from './segment-list.js';
import { segmentName } from './segment-name.js';

/** Up to where the log is committed: everything in earlier segments, and this one below the offset. */
export interface CommittedEnd {
  readonly segment: number;
  readonly offset: number;
}

/** Waits for the next advance; not at all if `wait` answers false once it would be told. */
export type WaitForAdvance = (wait: () => boolean) => Promise<void>;

export class FrameFollower {
  private readonly files: FileLayer;
  private readonly directory: string;
  private readonly end: () => CommittedEnd;
  private readonly chain = new Chain();
  private segment: number;
  private offset = SEGMENT_HEADER_BYTES;
  private begun = false;

  constructor(files: FileLayer, directory: string, from: number, end: () => CommittedEnd) {
    this.files = files;
    this.directory = directory;
    this.end = end;
    this.segment = this.firstSegmentFor(from);
  }

  /** @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`, `LOG_LEVEL_UNKNOWN`, `LOG_FAILED` */
  async *frames(waitForAdvance: WaitForAdvance, over: () => boolean): AsyncGenerator<Frame> {
    for (;;) {
      yield* this.committedFrames(over);
      if (over()) return;
      await waitForAdvance(() => !this.behind() && !over());
    }
  }

  private behind(): boolean {
    const end = this.end();
    return end.segment > this.segment || (end.segment === this.segment && end.offset > this.offset);
  }

  /** Frames up to what is committed now, in as many segments as that takes. */
  private *committedFrames(over: () => boolean): Generator<Frame> {
    while (this.behind() && !over()) {
      const path = join(this.directory, segmentName(this.segment));
      if (!this.files.exists(path)) throw missingSegment(this.directory, this.segment);
      const { header } = readSegmentHeader(this.files, path);
      const fd = this.files.open(path, 'read');
      try {
        // The end first, the size after it: a segment that is behind the open one has its final size by then.
        const end = this.end();
        const window = new FrameWindow(this.files, fd, path, header.salt);
        const limit = end.segment === this.segment ? end.offset : window.size;
        while (this.offset < limit && !over()) yield this.next(window, path);
        if (end.segment === this.segment) continue;
      } finally {
        this.files.close(fd);
      }
      this.segment++;
      this.offset = SEGMENT_HEADER_BYTES;
    }
  }

  private next(window: FrameWindow, path: string): Frame {
    const probe = window.probe(this.offset);
    const { header, bytes, at } = window;
    if (probe !== 'sound') throw damagedFrame(path, this.offset, probe, undefined);
    const unknown = header.unknown();
    if (unknown !== undefined) throw unknownFrame(path, this.offset, unknown);
    if (!this.begun) {
      this.begun = true;
      if (this.segment > 1) this.chain.beginAt(header, bytes, at);
    }
    const objection = this.chain.objection(header, bytes, at);
    if (objection !== undefined) throw damagedFrame(path, this.offset, 'sound', objection);
    this.chain.advance(header, bytes, at);
    const address = `${path}:${this.offset}`;
    this.offset += header.totalBytes;
    return {
      kind: header.kind,
      flags: header.flags,
      position: { epoch: header.epoch, idx: header.idx, address },
      firstSequence: header.firstSequence,
      entryCount: header.entryCount,
      timeMs: header.timeMs,
      committedEpoch: header.committedEpoch,
      committedIdx: header.committedIdx,
      runningChecksum: this.chain.running.slice(),
      body: bytes.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + header.bodyBytes),
    };
  }

  private firstSegmentFor(from: number): number {
    const numbers = segmentNumbers(this.files, this.directory);
    let found = numbers[0] ?? 1;
    for (const number of numbers) {
      const segment = readSegmentHeader(this.files, join(this.directory, segmentName(number)));
      if (firstSequence(this.files, segment) <= from) found = number;
    }
    return found;
  }
}

/** The files of a local log as tests look at them, and damage them: segments, and the frames inside. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FrameFlag, FrameHeader, FrameKind } from '../../log/frame.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from '../../log/local/segment-header.js';
import { segmentNumber } from '../../log/local/segment-name.js';
import { logDirectoryOf } from '../../server/data-directory.js';

export interface FrameFound {
  readonly offset: number;
  readonly bytes: number;
  readonly kind: number;
  readonly seal: boolean;
  readonly entries: number;
}

export interface SegmentFound {
  readonly path: string;
  readonly number: number;
  readonly size: number;
  readonly frames: readonly FrameFound[];
}

/** All segments of the log in a data directory, in order, each with its sound frames up to the first that is not. */
export function readSegments(dataDirectory: string): SegmentFound[] {
  const directory = logDirectoryOf(dataDirectory);
  const names = readdirSync(directory).filter((name) => segmentNumber(name) !== undefined);
  return names.sort().map((name) => readSegment(join(directory, name)));
}

function readSegment(path: string): SegmentFound {
  const bytes = readFileSync(path);
  const { salt, number } = decodeSegmentHeader(bytes, bytes.length, path);
  const header = new FrameHeader();
  const frames: FrameFound[] = [];
  let offset = SEGMENT_HEADER_BYTES;
  while (header.probe(bytes, offset, bytes.length, salt) === 'sound') {
    frames.push({
      offset,
      bytes: header.totalBytes,
      kind: header.kind,
      seal: (header.flags & FrameFlag.seal) !== 0,
      entries: header.entryCount,
    });
    offset += header.totalBytes;
  }
  return { path, number, size: bytes.length, frames };
}

/** The frames with entries of a segment. */
export function dataFrames(segment: SegmentFound): FrameFound[] {
  return segment.frames.filter((frame) => frame.kind === FrameKind.data);
}

/** Turns one bit of a file over. */
export function flipBit(path: string, offset: number, bit: number): void {
  const bytes = readFileSync(path);
  bytes[offset] = bytes[offset]! ^ (1 << bit);
  writeFileSync(path, bytes);
}

/** Cuts a file short. */
export function cutFile(path: string, size: number): void {
  truncateSync(path, size);
}

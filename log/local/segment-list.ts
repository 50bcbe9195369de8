/** The segments of a log directory: their files in order, opened and with their headers checked against each other. */
import { join } from 'node:path';
import { LogError } from '../log-error.js';
import { type FileLayer, readFully } from './file-layer.js';
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
  segmentNumber,
} from './segment-header.js';

/** One segment file and what its header says. */
export interface SegmentFile {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly size: number;
}

/** The numbers of the segments in a directory, ascending. */
export function segmentNumbers(files: FileLayer, directory: string): number[] {
  const numbers: number[] = [];
  for (const name of files.list(directory)) {
    const number = segmentNumber(name);
    if (number !== undefined) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

/** @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN` */
export function readSegmentHeader(files: FileLayer, path: string): SegmentFile {
  const fd = files.open(path, 'read');
  try {
    const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
    const length = readFully(files, fd, bytes, 0, SEGMENT_HEADER_BYTES, 0);
    return { path, header: decodeSegmentHeader(bytes, length, path), size: files.size(fd) };
  } finally {
    files.close(fd);
  }
}

/**
 * All segments of a directory, which must be contiguous and of one log and timeline. An empty array where there is none.
 * @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN`
 */
export function readSegmentList(files: FileLayer, directory: string): SegmentFile[] {
  const numbers = segmentNumbers(files, directory);
  const segments: SegmentFile[] = [];
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (i > 0 && number !== numbers[i - 1]! + 1) throw missingSegment(directory, numbers[i - 1]! + 1);
    const segment = readSegmentHeader(files, join(directory, segmentName(number)));
    checkHeader(segment, segments[0], number);
    segments.push(segment);
  }
  return segments;
}

/** The error for a segment that must be there and is not. */
export function missingSegment(directory: string, number: number): LogError {
  const file = join(directory, segmentName(number));
  return new LogError('LOG_DAMAGED', `${file} is missing: ${DAMAGE_ADVICE}`, { file, offset: 0 });
}

export const DAMAGE_ADVICE =
  'the log is damaged and nothing was changed. Restore the file from a copy, or give up what lies behind with "holdfast log cut --after SEQUENCE --accept-loss"';

function checkHeader(segment: SegmentFile, first: SegmentFile | undefined, number: number): void {
  const { header, path } = segment;
  if (header.number !== number) {
    throw new LogError('LOG_DAMAGED', `${path} says that it is segment ${header.number}: ${DAMAGE_ADVICE}`, {
      file: path,
      offset: 0,
    });
  }
  if (first === undefined) return;
  if (header.logId !== first.header.logId || header.timeline !== first.header.timeline) {
    throw new LogError('LOG_DAMAGED', `${path} belongs to another log than ${first.path}: ${DAMAGE_ADVICE}`, {
      file: path,
      offset: 0,
    });
  }
}

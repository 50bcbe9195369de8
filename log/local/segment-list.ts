/** The segments of a log directory: their files in order, opened and with their headers checked against each other. */
import { join } from 'node:path';
import { damagedFile, missingSegment } from './damage.js';
import { type FileLayer, readFully } from './file-layer.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from './segment-header.js';
import { segmentName, segmentNumber } from './segment-name.js';

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

function checkHeader(segment: SegmentFile, first: SegmentFile | undefined, number: number): void {
  const { header, path } = segment;
  if (header.number !== number) {
    throw damagedFile(path, 0, `the file says that it is segment ${header.number}`);
  }
  if (first === undefined) return;
  if (header.logId !== first.header.logId || header.timeline !== first.header.timeline) {
    throw damagedFile(path, 0, `the file belongs to another log than ${first.path}`);
  }
}

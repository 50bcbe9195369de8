/** Drops the front of a log: whole segments, oldest first, so that a crash in between leaves no hole. */
import { firstSequence } from './block-reader.js';
import type { FileLayer } from './file-layer.js';
import { readMark } from './mark.js';
import { readSegmentList } from './segment-list.js';

/**
 * Removes the segments whose entries all lie below `sequence`. Blocks for as long as the disk takes.
 * @param beforeEach called before each removal.
 * @returns bytes of what went.
 * @throws LogError as `readSegmentList`, or a system error
 */
export function trimSegments(
  files: FileLayer,
  directory: string,
  sequence: number,
  beforeEach: () => void = () => {},
): number {
  const segments = readSegmentList(files, directory);
  const mark = readMark(files, directory);
  let bytes = 0;
  for (let i = 0; i + 1 < segments.length; i++) {
    const segment = segments[i]!;
    // What the mark names must stay: without its file the next start could not tell loss from trimming.
    if (mark === undefined || segment.header.number >= mark.segment) break;
    if (firstSequence(files, segments[i + 1]!) > sequence) break;
    beforeEach();
    files.unlink(segment.path);
    files.syncDirectory(directory, 'segment-remove');
    bytes += segment.size;
  }
  return bytes;
}

/**
 * Repairs the end of a log: cuts a torn tail, and writes anew what no mark covers. A frame may have been read from the
 * page cache only, its sync having failed or never been made, so reading it back proves nothing. The names of the files
 * need no sync here: a segment holds no frame before its name is durable, and the writer's first segment syncs the
 * directory before the first command.
 */
import type { FileLayer } from './file-layer.js';
import { writeFully } from './file-layer.js';
import { SEGMENT_HEADER_BYTES } from './segment-header.js';
import type { SegmentFile } from './segment-list.js';
import type { TailScan } from './tail-scan.js';

/**
 * Makes durable what the scan accepted and cuts what it did not. When it returns, the last segment ends with its last
 * frame, and a power cut changes nothing of that.
 */
export function repairTail(files: FileLayer, scan: TailScan): void {
  const last = scan.segments.at(-1);
  if (last === undefined) return;
  const touched = new Set<SegmentFile>([last]);
  for (const frame of scan.uncovered) touched.add(frame.segment);
  for (const segment of touched) {
    const fd = files.open(segment.path, 'write');
    try {
      for (const frame of scan.uncovered) {
        if (frame.segment === segment) writeFully(files, fd, frame.bytes, 0, frame.bytes.length, frame.offset);
      }
      if (segment === last) files.truncate(fd, Math.max(scan.endOffset, SEGMENT_HEADER_BYTES));
      files.fsync(fd, 'recovery-tail');
    } finally {
      files.close(fd);
    }
  }
}

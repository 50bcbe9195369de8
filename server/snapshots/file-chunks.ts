/** The bytes of a file in chunks, one buffer for all of them. */
import { readFully } from '../../log/local/file-layer.js';
import type { SnapshotFiles } from './snapshot-files.js';

const CHUNK_BYTES = 1 << 20;

/** A chunk is good until the next one is asked for. @throws a system error */
export async function* fileChunks(files: SnapshotFiles, path: string): AsyncGenerator<Uint8Array> {
  const fd = files.open(path, 'read');
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    let at = 0;
    for (;;) {
      const count = readFully(files, fd, buffer, 0, buffer.length, at);
      if (count === 0) return;
      at += count;
      yield buffer.subarray(0, count);
    }
  } finally {
    files.close(fd);
  }
}

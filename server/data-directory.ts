/** Where a server keeps what in its data directory (`dir`). */
import { join } from 'node:path';

/** The transaction log's own directory; what `holdfast log` works on. */
export function logDirectoryOf(dataDirectory: string): string {
  return join(dataDirectory, 'log');
}

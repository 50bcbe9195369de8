/** Where a server keeps what in its data directory (`dir`). */
import { join } from 'node:path';

/** The transaction log's own directory; what `holdfast log` works on. */
export function logDirectoryOf(dataDirectory: string): string {
  return join(dataDirectory, 'log');
}

/** The operator's copy of the newest snapshot, where a Redis has its own file; '' where there is none to be made. */
export function dumpPathOf(dataDirectory: string, dbfilename: string): string {
  return dbfilename === '' ? '' : join(dataDirectory, dbfilename);
}

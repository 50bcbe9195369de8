/**
 * What is looked at before a server starts on a directory: that it is there, and that it does not hold data of a
 * Redis which an empty Holdfast would hide.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { logDirectoryOf } from './data-directory.js';
import { ServerError } from './server-error.js';

/** A dataset of a Redis before 7.0, which is not read. A dump.rdb and an appendonlydir are: snapshots/redis-data.ts. */
const UNREAD_DATA = 'appendonly.aof';

/**
 * Makes the data directory if it is missing.
 * @throws ServerError `DIRECTORY` when it cannot be made or read, `FOREIGN_DATA` when it holds a Redis' data alone.
 */
export function prepareDirectory(directory: string): void {
  let names: string[];
  try {
    makeDirectory(directory);
    names = readdirSync(directory);
  } catch (error) {
    throw new ServerError('DIRECTORY', `cannot use the directory ${directory}: ${(error as Error).message}`, error);
  }
  if (existsSync(logDirectoryOf(directory))) return;
  if (!names.includes(UNREAD_DATA)) return;
  throw new ServerError(
    'FOREIGN_DATA',
    `${directory} holds ${UNREAD_DATA} of a Redis before 7.0 and no log of Holdfast, which does not read it: let that ` +
      `Redis SAVE and take its dump.rdb, choose another directory with --dir, or move ${UNREAD_DATA} away to start empty.`,
  );
}

/** mkdir -p. Node's own never returns where the system refuses an entry with ENOENT, as /proc does. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  mkdirSync(directory);
}

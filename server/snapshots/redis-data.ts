/** What a start finds of a Redis' files in its directory, and what that means beside a log of Holdfast. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ServerError } from '../server-error.js';
import type { DumpCopy } from './dump-copy.js';

/** A Redis' dataset that an empty Holdfast takes over. */
export interface ImportSource {
  readonly kind: 'rdb' | 'aof';
  readonly path: string;
}

/**
 * The dataset to begin with where the log has no entry and no snapshot yet, or undefined.
 * @param names of the configuration, '' for none.
 * @throws ServerError `FOREIGN_DATA` where it is not clear which one is meant
 */
export function findImport(directory: string, dbfilename: string, appenddirname: string): ImportSource | undefined {
  const rdb = dbfilename === '' ? '' : join(directory, dbfilename);
  const aof = join(directory, appenddirname);
  const hasRdb = rdb !== '' && existsSync(rdb);
  const hasAof = existsSync(aof);
  if (hasRdb && hasAof) {
    const message =
      `${directory} holds both ${dbfilename} and ${appenddirname} of a Redis, and only its owner knows which is newer: ` +
      `a Redis with appendonly yes reads ${appenddirname}, one without it ${dbfilename}. Move the other one away`;
    throw new ServerError('FOREIGN_DATA', message);
  }
  if (hasAof) return { kind: 'aof', path: aof };
  return hasRdb ? { kind: 'rdb', path: rdb } : undefined;
}

/**
 * A dump.rdb beside a log that has entries must be the copy that this server made: whoever put another one there expects
 * it to be loaded.
 * @throws ServerError `FOREIGN_DATA` naming both ways on
 */
export function refuseForeignDump(copy: DumpCopy, path: string): void {
  if (path === '' || copy.isOurs(path) !== false) return;
  const message =
    `${path} was not written by this server, which has a log of its own beside it. To go on with the log, move the file ` +
    `away; to restore the file, start on another directory (--dir) that holds nothing but it. Nothing was changed`;
  throw new ServerError('FOREIGN_DATA', message);
}

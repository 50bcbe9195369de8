/** What a start finds of a Redis' files in its directory, and what that means beside a log of Holdfast. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { dumpPathOf } from '../data-directory.js';
import { ServerError } from '../server-error.js';
import type { DumpCopy } from './dump-copy.js';
import type { ImportRecord } from './import-record.js';

/** A Redis' dataset that an empty Holdfast takes over. */
export interface ImportSource {
  /** A dump.rdb, the append-only directory of Redis 7, or the one append-only file of a Redis before it. */
  readonly kind: 'rdb' | 'append-only-directory' | 'append-only-file';
  /** The file or directory. */
  readonly path: string;
}

/** Names of the configuration that a Redis has for its files. */
export interface RedisFileNames {
  /** '' for none. */
  readonly dbfilename: string;
  readonly appenddirname: string;
  readonly appendfilename: string;
}

/**
 * The dataset to begin with where the log has no entry and no snapshot yet, or undefined.
 * @throws ServerError `FOREIGN_DATA` where it is not clear which one is meant
 */
export function findImport(directory: string, names: RedisFileNames): ImportSource | undefined {
  const { dbfilename, appenddirname } = names;
  const rdb = dumpPathOf(directory, dbfilename);
  const hasRdb = rdb !== '' && existsSync(rdb);
  const aof = appendOnlyOf(directory, names);
  if (hasRdb && aof !== undefined) {
    const shown = aof.kind === 'append-only-directory' ? appenddirname : names.appendfilename;
    const message =
      `${directory} holds both ${dbfilename} and ${shown} of a Redis, and only its owner knows which is newer: ` +
      `a Redis with appendonly yes reads ${shown}, one without it ${dbfilename}. Move the other one away`;
    throw new ServerError('FOREIGN_DATA', message);
  }
  return hasRdb ? { kind: 'rdb', path: rdb } : aof;
}

/** The append-only files that a Redis with `appendonly yes` would read there. */
function appendOnlyOf(directory: string, { appenddirname, appendfilename }: RedisFileNames): ImportSource | undefined {
  const folder = join(directory, appenddirname);
  if (existsSync(folder)) return { kind: 'append-only-directory', path: folder };
  const file = join(directory, appendfilename);
  return existsSync(file) ? { kind: 'append-only-file', path: file } : undefined;
}

/**
 * The manifest of an append-only directory: by the name that the configuration gives it, else the only one there.
 * @throws ServerError `FOREIGN_DATA` where that leaves none
 */
export function manifestOf(folder: string, appendfilename: string): string {
  const wanted = `${appendfilename}.manifest`;
  if (!statSync(folder).isDirectory()) throw new ServerError('FOREIGN_DATA', `${folder} is not a directory`);
  const manifests = readdirSync(folder).filter((name) => name.endsWith('.manifest'));
  if (manifests.includes(wanted)) return join(folder, wanted);
  if (manifests.length === 1) return join(folder, manifests[0]!);
  const found = manifests.length === 0 ? `no manifest (${wanted})` : `several manifests (${manifests.join(', ')})`;
  const message =
    `${folder} of a Redis holds ${found}, so it is not clear what its dataset is. Put the one manifest there, or name ` +
    `it with appendfilename, or move ${folder} away to start empty`;
  throw new ServerError('FOREIGN_DATA', message);
}

/**
 * A dump.rdb beside a log that has entries must be the copy that this server made, and append-only files those that it
 * began with: whoever put other ones there expects them to be loaded.
 * @throws ServerError `FOREIGN_DATA` naming both ways on
 */
export function refuseForeignData(
  directory: string,
  names: RedisFileNames,
  copy: DumpCopy,
  record: ImportRecord,
): void {
  const dump = dumpPathOf(directory, names.dbfilename);
  if (dump !== '' && copy.isOurs(dump) === false) refuse(dump, 'file', 'was not written by this server');
  const aof = appendOnlyOf(directory, names);
  if (aof === undefined || record.isKnown(aof.path)) return;
  const what = aof.kind === 'append-only-file' ? 'file' : 'directory';
  refuse(aof.path, what, 'belongs to a Redis and is not what this server began with');
}

function refuse(path: string, what: string, why: string): never {
  const message =
    `${path} ${why}, which has a log of its own beside it. To go on with the log, move the ${what} away; to restore ` +
    `the ${what}, start on another directory (--dir) that holds nothing but it. Nothing was changed`;
  throw new ServerError('FOREIGN_DATA', message);
}

/**
 * Loads what a Redis has left in the directory into the empty engine, as the state in front of the log's first entry. The
 * files are only read. Whatever is in them that this version does not know stops the start: a dataset that lacks something
 * is worse than none.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Engine } from '../../core/engine.js';
import { errorText } from '../error-text.js';
import {
  type AppendOnlyOptions,
  type LoadedAppendOnly,
  loadAppendOnlyDirectory,
  loadAppendOnlyFile,
} from '../import/load-append-only.js';
import { loadRdb } from '../import/load-rdb.js';
import { ServerError } from '../server-error.js';
import { fileChunks } from './file-chunks.js';
import { type ImportSource, manifestOf } from './redis-data.js';
import { nodeSnapshotFiles } from './snapshot-files.js';

/** More files than this are not remembered: a Redis that rewrites has two or three. */
const FILES_MAX = 200;

export interface TakeOverParts {
  readonly engine: Engine;
  readonly log: Logger;
  readonly nowMs: () => number;
  readonly appendfilename: string;
  /** Redis' aof-load-truncated. */
  readonly loadTruncated: boolean;
  /** Told how many bytes are loaded, and of how many. */
  readonly onLoading: (loadedBytes: number, totalBytes: number) => void;
}

export interface TakenOver {
  readonly keys: number;
  /** Keys that were left out because their time was up. */
  readonly expired: number;
  /** The files that were read. */
  readonly paths: readonly string[];
}

/** @throws ServerError `FOREIGN_DATA` saying what cannot be loaded and what to do; the dataset is to be thrown away then. */
export async function takeOver(source: ImportSource, parts: TakeOverParts): Promise<TakenOver> {
  const { path } = source;
  try {
    return source.kind === 'rdb' ? await takeRdb(path, parts) : await takeAppendOnly(source, parts);
  } catch (error) {
    if (error instanceof ServerError) throw error;
    const message = `${path} cannot be loaded: ${errorText(error)}. Repair it, or move it away to start empty`;
    throw new ServerError('FOREIGN_DATA', message, error);
  }
}

async function takeRdb(path: string, { engine, log, nowMs, onLoading }: TakeOverParts): Promise<TakenOver> {
  const started = performance.now();
  const { bytes } = nodeSnapshotFiles.identity(path);
  const loaded = await loadRdb(engine, fileChunks(nodeSnapshotFiles, path), {
    dropExpiredAtMs: nowMs(),
    onSlice: (progress) => onLoading(progress.loadedBytes, bytes),
  });
  const { keys, expired, version } = loaded;
  const milliseconds = Math.round(performance.now() - started);
  log.info(
    { file: path, keys, expired, version, bytes: loaded.bytes, milliseconds },
    `${path} is loaded: ${keys} keys`,
  );
  return { keys, expired, paths: [path] };
}

async function takeAppendOnly({ kind, path }: ImportSource, parts: TakeOverParts): Promise<TakenOver> {
  const { engine, log, loadTruncated, onLoading } = parts;
  const started = performance.now();
  const options: AppendOnlyOptions = {
    loadTruncated,
    onSlice: ({ loadedBytes, totalBytes }) => onLoading(loadedBytes, totalBytes),
  };
  let paths: string[];
  let loaded: LoadedAppendOnly;
  if (kind === 'append-only-file') {
    paths = [path];
    loaded = await loadAppendOnlyFile(engine, path, options);
  } else {
    const manifest = manifestOf(path, parts.appendfilename);
    loaded = await loadAppendOnlyDirectory(engine, manifest, options);
    paths = [manifest, ...loaded.files.map((file) => join(path, file))];
  }
  if (paths.length > FILES_MAX) {
    const message = `${path} has more than ${FILES_MAX} files: let its Redis BGREWRITEAOF first`;
    throw new ServerError('FOREIGN_DATA', message);
  }
  const { truncatedAt, commands, snapshotKeys, bytes, files } = loaded;
  if (truncatedAt !== undefined) {
    const { file, offset } = truncatedAt;
    const message = `${path}: ${file} ends in the middle of something, what lies behind byte ${offset} is left out`;
    log.warn({ file, offset }, message);
  }
  const keys = engine.keyspaces.reduce((sum, { count }) => sum + count, 0);
  const milliseconds = Math.round(performance.now() - started);
  const facts = { files, keys, commands, snapshotKeys, bytes, milliseconds };
  log.info(facts, `${path} is loaded: ${keys} keys, of ${commands} commands`);
  return { keys, expired: 0, paths };
}

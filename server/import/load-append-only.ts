/**
 * Takes over the append-only files of a Redis: an `appendonlydir` with its manifest, or the single file of Redis before 7,
 * with or without a snapshot in front. Their commands run through the engine as replay runs effects: nothing is logged,
 * nothing expires. The files are only read.
 *
 * Whatever this server does not know stops the import with file and offset: a dataset that lacks something is worse than
 * none. As with Redis' `aof-load-truncated`, the last file may end in the middle of a command or of a MULTI; that is left
 * out and reported.
 */
import { createReadStream, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { coreCommands } from '../../core/commands/core-commands.js';
import type { Engine } from '../../core/engine.js';
import { DatasetLoader } from '../../core/rdb/dataset-loader.js';
import { RdbError } from '../../core/rdb/rdb-error.js';
import { RDB_SIGNATURE } from '../../core/rdb/rdb-format.js';
import { RdbReader } from '../../core/rdb/rdb-reader.js';
import { Session } from '../../core/session.js';
import { parseAppendOnlyManifest } from './append-only-manifest.js';
import { AppendOnlyParser, COMMAND, MALFORMED } from './append-only-parser.js';
import { foreignTypeOf } from './foreign-type.js';
import { ImportError } from './import-error.js';
import { enterInSlices, pushInSlices } from './load-rdb.js';
import { LoadingSlices } from './loading-slices.js';

export interface AppendOnlyProgress {
  readonly loadedBytes: number;
  readonly totalBytes: number;
  readonly commands: number;
}

export interface AppendOnlyOptions {
  /** Redis' aof-load-truncated. */
  readonly loadTruncated: boolean;
  /** False: checksums of snapshots in front are not compared. */
  readonly checksum?: boolean;
  /** Called after each slice. */
  readonly onSlice?: (progress: AppendOnlyProgress) => void;
}

export interface LoadedAppendOnly {
  /** Files that were read, in their order. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** Commands that ran, and keys that came from snapshots in front of them. */
  readonly commands: number;
  readonly snapshotKeys: number;
  /** Where the last file was left because it ends in the middle of something; undefined where it is whole. */
  readonly truncatedAt: { readonly file: string; readonly offset: number } | undefined;
}

const CHUNK_BYTES = 1 << 20;
const COMMANDS_PER_LOOK = 64;
/** Characters of a key that an error shows. */
const SHOWN_MAX = 64;
/** Commands that change data, and no others, may stand in a file, beside SELECT, MULTI and EXEC. */
const ALLOWED = new Set(
  coreCommands.filter(({ name, flags }) => flags.includes('write') || name === 'select').map(({ name }) => name),
);

/** @param manifest path of the manifest, in the directory of the files that it names. */
export function loadAppendOnlyDirectory(
  engine: Engine,
  manifest: string,
  options: AppendOnlyOptions,
): Promise<LoadedAppendOnly> {
  const { files } = parseAppendOnlyManifest(readFileSync(manifest, 'utf8'), basename(manifest));
  const paths = files.map((file) => join(manifest, '..', file));
  paths.forEach((path, i) => {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return;
    throw new ImportError('IMPORT_MANIFEST', basename(manifest), 0, `it names ${files[i]}, which is not there`);
  });
  return new AppendOnlyImport(engine, options).run(paths);
}

/** @param path of the one append-only file. */
export function loadAppendOnlyFile(
  engine: Engine,
  path: string,
  options: AppendOnlyOptions,
): Promise<LoadedAppendOnly> {
  return new AppendOnlyImport(engine, options).run([path]);
}

class AppendOnlyImport {
  private readonly engine: Engine;
  private readonly options: AppendOnlyOptions;
  private readonly slices: LoadingSlices;
  private readonly session = new Session(0, '', 0);
  private readonly loader: DatasetLoader;
  private totalBytes = 0;
  private loadedBytes = 0;
  private commands = 0;
  /** Commands of a MULTI whose EXEC has not come, each copied. */
  private queued: Uint8Array[][] | undefined = undefined;
  /** Where that MULTI begins. */
  private queuedAt = 0;
  private truncatedAt: { file: string; offset: number } | undefined = undefined;

  constructor(engine: Engine, options: AppendOnlyOptions) {
    this.engine = engine;
    this.options = options;
    // A snapshot that commands follow on keeps what has expired: the commands go by it.
    this.loader = new DatasetLoader(engine, 0);
    this.slices = new LoadingSlices(engine.clock, () => {
      const { loadedBytes, totalBytes, commands } = this;
      options.onSlice?.({ loadedBytes, totalBytes, commands });
    });
  }

  async run(paths: readonly string[]): Promise<LoadedAppendOnly> {
    const { engine } = this;
    for (const path of paths) this.totalBytes += statSync(path).size;
    const end = engine.beginImport();
    try {
      for (const [i, path] of paths.entries()) await this.load(path, i === paths.length - 1);
    } finally {
      end();
    }
    const { commands, loadedBytes: bytes, truncatedAt } = this;
    return { files: paths.map((path) => basename(path)), bytes, commands, snapshotKeys: this.loader.keys, truncatedAt };
  }

  private async load(path: string, isLast: boolean): Promise<void> {
    const file = basename(path);
    this.session.database = 0;
    this.queued = undefined;
    let parser: AppendOnlyParser | undefined;
    let rdb: RdbReader | undefined;
    for await (const data of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
      let chunk = data as Uint8Array;
      if (parser === undefined && rdb === undefined && beginsAsRdb(chunk)) {
        rdb = new RdbReader(this.loader, { checksum: this.options.checksum ?? true });
      }
      if (rdb !== undefined && !rdb.done) {
        chunk = chunk.subarray(await this.loadSnapshot(file, rdb, chunk));
        this.loadedBytes += data.length - chunk.length;
        if (!rdb.done || chunk.length === 0) continue;
      }
      parser ??= new AppendOnlyParser(rdb?.offset ?? 0);
      parser.push(chunk);
      await this.runCommands(file, parser);
      this.loadedBytes += chunk.length;
    }
    if (rdb !== undefined && !rdb.done) {
      throw new ImportError('IMPORT_TRUNCATED', file, rdb.offset, 'the file ends in the middle of its snapshot');
    }
    if (this.queued !== undefined || (parser !== undefined && parser.rest > 0)) this.truncated(file, parser!, isLast);
  }

  private async loadSnapshot(file: string, rdb: RdbReader, chunk: Uint8Array): Promise<number> {
    try {
      const end = await pushInSlices(rdb, chunk, this.slices);
      if (rdb.done) await enterInSlices(this.loader, this.slices);
      return end;
    } catch (error) {
      const offset = error instanceof RdbError ? error.offset : rdb.offset;
      throw new ImportError('IMPORT_FORMAT', file, offset, (error as Error).message, error);
    }
  }

  private async runCommands(file: string, parser: AppendOnlyParser): Promise<void> {
    const { args } = this.engine;
    for (let count = 1; ; count++) {
      const { offset } = parser;
      const outcome = parser.next(args);
      if (outcome === MALFORMED) {
        const what = 'here is no command; redis-check-aof tells more about the file';
        throw new ImportError('IMPORT_FORMAT', file, parser.offset, what);
      }
      if (outcome !== COMMAND) return;
      this.take(file, offset);
      if (count % COMMANDS_PER_LOOK !== 0 || !this.slices.over) continue;
      await this.slices.turn();
    }
  }

  /** Runs the command in the engine's arguments, or keeps it for its EXEC. */
  private take(file: string, offset: number): void {
    const { args } = this.engine;
    if (args.is(0, 'MULTI') && this.queued === undefined) {
      this.queued = [];
      this.queuedAt = offset;
    } else if (args.is(0, 'EXEC') && this.queued !== undefined) {
      const { queued } = this;
      this.queued = undefined;
      for (const command of queued) {
        args.set(command);
        this.execute(file, this.queuedAt);
      }
    } else if (this.queued !== undefined) {
      const command: Uint8Array[] = [];
      for (let i = 0; i < args.count; i++)
        command.push(Uint8Array.from(args.bytes.subarray(args.start[i]!, args.end[i]!)));
      this.queued.push(command);
    } else {
      this.execute(file, offset);
    }
  }

  private execute(file: string, offset: number): void {
    const { engine, session } = this;
    const name = engine.args.latin1(0, 64);
    if (!ALLOWED.has(name.toLowerCase())) throw new ImportError('IMPORT_COMMAND', file, offset, this.refusalOf(name));
    const error = engine.importCommand(session);
    if (error !== '') throw new ImportError('IMPORT_COMMAND', file, offset, `the command '${name}' fails: ${error}`);
    this.commands++;
  }

  /** Why a command cannot be taken over, with the key that it is about. */
  private refusalOf(name: string): string {
    const { args } = this.engine;
    const key = args.count > 1 ? `key '${args.latin1(1, SHOWN_MAX)}' of database ${this.session.database}` : '';
    const type = foreignTypeOf(name);
    if (type === undefined || key === '') return `the command '${name}' is not supported`;
    return `the command '${name}' says that ${key} is a ${type}, which is not supported`;
  }

  private truncated(file: string, parser: AppendOnlyParser, isLast: boolean): void {
    const offset = this.queued === undefined ? parser.offset : this.queuedAt;
    const what = this.queued === undefined ? 'the file ends in the middle of a command' : 'a MULTI has no EXEC';
    if (!isLast) throw new ImportError('IMPORT_TRUNCATED', file, offset, `${what}, and it is not the last file`);
    if (!this.options.loadTruncated) {
      throw new ImportError(
        'IMPORT_TRUNCATED',
        file,
        offset,
        `${what}; aof-load-truncated yes loads what is before it`,
      );
    }
    this.truncatedAt = { file, offset };
  }
}

function beginsAsRdb(chunk: Uint8Array): boolean {
  return chunk.length >= RDB_SIGNATURE.length && RDB_SIGNATURE.every((byte, i) => chunk[i] === byte);
}

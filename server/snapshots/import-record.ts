/**
 * Remembers which append-only files of a Redis this server began with, so that they may stay where they are, and others
 * that somebody puts in their place are noticed. What counts is the content: a moved directory is the same one.
 */
import { join, relative } from 'node:path';
import { readContent } from './dump-copy.js';
import type { SnapshotFiles } from './snapshot-files.js';
import { decodeChecked, encodeChecked } from './snapshot-manifest.js';
import { readSmall, writeWhole } from './snapshot-store.js';

export const IMPORT_RECORD_NAME = 'imported.json';
const FORMAT = 1;

interface RecordedFile {
  /** Relative to the data directory. */
  readonly name: string;
  readonly bytes: number;
  /** CRC-64 of all bytes, 16 hexadecimal digits. */
  readonly crc64: string;
  /** While a file has it, it need not be read again. */
  readonly identity: string;
}

export class ImportRecord {
  private readonly files: SnapshotFiles;
  private readonly directory: string;
  private readonly dataDirectory: string;

  /** @param directory where the record lies: that of snapshots, which must exist for `adopt`. */
  constructor(files: SnapshotFiles, directory: string, dataDirectory: string) {
    this.files = files;
    this.directory = directory;
    this.dataDirectory = dataDirectory;
  }

  /**
   * Records what was loaded.
   * @param source the file or directory by which it is asked for.
   * @param paths of all files that were read for it.
   */
  adopt(source: string, paths: readonly string[]): void {
    const recorded = paths.map((path): RecordedFile => {
      const { bytes, crc64 } = readContent(this.files, path, 0);
      return { name: this.nameOf(path), bytes, crc64, identity: this.files.identity(path).text };
    });
    const bytes = encodeChecked({ format: FORMAT, source: this.nameOf(source), files: recorded });
    writeWhole(this.files, this.directory, IMPORT_RECORD_NAME, bytes, { write: 'manifest-write', enter: 'copy-enter' });
  }

  /** Whether every file of `source` is there still and as it was. */
  isKnown(source: string): boolean {
    const path = join(this.directory, IMPORT_RECORD_NAME);
    if (!this.files.exists(path)) return false;
    const value = decodeChecked(readSmall(this.files, path));
    if (typeof value === 'string' || value.format !== FORMAT || value.source !== this.nameOf(source)) return false;
    return Array.isArray(value.files) && (value.files as RecordedFile[]).every((each) => this.isSame(each));
  }

  private isSame({ name, bytes, crc64, identity }: RecordedFile): boolean {
    const path = join(this.dataDirectory, name);
    if (!this.files.exists(path)) return false;
    const found = this.files.identity(path);
    if (found.bytes !== bytes) return false;
    return found.text === identity || readContent(this.files, path, 0).crc64 === crc64;
  }

  private nameOf(path: string): string {
    return relative(this.dataDirectory, path);
  }
}

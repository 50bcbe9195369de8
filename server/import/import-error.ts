/** Why the files of a Redis cannot be taken over: which file, where in it, and what is wrong. */

export type ImportErrorCode =
  /** The manifest of an append-only directory cannot be understood, or names a file that is not there. */
  | 'IMPORT_MANIFEST'
  /** Bytes that are no append-only file. */
  | 'IMPORT_FORMAT'
  /** A command that this server does not know, or that fails. */
  | 'IMPORT_COMMAND'
  /** A file ends in the middle of a command, and may not. */
  | 'IMPORT_TRUNCATED';

export class ImportError extends Error {
  override readonly name = 'ImportError';
  readonly code: ImportErrorCode;
  readonly file: string;
  /** Byte of the file. */
  readonly offset: number;

  constructor(code: ImportErrorCode, file: string, offset: number, what: string, cause?: unknown) {
    super(`${file}, at byte ${offset}: ${what}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.file = file;
    this.offset = offset;
  }
}

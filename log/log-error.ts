/**
 * The errors of every transaction log: one class with stable codes. What a code means for the process is said here; the
 * texts are for people and may change.
 */

/**
 * - `LOG_FENCED`: another writer took over; final for this writer.
 * - `LOG_REFUSED`: certainly not written (too large, quota); does not poison.
 * - `LOG_AMBIGUOUS`: may or may not be written; poisons the writer.
 * - `LOG_FAILED`: a write, sync or thread failed; final for the process that held the log (an fsync is never retried).
 * - `LOG_DAMAGED`: bytes at or below a committed mark are missing or wrong; the log is refused, nothing was changed.
 * - `LOG_FORMAT_UNKNOWN`: a sound frame or header that this version does not know.
 * - `LOG_LEVEL_UNKNOWN`: the log holds a feature level above this version's.
 * - `LOG_LOCKED`: another process holds the directory. `LOG_LOCK_UNAVAILABLE`: no way to lock the directory was found.
 * - `LOG_NO_SPACE`: no room to begin; `LOG_MISSING`: no log there; `LOG_EXISTS`: a log is there already.
 * - `LOG_TRIMMED`: what is asked for was trimmed off the front of the log.
 * - `LOG_CLOSED`: used after close. `LOG_MISUSE`: the caller broke the contract.
 */
export type LogErrorCode =
  | 'LOG_FENCED'
  | 'LOG_REFUSED'
  | 'LOG_AMBIGUOUS'
  | 'LOG_FAILED'
  | 'LOG_DAMAGED'
  | 'LOG_FORMAT_UNKNOWN'
  | 'LOG_LEVEL_UNKNOWN'
  | 'LOG_LOCKED'
  | 'LOG_LOCK_UNAVAILABLE'
  | 'LOG_NO_SPACE'
  | 'LOG_MISSING'
  | 'LOG_EXISTS'
  | 'LOG_TRIMMED'
  | 'LOG_CLOSED'
  | 'LOG_MISUSE';

/** Where in the log an error lies, if it has a place. */
export interface LogErrorPlace {
  readonly file?: string | undefined;
  /** Byte offset in the file. */
  readonly offset?: number | undefined;
  readonly cause?: unknown;
}

export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code: LogErrorCode;
  readonly file: string | undefined;
  readonly offset: number | undefined;

  constructor(code: LogErrorCode, message: string, place: LogErrorPlace = {}) {
    super(message, place.cause === undefined ? undefined : { cause: place.cause });
    this.code = code;
    this.file = place.file;
    this.offset = place.offset;
  }
}

/** Throws `LOG_MISUSE` unless the condition holds; for contracts between the log and its caller. */
export function requireUse(condition: boolean, message: string): asserts condition {
  if (!condition) throw new LogError('LOG_MISUSE', message);
}

/** The errors for a log that is damaged or too new: each names the file, the offset, and what to do. */
import { join } from 'node:path';
import type { FrameProbe } from '../frame.js';
import { LogError } from '../log-error.js';
import { segmentName } from './segment-name.js';

const ADVICE =
  'the log is damaged and nothing was changed. Restore the file from a copy, or give up what lies behind with "holdfast log cut --after SEQUENCE --accept-loss"';

const MARK_ADVICE =
  'nothing was changed. Restore it from a copy; once it is removed, only the frames themselves say up to where the log was committed';

/** A file that is not what it should be, from `offset` on. */
export function damagedFile(file: string, offset: number, what: string, cause?: unknown): LogError {
  return new LogError('LOG_DAMAGED', `${file}: ${what}: ${ADVICE}`, { file, offset, cause });
}

export function damagedMark(file: string, what: string): LogError {
  return new LogError('LOG_DAMAGED', `${file}: ${what}: ${MARK_ADVICE}`, { file, offset: 0 });
}

/** A segment that must be there and is not. */
export function missingSegment(directory: string, number: number): LogError {
  return damagedFile(join(directory, segmentName(number)), 0, 'the segment is missing');
}

/** Bytes at or below a mark that are not the frame that should be there. */
export function damagedFrame(file: string, offset: number, probe: FrameProbe, objection: string | undefined): LogError {
  let found = 'a frame with a wrong checksum';
  if (probe === 'sound') found = objection ?? 'a frame out of place';
  else if (probe === 'short') found = 'a frame that is cut off';
  else if (probe === 'blank') found = 'nothing where a committed frame should be';
  return damagedFile(file, offset, `offset ${offset} holds ${found}`);
}

/** A segment that ends, with whole frames, before the next one goes on. */
export function endMissing(file: string, size: number, objection: string): LogError {
  return damagedFile(file, size, `the file ends at offset ${size}, but the next segment begins with ${objection}`);
}

/** A log whose last frame lies in front of one that somebody knows to be committed. */
export function endBelow(
  file: string,
  end: { readonly epoch: number; readonly idx: number },
  known: { readonly epoch: number; readonly idx: number },
  where: string,
): LogError {
  const what = `the log ends with epoch ${end.epoch} idx ${end.idx}`;
  return damagedFile(file, 0, `${what}, but ${where} was made behind epoch ${known.epoch} idx ${known.idx}`);
}

/** A sound frame of a later version. */
export function unknownFrame(file: string, offset: number, what: string): LogError {
  const message = `${file}: the frame at offset ${offset} has ${what}, which this version does not know: use a newer one`;
  return new LogError('LOG_FORMAT_UNKNOWN', message, { file, offset });
}

/** Adds the place to an error that was thrown while a frame there was looked at. */
export function placed(error: unknown, file: string, offset: number): unknown {
  if (!(error instanceof LogError) || error.file !== undefined) return error;
  if (error.code === 'LOG_DAMAGED')
    return damagedFile(file, offset, `offset ${offset} holds a ${error.message}`, error);
  return new LogError(error.code, `${file}: offset ${offset}: ${error.message}`, { file, offset, cause: error });
}

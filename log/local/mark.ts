/**
 * The file `mark`: a place in the log up to which everything was committed when it was written. Nothing below it may be
 * cut as torn. It is replaced as a whole, so that a reader finds the old one or the new one.
 */
import { join } from 'node:path';
import { saltedCrc } from '../checksums.js';
import { readU32, readU64, writeU32, writeU64 } from '../little-endian.js';
import { LogError } from '../log-error.js';
import { damagedMark } from './damage.js';
import { type FileLayer, readFully, writeFully } from './file-layer.js';

export const MARK_NAME = 'mark';
export const MARK_TEMPORARY_NAME = 'mark.tmp';
export const MARK_BYTES = 128;
const MAGIC = 'HOLDMRK1';
const FORMAT_VERSION = 1;
const AT_CHECKSUM = 124;

export interface Mark {
  readonly logId: string;
  readonly epoch: number;
  readonly idx: number;
  /** Behind that frame. */
  readonly runningChecksum: Uint8Array;
  readonly segment: number;
  /** Byte offset behind that frame in the segment's file. */
  readonly offset: number;
  /** The sequence of the next entry, and the time of that frame: what a reader needs to go on from here. */
  readonly nextSequence: number;
  readonly timeMs: number;
  readonly featureLevel: number;
}

export function encodeMark(mark: Mark): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  writeU32(bytes, 8, FORMAT_VERSION);
  writeU32(bytes, 12, MARK_BYTES);
  bytes.set(Buffer.from(mark.logId, 'hex'), 16);
  writeU64(bytes, 32, mark.epoch);
  writeU64(bytes, 40, mark.idx);
  bytes.set(mark.runningChecksum.subarray(0, 16), 48);
  writeU64(bytes, 64, mark.segment);
  writeU64(bytes, 72, mark.offset);
  writeU64(bytes, 80, mark.nextSequence);
  writeU64(bytes, 88, mark.timeMs);
  writeU32(bytes, 96, mark.featureLevel);
  writeU32(bytes, AT_CHECKSUM, saltedCrc(bytes, 0, AT_CHECKSUM, 0));
  return bytes;
}

/** @throws LogError `LOG_DAMAGED`, `LOG_FORMAT_UNKNOWN` */
export function decodeMark(bytes: Uint8Array, length: number, file: string): Mark {
  const sound = length === MARK_BYTES && readU32(bytes, AT_CHECKSUM) === saltedCrc(bytes, 0, AT_CHECKSUM, 0);
  if (!sound || Buffer.from(bytes.slice(0, 8)).toString('latin1') !== MAGIC) {
    throw damagedMark(file, 'the mark file is damaged');
  }
  if (readU32(bytes, 8) !== FORMAT_VERSION) {
    throw new LogError('LOG_FORMAT_UNKNOWN', `${file}: mark format version ${readU32(bytes, 8)} is not known`, {
      file,
    });
  }
  return {
    logId: Buffer.from(bytes.slice(16, 32)).toString('hex'),
    epoch: readU64(bytes, 32),
    idx: readU64(bytes, 40),
    runningChecksum: bytes.slice(48, 64),
    segment: readU64(bytes, 64),
    offset: readU64(bytes, 72),
    nextSequence: readU64(bytes, 80),
    timeMs: readU64(bytes, 88),
    featureLevel: readU32(bytes, 96),
  };
}

/** The mark of a log directory, or undefined where there is none. @throws LogError as `decodeMark` */
export function readMark(files: FileLayer, directory: string): Mark | undefined {
  const path = join(directory, MARK_NAME);
  if (!files.exists(path)) return undefined;
  const fd = files.open(path, 'read');
  try {
    const bytes = new Uint8Array(MARK_BYTES + 1);
    return decodeMark(bytes, readFully(files, fd, bytes, 0, bytes.length, 0), path);
  } finally {
    files.close(fd);
  }
}

/** Replaces the mark; when it returns, no earlier one can come back. */
export function replaceMark(files: FileLayer, directory: string, mark: Mark): void {
  const temporary = join(directory, MARK_TEMPORARY_NAME);
  if (files.exists(temporary)) files.unlink(temporary);
  const fd = files.open(temporary, 'create');
  try {
    writeFully(files, fd, encodeMark(mark), 0, MARK_BYTES, 0);
    files.fsync(fd, 'mark-write');
  } finally {
    files.close(fd);
  }
  files.rename(temporary, join(directory, MARK_NAME));
  files.syncDirectory(directory, 'mark-enter');
}

/** The 512-byte header in front of the frames of a segment file. */
import { saltedCrc } from '../checksums.js';
import { readU32, readU64, writeU32, writeU64 } from '../little-endian.js';
import { LogError } from '../log-error.js';
import { damagedFile } from './damage.js';

export const SEGMENT_HEADER_BYTES = 512;
export const SEGMENT_FORMAT_VERSION = 1;
const MAGIC = 'HOLDLOG1';
const AT_CHECKSUM = 508;

/** Name of the prepared next segment, and of what is being prepared. */
export const SPARE_NAME = 'spare';
export const TEMPORARY_NAME = 'spare.tmp';

export interface SegmentHeader {
  /** 32 hexadecimal digits. */
  readonly logId: string;
  /** 16 hexadecimal digits. */
  readonly timeline: string;
  /** The timeline that this one left, and the last sequence that they share; 16 zeros and 0 for a log's first. */
  readonly parentTimeline: string;
  readonly forkSequence: number;
  /** 1, 2, 3 ... without gaps. */
  readonly number: number;
  /** Seeds the checksums of the segment's frames; 32 random bits, never 0. */
  readonly salt: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  writeU32(bytes, 8, SEGMENT_FORMAT_VERSION);
  writeU32(bytes, 12, SEGMENT_HEADER_BYTES);
  bytes.set(Buffer.from(header.logId, 'hex'), 16);
  bytes.set(Buffer.from(header.timeline, 'hex'), 32);
  bytes.set(Buffer.from(header.parentTimeline, 'hex'), 40);
  writeU64(bytes, 48, header.forkSequence);
  writeU64(bytes, 56, header.number);
  writeU32(bytes, 64, header.salt);
  writeU32(bytes, AT_CHECKSUM, saltedCrc(bytes, 0, AT_CHECKSUM, 0));
  return bytes;
}

/**
 * Reads the header of the segment in `file`.
 * @throws LogError `LOG_DAMAGED` if it is not one, `LOG_FORMAT_UNKNOWN` if a later version wrote it
 */
export function decodeSegmentHeader(bytes: Uint8Array, length: number, file: string): SegmentHeader {
  const sound = length >= SEGMENT_HEADER_BYTES && readU32(bytes, AT_CHECKSUM) === saltedCrc(bytes, 0, AT_CHECKSUM, 0);
  if (!sound || Buffer.from(bytes.subarray(0, 8)).toString('latin1') !== MAGIC) {
    throw damagedFile(file, 0, 'the segment header at offset 0 is damaged');
  }
  const version = readU32(bytes, 8);
  if (version !== SEGMENT_FORMAT_VERSION || readU32(bytes, 12) !== SEGMENT_HEADER_BYTES) {
    const message = `${file}: segment format version ${version}, this program knows ${SEGMENT_FORMAT_VERSION}`;
    throw new LogError('LOG_FORMAT_UNKNOWN', message, { file, offset: 0 });
  }
  return {
    logId: hex(bytes, 16, 16),
    timeline: hex(bytes, 32, 8),
    parentTimeline: hex(bytes, 40, 8),
    forkSequence: readU64(bytes, 48),
    number: readU64(bytes, 56),
    salt: readU32(bytes, 64),
  };
}

function hex(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.slice(at, at + length)).toString('hex');
}

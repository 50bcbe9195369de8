/** The bodies of control frames: leader, abdicate and level. Lease, checksum and end frames have an empty body. */
import { RUNNING_CHECKSUM_BYTES } from './checksums.js';
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './little-endian.js';
import { LogError } from './log-error.js';
import type { LeaderRecord } from './transaction-log.js';

const TEXT_BYTES_MAX = 255;
const LEADER_FIXED_BYTES = 8 + 8 + RUNNING_CHECKSUM_BYTES + 4 + 4;
/** Upper bound of every control body. */
export const CONTROL_BODY_BYTES_MAX = LEADER_FIXED_BYTES + 3 * (2 + TEXT_BYTES_MAX);

/** What a leader record says about the log before it: the last accepted frame and the running checksum behind it. */
export interface LeaderAfter {
  readonly epoch: number;
  readonly idx: number;
  readonly runningChecksum: Uint8Array;
}

/** What a leader body holds; the record's time is its frame's. */
export type LeaderBody = Omit<LeaderRecord, 'timeMs'> & { readonly after: LeaderAfter };

/** Writes a leader body at `at` and returns the offset behind it. */
export function writeLeaderBody(bytes: Uint8Array, at: number, record: LeaderRecord, after: LeaderAfter): number {
  writeU64(bytes, at, after.epoch);
  writeU64(bytes, at + 8, after.idx);
  bytes.set(after.runningChecksum.subarray(0, RUNNING_CHECKSUM_BYTES), at + 16);
  writeU32(bytes, at + 32, record.leaseMs);
  writeU32(bytes, at + 36, record.featureLevel);
  let end = writeText(bytes, at + LEADER_FIXED_BYTES, record.node);
  end = writeText(bytes, end, record.address);
  return writeText(bytes, end, record.version);
}

/** Reads a leader body. @throws LogError `LOG_DAMAGED` if it is malformed */
export function readLeaderBody(bytes: Uint8Array, start: number, end: number): LeaderBody {
  if (end - start < LEADER_FIXED_BYTES) throw malformed('leader');
  const texts = readTexts(bytes, start + LEADER_FIXED_BYTES, end, 3, 'leader');
  return {
    after: {
      epoch: readU64(bytes, start),
      idx: readU64(bytes, start + 8),
      runningChecksum: bytes.slice(start + 16, start + 16 + RUNNING_CHECKSUM_BYTES),
    },
    leaseMs: readU32(bytes, start + 32),
    featureLevel: readU32(bytes, start + 36),
    node: texts[0]!,
    address: texts[1]!,
    version: texts[2]!,
  };
}

/** Body of an abdicate frame: who shall lead next. Returns the offset behind it. */
export function writeAbdicateBody(bytes: Uint8Array, at: number, to: string): number {
  return writeText(bytes, at, to);
}

/** @throws LogError `LOG_DAMAGED` if it is malformed */
export function readAbdicateBody(bytes: Uint8Array, start: number, end: number): string {
  return readTexts(bytes, start, end, 1, 'abdicate')[0]!;
}

/** Body of a level frame: the feature level from here on. Returns the offset behind it. */
export function writeLevelBody(bytes: Uint8Array, at: number, level: number): number {
  writeU32(bytes, at, level);
  return at + 4;
}

/** @throws LogError `LOG_DAMAGED` if it is malformed */
export function readLevelBody(bytes: Uint8Array, start: number, end: number): number {
  if (end - start !== 4) throw malformed('level');
  return readU32(bytes, start);
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function writeText(bytes: Uint8Array, at: number, text: string): number {
  // `encodeInto` does not take shared memory, and stops in front of a character that does not fit.
  const buffer = new Uint8Array(TEXT_BYTES_MAX);
  const { written } = encoder.encodeInto(text, buffer);
  writeU16(bytes, at, written);
  bytes.set(buffer.subarray(0, written), at + 2);
  return at + 2 + written;
}

function readTexts(bytes: Uint8Array, from: number, end: number, count: number, what: string): string[] {
  const texts: string[] = [];
  let at = from;
  for (let i = 0; i < count; i++) {
    const length = at + 2 <= end ? readU16(bytes, at) : -1;
    if (length < 0 || at + 2 + length > end) throw malformed(what);
    texts.push(decoder.decode(bytes.slice(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  if (at !== end) throw malformed(what);
  return texts;
}

function malformed(what: string): LogError {
  return new LogError('LOG_DAMAGED', `malformed body of a frame of kind ${what}`);
}

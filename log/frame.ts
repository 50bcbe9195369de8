/**
 * The frame codec: the fixed header of 96 bytes, the 512-byte alignment and the checksum. Bodies are `entry.ts` (data,
 * part) and `control-body.ts` (leader, abdicate, level). `docs/format.md` states every byte.
 */
import { RUNNING_CHECKSUM_BYTES, saltedCrc, sha256Front } from './checksums.js';
import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from './little-endian.js';

/** "HFF1" read as a little-endian number. */
export const FRAME_MAGIC = 0x31464648;
export const FRAME_FORMAT_VERSION = 1;
export const FRAME_HEADER_BYTES = 96;
/** A frame starts on a multiple of this, so that no sector holds both committed and new bytes. */
export const FRAME_ALIGNMENT = 512;
/** Largest body of one frame; bounds what a reader buffers and what one checksum costs. */
export const FRAME_BODY_BYTES_MAX = 16 * 1024 * 1024;

export const FrameKind = {
  leader: 1,
  lease: 2,
  data: 3,
  part: 4,
  checksum: 5,
  end: 6,
  abdicate: 7,
  level: 8,
} as const;
const FRAME_KIND_MAX = 8;

export const FrameFlag = {
  /** Origin numbers start anew with this frame. */
  originReset: 1,
  /** The last frame of a clean shutdown. */
  seal: 2,
} as const;
const FRAME_FLAGS_KNOWN = 3;

const KIND_NAMES = ['', 'leader', 'lease', 'data', 'part', 'checksum', 'end', 'abdicate', 'level'];

/** The name of a kind, for people. */
export function frameKindName(kind: number): string {
  return KIND_NAMES[kind] ?? `kind ${kind}`;
}

const AT_VERSION = 4;
const AT_KIND = 5;
const AT_HEADER_BYTES = 6;
const AT_FLAGS = 8;
const AT_ENTRY_COUNT = 12;
const AT_EPOCH = 16;
const AT_IDX = 24;
const AT_FIRST_SEQUENCE = 32;
const AT_TIME = 40;
const AT_COMMITTED_EPOCH = 48;
const AT_COMMITTED_IDX = 56;
const AT_KEY_ID = 64;
const AT_BODY_BYTES = 68;
const AT_RESERVED = 72;
/** Previous running checksum, checksum and body lie side by side: the running checksum is one hash over one range. */
const AT_RUNNING = 76;
const AT_CHECKSUM = 92;

/** Bytes that a frame with this body occupies, padding included. */
export function frameBytes(bodyBytes: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + bodyBytes) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
}

/** What the bytes at an offset are. `blank`: no magic but zeros there. `bad`: no frame. `short`: it runs over the limit. */
export type FrameProbe = 'sound' | 'blank' | 'bad' | 'short';

/** The fields of one header; reused, so that reading a log makes no object per frame. */
export class FrameHeader {
  kind = 0;
  flags = 0;
  entryCount = 0;
  epoch = 0;
  idx = 0;
  firstSequence = 0;
  timeMs = 0;
  committedEpoch = 0;
  committedIdx = 0;
  keyId = 0;
  bodyBytes = 0;
  version = 0;
  headerBytes = 0;
  /** Bytes of the whole frame, padding included. Set by `probe` unless it says `blank` or `bad`. */
  totalBytes = 0;
  private reserved = 0;

  /**
   * Looks at bytes[at, limit) and, where a frame with a valid checksum starts there, reads its fields. Whether they are
   * known is asked with `unknown`. The checksum field is zeroed while the checksum is computed, so the bytes must be the
   * caller's own.
   */
  probe(bytes: Uint8Array, at: number, limit: number, salt: number): FrameProbe {
    const size = this.measure(bytes, at, limit);
    if (size !== 'sound') return size;
    const checksum = readU32(bytes, at + AT_CHECKSUM);
    writeU32(bytes, at + AT_CHECKSUM, 0);
    const actual = saltedCrc(bytes, at, at + this.totalBytes, salt);
    writeU32(bytes, at + AT_CHECKSUM, checksum);
    if (checksum !== actual) return 'bad';
    this.readFields(bytes, at);
    return this.sane() ? 'sound' : 'bad';
  }

  /** Reads only what says how long the frame is; `sound` here means: long enough a range, checksum not looked at. */
  measure(bytes: Uint8Array, at: number, limit: number): FrameProbe {
    if (limit - at < FRAME_HEADER_BYTES) return blankRange(bytes, at, limit) ? 'blank' : 'bad';
    if (readU32(bytes, at) !== FRAME_MAGIC) return blankRange(bytes, at, at + FRAME_HEADER_BYTES) ? 'blank' : 'bad';
    // Magic, version, header length, body length and checksum stay where they are in every version of the format.
    const headerBytes = readU16(bytes, at + AT_HEADER_BYTES);
    const bodyBytes = readU32(bytes, at + AT_BODY_BYTES);
    if (headerBytes < FRAME_HEADER_BYTES || bodyBytes > FRAME_BODY_BYTES_MAX) return 'bad';
    this.headerBytes = headerBytes;
    this.bodyBytes = bodyBytes;
    this.totalBytes = Math.ceil((headerBytes + bodyBytes) / FRAME_ALIGNMENT) * FRAME_ALIGNMENT;
    return at + this.totalBytes > limit ? 'short' : 'sound';
  }

  /** Reads the fields of a frame that was found sound before. */
  readVerified(bytes: Uint8Array, at: number): void {
    this.headerBytes = readU16(bytes, at + AT_HEADER_BYTES);
    this.bodyBytes = readU32(bytes, at + AT_BODY_BYTES);
    this.totalBytes = frameBytes(this.bodyBytes);
    this.readFields(bytes, at);
  }

  /** What in a sound frame this version does not know, or undefined. Such a frame is refused, never skipped. */
  unknown(): string | undefined {
    if (this.version !== FRAME_FORMAT_VERSION) return `format version ${this.version}`;
    if (this.headerBytes !== FRAME_HEADER_BYTES) return `header length ${this.headerBytes}`;
    if (this.kind < 1 || this.kind > FRAME_KIND_MAX) return `kind ${this.kind}`;
    const flags = (this.flags & ~FRAME_FLAGS_KNOWN) >>> 0;
    if (flags !== 0) return `flags 0x${flags.toString(16)}`;
    if (this.keyId !== 0) return `encryption key ${this.keyId}`;
    if (this.reserved !== 0) return `reserved field ${this.reserved}`;
    return undefined;
  }

  /** The sequence that the next entry behind this frame has. */
  get nextSequence(): number {
    return this.firstSequence + this.entryCount;
  }

  private readFields(bytes: Uint8Array, at: number): void {
    this.version = bytes[at + AT_VERSION]!;
    this.kind = bytes[at + AT_KIND]!;
    this.flags = readU32(bytes, at + AT_FLAGS);
    this.entryCount = readU32(bytes, at + AT_ENTRY_COUNT);
    this.epoch = readU64(bytes, at + AT_EPOCH);
    this.idx = readU64(bytes, at + AT_IDX);
    this.firstSequence = readU64(bytes, at + AT_FIRST_SEQUENCE);
    this.timeMs = readU64(bytes, at + AT_TIME);
    this.committedEpoch = readU64(bytes, at + AT_COMMITTED_EPOCH);
    this.committedIdx = readU64(bytes, at + AT_COMMITTED_IDX);
    this.keyId = readU32(bytes, at + AT_KEY_ID);
    this.reserved = readU32(bytes, at + AT_RESERVED);
  }

  private sane(): boolean {
    return (
      this.epoch >= 0 &&
      this.idx >= 0 &&
      this.firstSequence >= 0 &&
      this.timeMs >= 0 &&
      this.committedEpoch >= 0 &&
      this.committedIdx >= 0
    );
  }
}

/**
 * Completes a frame whose body already lies at `at + FRAME_HEADER_BYTES`: writes the header, zeroes the padding and sets
 * the checksum. Returns the bytes of the frame. `bytes` must reach to its padded end.
 */
export function sealFrame(
  bytes: Uint8Array,
  at: number,
  header: FrameHeader,
  running: Uint8Array,
  salt: number,
): number {
  const total = frameBytes(header.bodyBytes);
  writeU32(bytes, at, FRAME_MAGIC);
  bytes[at + AT_VERSION] = FRAME_FORMAT_VERSION;
  bytes[at + AT_KIND] = header.kind;
  writeU16(bytes, at + AT_HEADER_BYTES, FRAME_HEADER_BYTES);
  writeU32(bytes, at + AT_FLAGS, header.flags);
  writeU32(bytes, at + AT_ENTRY_COUNT, header.entryCount);
  writeU64(bytes, at + AT_EPOCH, header.epoch);
  writeU64(bytes, at + AT_IDX, header.idx);
  writeU64(bytes, at + AT_FIRST_SEQUENCE, header.firstSequence);
  writeU64(bytes, at + AT_TIME, header.timeMs);
  writeU64(bytes, at + AT_COMMITTED_EPOCH, header.committedEpoch);
  writeU64(bytes, at + AT_COMMITTED_IDX, header.committedIdx);
  writeU32(bytes, at + AT_KEY_ID, header.keyId);
  writeU32(bytes, at + AT_BODY_BYTES, header.bodyBytes);
  writeU32(bytes, at + AT_RESERVED, 0);
  for (let i = 0; i < RUNNING_CHECKSUM_BYTES; i++) bytes[at + AT_RUNNING + i] = running[i]!;
  writeU32(bytes, at + AT_CHECKSUM, 0);
  bytes.fill(0, at + FRAME_HEADER_BYTES + header.bodyBytes, at + total);
  writeU32(bytes, at + AT_CHECKSUM, saltedCrc(bytes, at, at + total, salt));
  return total;
}

/** Where the bytes begin, from the start of a frame, that the running checksum behind it is computed from; they end with its body. */
export const RUNNING_INPUT_AT = AT_RUNNING;

/** Running checksum behind the frame at `at`, from its own previous one, its checksum and its body; into `target`. */
export function advanceRunningChecksum(bytes: Uint8Array, at: number, bodyBytes: number, target: Uint8Array): void {
  sha256Front(bytes, at + AT_RUNNING, at + FRAME_HEADER_BYTES + bodyBytes, target, 0);
}

/** Whether the frame at `at` names `running` as the running checksum of the frames before it. */
export function continuesRunningChecksum(bytes: Uint8Array, at: number, running: Uint8Array): boolean {
  for (let i = 0; i < RUNNING_CHECKSUM_BYTES; i++) if (bytes[at + AT_RUNNING + i] !== running[i]) return false;
  return true;
}

/** Copies the running checksum that the frame at `at` names for the frames before it. */
export function copyRunningChecksum(bytes: Uint8Array, at: number, target: Uint8Array): void {
  for (let i = 0; i < RUNNING_CHECKSUM_BYTES; i++) target[i] = bytes[at + AT_RUNNING + i]!;
}

/** Whether bytes[from, to) are all zero. */
export function blankRange(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false;
  return true;
}

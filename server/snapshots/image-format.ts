/**
 * The bytes of a page image around its pages: header, index, counters, trailer. `docs/frozen-pages.md` states every byte.
 * Writing and reading files is `image-file-writer.ts` and `image-file.ts`.
 *
 *   header 4096 | pages, 4096 each, in any order | index, 12 a page | counters | trailer 128
 */
import { crc32 } from 'node:zlib';
import { PAGE_LAYOUT_VERSION } from '../../core/memory/page-header.js';
import type { KeyspaceCounters } from '../../core/memory/readable-dataset.js';
import { PAGE_BYTES } from '../../core/memory/size-classes.js';
import { readU32, readU64, writeU32, writeU64 } from '../../log/little-endian.js';
import { ImageError } from './image-error.js';
import type { LogPlace } from './snapshot-manifest.js';

export const IMAGE_FORMAT_VERSION = 1;
/** As long as a page, so that pages are aligned in the file. */
export const IMAGE_HEADER_BYTES = PAGE_BYTES;
export const IMAGE_INDEX_ENTRY_BYTES = 12;
export const IMAGE_TRAILER_BYTES = 128;
/** Databases, and counters of each. */
const DATABASES_MAX = 65_536;
const COUNTERS = 3;
const COUNTERS_HEADER_BYTES = 8;
const COUNTERS_ENTRY_BYTES = 4 + COUNTERS * 8;

const HEADER_MAGIC = Buffer.from('HOLDIMG1', 'latin1');
const TRAILER_MAGIC = Buffer.from('HOLDIMGE', 'latin1');

/** What an image says of itself before its first page. */
export interface ImageHeader {
  /** 32 and 16 hexadecimal digits; zeros where no log is behind it. */
  readonly logId: string;
  readonly timeline: string;
  readonly sequence: number;
  /** Wall clock at the cut, in ms. */
  readonly createdAtMs: number;
  readonly featureLevel: number;
  /** One behind the highest page. */
  readonly pageEnd: number;
}

export interface ImageTrailer {
  readonly indexOffset: number;
  /** Pages in the file. */
  readonly pageCount: number;
  readonly indexChecksum: number;
  readonly countersBytes: number;
  readonly countersChecksum: number;
  readonly headerChecksum: number;
  /** The frame that ends with the header's sequence; epoch 0 and idx 0 where it was not told. */
  readonly epoch: number;
  readonly idx: number;
  /** Running checksum behind that frame, 32 hexadecimal digits. */
  readonly runningChecksum: string;
}

export function checksumOf(bytes: Uint8Array): number {
  return crc32(bytes) >>> 0;
}

export function encodeImageHeader(header: ImageHeader): Uint8Array {
  const bytes = new Uint8Array(IMAGE_HEADER_BYTES);
  bytes.set(HEADER_MAGIC);
  writeU32(bytes, 8, IMAGE_FORMAT_VERSION);
  writeU32(bytes, 12, PAGE_LAYOUT_VERSION);
  writeU32(bytes, 16, PAGE_BYTES);
  writeU32(bytes, 20, header.featureLevel);
  bytes.set(Buffer.from(header.logId, 'hex').subarray(0, 16), 24);
  bytes.set(Buffer.from(header.timeline, 'hex').subarray(0, 8), 40);
  writeU64(bytes, 48, header.sequence);
  writeU64(bytes, 56, Math.max(0, Math.floor(header.createdAtMs)));
  writeU32(bytes, 64, header.pageEnd);
  writeU32(bytes, IMAGE_HEADER_BYTES - 4, checksumOf(bytes.subarray(0, IMAGE_HEADER_BYTES - 4)));
  return bytes;
}

/** @throws ImageError */
export function decodeImageHeader(bytes: Uint8Array, path: string): ImageHeader {
  if (!startsWith(bytes, HEADER_MAGIC)) throw new ImageError('IMAGE_FOREIGN', `${path} is not a page image`);
  const sum = checksumOf(bytes.subarray(0, IMAGE_HEADER_BYTES - 4));
  if (sum !== readU32(bytes, IMAGE_HEADER_BYTES - 4)) throw damaged(path, 'its header');
  const versions = [readU32(bytes, 8), readU32(bytes, 12), readU32(bytes, 16)];
  if (versions.join() !== [IMAGE_FORMAT_VERSION, PAGE_LAYOUT_VERSION, PAGE_BYTES].join()) {
    const message = `${path} has image format ${versions[0]} and page layout ${versions[1]}, this version reads ${IMAGE_FORMAT_VERSION} and ${PAGE_LAYOUT_VERSION}`;
    throw new ImageError('IMAGE_FOREIGN', message);
  }
  return {
    featureLevel: readU32(bytes, 20),
    logId: hex(bytes, 24, 16),
    timeline: hex(bytes, 40, 8),
    sequence: readU64(bytes, 48),
    createdAtMs: readU64(bytes, 56),
    pageEnd: readU32(bytes, 64),
  };
}

/** By database number: owner of the pages, and the counters of the write path. */
export function encodeCounters(keyspaces: readonly KeyspaceCounters[]): Uint8Array {
  const bytes = new Uint8Array(COUNTERS_HEADER_BYTES + keyspaces.length * COUNTERS_ENTRY_BYTES);
  writeU32(bytes, 0, keyspaces.length);
  writeU32(bytes, 4, COUNTERS);
  keyspaces.forEach(({ id, count, keysWithExpiry, contentBytes }, database) => {
    const at = COUNTERS_HEADER_BYTES + database * COUNTERS_ENTRY_BYTES;
    writeU32(bytes, at, id);
    writeU64(bytes, at + 4, count);
    writeU64(bytes, at + 12, keysWithExpiry);
    writeU64(bytes, at + 20, contentBytes);
  });
  return bytes;
}

/** @throws ImageError */
export function decodeCounters(bytes: Uint8Array, path: string): KeyspaceCounters[] {
  const databases = bytes.length < COUNTERS_HEADER_BYTES ? 0 : readU32(bytes, 0);
  const expected = COUNTERS_HEADER_BYTES + databases * COUNTERS_ENTRY_BYTES;
  if (databases > DATABASES_MAX || bytes.length !== expected || readU32(bytes, 4) !== COUNTERS) {
    throw damaged(path, 'its counters');
  }
  return Array.from({ length: databases }, (_, database) => {
    const at = COUNTERS_HEADER_BYTES + database * COUNTERS_ENTRY_BYTES;
    return {
      id: readU32(bytes, at),
      count: readU64(bytes, at + 4),
      keysWithExpiry: readU64(bytes, at + 12),
      contentBytes: readU64(bytes, at + 20),
    };
  });
}

export function encodeImageTrailer(trailer: ImageTrailer): Uint8Array {
  const bytes = new Uint8Array(IMAGE_TRAILER_BYTES);
  bytes.set(TRAILER_MAGIC);
  writeU64(bytes, 8, trailer.indexOffset);
  writeU32(bytes, 16, trailer.pageCount);
  writeU32(bytes, 20, trailer.indexChecksum);
  writeU32(bytes, 24, trailer.countersBytes);
  writeU32(bytes, 28, trailer.countersChecksum);
  writeU32(bytes, 32, trailer.headerChecksum);
  writeU64(bytes, 40, trailer.epoch);
  writeU64(bytes, 48, trailer.idx);
  bytes.set(Buffer.from(trailer.runningChecksum, 'hex').subarray(0, 16), 56);
  writeU32(bytes, IMAGE_TRAILER_BYTES - 4, checksumOf(bytes.subarray(0, IMAGE_TRAILER_BYTES - 4)));
  return bytes;
}

/** @throws ImageError */
export function decodeImageTrailer(bytes: Uint8Array, path: string): ImageTrailer {
  const sum = checksumOf(bytes.subarray(0, IMAGE_TRAILER_BYTES - 4));
  if (!startsWith(bytes, TRAILER_MAGIC) || sum !== readU32(bytes, IMAGE_TRAILER_BYTES - 4)) {
    throw damaged(path, 'its end');
  }
  return {
    indexOffset: readU64(bytes, 8),
    pageCount: readU32(bytes, 16),
    indexChecksum: readU32(bytes, 20),
    countersBytes: readU32(bytes, 24),
    countersChecksum: readU32(bytes, 28),
    headerChecksum: readU32(bytes, 32),
    epoch: readU64(bytes, 40),
    idx: readU64(bytes, 48),
    runningChecksum: hex(bytes, 56, 16),
  };
}

/** Where the image lies in the history of its log. */
export function imagePlace(header: ImageHeader, trailer: ImageTrailer): LogPlace {
  const { logId, timeline, sequence } = header;
  const { epoch, idx, runningChecksum } = trailer;
  return { logId, timeline, sequence, epoch, idx, runningChecksum };
}

export function damaged(path: string, what: string, offset = -1): ImageError {
  const where = offset < 0 ? '' : ` at offset ${offset}`;
  return new ImageError('IMAGE_DAMAGED', `${path} is damaged: ${what}${where} does not have its checksum`);
}

function startsWith(bytes: Uint8Array, magic: Uint8Array): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function hex(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.subarray(at, at + length)).toString('hex');
}

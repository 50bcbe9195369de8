/**
 * The manifest of a snapshot or of a page image: what the file is, of which log, and what must be found in it. Two lines
 * of text: a JSON object, and the CRC-32 of its bytes. `docs/snapshots.md` states every field.
 */
import { crc32 } from 'node:zlib';

const FORMAT = 1;
const BYTES_MAX = 64 * 1024;

/** Where in a log's history a state lies: behind the entry `sequence`, which is the last one of the frame (epoch, idx). */
export interface LogPlace {
  readonly logId: string;
  readonly timeline: string;
  readonly sequence: number;
  /** 0 and 0 for the state before the first frame. */
  readonly epoch: number;
  readonly idx: number;
  /** Running checksum behind that frame, 32 hexadecimal digits. */
  readonly runningChecksum: string;
}

/** What the write path counted in a database. */
export interface DatabaseCounts {
  readonly database: number;
  readonly keys: number;
  readonly expires: number;
}

export interface SnapshotManifest extends LogPlace {
  readonly kind: 'snapshot' | 'image';
  /** Name of the file beside the manifest. */
  readonly file: string;
  readonly bytes: number;
  /** CRC-64 of an RDB file's content before its own checksum, 16 hexadecimal digits; '' for an image. */
  readonly crc64: string;
  /** Of the dataset; '' for an image that nobody has walked. */
  readonly digest: string;
  /** Counters of the write path at the cut; databases without keys are left out. */
  readonly counts: readonly DatabaseCounts[];
  /** Of an RDB file; 0 for an image. */
  readonly rdbVersion: number;
  readonly featureLevel: number;
  /** Wall clock at the cut, in ms. */
  readonly createdAtMs: number;
  /** Version of the program that made it, for people. */
  readonly madeBy: string;
  /** Whether the file was read back and found to be what this says. */
  readonly verified: boolean;
}

export function encodeManifest(manifest: SnapshotManifest): Uint8Array {
  return encodeChecked({ format: FORMAT, ...manifest });
}

/** The manifest, or why the bytes are none. */
export function decodeManifest(bytes: Uint8Array): SnapshotManifest | string {
  const value = decodeChecked(bytes);
  if (typeof value === 'string') return value;
  if (value.format !== FORMAT) return `its format ${String(value.format)} is not known`;
  const wrong = Object.entries(FIELDS).find(([name, valid]) => !valid(value[name]));
  if (wrong !== undefined) return `its field '${wrong[0]}' cannot be`;
  return value as unknown as SnapshotManifest;
}

/** A CRC-64 of two int32 lanes as 16 hexadecimal digits. */
export function crc64Text(high: number, low: number): string {
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}

/** A JSON object in one line, and the CRC-32 of that line in a second one. */
export function encodeChecked(value: object): Uint8Array {
  const line = Buffer.from(`${JSON.stringify(value)}\n`);
  return Buffer.concat([line, Buffer.from(`${checksumOf(line)}\n`)]);
}

/** The object, or why the bytes are none that `encodeChecked` made. */
export function decodeChecked(bytes: Uint8Array): Readonly<Record<string, unknown>> | string {
  if (bytes.length > BYTES_MAX) return 'it is too long';
  const text = Buffer.from(bytes);
  const end = text.indexOf(10) + 1;
  if (end === 0 || text.toString('latin1', end) !== `${checksumOf(text.subarray(0, end))}\n`) return 'it is damaged';
  try {
    const value: unknown = JSON.parse(text.toString('utf8', 0, end));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no object';
    return value as Record<string, unknown>;
  } catch {
    return 'it is not JSON';
  }
}

function checksumOf(bytes: Uint8Array): string {
  return (crc32(bytes) >>> 0).toString(16).padStart(8, '0');
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isHex(digits: number): (value: unknown) => boolean {
  const pattern = new RegExp(`^[0-9a-f]{${digits}}$`);
  return (value) => typeof value === 'string' && pattern.test(value);
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function areCounts(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((each: Partial<DatabaseCounts> | null) => {
      return isCount(each?.database) && isCount(each?.keys) && isCount(each?.expires);
    })
  );
}

/** Each field and what may be in it; a file name never leads out of the directory. */
const FIELDS: Readonly<Record<keyof SnapshotManifest, (value: unknown) => boolean>> = {
  logId: isHex(32),
  timeline: isHex(16),
  sequence: isCount,
  epoch: isCount,
  idx: isCount,
  runningChecksum: isHex(32),
  kind: (value) => value === 'snapshot' || value === 'image',
  file: (value) => typeof value === 'string' && /^[a-z0-9][a-z0-9.-]*$/.test(value),
  bytes: isCount,
  crc64: (value) => value === '' || isHex(16)(value),
  digest: isText,
  counts: areCounts,
  rdbVersion: isCount,
  featureLevel: isCount,
  createdAtMs: isCount,
  madeBy: isText,
  verified: (value) => typeof value === 'boolean',
};

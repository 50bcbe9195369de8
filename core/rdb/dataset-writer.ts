/**
 * Writes a dataset as an RDB file, in steps, and computes its digest and counts on the way: over the live arena while
 * nothing changes, or over a page image. Each record is read once for all of them, so file and digest agree by nature;
 * whether the walk found everything is for the caller to compare with the counters of the write path.
 */
import { DIGEST_VERSION, DigestSum } from '../memory/digest-sum.js';
import type { ReadableDataset } from '../memory/readable-dataset.js';
import { TYPE_STRING } from '../memory/record.js';
import { RecordWalk } from '../memory/record-walk.js';
import { type DatabaseCounts, DatasetCounts } from './dataset-counts.js';
import type { RdbByteSink } from './rdb-output.js';
import { RdbWriter, type RdbWriterOptions } from './rdb-writer.js';
import { PIECE_BYTES, type PiecedString } from './string-encoder.js';

/** What a record costs beside its bytes, in bytes. */
const RECORD_COST = 64;

/** The value that a walk is at, as the encoder reads it; the digest is fed as it passes the first time. */
class WalkedValue implements PiecedString {
  length = 0;
  walk: RecordWalk | undefined = undefined;
  private fed = 0;
  private readonly digest: DigestSum;

  constructor(digest: DigestSum) {
    this.digest = digest;
  }

  begin(walk: RecordWalk): void {
    this.walk = walk;
    this.length = walk.valueLength;
    this.fed = 0;
  }

  copy(from: number, count: number, target: Uint8Array, at: number): void {
    this.walk!.copyValue(from, count, target, at);
    // A compression that is given up, or done twice, begins again: what was fed is not fed twice.
    const behind = from + count;
    if (behind <= this.fed) return;
    this.digest.bytes(target, at + this.fed - from, at + count);
    this.fed = behind;
  }
}

export class DatasetWriter {
  /** Keys, by database, that were written. */
  readonly counts = new DatasetCounts();
  private readonly writer: RdbWriter;
  private readonly dataset: ReadableDataset;
  private readonly auxiliary: readonly (readonly [name: string, value: string])[];
  private readonly digest = new DigestSum();
  private readonly value = new WalkedValue(this.digest);
  private readonly buffer = new Uint8Array(PIECE_BYTES);
  private begun = false;
  private ended = false;
  private database = -1;
  private walk: RecordWalk | undefined = undefined;
  private count: DatabaseCounts;

  /**
   * @param auxiliary fields about the file, ASCII, in their order.
   * @param sink gets the file in chunks, which are good during the call.
   */
  constructor(
    dataset: ReadableDataset,
    auxiliary: readonly (readonly [name: string, value: string])[],
    sink: RdbByteSink,
    options: RdbWriterOptions = {},
  ) {
    this.dataset = dataset;
    this.auxiliary = auxiliary;
    this.writer = new RdbWriter(sink, options);
    this.count = this.counts.of(0);
  }

  /** Bytes of the file so far, and at the end its length. */
  get written(): number {
    return this.writer.written;
  }

  /** At the end: the checksum in the file, int32 lanes. */
  get checksumHigh(): number {
    return this.writer.checksumHigh;
  }

  get checksumLow(): number {
    return this.writer.checksumLow;
  }

  /** At the end: the dataset's digest, as `datasetDigest` says it. */
  get digestText(): string {
    return `v${DIGEST_VERSION}:${this.digest.text()}`;
  }

  /** Keys written so far. */
  get keys(): number {
    return this.digest.count;
  }

  /**
   * Writes about `byteBudget` bytes of keys and values; a value is written whole.
   * @returns true when the file is complete.
   */
  step(byteBudget: number): boolean {
    if (this.ended) return true;
    if (!this.begun) this.begin();
    let budget = byteBudget;
    while (budget > 0) {
      if (this.walk === undefined && !this.nextDatabase()) {
        this.writer.end();
        this.ended = true;
        return true;
      }
      const { walk } = this;
      if (!walk!.next()) this.walk = undefined;
      else budget -= this.write(walk!);
    }
    return false;
  }

  private begin(): void {
    this.begun = true;
    this.writer.begin();
    for (const [name, value] of this.auxiliary) this.writer.auxiliary(name, value);
  }

  /** Goes on to the next database that has keys. */
  private nextDatabase(): boolean {
    const { keyspaces, arena } = this.dataset;
    while (++this.database < keyspaces.length) {
      const { id, count, keysWithExpiry } = keyspaces[this.database]!;
      this.count = this.counts.of(this.database);
      this.walk = new RecordWalk(arena, id);
      if (count > 0) {
        this.writer.selectDatabase(this.database, count, keysWithExpiry);
        return true;
      }
    }
    this.walk = undefined;
    return false;
  }

  /** Writes the record that the walk is at and returns what it cost. */
  private write(walk: RecordWalk): number {
    const { buffer, count, digest, writer } = this;
    const { type, keyLength, valueLength, hasExpiry } = walk;
    if (type !== TYPE_STRING) throw new Error(`record of type ${type} has no form in an RDB file`);
    const expiryHigh = walk.expiryHigh;
    const expiryLow = walk.expiryLow;
    const key = keyLength > buffer.length ? new Uint8Array(keyLength) : buffer;
    walk.copyKey(key, 0);
    digest.begin(this.database, type, key, 0, keyLength, hasExpiry, expiryHigh, expiryLow);
    digest.word(valueLength);
    if (hasExpiry) writer.deadline(expiryHigh, expiryLow);
    writer.beginString();
    if (keyLength <= PIECE_BYTES) writer.string(key, 0, keyLength);
    else
      writer.pieces({ length: keyLength, copy: (from, n, target, at) => target.set(key.subarray(from, from + n), at) });
    if (valueLength <= PIECE_BYTES) {
      walk.copyValue(0, valueLength, buffer, 0);
      digest.bytes(buffer, 0, valueLength);
      writer.string(buffer, 0, valueLength);
    } else {
      this.value.begin(walk);
      writer.pieces(this.value);
    }
    digest.end();
    count.keys++;
    count.contentBytes += keyLength + valueLength;
    if (hasExpiry) count.keysWithDeadline++;
    return RECORD_COST + keyLength + valueLength;
  }
}

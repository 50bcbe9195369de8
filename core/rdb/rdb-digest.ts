/**
 * Digest and counts of what an RDB file holds, without making a dataset of it: how a written snapshot is verified. The
 * digest is the one of core/dataset-digest.ts, so it can be compared with that of the dataset it was written from.
 */
import { DIGEST_VERSION, DigestSum } from '../memory/digest-sum.js';
import { TYPE_STRING } from '../memory/record.js';
import { type DatabaseCounts, DatasetCounts } from './dataset-counts.js';
import type { RdbHandler, RdbKey } from './rdb-handler.js';
import type { RdbString } from './rdb-input.js';

export class RdbDigest implements RdbHandler {
  readonly counts = new DatasetCounts();
  /** The file's AUX fields; of several with one name the last. */
  readonly auxiliaryFields = new Map<string, string>();
  private readonly sum = new DigestSum();
  private readonly databasesMax: number;
  private number = 0;
  private count: DatabaseCounts = this.counts.of(0);

  /** @param databasesMax a file with a database at or above this number is refused. */
  constructor(databasesMax: number) {
    this.databasesMax = databasesMax;
  }

  /** 'v1:0123456789abcdef'; once the reader is done. */
  get digestText(): string {
    return `v${DIGEST_VERSION}:${this.sum.text()}`;
  }

  get keys(): number {
    return this.sum.count;
  }

  auxiliary(name: string, value: string): void {
    this.auxiliaryFields.set(name, value);
  }

  database(number: number): void {
    if (number >= this.databasesMax) {
      throw new RangeError(`the file has a database ${number}, beyond the ${this.databasesMax} expected`);
    }
    this.number = number;
    this.count = this.counts.of(number);
  }

  sizes(): void {}

  string(key: RdbKey, value: RdbString): void {
    this.begin(key, value.end - value.start);
    this.sum.bytes(value.bytes, value.start, value.end);
    this.sum.end();
  }

  longStringBegin(key: RdbKey, length: number): void {
    this.begin(key, length);
  }

  longStringPiece(bytes: Uint8Array, start: number, end: number): void {
    this.sum.bytes(bytes, start, end);
  }

  longStringEnd(): void {
    this.sum.end();
  }

  private begin(key: RdbKey, valueLength: number): void {
    const { bytes, start, end } = key.name;
    const { hasDeadline, deadlineHigh, deadlineLow } = key;
    this.sum.begin(this.number, TYPE_STRING, bytes, start, end, hasDeadline, deadlineHigh, deadlineLow);
    this.sum.word(valueLength);
    this.count.keys++;
    this.count.contentBytes += end - start + valueLength;
    if (hasDeadline) this.count.keysWithDeadline++;
  }
}

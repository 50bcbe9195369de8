/** An RDB file as a list of what it holds, and files made from such lists: what tests of the codec compare. */
import type { RdbHandler, RdbKey } from '../../../core/rdb/rdb-handler.js';
import type { RdbString } from '../../../core/rdb/rdb-input.js';
import { RdbReader, type RdbReaderOptions } from '../../../core/rdb/rdb-reader.js';
import { RdbWriter, type RdbWriterOptions } from '../../../core/rdb/rdb-writer.js';

export interface RecordedKey {
  readonly database: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly deadline: bigint | null;
  readonly idleSeconds: number;
  readonly frequency: number;
}

function copy(string: RdbString): Buffer {
  return Buffer.from(string.bytes.slice(string.start, string.end));
}

export class RecordedFile implements RdbHandler {
  readonly keys: RecordedKey[] = [];
  readonly fields: [string, string][] = [];
  readonly hints: number[][] = [];
  longest = 0;
  private number = 0;
  private pieces: Buffer[] = [];
  private open: RecordedKey | undefined = undefined;
  private length = 0;

  auxiliary(name: string, value: string): void {
    this.fields.push([name, value]);
  }

  database(number: number): void {
    this.number = number;
  }

  sizes(keys: number, keysWithDeadline: number): void {
    this.hints.push([keys, keysWithDeadline]);
  }

  string(key: RdbKey, value: RdbString): void {
    this.keys.push(this.recorded(key, copy(value)));
  }

  longStringBegin(key: RdbKey, length: number): void {
    this.open = this.recorded(key, Buffer.alloc(0));
    this.length = length;
    this.pieces = [];
  }

  longStringPiece(bytes: Uint8Array, start: number, end: number): void {
    this.longest = Math.max(this.longest, end - start);
    this.pieces.push(Buffer.from(bytes.slice(start, end)));
  }

  longStringEnd(): void {
    const value = Buffer.concat(this.pieces);
    if (value.length !== this.length) throw new Error(`${value.length} bytes instead of ${this.length}`);
    this.keys.push({ ...this.open!, value });
    this.open = undefined;
  }

  private recorded(key: RdbKey, value: Buffer): RecordedKey {
    const { hasDeadline, deadlineHigh, deadlineLow, idleSeconds, frequency } = key;
    return {
      database: this.number,
      key: copy(key.name),
      value,
      deadline: hasDeadline ? (BigInt(deadlineHigh) << 32n) | BigInt(deadlineLow >>> 0) : null,
      idleSeconds,
      frequency,
    };
  }
}

/** Reads a whole file, cut where `cuts` says. */
export function readFile(file: Uint8Array, options: RdbReaderOptions = {}, cuts: readonly number[] = []): RecordedFile {
  const recorded = new RecordedFile();
  const reader = new RdbReader(recorded, options);
  let from = 0;
  for (const cut of [...cuts, file.length]) {
    if (cut <= from) continue;
    // A buffer of its own for every chunk: what is not in it cannot be read by mistake.
    const chunk = file.slice(from, cut);
    const read = reader.push(chunk, 0, chunk.length);
    if (read < chunk.length && !reader.done) throw new Error('the reader has left bytes');
    from = cut;
  }
  reader.finish();
  return recorded;
}

export type WrittenKey = Pick<RecordedKey, 'database' | 'key' | 'value'> & Partial<RecordedKey>;

/** Writes a file; keys in their order, each time with their database where it changes. */
export function writeFile(
  keys: readonly WrittenKey[],
  options: RdbWriterOptions = {},
  fields: readonly (readonly [string, string])[] = [['redis-ver', '7.0.15']],
): Buffer {
  const chunks: Buffer[] = [];
  const writer = new RdbWriter((bytes, start, end) => chunks.push(Buffer.from(bytes.slice(start, end))), options);
  writer.begin();
  for (const [name, value] of fields) writer.auxiliary(name, value);
  let database = -1;
  for (const key of keys) {
    if (key.database !== database) {
      database = key.database;
      writer.selectDatabase(database, keys.length, 0);
    }
    const { deadline } = key;
    if (deadline !== undefined && deadline !== null) {
      writer.deadline(Number(BigInt.asIntN(32, deadline >> 32n)), Number(BigInt.asIntN(32, deadline)));
    }
    if ((key.idleSeconds ?? -1) >= 0) writer.idle(key.idleSeconds!);
    if ((key.frequency ?? -1) >= 0) writer.frequency(key.frequency!);
    writer.beginString();
    for (const string of [key.key, key.value]) {
      writer.pieces({
        length: string.length,
        copy: (from, count, target, at) => target.set(string.subarray(from, from + count), at),
      });
    }
  }
  const length = writer.end();
  const file = Buffer.concat(chunks);
  if (file.length !== length) throw new Error(`${length} bytes announced, ${file.length} written`);
  return file;
}

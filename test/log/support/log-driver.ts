/** Writes and reads entries of a log in tests: an entry's effects are a text that names its sequence. */

import { ItemKind, writeItemHeader } from '../../../log/entry.js';
import { EntryReader, type FrameBatch } from '../../../log/entry-reader.js';
import type { BatchBuffer } from '../../../log/local/batch-buffer.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogOptions } from '../../../log/local/local-log-options.js';
import type { LocalLogWriter } from '../../../log/local/local-log-writer.js';
import type { LeaderRecord, LogTail } from '../../../log/transaction-log.js';

export const LEADER: LeaderRecord = {
  node: 'node-1',
  address: '127.0.0.1:6379',
  leaseMs: 0,
  version: '0.1.0',
  featureLevel: 1,
  timeMs: 1_700_000_000_000,
};

/** Writes one entry at `at` and returns the offset behind it. */
export function writeEntry(bytes: Uint8Array, at: number, text: string, origin = 0): number {
  const effects = Buffer.from(text, 'latin1');
  const body = writeItemHeader(bytes, at, ItemKind.entry, effects.length, origin);
  bytes.set(effects, body);
  return body + effects.length;
}

/** Writes entries into a batch and returns the offset behind them. */
export function fillBatch(batch: BatchBuffer, texts: readonly string[]): number {
  let at = batch.bodyStart;
  for (const text of texts) at = writeEntry(batch.bytes, at, text);
  return at;
}

/** An open log with its writer. */
export interface OpenLog {
  readonly log: LocalLog;
  readonly writer: LocalLogWriter;
  readonly tail: LogTail;
}

export async function openLog(options: LocalLogOptions): Promise<OpenLog> {
  const log = new LocalLog(options);
  const tail = await log.open();
  const timeMs = Math.max(LEADER.timeMs, tail.lastTimeMs);
  const writer = await log.acquire(tail.position, { ...LEADER, timeMs });
  return { log, writer, tail };
}

/** Commits one batch inline, or by the keeper where that is not possible; resolves once it is committed. */
export async function write(writer: LocalLogWriter, first: number, texts: readonly string[]): Promise<void> {
  let batch = writer.takeBatch();
  while (batch === undefined) {
    if (writer.failure !== undefined) throw writer.failure;
    await new Promise((resolve) => setImmediate(resolve));
    batch = writer.takeBatch();
  }
  const end = fillBatch(batch, texts);
  if (writer.commitInline(batch, end, first, texts.length, LEADER.timeMs + first, 0)) return;
  writer.submit(batch, end, first, texts.length, LEADER.timeMs + first, 0);
  await committed(writer);
}

/** Resolves once everything that was closed is committed; rejects if the log fails. */
export function committed(writer: LocalLogWriter): Promise<void> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      if (((writer.committedCount - writer.closedCount) | 0) < 0) return;
      resolve();
    };
    writer.onCommitted(look);
    writer.onFailed(reject);
    look();
  });
}

/** All entries of batches as texts, the first one having sequence `from`. */
export async function textsOf(
  batches: AsyncIterable<FrameBatch> | Iterable<FrameBatch>,
  from = 1,
): Promise<Map<number, string>> {
  const texts = new Map<number, string>();
  const reader = new EntryReader({ from });
  for await (const batch of batches) {
    reader.load(batch);
    while (reader.next()) {
      texts.set(reader.sequence, Buffer.from(reader.bytes.slice(reader.start, reader.end)).toString('latin1'));
    }
  }
  return texts;
}

/** A lock that locks nothing, for file systems in memory. */
export const noLock = async () => ({ release: async () => {}, weaknesses: [] });

/** Reading a log: ahead on a thread, following the tail, from another process, down to the entries. */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Origin, writeOriginItem } from '../../../log/entry.js';
import { EntryReader } from '../../../log/entry-reader.js';
import { FrameKind } from '../../../log/frame.js';
import { inspectLog, verifyLog } from '../../../log/local/inspect-log.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogOptions } from '../../../log/local/local-log-options.js';
import type { LocalLogWriter } from '../../../log/local/local-log-writer.js';
import { compileLog, temporaryDirectory } from '../support/compiled-log.js';
import { committed, LEADER, openLog, textsOf, write, writeEntry } from '../support/log-driver.js';

const compiled = compileLog();

function options(): LocalLogOptions {
  return {
    directory: path.join(temporaryDirectory(), 'log'),
    threadModule: compiled.module('log/local/log-thread.js'),
    lowSpaceBytes: 0,
  };
}

async function writeLarge(writer: LocalLogWriter, sequence: number, bytes: number): Promise<void> {
  writer.submitLarge(Buffer.alloc(bytes, sequence & 255), 0, sequence, LEADER.timeMs);
  await committed(writer);
}

describe('reading ahead', () => {
  test('gives every entry of a log of many blocks and segments, in order, from any sequence', async () => {
    const opts = { ...options(), segmentBytesMax: 9_000_000, batchBytesMax: 2 << 20 };
    const { log, writer } = await openLog(opts);
    for (let i = 1; i <= 300; i++) {
      if (i % 50 === 0) await writeLarge(writer, i, 6_000_000);
      else await write(writer, i, [`${i}:${'x'.repeat(i * 50)}`]);
    }
    await writer.flushAndSeal();
    await log.close();
    const again = new LocalLog(opts);
    await again.open();
    const texts = await textsOf(again.readBatches(1));
    expect(texts.size).toBe(300);
    for (const [sequence, text] of texts) {
      if (sequence % 50 === 0) expect(text.length).toBe(6_000_000);
      else expect(text).toBe(`${sequence}:${'x'.repeat(sequence * 50)}`);
    }
    expect([...(await textsOf(again.readBatches(200), 200)).keys()]).toEqual(
      Array.from({ length: 101 }, (_, i) => 200 + i),
    );
    // A consumer that stops in the middle leaves no thread behind: close would wait for it.
    for await (const batch of again.readBatches(1)) {
      expect(batch.frameCount).toBeGreaterThan(0);
      break;
    }
    await again.close();
  });

  test('stops at damage, naming the place', async () => {
    const opts = options();
    const { log, writer } = await openLog(opts);
    for (let i = 1; i <= 10; i++) await write(writer, i, ['x']);
    await writer.flushAndSeal();
    await log.close();
    const file = path.join(opts.directory, '0000000000000001.log');
    const fd = fs.openSync(file, 'r+');
    fs.writeSync(fd, 'y', 512 * 5 + 110);
    fs.closeSync(fd);
    const again = new LocalLog(opts);
    await again.open();
    await expect(textsOf(again.readBatches(1))).rejects.toMatchObject({ code: 'LOG_DAMAGED', file, offset: 512 * 5 });
    await again.close();
  });
});

describe('what is committed now', () => {
  test('is read from any sequence while the writer lives, over rolls, and ends with the last commit', async () => {
    const { log, writer } = await openLog({ ...options(), segmentBytesMax: 2000 });
    for (const last of [1, 2, 10, 40]) {
      for (let i = last === 1 ? 1 : last === 2 ? 2 : last === 10 ? 3 : 11; i <= last; i++) {
        await write(writer, i, [`${i}:${'x'.repeat(300)}`]);
      }
      const { tail, readBatches } = await log.committed();
      expect(tail).toMatchObject({ firstSequence: 1, lastSequence: last, fresh: false, torn: undefined });
      expect(tail.runningChecksum).toEqual(writer.frameOf(writer.closedCount).runningChecksum);
      expect([...(await textsOf(readBatches(1))).keys()]).toEqual(Array.from({ length: last }, (_, i) => i + 1));
      expect([...(await textsOf(readBatches(last), last)).keys()]).toEqual([last]);
    }
    await log.truncateBefore(30);
    const { tail, readBatches } = await log.committed();
    expect(tail.firstSequence).toBeGreaterThan(1);
    expect([...(await textsOf(readBatches(30), 30)).keys()]).toEqual([30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]);
    await writer.flushAndSeal();
    await log.close();
  });

  test('is not for a log without a writer', async () => {
    const log = new LocalLog(options());
    await log.open();
    await expect(log.committed()).rejects.toThrow('without a writer');
    await log.close();
  });
});

describe('following', () => {
  test('gives what is there and what comes, over rolls, until it is aborted', async () => {
    const opts = { ...options(), segmentBytesMax: 2000 };
    const { log, writer } = await openLog(opts);
    await write(writer, 1, ['x'.repeat(1000)]);
    const abort = new AbortController();
    const seen: number[] = [];
    let got: (() => void) | undefined;
    const follow = (async () => {
      for await (const frame of log.read(1, abort.signal)) {
        if (frame.kind !== FrameKind.data) continue;
        seen.push(frame.firstSequence);
        got?.();
      }
    })();
    const until = (count: number) =>
      new Promise<void>((resolve) => {
        got = () => {
          if (seen.length >= count) resolve();
        };
        got();
      });
    await until(1);
    for (let i = 2; i <= 10; i++) await write(writer, i, ['x'.repeat(1000)]);
    await until(10);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    abort.abort();
    await follow;
    await log.close();
  });

  test('ends when the log is closed', async () => {
    const { log, writer } = await openLog(options());
    await write(writer, 1, ['x']);
    const frames = log.read(1)[Symbol.asyncIterator]();
    while ((await frames.next()).value.kind !== FrameKind.data);
    const next = frames.next();
    await log.close();
    for (let result = await next; !result.done; result = await frames.next());
  });
});

describe('inspecting a log that is being written', () => {
  test('shows what is committed for certain, and changes nothing', async () => {
    const opts = { ...options(), idleMarkMs: 1_000_000 };
    const { log, writer } = await openLog(opts);
    for (let i = 1; i <= 5; i++) {
      await write(writer, i, [`${i}`]);
      const inspection = inspectLog(opts.directory);
      // The newest frame has nothing behind it that says it is committed.
      expect(inspection).toMatchObject({
        committedSequence: i - 1,
        lastSequence: i,
        uncoveredFrames: 1,
        torn: undefined,
      });
      expect(verifyLog(inspection).entries).toBe(i - 1);
    }
    await log.close();
    expect(() => inspectLog(path.join(opts.directory, 'nothing'))).toThrowError(
      expect.objectContaining({ code: 'LOG_MISSING' }),
    );
  });

  test('names who wrote what', async () => {
    const opts = options();
    const { log, writer } = await openLog(opts);
    const origin: Origin = {
      number: 7,
      address: '10.0.0.1:5000',
      user: 'default',
      clientName: 'worker',
      connectedAtMs: 1_690_000_000_000,
    };
    const batch = writer.takeBatch()!;
    let at = writeOriginItem(batch.bytes, batch.bodyStart, origin);
    at = writeEntry(batch.bytes, at, 'FLUSHALL', 7);
    at = writeEntry(batch.bytes, at, 'UNLINK', 0);
    writer.submit(batch, at, 1, 2, LEADER.timeMs, 0);
    await committed(writer);
    await writer.flushAndSeal();
    await log.close();
    const origins = new Map<number, Origin>();
    const seen: string[] = [];
    const reader = new EntryReader({
      onOrigin(found) {
        if (found === undefined) origins.clear();
        else origins.set(found.number, found);
      },
    });
    for (const frames of inspectLog(opts.directory).batches(1)) {
      reader.load(frames);
      while (reader.next()) {
        const text = Buffer.from(reader.bytes.slice(reader.start, reader.end)).toString();
        seen.push(`${reader.sequence} ${text} ${origins.get(reader.origin)?.clientName ?? 'engine'}`);
      }
    }
    expect(seen).toEqual(['1 FLUSHALL worker', '2 UNLINK engine']);
    expect(origins.get(7)).toEqual(origin);
  });
});

/**
 * The committing half of the local log: one suite for both committers, inline and by the log thread, and for both taking
 * turns; each with the keeper on a thread and on the event loop.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { EntryReader } from '../../../log/entry-reader.js';
import { FrameFlag, FrameKind } from '../../../log/frame.js';
import { inspectLog } from '../../../log/local/inspect-log.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogOptions } from '../../../log/local/local-log-options.js';
import type { LocalLogWriter } from '../../../log/local/local-log-writer.js';
import { compileLog, temporaryDirectory } from '../support/compiled-log.js';
import { committed, fillBatch, LEADER, openLog, textsOf } from '../support/log-driver.js';
import { Random } from '../support/random.js';

const compiled = compileLog();
/** Cells in the ring by default. */
const CELLS = 8;

/** Closes a batch one way; resolves once it is committed. */
type Commit = (writer: LocalLogWriter, first: number, texts: readonly string[]) => Promise<void>;

const inline: Commit = async (writer, first, texts) => {
  for (;;) {
    const batch = await taken(writer);
    const end = fillBatch(batch, texts);
    if (writer.commitInline(batch, end, first, texts.length, LEADER.timeMs + first, 0)) return;
    if (batch.originReset) {
      writer.submit(batch, end, first, texts.length, LEADER.timeMs + first, 0);
      return await committed(writer);
    }
    writer.releaseBatch(batch);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

const submitted: Commit = async (writer, first, texts) => {
  const batch = await taken(writer);
  writer.submit(batch, fillBatch(batch, texts), first, texts.length, LEADER.timeMs + first, 0);
  await committed(writer);
};

let turn = 0;
const alternating: Commit = (writer, first, texts) => (turn++ % 2 === 0 ? inline : submitted)(writer, first, texts);

async function taken(writer: LocalLogWriter) {
  for (;;) {
    const batch = writer.takeBatch();
    if (batch !== undefined) return batch;
    if (writer.failure !== undefined) throw writer.failure;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function options(background: 'thread' | 'event-loop'): LocalLogOptions {
  return {
    directory: path.join(temporaryDirectory(), 'log'),
    background,
    threadModule: compiled.module('log/local/log-thread.js'),
    stepBytes: 64 * 1024,
    batchBytesMax: 8192,
    idleMarkMs: 20,
    lowSpaceBytes: 0,
  };
}

async function readAll(log: LocalLog): Promise<Map<number, string>> {
  return textsOf(log.readBatches(1));
}

for (const background of ['thread', 'event-loop'] as const) {
  for (const [name, commit] of Object.entries({ inline, submitted, alternating })) {
    describe(`${name} commits, keeper on the ${background}`, () => {
      test('are there after a clean shutdown, and after none', async () => {
        const opts = options(background);
        const { log, writer, tail } = await openLog(opts);
        expect(tail).toMatchObject({ fresh: true, lastSequence: 0, position: { epoch: 0, idx: 0 } });
        for (let i = 1; i <= 20; i++) await commit(writer, i, [`entry ${i}`]);
        expect(writer.committedSequence).toBe(20);
        expect(writer.committedCount).toBe(writer.closedCount);
        await writer.flushAndSeal();
        await log.close();

        const second = await openLog(opts);
        expect(second.tail).toMatchObject({ sealed: true, torn: undefined, lastSequence: 20 });
        expect(await readAll(second.log)).toEqual(new Map([...range(1, 20)].map((i) => [i, `entry ${i}`])));
        expect(second.writer.epoch).toBe(tail.position.epoch + 2);
        await commit(second.writer, 21, ['a', 'b']);
        await second.log.close();

        const third = new LocalLog(opts);
        expect(await third.open()).toMatchObject({ sealed: false, torn: undefined, lastSequence: 22 });
        expect((await readAll(third)).get(22)).toBe('b');
        await third.close();
      });

      test('roll exactly at origin resets', async () => {
        const opts = { ...options(background), segmentBytesMax: 20_000 };
        const { log, writer } = await openLog(opts);
        for (let i = 1; i <= 40; i++) await commit(writer, i, ['x'.repeat(1500)]);
        await writer.flushAndSeal();
        await log.close();
        const segments = fs.readdirSync(opts.directory).filter((name) => name.endsWith('.log'));
        expect(segments).toHaveLength(3);
        const seen: string[] = [];
        const reader = new EntryReader({
          onFrame: (header) =>
            seen.push(`${header.kind}${(header.flags & FrameFlag.originReset) !== 0 ? ' reset' : ''}`),
        });
        const files: string[] = [];
        for (const batch of inspectLog(opts.directory).batches(1)) {
          files.push(path.basename(batch.file));
          reader.load(batch);
          while (reader.next());
          if (batch.file.endsWith('3.log')) continue;
          expect(seen.at(-1)).toBe(String(FrameKind.end));
        }
        expect(files).toEqual(segments);
        expect(seen.filter((frame) => frame.endsWith('reset'))).toEqual(['1 reset', '3 reset', '3 reset']);
      });

      test('carry the mark of what was committed before them, idle logs one more', async () => {
        const opts = options(background);
        const { log, writer } = await openLog(opts);
        for (let i = 1; i <= 5; i++) await commit(writer, i, ['x']);
        const frames = log.read(1)[Symbol.asyncIterator]();
        for (;;) {
          const frame = (await frames.next()).value;
          if (frame.position.idx > 1) {
            expect([frame.committedEpoch, frame.committedIdx]).toEqual([1, frame.position.idx - 1]);
          }
          if (frame.kind === FrameKind.checksum && frame.firstSequence === 6) break;
        }
        expect(inspectLog(opts.directory).committedSequence).toBe(5);
        await log.close();
      });

      test('name their frame and running checksum', async () => {
        const opts = options(background);
        const { log, writer } = await openLog(opts);
        const points = [];
        for (let i = 1; i <= 3; i++) {
          await commit(writer, i, ['x']);
          points.push(writer.frameOf(writer.closedCount));
          // The checksum is the same whether it was put off or is settled.
          writer.settle();
          expect(writer.frameOf(writer.closedCount)).toEqual(points.at(-1));
        }
        const frames = log.read(1)[Symbol.asyncIterator]();
        for (const point of points) {
          for (;;) {
            const frame = (await frames.next()).value;
            if (frame.position.idx !== point.idx) continue;
            expect(frame.position.epoch).toBe(point.epoch);
            expect(frame.runningChecksum).toEqual(point.runningChecksum);
            break;
          }
        }
        await log.close();
      });

      test('of large entries go as parts with nothing in between', async () => {
        const opts = options(background);
        const { log, writer } = await openLog(opts);
        const random = new Random(7);
        const expected = new Map<number, string>();
        for (let i = 1; i <= 12; i++) {
          const text = String.fromCharCode(97 + i).repeat(1 + random.below(60_000));
          expected.set(i, text);
          if (i % 3 === 0) {
            const position = writer.submitLarge(Buffer.from(text), 4, i, LEADER.timeMs + i);
            expect(writer.closedCount).toBe(position);
            if (text.length > 8192 * CELLS) expect(writer.takeBatch()).toBeUndefined();
            await committed(writer);
          } else {
            expected.set(i, text.slice(0, 5000));
            await commit(writer, i, [text.slice(0, 5000)]);
          }
          expect(writer.committedSequence).toBe(i);
        }
        await writer.flushAndSeal();
        await log.close();
        const again = new LocalLog(opts);
        await again.open();
        expect(await readAll(again)).toEqual(expected);
        await again.close();
      });
    });
  }

  describe(`the keeper on the ${background}`, () => {
    test('takes as many batches as there are cells, and tells when they are free', async () => {
      const opts = { ...options(background), batchCount: 4 };
      const { log, writer } = await openLog(opts);
      const hold = path.join(temporaryDirectory(), 'hold');
      await log.close();
      fs.writeFileSync(hold, '');
      const held = await openLog({ ...opts, faults: `holdFile=${hold}` });
      for (let i = 1; i <= 4; i++) {
        const batch = held.writer.takeBatch()!;
        const end = fillBatch(batch, [`${i}`]);
        expect(held.writer.commitInline(batch, end, i, 1, LEADER.timeMs, 0)).toBe(false);
        held.writer.submit(batch, end, i, 1, LEADER.timeMs, 0);
      }
      expect(held.writer.takeBatch()).toBeUndefined();
      expect(held.writer.committedSequence).toBe(0);
      const told = committed(held.writer);
      fs.unlinkSync(hold);
      await told;
      expect(held.writer.committedSequence).toBe(4);
      const batch = held.writer.takeBatch()!;
      expect(batch).toBeDefined();
      held.writer.releaseBatch(batch);
      await held.log.close();
      expect(writer.epoch + 1).toBe(held.writer.epoch);
    });

    test('resolves appends in order with their frames', async () => {
      const { log, writer } = await openLog(options(background));
      const bodies = [1, 2, 3].map((i) => {
        const body = new Uint8Array(20);
        body[0] = 12;
        body[8] = i;
        return body;
      });
      const done = await Promise.all(
        bodies.map((body, i) => writer.append({ body, firstSequence: i + 1, entryCount: 1, timeMs: LEADER.timeMs })),
      );
      expect(done.map(({ lastSequence }) => lastSequence)).toEqual([1, 2, 3]);
      expect(done.map(({ idx }) => idx)).toEqual([2, 3, 4]);
      const tooLarge = { body: new Uint8Array(9000), firstSequence: 4, entryCount: 1, timeMs: LEADER.timeMs };
      await expect(writer.append(tooLarge)).rejects.toMatchObject({ code: 'LOG_REFUSED' });
      await log.close();
      await expect(log.open()).rejects.toMatchObject({ code: 'LOG_MISUSE' });
    });

    test('survives hundreds of commits by both threads, while positions wrap', async () => {
      const opts = { ...options(background), segmentBytesMax: 100_000, firstPosition: 2 ** 31 - 200 };
      const { log, writer } = await openLog(opts);
      const random = new Random(3);
      let next = 1;
      for (let i = 0; i < 500; i++) {
        const count = 1 + random.below(4);
        const texts = [...range(next, next + count - 1)].map(
          (sequence) => `${sequence}:${'y'.repeat(random.below(300))}`,
        );
        await (random.chance(0.5) ? inline : submitted)(writer, next, texts);
        next += count;
      }
      await writer.flushAndSeal();
      await log.close();
      const again = new LocalLog(opts);
      expect(await again.open()).toMatchObject({ lastSequence: next - 1, sealed: true });
      const texts = await readAll(again);
      expect(texts.size).toBe(next - 1);
      for (const [sequence, text] of texts) expect(text.startsWith(`${sequence}:`)).toBe(true);
      await again.close();
    });

    test('refuses to become the writer after another tail', async () => {
      const log = new LocalLog(options(background));
      const tail = await log.open();
      const after = { ...tail.position, idx: 3 };
      await expect(log.acquire(after, LEADER)).rejects.toMatchObject({ code: 'LOG_FENCED' });
      await log.close();
    });

    test('trims whole segments, oldest first, and never what the mark names', async () => {
      const opts = { ...options(background), segmentBytesMax: 10_000 };
      const { log, writer } = await openLog(opts);
      for (let i = 1; i <= 40; i++) await submitted(writer, i, ['x'.repeat(1500)]);
      await log.truncateBefore(20);
      await writer.flushAndSeal();
      await log.close();
      const again = new LocalLog(opts);
      const tail = await again.open();
      expect(tail.lastSequence).toBe(40);
      expect(tail.firstSequence).toBeGreaterThan(10);
      expect(tail.firstSequence).toBeLessThanOrEqual(20);
      expect((await textsOf(again.readBatches(20), 20)).size).toBe(21);
      await again.truncateBefore(1_000_000);
      await again.close();
      const last = new LocalLog(opts);
      expect(await last.open()).toMatchObject({ lastSequence: 40 });
      await last.close();
    });
  });
}

function* range(from: number, to: number): Generator<number> {
  for (let i = from; i <= to; i++) yield i;
}

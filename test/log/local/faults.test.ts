/** EIO on write and on sync, a full disk inside zeroed room, a dead thread: no commit is reported afterwards. */
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { alignedBytes } from '../../../log/local/aligned-memory.js';
import { FAULT_COUNTER_BYTES, FaultFiles, parseLogFaults } from '../../../log/local/fault-files.js';
import { nodeFiles } from '../../../log/local/file-layer.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogOptions } from '../../../log/local/local-log-options.js';
import type { LogError } from '../../../log/log-error.js';
import { compileLog, temporaryDirectory } from '../support/compiled-log.js';
import { committed, fillBatch, LEADER, openLog, textsOf } from '../support/log-driver.js';

const compiled = compileLog();

function options(background: 'thread' | 'event-loop', faults: string): LocalLogOptions {
  return {
    directory: path.join(temporaryDirectory(), 'log'),
    background,
    faults,
    threadModule: compiled.module('log/local/log-thread.js'),
    stepBytes: 64 * 1024,
    batchBytesMax: 8192,
    lowSpaceBytes: 0,
  };
}

/** Writes until the log fails; resolves with what was acknowledged and the error. */
async function writeUntilFailure(opts: LocalLogOptions, inline: boolean) {
  const { log, writer } = await openLog(opts);
  let acknowledged = 0;
  let thrown: unknown;
  try {
    for (let i = 1; i <= 100; i++) {
      const batch = writer.takeBatch()!;
      const end = fillBatch(batch, [`entry ${i}`]);
      if (!inline || !writer.commitInline(batch, end, i, 1, LEADER.timeMs, 0)) {
        writer.submit(batch, end, i, 1, LEADER.timeMs, 0);
        await committed(writer);
      }
      acknowledged = i;
    }
  } catch (error) {
    thrown = error;
  }
  let told: LogError | undefined;
  writer.onFailed((error) => {
    told = error;
  });
  return { log, writer, acknowledged, told, thrown };
}

for (const background of ['thread', 'event-loop'] as const) {
  for (const inline of [true, false]) {
    for (const fault of ['eioWriteAt=12', 'eioSyncAt=12', 'enospcWriteAt=12']) {
      test(`${fault}, ${inline ? 'inline' : 'submitted'}, keeper on the ${background}: final, and nothing acked is lost`, async () => {
        const opts = options(background, fault);
        const { log, writer, acknowledged, told, thrown } = await writeUntilFailure(opts, inline);
        expect(thrown).toMatchObject({ code: 'LOG_FAILED' });
        expect(told).toMatchObject({ code: 'LOG_FAILED' });
        // The leader record is the first commit; an idle checksum frame may be among the others.
        expect(acknowledged).toBeGreaterThan(5);
        expect(acknowledged).toBeLessThan(12);
        expect(writer.committedSequence).toBe(acknowledged);
        expect(writer.takeBatch()).toBeUndefined();
        await expect(writer.flushAndSeal()).rejects.toMatchObject({ code: 'LOG_FAILED' });
        await log.close();

        const again = new LocalLog({ ...opts, faults: '' });
        const tail = await again.open();
        expect(tail.lastSequence).toBeGreaterThanOrEqual(acknowledged);
        expect(tail.lastSequence).toBeLessThanOrEqual(acknowledged + 1);
        expect((await textsOf(again.readBatches(1))).get(acknowledged)).toBe(`entry ${acknowledged}`);
        await again.close();
      });
    }
  }

  test(`short writes go unnoticed, keeper on the ${background}`, async () => {
    const opts = options(background, 'shortWrites=true');
    const { log, acknowledged } = await writeUntilFailure(opts, false);
    expect(acknowledged).toBe(100);
    await log.close();
    const again = new LocalLog(opts);
    expect((await again.open()).lastSequence).toBe(100);
    expect((await textsOf(again.readBatches(1))).size).toBe(100);
    await again.close();
  });

  test(`appends that are under way when the log fails are rejected, keeper on the ${background}`, async () => {
    const { log, writer } = await openLog(options(background, 'eioSyncAt=3'));
    const body = (text: string) => {
      const bytes = new Uint8Array(8 + text.length);
      bytes[0] = text.length;
      return bytes;
    };
    const results = await Promise.allSettled(
      [1, 2, 3, 4].map((i) =>
        writer.append({ body: body('x'), firstSequence: i, entryCount: 1, timeMs: LEADER.timeMs }),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected']);
    await log.close();
  });
}

test('the slow disk shows in the average of syncs, on both threads', async () => {
  const { log, writer } = await openLog(options('thread', 'syncDelayMs=3'));
  for (let i = 1; i <= 160; i++) {
    const batch = writer.takeBatch()!;
    const end = fillBatch(batch, ['x']);
    if (i % 2 === 0 || !writer.commitInline(batch, end, i, 1, LEADER.timeMs, 0)) {
      writer.submit(batch, end, i, 1, LEADER.timeMs, 0);
      await committed(writer);
    }
  }
  expect(writer.averageSyncMicros).toBeGreaterThan(2500);
  await log.close();
});

test('a log thread that dies fails the log', async () => {
  const opts = options('thread', '');
  const folder = temporaryDirectory();
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}');
  fs.writeFileSync(
    path.join(folder, 'log-thread.js'),
    "import { parentPort } from 'node:worker_threads'; parentPort.postMessage({ type: 'begun' });",
  );
  const log = new LocalLog({ ...opts, threadModule: pathToFileURL(path.join(folder, 'log-thread.js')) });
  const tail = await log.open();
  const writer = await log.acquire(tail.position, LEADER);
  const failed = new Promise<LogError>((resolve) => writer.onFailed(resolve));
  expect(await failed).toMatchObject({ code: 'LOG_FAILED', message: expect.stringMatching(/log thread ended/) });
  expect(writer.takeBatch()).toBeUndefined();
  await log.close();
});

test('a log thread that cannot start rejects the acquisition', async () => {
  const log = new LocalLog({ ...options('thread', ''), threadModule: new URL('file:///nowhere/log-thread.js') });
  const tail = await log.open();
  await expect(log.acquire(tail.position, LEADER)).rejects.toMatchObject({ code: 'LOG_FAILED' });
  await log.close();
});

describe('faults as text', () => {
  test('are parsed, and refused where they are unknown', () => {
    expect(parseLogFaults('syncDelayMs=1.5,shortWrites=true,holdFile=/x')).toMatchObject({
      syncDelayMs: 1.5,
      shortWrites: true,
      holdFile: '/x',
      eioWriteAt: 0,
    });
    for (const bad of ['nothing=1', 'eioSyncAt=many', 'x']) {
      expect(() => parseLogFaults(bad)).toThrowError(expect.objectContaining({ code: 'LOG_MISUSE' }));
    }
  });

  test('strike the frames only: headers, zeros and marks are written', () => {
    const files = new FaultFiles(nodeFiles, parseLogFaults('eioWriteAt=1'), new SharedArrayBuffer(FAULT_COUNTER_BYTES));
    const file = path.join(temporaryDirectory(), 'f');
    files.close(files.open(file, 'create'));
    const fd = files.open(file, 'durable');
    const sector = alignedBytes(512);
    expect(files.writeDurable(fd, sector, 0, 512, 0, 'step')).toBe(512);
    sector.set(Buffer.from('HFF1....'));
    expect(() => files.writeDurable(fd, sector, 0, 512, 0, 'commit')).toThrowError(
      expect.objectContaining({ code: 'EIO' }),
    );
    files.close(fd);
  });
});

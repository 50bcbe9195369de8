/**
 * No room on the disk: writes of clients are refused before they are executed, the engine's own go on for a while,
 * everything that was closed is committed, and writing resumes by itself. On a small tmpfs where that can be mounted.
 */
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { monotonicMs } from '../../../log/local/commit-state.js';
import type { SyncSite } from '../../../log/local/file-layer.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogEvent, LocalLogOptions } from '../../../log/local/local-log-options.js';
import type { LocalLogWriter } from '../../../log/local/local-log-writer.js';
import { LogError } from '../../../log/log-error.js';
import { compileLog, mountTmpfs } from '../support/compiled-log.js';
import { committed, fillBatch, LEADER, noLock, openLog, textsOf } from '../support/log-driver.js';
import { PowerCutFiles } from '../support/power-cut-files.js';
import { Random } from '../support/random.js';

const compiled = compileLog();
const MEBIBYTE = 1 << 20;

/** One batch as a client's write, or false if it is refused. */
async function clientWrite(writer: LocalLogWriter, sequence: number, bytes: number): Promise<boolean> {
  for (;;) {
    if (writer.failure !== undefined) throw writer.failure;
    if (writer.refusesWrites) return false;
    const batch = writer.takeBatch();
    if (batch === undefined || batch.engineOnly) {
      if (batch !== undefined) writer.releaseBatch(batch);
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    const end = fillBatch(batch, ['x'.repeat(bytes)]);
    if (!writer.commitInline(batch, end, sequence, 1, LEADER.timeMs, 0)) {
      writer.submit(batch, end, sequence, 1, LEADER.timeMs, 0);
      await committed(writer);
    }
    return true;
  }
}

/** Resolves with the first event of a type. */
function eventLog() {
  const seen: LocalLogEvent[] = [];
  const waiting = new Map<string, () => void>();
  return {
    seen,
    onEvent(event: LocalLogEvent): void {
      seen.push(event);
      waiting.get(event.type)?.();
    },
    until(type: LocalLogEvent['type']): Promise<void> {
      if (seen.some((event) => event.type === type)) return Promise.resolve();
      return new Promise((resolve) => waiting.set(type, resolve));
    },
  };
}

async function fillTheDisk(directory: string, threadModule: URL): Promise<void> {
  const events = eventLog();
  const options: LocalLogOptions = {
    directory: path.join(directory, 'log'),
    threadModule,
    onEvent: events.onEvent,
    batchBytesMax: 64 * 1024,
    stepBytes: MEBIBYTE,
    segmentBytesMax: 4 * MEBIBYTE,
    idleMarkMs: 20,
  };
  const { log, writer } = await openLog(options);
  let sequence = 0;
  // Something else on the disk takes most of it; the log takes the rest.
  fs.writeFileSync(path.join(directory, 'other'), new Uint8Array(6 * MEBIBYTE));
  while (await clientWrite(writer, sequence + 1, 50_000)) sequence++;
  expect(writer.failure).toBeUndefined();
  expect(writer.refusesWrites).toBe(true);
  expect(writer.committedSequence).toBe(sequence);
  await events.until('space-low');
  await events.until('space-short');
  expect(writer.admitsLarge(10 * MEBIBYTE)).toBe(false);

  // The engine's own effects (expiry) still find room, up to a point.
  let own = 0;
  while (!writer.refusesEngineWrites) {
    const batch = writer.takeBatch()!;
    expect(batch.engineOnly).toBe(true);
    writer.submit(batch, fillBatch(batch, ['y'.repeat(3000)]), sequence + 1, 1, LEADER.timeMs, 0);
    await committed(writer);
    sequence++;
    own++;
  }
  expect(own).toBeGreaterThan(10);
  expect(writer.takeBatch()).toBeUndefined();

  fs.unlinkSync(path.join(directory, 'other'));
  await events.until('space-back');
  expect(await clientWrite(writer, sequence + 1, 50_000)).toBe(true);
  sequence++;
  expect(writer.refusesWrites).toBe(false);

  // Full again, and stopped: the seal and a restart on the full disk work.
  while (await clientWrite(writer, sequence + 1, 50_000)) sequence++;
  await writer.flushAndSeal();
  await log.close();
  const again = await openLog(options);
  expect(again.tail).toMatchObject({ sealed: true, lastSequence: sequence });
  expect((await textsOf(again.log.readBatches(1))).size).toBe(sequence);
  await again.log.close();

  // Also after a kill, with no spare and not a byte to be had but what the last segment gives back.
  for (const name of ['spare', 'spare.tmp']) fs.rmSync(path.join(options.directory, name), { force: true });
  fillUp(path.join(directory, 'rest'));
  const last = await openLog(options);
  expect(last.tail.lastSequence).toBe(sequence);
  await last.log.close();
}

/** Writes a file until the disk has no room left. */
function fillUp(file: string): void {
  const fd = fs.openSync(file, 'w');
  for (const size of [65536, 4096, 512]) {
    try {
      for (;;) fs.writeSync(fd, new Uint8Array(size));
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' });
    }
  }
  fs.closeSync(fd);
}

/** Writes until the disk is full and on once it is not. Returns what failed. */
async function fillLateAllocatingDisk(skippedSite: SyncSite | undefined): Promise<unknown> {
  const files = new PowerCutFiles(new Random(1));
  files.skippedSite = skippedSite;
  const events = eventLog();
  const { log, writer } = await openLog({
    directory: '/data/log',
    files,
    lock: noLock,
    background: 'manual',
    batchBytesMax: 1024,
    stepBytes: 8192,
    segmentBytesMax: 1_000_000,
    onEvent: events.onEvent,
  });
  files.capacity = 60_000;
  let sequence = 0;
  let nowMs = monotonicMs();
  const work = (): boolean => {
    nowMs += 300;
    log.pump(nowMs);
    if (writer.refusesWrites) return false;
    const batch = writer.takeBatch();
    if (batch === undefined) return true;
    sequence++;
    const end = fillBatch(batch, ['x'.repeat(900)]);
    if (!writer.commitInline(batch, end, sequence, 1, LEADER.timeMs, 0)) {
      writer.submit(batch, end, sequence, 1, LEADER.timeMs, 0);
    }
    return true;
  };
  try {
    while (work());
    expect(events.seen).toContainEqual(expect.objectContaining({ type: 'space-short' }));
    files.capacity = 200_000;
    while (sequence < 60) expect(work()).toBe(true);
    log.pump(nowMs + 300);
    expect(writer.committedSequence).toBe(60);
    await log.close();
    return undefined;
  } catch (error) {
    if (error instanceof LogError) return error;
    throw error;
  }
}

describe('a full disk', () => {
  test('refuses, keeps going, resumes and restarts (tmpfs, log thread)', async (context) => {
    const directory = mountTmpfs(16 * MEBIBYTE);
    if (directory === undefined) return context.skip();
    await fillTheDisk(directory, compiled.module('log/local/log-thread.js'));
  });

  test('shows when room is zeroed, never in a commit, also where a disk allocates late', async () => {
    expect(await fillLateAllocatingDisk(undefined)).toBeUndefined();
  });

  test('would show in a commit if the sync at "step" were missing', async () => {
    expect(await fillLateAllocatingDisk('step')).toMatchObject({ code: 'LOG_FAILED' });
  });

  test('has no room for the first step: the acquisition says so', async () => {
    const files = new PowerCutFiles(new Random(1));
    const log = new LocalLog({ directory: '/data/log', files, lock: noLock, background: 'manual' });
    const tail = await log.open();
    files.capacity = 0;
    await expect(log.acquire(tail.position, LEADER)).rejects.toMatchObject({ code: 'LOG_NO_SPACE' });
  });

  test('takes a smaller first step where a whole one has no room', async () => {
    const files = new PowerCutFiles(new Random(1));
    files.capacity = 100_000;
    const { log, tail } = await openLog({ directory: '/data/log', files, lock: noLock, background: 'manual' });
    expect(tail.fresh).toBe(true);
    expect(files.contents('/data/log/0000000000000001.log').length).toBe(64 * 1024);
    await log.close();
  });
});

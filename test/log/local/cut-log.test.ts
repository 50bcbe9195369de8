import { describe, expect, test } from 'vitest';
import { cutLog, describeDropped } from '../../../log/local/cut-log.js';
import type { SyncSite } from '../../../log/local/file-layer.js';
import { inspectLog, verifyLog } from '../../../log/local/inspect-log.js';
import { LocalLog } from '../../../log/local/local-log.js';
import { fillBatch, LEADER, noLock, openLog, textsOf } from '../support/log-driver.js';
import { PowerCutFiles } from '../support/power-cut-files.js';
import { Random } from '../support/random.js';

const DIRECTORY = '/data/log';
const TARGET = '/data/cut';

function optionsFor(files: PowerCutFiles, directory: string) {
  return {
    directory,
    files,
    lock: noLock,
    background: 'manual' as const,
    segmentBytesMax: 300,
    batchBytesMax: 1024,
    batchCount: 4,
    stepBytes: 4096,
    lowSpaceBytes: 0,
  };
}

/** Entries 1 to 31: frames of three, with a large one (16) in parts, over several segments. */
async function sampleLog(): Promise<PowerCutFiles> {
  const files = new PowerCutFiles(new Random(1));
  const { log, writer } = await openLog(optionsFor(files, DIRECTORY));
  let next = 1;
  const three = (): void => {
    const batch = writer.takeBatch()!;
    const texts = [next, next + 1, next + 2].map((sequence) => `entry ${sequence} ${'x'.repeat(20)}`);
    writer.submit(batch, fillBatch(batch, texts), next, 3, LEADER.timeMs + next, 0);
    next += 3;
    log.pump(0);
  };
  for (let i = 0; i < 5; i++) three();
  writer.submitLarge(Buffer.from('z'.repeat(3000)), 0, next++, LEADER.timeMs);
  log.pump(0);
  for (let i = 0; i < 5; i++) three();
  await writer.flushAndSeal();
  await log.close();
  return files;
}

function segmentsOf(files: PowerCutFiles, directory: string): string[] {
  return files
    .list(directory)
    .filter((name) => name.endsWith('.log'))
    .sort();
}

/** Opens the new log, checks that it holds entries 1 to `last`, and writes one more. */
async function expectSound(files: PowerCutFiles, last: number): Promise<void> {
  const log = new LocalLog(optionsFor(files, TARGET));
  const tail = await log.open();
  expect(tail).toMatchObject({ lastSequence: last, torn: undefined });
  const texts = await textsOf(log.readBatches(1));
  expect([...texts.keys()]).toEqual(Array.from({ length: last }, (_, i) => i + 1));
  for (const [sequence, text] of texts) expect(text).toMatch(sequence === 16 ? /^z{3000}$/ : `entry ${sequence} `);
  const writer = await log.acquire(tail.position, { ...LEADER, timeMs: tail.lastTimeMs });
  const batch = writer.takeBatch()!;
  writer.submit(batch, fillBatch(batch, ['new']), last + 1, 1, LEADER.timeMs, 0);
  log.pump(0);
  expect(writer.committedSequence).toBe(last + 1);
  await log.close();
}

describe('cutting a log', () => {
  test('after any sequence leaves exactly what is up to it, on a new timeline, and lists the rest', async () => {
    for (let after = 0; after <= 31; after++) {
      const files = await sampleLog();
      const before = files.image(DIRECTORY);
      const original = inspectLog(DIRECTORY, files);
      const report = cutLog({ directory: DIRECTORY, target: TARGET, afterSequence: after, files });
      expect(files.image(DIRECTORY)).toEqual(before);
      expect(report).toMatchObject({ lastSequence: after, parentTimeline: original.timeline });
      const dropped = report.dropped.filter(({ what }) => what === 'entries');
      const sequences = dropped.flatMap(({ firstSequence, lastSequence }) => [firstSequence, lastSequence]);
      if (after < 31) expect([sequences[0], sequences.at(-1)]).toEqual([after + 1, 31]);
      else expect(sequences).toEqual([]);
      const inspection = inspectLog(TARGET, files);
      expect(inspection).toMatchObject({
        logId: original.logId,
        timeline: report.timeline,
        parentTimeline: original.timeline,
        forkSequence: after,
        lastSequence: after,
      });
      expect(report.timeline).not.toBe(original.timeline);
      await expectSound(files, after);
    }
  });

  test('of a damaged log keeps what is sound below the damage and says what is not', async () => {
    const files = await sampleLog();
    const [, second] = segmentsOf(files, DIRECTORY);
    const bytes = files.contents(`${DIRECTORY}/${second}`);
    bytes[700]! ^= 1;
    const plain = inspectLog(DIRECTORY, files);
    expect(() => verifyLog(plain)).toThrowError(expect.objectContaining({ code: 'LOG_DAMAGED', offset: 512 }));
    const cut = (afterSequence: number) => cutLog({ directory: DIRECTORY, target: TARGET, afterSequence, files });
    let sound = 0;
    try {
      cut(31);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: 'LOG_DAMAGED' });
      sound = Number(/up to sequence (\d+) only/.exec(String(error))![1]);
    }
    expect(sound).toBeGreaterThan(3);
    expect(files.exists(TARGET)).toBe(false);
    const report = cut(sound);
    expect(report.lastSequence).toBe(sound);
    const words = report.dropped.map(describeDropped).join('\n');
    expect(words).toMatch(/unreadable \(.*0002\.log offset 512, 512 bytes\)/);
    expect(words).toMatch(/sequences \d+ to \d+/);
    expect(report.dropped.at(-1)).toMatchObject({ what: 'control frames' });
    await expectSound(files, sound);
  });

  test('of a log with a missing segment ends before it and lists the later ones', async () => {
    const files = await sampleLog();
    const [, second, third] = segmentsOf(files, DIRECTORY);
    files.unlink(`${DIRECTORY}/${second}`);
    expect(() => inspectLog(DIRECTORY, files)).toThrowError(expect.objectContaining({ code: 'LOG_DAMAGED' }));
    const report = cutLog({ directory: DIRECTORY, target: TARGET, afterSequence: 3, files });
    expect(report.dropped).toContainEqual(
      expect.objectContaining({ file: `${DIRECTORY}/${third}`, what: 'unreadable', offset: 0 }),
    );
    await expectSound(files, 3);
  });

  test('refuses a target that holds something, and a source that holds nothing', async () => {
    const files = await sampleLog();
    const cut = (directory: string, target: string) => () => cutLog({ directory, target, afterSequence: 1, files });
    expect(cut(DIRECTORY, DIRECTORY)).toThrowError(expect.objectContaining({ code: 'LOG_EXISTS' }));
    files.makeDirectory('/data/empty');
    expect(cut('/data/empty', TARGET)).toThrowError(expect.objectContaining({ code: 'LOG_MISSING' }));
  });

  test('is durable once it has returned', async () => {
    for (let seed = 1; seed <= 20; seed++) expect(await cutThenPowerCut(seed, undefined)).toBe(true);
  });

  for (const site of ['cut-segment', 'mark-enter', 'directory-create'] as const) {
    test(`a missing sync at "${site}" is noticed`, async () => {
      let held = true;
      for (let seed = 1; seed <= 50 && held; seed++) held = await cutThenPowerCut(seed, site);
      expect(held).toBe(false);
    });
  }
});

/** Whether the new log is whole after a power cut right behind the cut. */
async function cutThenPowerCut(seed: number, skippedSite: SyncSite | undefined): Promise<boolean> {
  const source = await sampleLog();
  const files = new PowerCutFiles(new Random(seed));
  files.restore(DIRECTORY, source.image(DIRECTORY));
  files.skippedSite = skippedSite;
  cutLog({ directory: DIRECTORY, target: TARGET, afterSequence: 20, files });
  files.cutPower();
  try {
    return inspectLog(TARGET, files).lastSequence === 20 && verifyLog(inspectLog(TARGET, files)).entries === 20;
  } catch {
    return false;
  }
}

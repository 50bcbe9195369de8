import { expect, test } from 'vitest';
import { LocalLog } from '../../../log/local/local-log.js';
import type { KnownCommitted } from '../../../log/local/local-log-options.js';
import { fillBatch, LEADER, noLock, openLog } from '../support/log-driver.js';
import { PowerCutFiles } from '../support/power-cut-files.js';
import { Random } from '../support/random.js';

const DIRECTORY = '/data/log';

const optionsFor = (files: PowerCutFiles) => ({
  directory: DIRECTORY,
  files,
  lock: noLock,
  background: 'manual' as const,
  batchBytesMax: 1024,
  stepBytes: 4096,
  lowSpaceBytes: 0,
});

test('a log that ends in front of what a snapshot has seen is refused, and nothing is cut', async () => {
  const files = new PowerCutFiles(new Random(1));
  const options = optionsFor(files);
  const { log, writer, tail } = await openLog(options);
  for (const sequence of [1, 2]) {
    const batch = writer.takeBatch()!;
    writer.submit(batch, fillBatch(batch, ['x']), sequence, 1, LEADER.timeMs, 0);
    log.pump(0);
  }
  const { epoch, idx } = writer.frameOf(writer.closedCount);
  await log.close();
  const { logId, timeline } = tail;
  const known: KnownCommitted = { logId, timeline, epoch, idx, where: 'the snapshot x' };
  const opening = (knownCommitted: readonly KnownCommitted[]) => new LocalLog({ ...options, knownCommitted }).open();

  const before = files.image(DIRECTORY);
  for (const beyond of [{ idx: idx + 1 }, { epoch: epoch + 1, idx: 1 }]) {
    await expect(opening([{ ...known, ...beyond }])).rejects.toMatchObject({
      code: 'LOG_DAMAGED',
      message: expect.stringContaining('the snapshot x'),
    });
  }
  for (const [name, bytes] of files.image(DIRECTORY)) expect(Buffer.compare(bytes, before.get(name)!), name).toBe(0);
  // Another log, or another timeline of this one, says nothing.
  const other = { ...known, epoch: epoch + 1 };
  const others = [
    { ...other, logId: '0'.repeat(32) },
    { ...other, timeline: '0'.repeat(16) },
  ];
  expect((await opening([known, ...others])).lastSequence).toBe(2);
});

test('a roll on demand: what lies before can be trimmed', async () => {
  const files = new PowerCutFiles(new Random(1));
  const options = optionsFor(files);
  const { log, writer } = await openLog(options);
  for (const sequence of [1, 2, 3]) {
    const batch = writer.takeBatch()!;
    writer.submit(batch, fillBatch(batch, ['x']), sequence, 1, LEADER.timeMs, 0);
    log.pump(0);
    // The second one finds nothing to roll for: its segment is empty.
    writer.rollNext();
    if (sequence === 1) writer.rollNext();
  }
  log.pump(1000);
  await log.truncateBefore(3);
  const segments = files.list(DIRECTORY).filter((name) => name.endsWith('.log'));
  // The mark names the end of the second one, which must stay.
  expect(segments).toEqual(['0000000000000002.log', '0000000000000003.log']);
  await log.close();
  expect((await new LocalLog(options).open()).firstSequence).toBe(2);
});

/** A log of a later version is refused, never skipped or cut, whichever part of it is newer. */
import { expect, test } from 'vitest';
import { saltedCrc } from '../../../log/checksums.js';
import { readU32, writeU32 } from '../../../log/little-endian.js';
import { inspectLog, verifyLog } from '../../../log/local/inspect-log.js';
import { LocalLog } from '../../../log/local/local-log.js';
import { fillBatch, LEADER, noLock, openLog, textsOf } from '../support/log-driver.js';
import { PowerCutFiles } from '../support/power-cut-files.js';
import { Random } from '../support/random.js';

const DIRECTORY = '/data/log';
const SEGMENT = `${DIRECTORY}/0000000000000001.log`;
/** The second data frame; another one and a checksum frame lie behind it. */
const FRAME = 512 * 3;

function optionsFor(files: PowerCutFiles) {
  return {
    directory: DIRECTORY,
    files,
    lock: noLock,
    background: 'manual' as const,
    stepBytes: 8192,
    lowSpaceBytes: 0,
  };
}

async function sampleLog(): Promise<PowerCutFiles> {
  const files = new PowerCutFiles(new Random(1));
  const { log, writer } = await openLog({ ...optionsFor(files), batchBytesMax: 1024 });
  for (let i = 1; i <= 3; i++) {
    const batch = writer.takeBatch()!;
    writer.submit(batch, fillBatch(batch, [`${i}`]), i, 1, LEADER.timeMs, 0);
    log.pump(0);
  }
  await log.close();
  return files;
}

/** Changes bytes of the frame and makes its checksum right again. */
function rewrite(files: PowerCutFiles, change: (frame: Uint8Array) => void): void {
  const bytes = files.contents(SEGMENT);
  const frame = bytes.subarray(FRAME, FRAME + 512);
  change(frame);
  writeU32(frame, 92, 0);
  writeU32(frame, 92, saltedCrc(frame, 0, 512, readU32(bytes, 64)));
}

test.each<[string, RegExp, (frame: Uint8Array) => void]>([
  ['format version', /format version 2/, (frame) => frame.fill(2, 4, 5)],
  ['kind', /kind 77/, (frame) => frame.fill(77, 5, 6)],
  ['flag', /flags 0x80/, (frame) => frame.fill(0x80, 8, 9)],
  ['key id', /encryption key 3/, (frame) => frame.fill(3, 64, 65)],
])('an unknown %s refuses the start and names the frame', async (_, message, change) => {
  const files = await sampleLog();
  rewrite(files, change);
  const before = files.image(DIRECTORY);
  const log = new LocalLog(optionsFor(files));
  const refusal = expect.objectContaining({
    code: 'LOG_FORMAT_UNKNOWN',
    file: SEGMENT,
    offset: FRAME,
    message: expect.stringMatching(message),
  });
  await expect(log.open()).rejects.toEqual(refusal);
  expect(() => inspectLog(DIRECTORY, files)).toThrowError(refusal);
  expect(files.image(DIRECTORY)).toEqual(before);
});

test('an unknown item kind is refused when it is read', async () => {
  const files = await sampleLog();
  // The frames behind name another running checksum then, so this one is made the last.
  files.contents(SEGMENT).fill(0, FRAME + 512);
  rewrite(files, (frame) => frame.fill(0xc0, 99, 100));
  const log = new LocalLog(optionsFor(files));
  await log.open();
  await expect(textsOf(log.readBatches(1))).rejects.toMatchObject({ code: 'LOG_FORMAT_UNKNOWN', offset: FRAME });
  await log.close();
});

test('a segment or a mark of a later version is refused', async () => {
  const files = await sampleLog();
  const bytes = files.contents(SEGMENT);
  bytes[8] = 2;
  writeU32(bytes, 508, saltedCrc(bytes, 0, 508, 0));
  await expect(new LocalLog(optionsFor(files)).open()).rejects.toMatchObject({
    code: 'LOG_FORMAT_UNKNOWN',
    file: SEGMENT,
  });
});

test('a body that does not follow the format is damage, although its checksum is right', async () => {
  for (const [at, value] of [
    // One entry more or less than there is, and an entry that runs over the end.
    [12, 2],
    [12, 0],
    [96, 200],
  ] as const) {
    const files = await sampleLog();
    files.contents(SEGMENT).fill(0, FRAME + 512);
    rewrite(files, (frame) => frame.fill(value, at, at + 1));
    const log = new LocalLog(optionsFor(files));
    await log.open();
    await expect(textsOf(log.readBatches(1))).rejects.toMatchObject({ code: 'LOG_DAMAGED', offset: FRAME });
    await log.close();
  }
});

test('verifying counts down to the entries', async () => {
  const files = await sampleLog();
  expect(verifyLog(inspectLog(DIRECTORY, files))).toMatchObject({ entries: 2 });
});

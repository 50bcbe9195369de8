/**
 * Torn tails are cut and reported, damage is refused: exhaustively over small logs, at every offset. Of each byte one bit
 * is flipped, another one from byte to byte: that a frame notices each of its bits is shown in frame.test.ts.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogEvent } from '../../../log/local/local-log-options.js';
import { SEGMENT_HEADER_BYTES } from '../../../log/local/segment-header.js';
import { LogError } from '../../../log/log-error.js';
import type { LogTail } from '../../../log/transaction-log.js';
import { fillBatch, LEADER, noLock, openLog, textsOf } from '../support/log-driver.js';
import { PowerCutFiles } from '../support/power-cut-files.js';
import { Random } from '../support/random.js';

const DIRECTORY = '/data/log';
const SECTOR = 512;

type Image = Map<string, Uint8Array>;

function optionsFor(files: PowerCutFiles, onEvent?: (event: LocalLogEvent) => void) {
  return {
    directory: DIRECTORY,
    files,
    lock: noLock,
    background: 'manual' as const,
    segmentBytesMax: 60,
    batchBytesMax: 1024,
    batchCount: 2,
    stepBytes: 4096,
    lowSpaceBytes: 0,
    ...(onEvent === undefined ? {} : { onEvent }),
  };
}

/** A log of entries, one a frame, ended cleanly or as by a kill. */
async function makeLog(sessions: readonly (readonly string[])[], sealed: boolean): Promise<Image> {
  const files = new PowerCutFiles(new Random(1));
  let next = 1;
  for (const [i, texts] of sessions.entries()) {
    const { log, writer } = await openLog(optionsFor(files));
    for (const text of texts) {
      const batch = writer.takeBatch()!;
      writer.submit(batch, fillBatch(batch, [text]), next, 1, LEADER.timeMs + next++, 0);
      log.pump(0);
    }
    expect(writer.committedSequence).toBe(next - 1);
    log.pump(0);
    if (sealed && i === sessions.length - 1) await writer.flushAndSeal();
    await log.close();
  }
  return files.image(DIRECTORY);
}

interface Start {
  readonly tail: LogTail | undefined;
  readonly texts: readonly string[];
  readonly torn: LocalLogEvent | undefined;
  readonly error: LogError | undefined;
}

/** Starts a log on the image: open, read everything, become the writer. */
async function start(image: Image): Promise<Start> {
  const files = new PowerCutFiles(new Random(1));
  files.restore(DIRECTORY, image);
  let torn: LocalLogEvent | undefined;
  const log = new LocalLog(
    optionsFor(files, (event) => {
      if (event.type === 'torn-tail-cut') torn = event;
    }),
  );
  try {
    const tail = await log.open();
    const texts = await textsOf(log.readBatches(1));
    await log.acquire(tail.position, { ...LEADER, timeMs: Math.max(LEADER.timeMs, tail.lastTimeMs) });
    return { tail, texts: [...texts.values()], torn, error: undefined };
  } catch (error) {
    if (!(error instanceof LogError)) throw error;
    return { tail: undefined, texts: [], torn, error };
  } finally {
    await log.close();
  }
}

function changed(image: Image, name: string, change: (bytes: Uint8Array) => Uint8Array): Image {
  const copy = new Map(image);
  copy.set(name, change(image.get(name)!.slice()));
  return copy;
}

/** One bit of each byte in [from, to). */
function* bits(from: number, to: number): Generator<number> {
  for (let at = from; at < to; at++) yield at * 8 + ((at * 5) & 7);
}

function flipped(image: Image, name: string, bit: number): Image {
  return changed(image, name, (bytes) => {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    return bytes;
  });
}

function lastSegment(image: Image): string {
  return [...image.keys()]
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1)!;
}

/** Offset behind the last byte that is not zero, and the start of the frame (of one sector each) that it lies in. */
function lastFrame(bytes: Uint8Array): { from: number; to: number } {
  let to = bytes.length;
  while (bytes[to - 1] === 0) to--;
  const from = Math.floor((to - 1) / SECTOR) * SECTOR;
  return { from, to };
}

function expectRefused(outcome: Start, file: RegExp): void {
  expect(outcome.error).toMatchObject({ code: 'LOG_DAMAGED' });
  expect(outcome.error!.file).toMatch(file);
  expect(outcome.error!.offset).toBeTypeOf('number');
  expect(outcome.error!.message).toMatch(/cut --after|Restore it from a copy/);
}

describe('a log whose writer was killed', () => {
  let image: Image;
  let name: string;
  beforeAll(async () => {
    image = await makeLog([['one', 'two', 'three']], false);
    name = lastSegment(image);
  });

  test('starts as it is, with nothing to report', async () => {
    const outcome = await start(image);
    expect(outcome).toMatchObject({ texts: ['one', 'two', 'three'], torn: undefined, error: undefined });
  });

  test('starts with its last frame cut at every offset, all earlier writes there, the cut reported', async () => {
    const { from, to } = lastFrame(image.get(name)!);
    for (let size = from; size < from + SECTOR; size++) {
      const outcome = await start(changed(image, name, (bytes) => bytes.slice(0, size)));
      expect(outcome.error).toBeUndefined();
      expect(outcome.texts).toEqual(['one', 'two']);
      if (size === from) continue;
      const bytes = lastFrame(image.get(name)!.slice(0, Math.min(size, to))).to - from;
      expect(outcome.torn).toMatchObject({ type: 'torn-tail-cut', offset: from, bytes });
      expect(outcome.tail!.torn).toMatchObject({ offset: from, bytes });
    }
  });

  test('starts with any bit of its last frame flipped, and reports it', async () => {
    const { from } = lastFrame(image.get(name)!);
    for (const bit of bits(from, from + SECTOR)) {
      const outcome = await start(flipped(image, name, bit));
      expect(outcome.error).toBeUndefined();
      expect(outcome.texts).toEqual(['one', 'two']);
      expect(outcome.torn).toMatchObject({ offset: from });
    }
  });

  test('is refused with any bit flipped below, naming file and offset', async () => {
    const { from } = lastFrame(image.get(name)!);
    for (const bit of bits(0, from)) {
      const outcome = await start(flipped(image, name, bit));
      expectRefused(outcome, /0001\.log$/);
    }
  });

  test('reports bytes that are not zero behind its last frame', async () => {
    const { from } = lastFrame(image.get(name)!);
    for (const at of [from + SECTOR, from + SECTOR + 7, image.get(name)!.length - 1]) {
      const outcome = await start(flipped(image, name, at * 8));
      expect(outcome.texts).toEqual(['one', 'two', 'three']);
      expect(outcome.torn).toMatchObject({ offset: from + SECTOR, bytes: at - from - SECTOR + 1 });
    }
  });
});

describe('a log that was shut down cleanly', () => {
  let image: Image;
  let names: string[];
  beforeAll(async () => {
    image = await makeLog([['a', 'b', 'x'.repeat(100), 'c', 'd'], ['e']], true);
    names = [...image.keys()].filter((name) => name.endsWith('.log')).sort();
  });

  test('has several segments and a mark', () => {
    expect(names).toHaveLength(3);
    expect(image.has('mark')).toBe(true);
  });

  test('starts with its seal cut at every offset, or any bit of it flipped, and reports it', async () => {
    const name = names.at(-1)!;
    const { from } = lastFrame(image.get(name)!);
    for (let size = from + 1; size < from + SECTOR; size++) {
      const outcome = await start(changed(image, name, (bytes) => bytes.slice(0, size)));
      expect(outcome.error).toBeUndefined();
      expect(outcome.texts).toHaveLength(6);
      expect(outcome.tail).toMatchObject({ sealed: false });
      expect(outcome.torn).toMatchObject({ offset: from });
    }
    for (const bit of bits(from, from + SECTOR)) {
      const outcome = await start(flipped(image, name, bit));
      expect(outcome.texts).toHaveLength(6);
      expect(outcome.torn).toMatchObject({ offset: from });
    }
  });

  test('is refused when it is cut anywhere below its seal', async () => {
    for (const name of names) {
      const end = name === names.at(-1) ? lastFrame(image.get(name)!).from : image.get(name)!.length;
      for (let size = 0; size < end; size++) {
        const outcome = await start(changed(image, name, (bytes) => bytes.slice(0, size)));
        expectRefused(outcome, new RegExp(`${name}$`));
      }
    }
  });

  test('is refused with any bit flipped below its seal', async () => {
    for (const name of names) {
      const end = name === names.at(-1) ? lastFrame(image.get(name)!).from : image.get(name)!.length;
      for (const bit of bits(0, end)) {
        const outcome = await start(flipped(image, name, bit));
        expectRefused(outcome, /\.log$/);
      }
    }
  });

  test('is refused with any bit of the mark flipped', async () => {
    for (let bit = 0; bit < 128 * 8; bit++) expectRefused(await start(flipped(image, 'mark', bit)), /mark$/);
  });

  test('is refused with any segment missing', async () => {
    for (const name of names) {
      const rest = new Map(image);
      rest.delete(name);
      const outcome = await start(rest);
      // What was trimmed is not missed by the log itself: whoever needs it from 1 on sees where it begins.
      if (name === names[0]) expect(outcome.tail?.firstSequence).toBeGreaterThan(1);
      else expectRefused(outcome, new RegExp(`${name}$`));
    }
  });

  test('is refused with bytes behind the end of a closed segment', async () => {
    for (const extra of [1, 511, 512, 4096]) {
      const longer = changed(image, names[0]!, (bytes) => {
        const copy = new Uint8Array(bytes.length + extra);
        copy.set(bytes);
        return copy;
      });
      expectRefused(await start(longer), new RegExp(`${names[0]}$`));
    }
  });

  test('is refused with two segments exchanged, or one of another log', async () => {
    const exchanged = new Map(image);
    exchanged.set(names[0]!, image.get(names[1]!)!);
    exchanged.set(names[1]!, image.get(names[0]!)!);
    expectRefused(await start(exchanged), /\.log$/);
    const other = await makeLog([['a', 'b', 'x'.repeat(100), 'c', 'd'], ['e']], true);
    expectRefused(await start(new Map(image).set(names[1]!, other.get(names[1]!)!)), /\.log$/);
    expectRefused(await start(new Map(image).set('mark', other.get('mark')!)), /mark$/);
  });

  test('starts without its mark file, and with an old one', async () => {
    const without = new Map(image);
    without.delete('mark');
    expect(await start(without)).toMatchObject({ error: undefined, torn: undefined });
    const older = await makeLog([['a', 'b', 'x'.repeat(100), 'c', 'd']], false);
    expect(older.has('mark')).toBe(true);
  });
});

describe('what an interrupted start leaves', () => {
  test('a last segment without a frame, twice over', async () => {
    let image = await makeLog([['a', 'b']], false);
    for (let i = 0; i < 2; i++) {
      const files = new PowerCutFiles(new Random(1));
      files.restore(DIRECTORY, image);
      const log = new LocalLog(optionsFor(files));
      const tail = await log.open();
      await log.acquire(tail.position, LEADER);
      // The leader record is cut off again: only the new segment's header was durable.
      image = files.image(DIRECTORY);
      const name = lastSegment(image);
      image = changed(image, name, (bytes) => bytes.fill(0, SEGMENT_HEADER_BYTES));
      const outcome = await start(image);
      expect(outcome).toMatchObject({ texts: ['a', 'b'], error: undefined });
    }
  });
});

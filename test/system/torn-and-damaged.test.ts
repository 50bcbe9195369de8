/**
 * P5 with the real process: a torn tail is cut and reported, damage below a mark is refused with the file and the offset.
 * Every offset of a small log is tried in test/log; here are the cases that a person meets.
 */
import { cpSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FAULTS_VARIABLE } from '../../log/local/fault-files.js';
import { cutFile, dataFrames, type FrameFound, flipBit, readSegments } from '../support/log-files.js';
import { restartQuietly } from '../support/quiet-restart.js';
import { SeededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/temporary-directory.js';

const random = SeededRandom.fromEnvironment('HOLDFAST_TEST_SEED');
const KEYS = 40;
const LAST = 'x'.repeat(1500);

let parent: string;
/** A log whose process was killed right behind the commit of its last frame. */
let killed: string;
/** A log after clean shutdowns: three segments, the last one sealed. */
let sealed: string;

beforeAll(async () => {
  parent = makeTemporaryDirectory('damage');
  killed = join(parent, 'killed');
  sealed = join(parent, 'sealed');
  await writeKilled();
  await writeSealed();
});
afterAll(() => removeTemporaryDirectory(parent));

async function writeKeys(server: ServerProcess, prefix: string): Promise<void> {
  const client = await server.connect();
  for (let i = 0; i < KEYS; i++) expect(await client.command('SET', `${prefix}${i}`, `value ${i}`)).toBe('OK');
}

async function writeKilled(): Promise<void> {
  const server = await ServerProcess.start({ kind: 'holdfast', directory: killed });
  await writeKeys(server, 'key');
  const client = await server.connect();
  // The answer says that its frame is durable; the kill comes before an idle log marks it as committed.
  expect(await client.command('SET', 'last', LAST)).toBe('OK');
  await server.kill9();
}

async function writeSealed(): Promise<void> {
  const server = await ServerProcess.start({ kind: 'holdfast', directory: sealed });
  for (let segment = 0; segment < 3; segment++) {
    if (segment > 0) await server.restart();
    await writeKeys(server, `${segment}:`);
    expect(await server.stop()).toEqual({ code: 0, signal: null });
  }
}

/** Starts on a changed copy of a directory. */
async function startOn(original: string, change: (directory: string) => void): Promise<ServerProcess> {
  const directory = makeTemporaryDirectory('copy', parent);
  cpSync(original, directory, { recursive: true });
  change(directory);
  return await ServerProcess.spawn({ kind: 'holdfast', directory });
}

async function expectRefused(original: string, change: (directory: string) => void, named: RegExp): Promise<void> {
  await using server = await startOn(original, change);
  expect((await server.exited).code).toBe(1);
  expect(server.output).toMatch(named);
}

async function expectKeys(server: ServerProcess, prefix: string): Promise<void> {
  const client = await server.connect();
  const keys = Array.from({ length: KEYS }, (_, i) => `${prefix}${i}`);
  expect(await client.command('MGET', ...keys)).toEqual(keys.map((_, i) => `value ${i}`));
}

function lastSegment(directory: string) {
  return readSegments(directory).at(-1)!;
}

/** The last frame with entries of the killed log; the kill came before anything was appended behind it. */
function lastDataFrame(directory: string): FrameFound {
  return dataFrames(lastSegment(directory)).at(-1)!;
}

describe(`torn tails (seed ${random.seed})`, () => {
  test('the untouched log has everything', async () => {
    await using server = await startOn(killed, () => {});
    await server.ready();
    await expectKeys(server, 'key');
    expect(await (await server.connect()).command('GET', 'last')).toBe(LAST);
  });

  const cuts = [1, 95, 96, 511, 512, 513, 1024, 1100];
  for (const cut of cuts) {
    test(`cut ${cut} bytes into the last frame`, async () => {
      await using server = await startOn(killed, (directory) => {
        const { path, frames } = lastSegment(directory);
        const frame = lastDataFrame(directory);
        expect(frames.at(-1)).toEqual(frame);
        cutFile(path, frame.offset + cut);
      });
      await server.ready();
      await expectKeys(server, 'key');
      expect(await (await server.connect()).command('GET', 'last')).toBeNull();
      expect(server.output).toMatch(/torn/i);
      expect(server.output).toContain(basename(lastSegment(killed).path));
      // What was cut stays cut: the next start finds a sound log.
      await restartQuietly(server, 'kill');
      expect(server.output).not.toMatch(/torn/i);
    });
  }

  test('a bit of the last frame turned over', async () => {
    await using server = await startOn(killed, (directory) => {
      const { offset, bytes } = lastDataFrame(directory);
      flipBit(lastSegment(directory).path, offset + random.below(bytes), random.below(8));
    });
    await server.ready();
    await expectKeys(server, 'key');
    expect(await (await server.connect()).command('GET', 'last')).toBeNull();
    expect(server.output).toMatch(/torn/i);
  });

  test('a cut inside of the seal of a clean shutdown', async () => {
    await using server = await startOn(sealed, (directory) => {
      const { path, frames } = lastSegment(directory);
      const seal = frames.at(-1)!;
      expect(seal.seal).toBe(true);
      cutFile(path, seal.offset + 100);
    });
    await server.ready();
    for (const prefix of ['0:', '1:', '2:']) await expectKeys(server, prefix);
    expect(server.output).toMatch(/torn/i);
  });
});

describe(`damage (seed ${random.seed})`, () => {
  const inFile = (directory: string, segment: number) => basename(readSegments(directory)[segment]!.path);

  test('a cut below the seal', async () => {
    const name = inFile(sealed, 2);
    await expectRefused(
      sealed,
      (directory) => {
        const { path } = lastSegment(directory);
        cutFile(path, lastDataFrame(directory).offset + 20);
      },
      new RegExp(`${name}[^]*offset`),
    );
  });

  for (const segment of [0, 1, 2]) {
    for (const where of ['first', 'middle', 'last'] as const) {
      test(`a bit of the ${where} data frame of segment ${segment + 1} turned over`, async () => {
        const frames = dataFrames(readSegments(sealed)[segment]!);
        const frame = frames[where === 'first' ? 0 : where === 'last' ? frames.length - 1 : frames.length >> 1]!;
        await expectRefused(
          sealed,
          (directory) => {
            flipBit(readSegments(directory)[segment]!.path, frame.offset + random.below(frame.bytes), random.below(8));
          },
          new RegExp(`${inFile(sealed, segment)}[^]*${frame.offset}`),
        );
      });
    }
  }

  test('a frame below the last one of a killed process', async () => {
    const frame = dataFrames(lastSegment(killed)).at(-3)!;
    await expectRefused(
      killed,
      (directory) => flipBit(lastSegment(directory).path, frame.offset + 120, 3),
      new RegExp(`${inFile(killed, 0)}[^]*${frame.offset}`),
    );
  });

  test('a missing middle segment', async () => {
    const { path } = readSegments(sealed)[1]!;
    await expectRefused(
      sealed,
      (directory) => rmSync(join(directory, 'log', basename(path))),
      new RegExp(basename(path)),
    );
  });

  test('a damaged segment header', async () => {
    await expectRefused(
      sealed,
      (directory) => flipBit(readSegments(directory)[1]!.path, 40, 0),
      new RegExp(inFile(sealed, 1)),
    );
  });

  test('a refused start leaves the directory as it is', async () => {
    const directory = makeTemporaryDirectory('copy', parent);
    cpSync(sealed, directory, { recursive: true });
    const { path } = readSegments(directory)[1]!;
    flipBit(path, dataFrames(readSegments(directory)[1]!)[0]!.offset + 100, 1);
    await using server = await ServerProcess.spawn({ kind: 'holdfast', directory });
    expect((await server.exited).code).toBe(1);
    flipBit(path, dataFrames(readSegments(sealed)[1]!)[0]!.offset + 100, 1);
    await server.restart({ env: { [FAULTS_VARIABLE]: '' } });
    for (const prefix of ['0:', '1:', '2:']) await expectKeys(server, prefix);
  });
});

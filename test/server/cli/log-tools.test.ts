/** `holdfast log` on directories of a real server. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cutLog } from '../../../log/local/cut-log.js';
import type { SnapshotManifest } from '../../../server/snapshots/snapshot-manifest.js';
import { ServerProcess } from '../../support/server-process.js';
import { checkSnapshots } from '../../support/snapshot-check.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { runHoldfast } from '../support/run-program.js';

const work = makeTemporaryDirectory('log-tools');
let server: ServerProcess;
let entryLines: string[];

/** 1: SET, 2: SET with a deadline, 3: a command of two keys, 4: bytes and a long value, 5: another database. */
beforeAll(async () => {
  server = await ServerProcess.start({ kind: 'holdfast' });
  const client = await server.connect();
  await client.command('CLIENT', 'SETNAME', 'writer');
  await client.command('SET', 'a', '1');
  await client.command('SET', 'b', '2', 'PXAT', '9999999999999');
  await client.command('MSET', 'c', '3', 'd', '4');
  await client.command('SET', Buffer.from('k\x00\xff"\\\n', 'latin1'), 'v'.repeat(100));
  await client.command('SELECT', '5');
  await client.command('SET', 'e', '5');
  await server.stop();
  const { output } = await runHoldfast(['log', 'inspect', server.directory]);
  entryLines = output
    .slice(output.indexOf('\n\n') + 2)
    .trim()
    .split('\n');
});

afterAll(async () => {
  await server?.dispose();
  removeTemporaryDirectory(work);
});

/** Copies the data directory, changes the log and returns the copy. */
function copyChanged(name: string, change: (segment: Buffer) => Buffer): { directory: string; segment: string } {
  const directory = join(work, name);
  const source = join(server.directory, 'log');
  const segments = readdirSync(source).filter((file) => file.endsWith('.log'));
  const last = segments.sort().at(-1)!;
  writeFileSync(join(makeDirectory(directory), last), change(readFileSync(join(source, last))));
  for (const file of readdirSync(source)) {
    if (file !== last && file !== 'lock') writeFileSync(join(directory, 'log', file), readFileSync(join(source, file)));
  }
  return { directory, segment: join(directory, 'log', last) };
}

function makeDirectory(directory: string): string {
  mkdirSync(join(directory, 'log'), { recursive: true });
  return join(directory, 'log');
}

describe('log inspect', () => {
  test('shows entries with sequence, time, origin and commands', () => {
    const who = /default@127\.0\.0\.1:\d+ name=writer/.source;
    const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/.source;
    const expected = [
      `^1 ${time} ${who} SET "a" "1"$`,
      `^2 ${time} ${who} SET "b" "2" "PXAT" "9999999999999"$`,
      `^3 ${time} ${who} MSET "c" "3" "d" "4"$`,
      `^4 ${time} ${who} SET "k\\\\x00\\\\xff\\\\"\\\\\\\\\\\\n" "v{64}"\\.\\.\\. \\(100 bytes\\)$`,
      `^5 ${time} ${who} SELECT "5"; SET "e" "5"$`,
    ];
    expect(entryLines).toHaveLength(expected.length);
    for (const [i, pattern] of expected.entries()) expect(entryLines[i]).toMatch(new RegExp(pattern));
  });

  test('from a sequence on, so many entries', async () => {
    const { code, output } = await runHoldfast(['log', 'inspect', server.directory, '--from', '2', '--count', '2']);
    expect(code).toBe(0);
    expect(
      output
        .slice(output.indexOf('\n\n') + 2)
        .trim()
        .split('\n'),
    ).toEqual(entryLines.slice(1, 3));
  });

  test('takes the directory of the log itself too', async () => {
    const { output } = await runHoldfast(['log', 'inspect', join(server.directory, 'log')]);
    expect(output).toContain(entryLines[4]);
    expect(output).toMatch(/sequences 1 to 5 are committed/);
  });

  test('changes nothing, also while the server runs', async () => {
    const running = await ServerProcess.start({ kind: 'holdfast' });
    const client = await running.connect();
    await client.command('SET', 'a', '1');
    const { code, output } = await runHoldfast(['log', 'inspect', running.directory]);
    expect(code).toBe(0);
    expect(output).toMatch(/not sealed/);
    expect(await client.command('SET', 'a', '2')).toBe('OK');
    await running.dispose();
  });
});

describe('log verify', () => {
  test('counts what is sound', async () => {
    const { code, output } = await runHoldfast(['log', 'verify', server.directory]);
    expect(code).toBe(0);
    expect(output).toMatch(/^sound: 5 entries with \d+ bytes of effects in \d+ frames$/m);
  });

  test('names file and offset of damage, and exits 1', async () => {
    const { directory, segment } = copyChanged('damaged', (bytes) => {
      const at = bytes.indexOf('MSET');
      bytes[at] = bytes[at]! ^ 1;
      return bytes;
    });
    const { code, errors } = await runHoldfast(['log', 'verify', directory]);
    expect(code).toBe(1);
    expect(errors).toContain(segment);
    expect(errors).toMatch(/offset \d+/);
    const start = await runHoldfast(['--port', '0', '--dir', directory]);
    expect(start.code).toBe(1);
    expect(start.errors).toContain(segment);
  });
});

describe('log cut', () => {
  test('keeps what is sound up to a sequence, lists the rest, and a server starts on it', async () => {
    const { directory } = copyChanged('to-cut', (bytes) => {
      const at = bytes.indexOf('MSET');
      bytes[at] = bytes[at]! ^ 1;
      return bytes;
    });
    const target = join(work, 'cut');
    const { code, output } = await runHoldfast([
      'log',
      'cut',
      directory,
      '--after',
      '2',
      '--accept-loss',
      '--to',
      target,
    ]);
    expect(code).toBe(0);
    expect(output).toMatch(/^dropped: .*offset \d+/m);
    expect(output).toMatch(/^kept: sequences up to 2, /m);
    expect(output).toContain(`start it with: holdfast --dir ${target}`);
    const again = await ServerProcess.start({ kind: 'holdfast', directory: target });
    const client = await again.connect();
    expect(await client.command('MGET', 'a', 'b', 'c')).toEqual(['1', '2', null]);
    await client.command('SET', 'c', 'new');
    await again.stop();
    const { output: inspected } = await runHoldfast(['log', 'inspect', target]);
    expect(inspected).toMatch(/^cut after sequence 2 from timeline [0-9a-f]{16}$/m);
    expect(inspected).toMatch(/^3 \S+ \S+ SET "c" "new"$/m);
    await again.dispose();
  });

  test('refuses to keep what is not sound', async () => {
    const { directory } = copyChanged('cut-too-high', (bytes) => {
      const at = bytes.indexOf('MSET');
      bytes[at] = bytes[at]! ^ 1;
      return bytes;
    });
    const target = join(work, 'not-made');
    const words = ['log', 'cut', directory, '--after', '3', '--accept-loss', '--to', target];
    const { code, errors } = await runHoldfast(words);
    expect(code).toBe(1);
    expect(errors).toMatch(/sound up to sequence 2/);
  });

  test.each([
    [['--after', '1', '--to', 'x'], /--accept-loss/],
    [['--accept-loss', '--to', 'x'], /--after SEQUENCE/],
    [['--after', '1', '--accept-loss'], /--to NEWDIR/],
    [['--after', 'x', '--accept-loss', '--to', 'x'], /needs a number/],
    [['--nosuch'], /there is no option --nosuch/],
  ])('%j is refused', async (words, message) => {
    const { code, errors } = await runHoldfast(['log', 'cut', server.directory, ...words]);
    expect(code).toBe(1);
    expect(errors).toMatch(message);
  });

  test('a target that holds something is left alone', async () => {
    const { code, errors } = await runHoldfast([
      'log',
      'cut',
      server.directory,
      '--after',
      '1',
      '--accept-loss',
      '--to',
      server.directory,
    ]);
    expect(code).toBe(1);
    expect(errors).toMatch(/is not empty/);
  });
});

describe('a log whose front was trimmed', () => {
  let trimmed: ServerProcess;
  let first: number;
  let snapshots: readonly SnapshotManifest[];
  const log = (verb: string, ...words: string[]) => runHoldfast(['log', verb, trimmed.directory, ...words]);

  beforeAll(async () => {
    trimmed = await ServerProcess.start({
      kind: 'holdfast',
      args: ['--save', ''],
      env: { HOLDFAST_TEST_SNAPSHOT_FAULTS: 'rollBytes=1' },
    });
    const client = await trimmed.connect();
    let written = 0;
    // The cut of a snapshot lies behind a roll only if somebody writes meanwhile.
    for (let i = 0; i < 4; i++) {
      const saved = client.command('SAVE');
      const other = await trimmed.connect();
      let over = false;
      saved.then(() => {
        over = true;
      });
      while (!over) await other.command('SET', 'count', ++written);
      expect(await saved).toBe('OK');
    }
    await client.command('SET', 'count', ++written);
    await trimmed.stop();
    snapshots = checkSnapshots(trimmed.directory);
    const { output } = await log('inspect', '--count', '1');
    first = Number(/sequences (\d+) to/.exec(output)?.[1]);
    expect(first).toBeGreaterThan(1);
  }, 60_000);
  afterAll(() => trimmed?.dispose());

  test('inspect and verify say where it begins', async () => {
    const { code, output } = await log('inspect');
    expect(code).toBe(0);
    expect(output).toContain(`begins with sequence ${first}: what is before it was trimmed behind a snapshot`);
    expect(output.slice(output.indexOf('\n\n') + 2)).toMatch(new RegExp(`^${first} \\S+ \\S+ SET "count" "${first}"`));
    const verified = await log('verify');
    expect(verified.code).toBe(0);
    expect(verified.output).toMatch(/^sound: \d+ entries/m);
  });

  test('a cut takes along the snapshot that the rest needs', async () => {
    const [older, newer] = snapshots;
    const after = older!.sequence + 2;
    expect(after).toBeLessThan(newer!.sequence);
    const target = join(work, 'cut-trimmed');
    const { code, output } = await log('cut', '--after', String(after), '--accept-loss', '--to', target);
    expect(code).toBe(0);
    expect(output).toContain(`kept: snapshot ${older!.file} at sequence ${older!.sequence}`);
    expect(output).not.toContain(newer!.file);
    expect(checkSnapshots(target)).toEqual([older]);
    const again = await ServerProcess.start({ kind: 'holdfast', directory: target });
    const client = await again.connect();
    expect(await client.command('GET', 'count')).toBe(String(after));
    await client.command('SET', 'more', '1');
    await again.kill9();
    await again.restart();
    expect(await (await again.connect()).command('MGET', 'count', 'more')).toEqual([String(after), '1']);
    await again.dispose();
  }, 60_000);

  test('a cut below what is left is refused, and makes nothing', async () => {
    const target = join(work, 'cut-too-low');
    const sequence = snapshots[0]!.sequence;
    for (const after of [1, sequence - 1]) {
      const { code, errors } = await log('cut', '--after', String(after), '--accept-loss', '--to', target);
      expect(code).toBe(1);
      expect(errors).toContain(`the log begins with sequence ${first}`);
      expect(errors).toContain(`cut after sequence ${sequence} or above`);
      expect(existsSync(target)).toBe(false);
    }
    // The log alone says so too.
    expect(() => cutLog({ directory: join(trimmed.directory, 'log'), target, afterSequence: 1 })).toThrow(
      `begins with sequence ${first}`,
    );
  });
});

test.each([
  [['log'], /needs a verb/],
  [['log', 'nosuch', 'x'], /no 'log nosuch'/],
  [['log', 'inspect'], /name the data directory/],
  [['log', 'inspect', 'a', 'b'], /one word too many/],
  [['log', 'inspect', './does-not-exist'], /does-not-exist/],
])('%j is refused with one line', async (words, message) => {
  const { code, errors, output } = await runHoldfast(words);
  expect(code).toBe(1);
  expect(output).toBe('');
  expect(errors.trim().split('\n')).toHaveLength(1);
  expect(errors).toMatch(message);
});

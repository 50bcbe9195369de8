/**
 * EXPIRE and its kin at their corners against a real redis-server: every combination of conditions with every kind of
 * deadline before and after, for keys that are there and keys that are not.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import type { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { TestEngine } from '../../support/test-engine.js';

/** Seconds: two moments in the far future, one in the past. */
const SOONER = 10_000_000_000;
const LATER = 10_000_000_001;
const PAST = 1000;

const CONDITIONS: readonly (readonly string[])[] = [
  [],
  ...['NX', 'XX', 'GT', 'LT', 'gt', 'foo', ''].map((word) => [word]),
  ...['NX', 'XX', 'GT', 'LT'].flatMap((first) => ['NX', 'XX', 'GT', 'LT', 'foo'].map((second) => [first, second])),
  ['XX', 'GT', 'LT'],
  ['NX', 'NX', 'NX'],
  ['GT', 'XX', 'GT'],
];
const BEFORE: readonly (readonly string[])[] = [
  ['DEL', 'a'],
  ['SET', 'a', '1'],
  ['SET', 'a', '1', 'EXAT', String(SOONER)],
  ['SET', 'a', '1', 'EXAT', String(LATER)],
  ['SET', 'a', '1', 'PXAT', '9223372036854775807'],
  ['SET', 'a', '1', 'PXAT', '1'],
];
const TIMES = {
  EXPIREAT: [SOONER, LATER, PAST, 0, -1, '9223372036854775', '9223372036854776', '-9223372036854776', 'x', '1.5', ''],
  PEXPIREAT: [
    SOONER * 1000,
    SOONER * 1000 + 1,
    PAST,
    '9223372036854775807',
    '-9223372036854775808',
    '9223372036854775808',
  ],
  EXPIRE: [0, -1, '-9223372036854775808', '9223372036854775807', '9223372036854775', 'x'],
  PEXPIRE: [0, -1, '-9223372036854775808', '9223372036854775807', '9223370000000000000', '+1'],
} as const;

describeWith(['redis-server'], 'deadlines at their corners', () => {
  let server: ServerProcess;
  let client: RespClient;

  beforeAll(async () => {
    server = await ServerProcess.start({
      kind: 'redis',
      args: ['--appendonly', 'no', '--enable-debug-command', 'yes'],
    });
    client = await server.connect('raw');
    await client.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  });

  afterAll(() => server.dispose());

  test.each(Object.entries(TIMES))('%s', { timeout: 60_000 }, async (name, times) => {
    const ours = new TestEngine();
    const script: string[][] = [];
    for (const before of BEFORE) {
      for (const time of times) {
        for (const conditions of CONDITIONS) {
          script.push([...before], [name, 'a', String(time), ...conditions]);
          // Deadlines that count from now differ by the time between the two.
          script.push(name.endsWith('AT') ? ['PEXPIRETIME', 'a'] : ['EXISTS', 'a']);
        }
      }
    }
    for (let from = 0; from < script.length; from += 600) {
      const batch = script.slice(from, from + 600);
      const theirs = (await client.pipeline(batch)) as Buffer[];
      ours.clock.ms = Date.now();
      batch.forEach((words, i) => {
        const context = [batch[i - 2], batch[i - 1], words].map((each) => each?.join(' ')).join('; ');
        expect(ours.run(...words), context).toBe(theirs[i]!.toString('latin1'));
      });
    }
    expect(script.length).toBeGreaterThan(3000);
  });
});

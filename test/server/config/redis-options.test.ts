/** Every option of Redis 7.0 is known, has Redis' default, and takes and refuses what Redis takes and refuses. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OPTION_NAMES, OPTION_TABLE } from '../../../server/config/options.js';
import { describeWith } from '../../support/require-servers.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { FakeServer } from '../support/fake-server.js';
import { BEYOND_64_BITS, DIFFERENT_CHANGES, DIFFERENT_DEFAULTS, TLS_OPTION } from './redis-differences.js';

/** Options that CONFIG GET * does not show; Redis has them for its own tests. */
const HIDDEN = [
  'key-load-delay',
  'loading-process-events-interval-bytes',
  'rdb-key-save-delay',
  'use-exit-on-panic',
  'watchdog-period',
];

/** Options that Redis does not have. */
const OWN = ['commit-inline', 'unsafe-no-directory-lock'];

const WORDS = [
  ...['', ' ', 'yes', 'no', 'YES', 'No', 'maybe', 'default', 'none', 'ab\xff\n"\\', 'a/b', 'a b', 'a  b', "'a'", '"a"'],
  ...['a.b', 'a_b', 'localhost', '127.0.0.1', 'x'.repeat(255), 'x'.repeat(256), '{title}', '{title', '{{x}', '{port}'],
  ...[
    '{nosuch}',
    '{listen-addr} {server-mode} {config-file}',
    'A',
    'KEA',
    'AKE',
    'Kg$lshzxetdn',
    'Kn',
    'An',
    'g$lshzxetd',
  ],
  ...['mn', 'Kq', 'EK', '900 1', '900 1 60 1000', '0 1', '1 0', '1 -1', '900  1', ' 900 1', '+900 1', '900 1 ', '1x 1'],
  ...['-1000 0 1000', '0 200', '0 200 800', '0 2001 1', '5 4 3', '0 0x 1', '0.5 1 2', '50', '50 99.9', '100', '101 5'],
  ...['99.123456789', '1e1', '-0.5', '.5', '5.', 'inf', 'nan', '50,99', 'save', 'nosave', 'save now', 'SAVE Force now'],
  ...['save nosave', 'now now', 'default save', 'default default', 'normal 0 0 0', 'normal 1mb 2k 3 pubsub 1 2 3'],
  ...[
    'normal 1 2',
    'master 1 2 3',
    'Slave 1gb 1kb 60',
    'normal 1 2 -3',
    'normal 1x 2 3',
    'normal 1 2 3x',
    'normal 1 2 +3',
  ],
];

const NUMBERS = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '+1',
    '-2',
    '2',
    '5',
    '7',
    '10',
    '11',
    '64',
    '99',
    '100',
    '101',
    '128',
    '129',
    '500',
    '777',
  ],
  ...[
    '1000',
    '1001',
    '1023',
    '1024',
    '65535',
    '65536',
    '007',
    '0x10',
    '1e3',
    '1.5',
    ' 5',
    '5 ',
    '5b',
    '5B',
    '1k',
    '1K',
  ],
  ...[
    '1kb',
    '3mb',
    '1m',
    '2gb',
    '2g',
    'kb',
    '1kbx',
    '-1kb',
    '1048575',
    '1048576',
    '1048577',
    '2147483647',
    '2147483648',
  ],
  ...['-2147483648', '-2147483649', '4294967295', '4294967296', '9007199254740993', '9223372036854775807'],
  ...['9223372036854775808', '-9223372036854775808', '-9223372036854775809', '18446744073709551615'],
  ...['99999999999999999999', '0%', '5%', '100%', '101%', '-5%', '05%', '%', '5 %', '1.5%', '8589934592gb'],
];

/** All words that any option chooses from, in a case that is not theirs. */
const CHOICES = [...OPTION_TABLE.values()].flatMap(({ kind }) =>
  /^[a-z0-9-]+(, [a-z0-9-]+)+$/.test(kind.title) ? kind.title.split(', ').map((word) => word.toUpperCase()) : [],
);

const VALUES = [...new Set([...WORDS, ...NUMBERS, ...CHOICES])];

describeWith(['redis-server'], 'the options of Redis', () => {
  let redis: ServerProcess;
  let theirs: RespClient;
  let fake: FakeServer;
  let ours: ReturnType<FakeServer['connect']>;
  beforeAll(async () => {
    // Started with nothing but what keeps it alone: what it shows are its defaults.
    redis = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no', '--appendfsync', 'everysec'] });
    theirs = await RespClient.connect(redis.address, 'raw');
    fake = new FakeServer();
    ours = fake.connect();
  });
  afterAll(() => redis?.dispose());

  async function ask(...words: string[]): Promise<string> {
    const [first, ...rest] = words.map((word) => Buffer.from(word, 'latin1'));
    return ((await theirs.command(first!, ...rest)) as Buffer).toString('latin1');
  }

  function valuesOf(reply: string): Map<string, string> {
    const words = [...reply.matchAll(/\$(\d+)\r\n/g)].map((match) => {
      const from = match.index + match[0].length;
      return reply.slice(from, from + Number(match[1]));
    });
    const values = new Map<string, string>();
    for (let i = 0; i + 1 < words.length; i += 2) values.set(words[i]!, words[i + 1]!);
    return values;
  }

  test('CONFIG GET * has the same names', async () => {
    const known = [...valuesOf(ours.run('CONFIG', 'GET', '*')).keys()].filter((name) => !OWN.includes(name));
    const asked = [...valuesOf(await ask('CONFIG', 'GET', '*')).keys()];
    expect(known.sort()).toEqual(asked.sort());
    for (const name of HIDDEN) {
      expect(valuesOf(ours.run('CONFIG', 'GET', name)).get(name), name).toBe(
        valuesOf(await ask('CONFIG', 'GET', name)).get(name),
      );
    }
  });

  test('the defaults are the same, but for those with a reason', async () => {
    // What the start above had to set, or fits to the process.
    const given = ['port', 'bind', 'save', 'auto-aof-rewrite-percentage', 'dir', 'maxclients'];
    const different: string[] = [];
    for (const [name, value] of valuesOf(await ask('CONFIG', 'GET', '*'))) {
      const own = fake.context.config.shown(OPTION_NAMES.get(name)!);
      if (!given.includes(name) && own !== value) different.push(name);
    }
    expect(different.sort()).toEqual([...DIFFERENT_DEFAULTS.keys()]);
  });

  const settable = [...OPTION_NAMES.keys()].filter((name) => !OWN.includes(name) && !TLS_OPTION.test(name));

  test.each(settable)('CONFIG SET %s', async (name) => {
    const canonical = OPTION_NAMES.get(name)!;
    const { changes } = OPTION_TABLE.get(canonical)!;
    const difference = DIFFERENT_CHANGES.get(canonical);
    const initial = valuesOf(ours.run('CONFIG', 'GET', name)).get(name)!;
    const theirInitial = valuesOf(await ask('CONFIG', 'GET', name)).get(name)!;
    const wrong: string[] = [];
    for (const value of changes === 'running' ? VALUES : ['', '1', 'x']) {
      if (difference?.concerns(value) || BEYOND_64_BITS.has(value)) continue;
      const own = ours.run('CONFIG', 'SET', name, value);
      const other = await ask('CONFIG', 'SET', name, value);
      const shown = valuesOf(ours.run('CONFIG', 'GET', name)).get(name);
      const otherShown = valuesOf(await ask('CONFIG', 'GET', name)).get(name);
      if (own !== other || (own === '+OK\r\n' && shown !== otherShown)) {
        wrong.push(JSON.stringify({ value, own, shown, other, otherShown }));
      }
    }
    // Passwords would lock the next test out.
    ours.run('CONFIG', 'SET', name, initial);
    await ask('CONFIG', 'SET', name, theirInitial);
    expect(wrong).toEqual([]);
  });
});

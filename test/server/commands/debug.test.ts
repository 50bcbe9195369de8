/** DEBUG: refused unless it is allowed, harmless where it is; replies are those of Redis where they can be. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { type FakeClient, FakeServer } from '../support/fake-server.js';

const ALLOWED = [{ name: 'enable-debug-command', words: ['yes'], where: 'command line' }] as const;

function allowed(): { server: FakeServer; client: FakeClient } {
  const server = new FakeServer(ALLOWED);
  return { server, client: server.connect() };
}

describe('DEBUG', () => {
  test('is refused by default, HELP included', () => {
    const client = new FakeServer().connect();
    expect(client.run('DEBUG', 'SLEEP', '0')).toMatch(/^-ERR DEBUG command not allowed\. /);
    expect(client.run('DEBUG', 'HELP')).toMatch(/^-ERR DEBUG command not allowed\. /);
  });

  test('HELP names what there is, and what crashes or bypasses the log is not', () => {
    const { client } = allowed();
    expect(client.run('DEBUG', 'HELP')).toContain('+OBJECT <key>\r\n');
    for (const word of ['SEGFAULT', 'PANIC', 'OOM', 'ASSERT', 'RESTART', 'POPULATE', 'FLUSHALL']) {
      expect(client.run('DEBUG', word)).toMatch(/^-ERR unknown subcommand or wrong number of arguments for '/);
    }
  });

  test('OBJECT and SDSLEN describe a value, and wait for it', () => {
    const { client, server } = allowed();
    client.run('SET', 'a', 'x'.repeat(100));
    expect(client.run('DEBUG', 'OBJECT', 'a')).toMatch(
      /^\+Value at:0x[0-9a-f]+ refcount:1 encoding:raw serializedlength:1[123] lru:\d+ lru_seconds_idle:0\r\n$/,
    );
    expect(server.engine.dependency).toBe(server.engine.effects.sequence);
    client.run('SET', 'n', '5');
    expect(client.run('DEBUG', 'OBJECT', 'n')).toMatch(/refcount:2147483647 encoding:int serializedlength:2 /);
    client.run('SET', 'short', 'abc');
    expect(client.run('DEBUG', 'SDSLEN', 'short')).toMatch(/^\+key_sds_len:5, .*val_sds_len:3, /);
  });

  test('DIGEST-VALUE is equal for equal values, whatever their keys and encodings', () => {
    const { client } = allowed();
    client.run('SET', 'a', '12');
    client.run('SET', 'b', '1');
    client.run('APPEND', 'b', '2');
    client.run('SET', 'c', '13');
    client.run('SET', 'd', '12', 'EX', '100');
    client.run('SET', 'large', 'x'.repeat(200_000));
    client.run('SET', 'same', 'x'.repeat(200_000));
    const digests = client.run('DEBUG', 'DIGEST-VALUE', 'a', 'b', 'c', 'd', 'large', 'same', 'none').split('\r\n');
    const [count, a, b, c, d, large, same, none] = digests;
    expect(count).toBe('*7');
    expect(a).toMatch(/^\+v1:[0-9a-f]{16}$/);
    expect(b).toBe(a);
    expect(same).toBe(large);
    expect(none).toBe('+v1:0000000000000000');
    expect(new Set([a, c, d, large, none]).size).toBe(5);
  });

  test('SLEEP is execution: the slow log shows it', () => {
    const { client } = allowed();
    client.run('DEBUG', 'SLEEP', '0.02');
    expect(client.run('SLOWLOG', 'GET')).toMatch(/^\*1\r\n\*6\r\n:0\r\n:\d+\r\n:[2-9]\d{4}\r\n\*3\r\n\$5\r\nDEBUG\r\n/);
  });

  test('SET-ACTIVE-EXPIRE leaves expired keys to lookups', () => {
    const { client, server } = allowed();
    client.run('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    expect(server.engine.expiresActively).toBe(false);
    client.run('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
    expect(server.engine.expiresActively).toBe(true);
  });

  test('CHANGE-REPL-ID changes what INFO shows', () => {
    const { client } = allowed();
    const id = (): string => /master_replid:([0-9a-f]{40})/.exec(client.run('INFO', 'replication'))![1]!;
    const before = id();
    expect(client.run('DEBUG', 'CHANGE-REPL-ID')).toBe('+OK\r\n');
    expect(id()).not.toBe(before);
  });

  test('RELOAD and LOADAOF ask for what the log has, and nothing goes behind it', () => {
    const { client, server } = allowed();
    expect(client.run('DEBUG', 'RELOAD', 'other')).toBe(
      '-ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.\r\n',
    );
    for (const words of [['NOSAVE'], ['MERGE'], ['noflush'], ['NOSAVE', 'NOFLUSH', 'MERGE']]) {
      expect(client.run('DEBUG', 'RELOAD', ...words)).toMatch(/^-ERR DEBUG RELOAD takes no options here: /);
    }
    server.engine.loading = true;
    for (const word of ['RELOAD', 'LOADAOF']) expect(client.run('DEBUG', word)).toMatch(/^-LOADING /);
    expect(server.reloads).toEqual([]);
    server.engine.loading = false;
    client.run('DEBUG', 'RELOAD');
    server.connect().run('DEBUG', 'LOADAOF');
    expect(server.reloads.map((each) => each.split(' by ')[0])).toEqual([
      'snapshot: DEBUG RELOAD',
      'restart: DEBUG LOADAOF',
    ]);
  });

  test('STRINGMATCH-LEN, HTSTATS and JMAP', () => {
    const { client } = allowed();
    client.run('SET', 'a', '1', 'EX', '10');
    expect(client.run('DEBUG', 'STRINGMATCH-LEN', '50000', 'a*b')).toBe(':0\r\n');
    expect(client.run('DEBUG', 'STRINGMATCH-LEN', '50000', '*a')).toBe(':1\r\n');
    expect(client.run('DEBUG', 'STRINGMATCH-LEN', '1000000000', '*a')).toMatch(/^-ERR/);
    expect(client.run('DEBUG', 'HTSTATS', '0')).toContain('[Expires HT]\n number of elements: 1\n');
    expect(client.run('DEBUG', 'JMAP')).toMatch(/usedBytes:\d+\n/);
  });
});

/** Each line is one connection's commands, separated by ';'. */
const SCRIPTS: readonly string[] = [
  'DEBUG; DEBUG foo; DEBUG SLEEP; DEBUG SLEEP x; DEBUG SLEEP 0; DEBUG SLEEP -1; DEBUG SLEEP 0 1; DEBUG OBJECT; DEBUG OBJECT nosuch; DEBUG OBJECT a b',
  'DEBUG SET-ACTIVE-EXPIRE; DEBUG SET-ACTIVE-EXPIRE x; DEBUG SET-ACTIVE-EXPIRE 1; DEBUG CHANGE-REPL-ID; DEBUG CHANGE-REPL-ID x; DEBUG DIGEST x; DEBUG DIGEST-VALUE; DEBUG ERROR; DEBUG ERROR text; DEBUG ERROR a b; DEBUG LOG; DEBUG LOG hello',
  'SET i 5; SET s abc; DEBUG SDSLEN; DEBUG SDSLEN nosuch; DEBUG SDSLEN i; DEBUG QUICKLIST; DEBUG QUICKLIST nosuch; DEBUG QUICKLIST s; DEBUG LISTPACK nosuch; DEBUG LISTPACK s; DEBUG LISTPACK s t; DEBUG HTSTATS; DEBUG HTSTATS x; DEBUG HTSTATS 99; DEBUG HTSTATS-KEY; DEBUG HTSTATS-KEY nosuch; DEBUG HTSTATS-KEY s',
  ...['HELLO 2', 'HELLO 3'].map(
    (hello) =>
      `${hello}; ${'string integer double bignum null array set map attrib verbatim true false foo'
        .split(' ')
        .map((type) => `DEBUG PROTOCOL ${type}`)
        .join('; ')}`,
  ),
  'DEBUG PROTOCOL push; DEBUG PROTOCOL',
];

describeWith(['redis-server'], 'beside Redis', () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ kind: 'redis', args: ['--enable-debug-command', 'yes'] });
  });
  afterAll(() => redis?.dispose());

  test.each(SCRIPTS)('%s', async (script) => {
    const client = await RespClient.connect(redis.address, 'raw');
    const ours = allowed().client;
    for (const command of script.split(';').map((each) => each.trim().split(' '))) {
      let theirs = String(await client.command(command[0]!, ...command.slice(1)));
      const mine = ours.run(...command);
      if (command[0] === 'HELLO') continue;
      // An attribute stands in front of the reply that it belongs to.
      while (theirs.length < mine.length && mine.startsWith(theirs)) theirs += String(await client.next());
      expect(mine, command.join(' ')).toBe(theirs);
    }
    await client.close();
  });
});

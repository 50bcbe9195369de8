/** Configuration files as redis-server reads and rewrites them: the same lines are refused, with the same words. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Config } from '../../../server/config/config.js';
import { parseConfigText } from '../../../server/config/config-file.js';
import { rewrittenConfig } from '../../../server/config/config-rewrite.js';
import { findOption } from '../../../server/config/options.js';
import { freePort } from '../../support/free-port.js';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { machine } from '../support/fake-server.js';

const directory = makeTemporaryDirectory('redis-files');
afterAll(() => removeTemporaryDirectory(directory));

/** Lines that stop a start. Options that CONFIG SET changes are compared in redis-options.test.ts. */
const REFUSED = [
  ...['databases 0', 'databases x', 'databases', 'databases 1 2', 'databases ""', 'tcp-backlog -1', 'tcp-backlog 1.5'],
  ...['io-threads 0', 'io-threads 129', 'io-threads-do-reads maybe', 'daemonize maybe', 'daemonize', 'rdbchecksum 1'],
  ...['supervised x', 'supervised', 'syslog-facility local8', 'syslog-enabled 1', 'set-proc-title x', 'disable-thp 0'],
  ...[
    'unixsocketperm 999',
    'unixsocketperm 1000',
    'unixsocketperm x',
    'socket-mark-id -1',
    'socket-mark-id 4294967296',
  ],
  ...['appendfilename a/b', 'appendfilename ""', 'appenddirname "a\\\\b"', 'appenddirname ""', 'dbfilename a/b'],
  ...['enable-debug-command maybe', 'enable-protected-configs x', 'enable-module-command ""', 'cluster-enabled 2'],
  ...['cluster-port 65536', 'replicaof a', 'replicaof a b', 'slaveof a 70000', 'replicaof a b c', 'save 1', 'save a b'],
  ...['client-output-buffer-limit normal 1 2', 'client-output-buffer-limit ""', 'oom-score-adj-values 1 2', 'hz'],
  ...['shutdown-on-sigterm', 'shutdown-on-sigint ""', 'shutdown-on-sigterm save nosave', 'oom-score-adj-values ""'],
  ...['rename-command nosuch x', 'bind 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17'],
];

/** What Redis says of a file that stops its start; the last line of its error. */
function theirRefusal(line: string): string {
  const file = join(directory, 'refused.conf');
  writeFileSync(file, `${line}\n`);
  const { status, stderr } = spawnSync('redis-server', [file], { cwd: directory, encoding: 'latin1', timeout: 10_000 });
  expect(status, line).toBe(1);
  return stderr.trim().split('\n').at(-1)!;
}

function ourRefusal(line: string): string {
  try {
    new Config(parseConfigText(line, 'a.conf'), machine);
  } catch (error) {
    const { message } = error as Error;
    return message.slice(message.indexOf("': ") + 3);
  }
  return '';
}

/** Where our words differ. */
const OWN_WORDS: ReadonlyMap<string, string> = new Map([
  // Known only once there are commands: server/renamed-commands.ts has Redis' words.
  ['rename-command nosuch x', ''],
  ['databases 0', 'argument must be between 1 and 64 inclusive'],
]);

/** Files that CONFIG REWRITE works on, and what is set before. */
const REWRITES: readonly { file: string; set: string[] }[] = [
  { file: '', set: ['timeout', '5', 'maxmemory', '3mb', 'proto-max-bulk-len', '1048577'] },
  { file: '# a\ntimeout 3\n\n\n# b\nhz 20\ntimeout 4', set: ['timeout', '9', 'hz', '10'] },
  { file: 'slave-priority 7\nlua-time-limit 3\nhash-max-ziplist-value 1kb', set: ['replica-priority', '8'] },
  { file: 'lua-replicate-commands yes\nloglevel notice', set: ['loglevel', 'verbose'] },
  {
    file: 'notify-keyspace-events ""\nmaxmemory-clients 10%',
    set: ['notify-keyspace-events', 'KEA', 'masterauth', 'a "b\\\n'],
  },
  {
    file: 'client-output-buffer-limit pubsub 1kb 2 3',
    set: ['client-output-buffer-limit', 'normal 1 1mb 1 slave 3 3gb 3'],
  },
  {
    file: 'oom-score-adj-values 1 2 3\nrename-command DEBUG ""',
    set: ['oom-score-adj-values', '5 6 7', 'repl-backlog-size', '1'],
  },
];

describeWith(['redis-server'], 'files of configuration', () => {
  test.each(REFUSED)('%s stops the start', (line) => {
    const theirs = theirRefusal(line);
    expect(ourRefusal(line)).toBe(OWN_WORDS.get(line) ?? theirs);
  });

  test.each(REWRITES)('CONFIG REWRITE of $file', async ({ file, set }) => {
    const path = join(directory, 'rewritten.conf');
    const port = await freePort();
    const text = `${file}\nport ${port}\ndir ${directory}\n`;
    writeFileSync(path, text);
    await using redis = await startRedis(path, port);
    const client = await redis.connect();
    expect(await client.command('CONFIG', 'SET', ...set)).toBe('OK');
    expect(await client.command('CONFIG', 'REWRITE')).toBe('OK');
    const config = new Config(parseConfigText(text, 'a.conf'), machine);
    expect(config.set(set, { protectedOptions: false, loading: false })).toBe('');
    const own = rewrittenConfig(text, config.fileLines(), findOption);
    expect(comparable(own)).toEqual(comparable(readFileSync(path, 'latin1')));
  });
});

async function startRedis(path: string, port: number): Promise<ServerProcess> {
  return await ServerProcess.start({ kind: 'redis', configFile: path, port });
}

/** Lines in front of the marker as they are, and behind it in no order; without those that one of the two always adds. */
function comparable(text: string): { before: string[]; behind: string[] } {
  const lines = text.split('\n').filter((line) => line !== '');
  const marker = lines.indexOf('# Generated by CONFIG REWRITE');
  const ofOne =
    /^(user|save|bind|appendonly|appendfsync|auto-aof-rewrite-percentage|latency-tracking-info-percentiles|maxclients|pidfile|daemonize) /;
  const kept = (line: string): boolean => !ofOne.test(line);
  return {
    before: (marker < 0 ? lines : lines.slice(0, marker)).filter(kept),
    behind: (marker < 0 ? [] : lines.slice(marker + 1)).filter(kept).sort(),
  };
}

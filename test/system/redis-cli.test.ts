/** What redis-cli offers beside typing commands works against this server: each mode prints what it is for. */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.js';
import { describeWith } from '../support/require-servers.js';
import { ServerProcess } from '../support/server-process.js';

describeWith(['redis-cli'], 'redis-cli', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ kind: 'holdfast' });
    const client = await server.connect();
    await client.pipeline(Array.from({ length: 500 }, (_, i) => ['SET', `key:${i}`, 'x'.repeat(i)]));
    await client.close();
  });
  afterAll(() => server?.dispose());

  /** Runs redis-cli until its output is as expected (it may never end by itself) and returns the output. */
  async function untilPrinted(expected: RegExp, ...args: string[]): Promise<string> {
    // Lines come at once, also when it does not write to a terminal.
    const cli = spawn('stdbuf', ['-oL', 'redis-cli', '-p', String(server.port), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [cli.stdout, cli.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('latin1');
      });
    }
    try {
      await pollUntil(`${expected} of ${args.join(' ')}`, () => expected.test(output));
      return output;
    } catch (error) {
      throw new Error(`${String(error)}; printed was: ${output.slice(0, 2000)}`);
    } finally {
      cli.kill('SIGKILL');
    }
  }

  test.each<[RegExp, ...string[]]>([
    // keys, memory, clients, blocked, requests, connections; twice.
    [/keys +mem +clients[^\n]*\n(500 +\S+ +\d+ +0 +\d+ .*\n){2}/, '--stat', '-i', '0.05'],
    [/^\d+ \d+ \d+\.\d\d \d+\n/, '--latency', '-i', '0.1'],
    [/ -- 0\.\d\d seconds range\n.*\n.* -- 0\.\d\d seconds range\n/s, '--latency-history', '-i', '0.1'],
    [/From 0 to 100%:/, '--latency-dist', '-i', '0.1'],
    [/Worst run took/, '--intrinsic-latency', '1'],
    [/Biggest string found '"key:499"' has 499 bytes/, '--bigkeys'],
    [/(key:\d+\n){500}/, '--scan'],
    [/^OK\n/, 'MONITOR'],
    [/redis_version:7\.0\.15/, 'INFO', 'everything'],
  ])('%s: %s %s %s', async (expected, ...args) => {
    expect(await untilPrinted(expected, ...args)).not.toMatch(/^(\(error\)|ERR|Error)/m);
  });
});

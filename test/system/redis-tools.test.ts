/** Redis' own tools against Holdfast, unmodified: redis-benchmark and the walks and gauges of redis-cli. */
import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/require-servers.js';
import { runProgram } from '../support/run-program.js';
import { ServerProcess } from '../support/server-process.js';

describeWith(['redis-cli', 'redis-benchmark'], 'tools', () => {
  let server: ServerProcess;
  let port: string[];

  beforeAll(async () => {
    server = await ServerProcess.start({ kind: 'holdfast' });
    port = ['-p', String(server.port)];
    const client = await server.connect();
    await client.command('MSET', ...Array.from({ length: 500 }, (_, i) => [`key:${i}`, 'v'.repeat(i)]).flat());
    await client.close();
  });

  afterAll(() => server?.dispose());

  async function cli(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runProgram('redis-cli', [...port, ...args]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return stdout;
  }

  test('redis-benchmark -t ping,set,get,incr,mset', { timeout: 120_000 }, async () => {
    const load = ['-t', 'ping,set,get,incr,mset', '-n', '300', '-c', '10', '-P', '4', '-q'];
    const { code, stdout, stderr } = await runProgram('redis-benchmark', [...port, ...load]);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    for (const name of ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'INCR', 'MSET (10 keys)']) {
      const figure = stdout
        .split(/[\r\n]+/)
        .find((line) => line.trim().startsWith(`${name}: `) && /per second/.test(line));
      expect(Number.parseFloat(figure?.trim().slice(name.length + 2) ?? ''), name).toBeGreaterThan(0);
    }
    expect(stdout).not.toMatch(/error/i);
  });

  test('redis-cli --scan', async () => {
    const keys = (await cli('--scan', '--pattern', 'key:*')).trim().split('\n');
    expect(new Set(keys.filter((key) => /^key:\d+$/.test(key))).size).toBe(500);
  });

  test('redis-cli --bigkeys', async () => {
    const report = await cli('--bigkeys');
    expect(report).toContain('Biggest string found \'"key:499"\' has 499 bytes');
    expect(report).not.toMatch(/warning|error/i);
  });

  test('redis-cli --memkeys', async () => {
    const report = await cli('--memkeys');
    expect(report).toMatch(/Biggest string found '"key:\d+"' has \d{3,} bytes/);
    expect(report).toMatch(/5\d\d strings with \d+ bytes \(100\.00% of keys/);
    expect(report).not.toMatch(/warning|error/i);
  });

  test('redis-cli --pipe', async () => {
    const input = Array.from({ length: 2000 }, (_, i) => `SET piped:${i} ${i}\r\n`);
    const { code, stdout } = await runProgram('redis-cli', [...port, '--pipe'], { input });
    expect(code).toBe(0);
    expect(stdout).toContain('errors: 0, replies: 2000');
  });

  test('redis-cli --latency', async () => {
    // Not on a terminal it measures for a second and prints minimum, maximum, mean and count.
    expect((await cli('--latency')).trim()).toMatch(/^\d+ \d+ \d+\.\d+ \d+$/);
  });

  test('redis-cli --stat', async () => {
    // On a pipe its lines would wait for a full buffer.
    const stat = spawn('stdbuf', ['-oL', 'redis-cli', ...port, '--stat', '-i', '0.05']);
    const lines: string[] = [];
    await new Promise<void>((resolve, reject) => {
      stat.once('error', reject);
      stat.stderr.once('data', (text: Buffer) => reject(new Error(text.toString())));
      stat.stdout.on('data', (text: Buffer) => {
        lines.push(
          ...text
            .toString()
            .split('\n')
            .filter((line) => /^\d/.test(line)),
        );
        if (lines.length >= 3) resolve();
      });
    });
    stat.kill();
    for (const line of lines) expect(line).toMatch(/^\d+ +[\d.]+[BKMG] +\d+ +\d+ +\d+/);
  });
});

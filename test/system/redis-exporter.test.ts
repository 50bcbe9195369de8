/**
 * Prometheus' redis_exporter, as Debian has it, reads this server without an error, and finds every metric that it finds
 * of a Redis.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../support/free-port.js';
import { pollUntil } from '../support/poll-until.js';
import { describeWith } from '../support/require-servers.js';
import { ServerProcess } from '../support/server-process.js';

interface Scrape {
  /** Metrics by name and labels. */
  readonly metrics: ReadonlyMap<string, number>;
  /** What the exporter complained of. */
  readonly complaints: readonly string[];
}

/** Starts the exporter for a server, asks it once for everything that it can tell, and ends it. */
async function scrape(server: ServerProcess): Promise<Scrape> {
  const port = await freePort();
  const args = [
    ...['-redis.addr', `redis://127.0.0.1:${server.port}`, '-web.listen-address', `127.0.0.1:${port}`],
    ...['-check-keys', '*', '-count-keys', 'db0=*', '-export-client-list', '-include-config-metrics'],
    ...['-include-system-metrics', '-ping-on-connect', '-redis-only-metrics=false'],
  ];
  const exporter: ChildProcess = spawn('prometheus-redis-exporter', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  exporter.stderr!.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  try {
    const text = await pollUntil('the metrics', async () => {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
      return response?.ok === true ? response.text() : undefined;
    });
    const metrics = new Map<string, number>();
    for (const line of text.split('\n')) {
      const match = /^(redis_[^ ]+(?: [^ ]+)*) (\S+)$/.exec(line);
      if (match !== null) metrics.set(match[1]!, Number(match[2]));
    }
    const complaints = log.split('\n').filter((line) => /level=(error|warn)/.test(line));
    return { metrics, complaints };
  } finally {
    exporter.kill();
  }
}

/** Names without labels. */
function namesOf({ metrics }: Scrape): Set<string> {
  return new Set([...metrics.keys()].map((name) => name.replace(/\{.*/, '')));
}

describeWith(['prometheus-redis-exporter', 'redis-server'], 'redis_exporter', () => {
  const servers: ServerProcess[] = [];
  beforeAll(async () => {
    for (const kind of ['holdfast', 'redis'] as const) {
      const server = await ServerProcess.start({ kind });
      servers.push(server);
      const client = await server.connect();
      await client.pipeline([
        ['SET', 'a', '1'],
        ['SET', 'b', '1', 'EX', '1000'],
        ['GET', 'a'],
        ['GET', 'nosuch'],
        ['INCR', 'b'],
        ['NOSUCH'],
        ['SLOWLOG', 'GET'],
      ]);
      await client.close();
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.dispose();
  });

  test('reads without an error, and no metric of Redis is missing', async () => {
    const [ours, theirs] = [await scrape(servers[0]!), await scrape(servers[1]!)];
    expect(ours.complaints).toEqual([]);
    expect(ours.metrics.get('redis_up')).toBe(1);
    expect(ours.metrics.get('redis_exporter_last_scrape_error{err=""}')).toBe(0);
    expect(ours.metrics.get('redis_db_keys{db="db0"}')).toBe(2);
    expect(ours.metrics.get('redis_db_keys_expiring{db="db0"}')).toBe(1);
    expect(ours.metrics.get('redis_commands_total{cmd="set"}')).toBe(2);
    expect(ours.metrics.get('redis_keyspace_hits_total')).toBe(1);
    const names = namesOf(ours);
    expect(namesOf(theirs).size).toBeGreaterThan(100);
    expect([...namesOf(theirs)].filter((name) => !names.has(name))).toEqual([]);
  });
});

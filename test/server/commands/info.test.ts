import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { type FakeClient, FakeServer } from '../support/fake-server.js';

function info(client: FakeClient, ...sections: string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of client.run('INFO', ...sections).split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith('#')) fields.set(line.slice(0, colon), line.slice(colon + 1));
  }
  return fields;
}

function titles(client: FakeClient, ...sections: string[]): string[] {
  return client
    .run('INFO', ...sections)
    .split('\r\n')
    .filter((line) => line.startsWith('# '))
    .map((line) => line.slice(2));
}

const DEFAULT = 'Server Clients Memory Persistence Stats Replication CPU Modules Errorstats Cluster Keyspace'.split(
  ' ',
);
const ALL = [...DEFAULT.slice(0, 8), 'Commandstats', 'Errorstats', 'Latencystats', ...DEFAULT.slice(9)];

describe('sections', () => {
  test('without a name the default ones', () => {
    const client = new FakeServer().connect();
    expect(titles(client)).toEqual(DEFAULT);
    expect(titles(client, 'default')).toEqual(DEFAULT);
  });

  test('ALL and EVERYTHING have the statistics of commands too', () => {
    const client = new FakeServer().connect();
    expect(titles(client, 'all')).toEqual(ALL);
    expect(titles(client, 'EVERYTHING')).toEqual(ALL);
  });

  test('several names in one order, unknown ones are nothing', () => {
    const client = new FakeServer().connect();
    expect(titles(client, 'keyspace', 'SERVER', 'nosuch', 'server')).toEqual(['Server', 'Keyspace']);
    expect(client.run('INFO', 'nosuch')).toBe('$0\r\n\r\n');
  });

  test('sections are parted by an empty line', () => {
    const client = new FakeServer().connect();
    expect(client.run('INFO', 'cluster', 'keyspace')).toMatch(
      /^\$\d+\r\n# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n\r\n$/,
    );
  });
});

describe('fields', () => {
  test('tell which server this is', () => {
    const fields = info(new FakeServer().connect(), 'server');
    expect(fields.get('redis_version')).toBe('7.0.15');
    expect(fields.get('server_name')).toBe('holdfast');
    expect(fields.get('holdfast_version')).toMatch(/^\d+\.\d+\.\d+/);
    expect(fields.get('tcp_port')).toBe('6379');
  });

  test('the keyspace, and the reply depends on every write', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('SET', 'a', '1');
    client.run('SET', 'b', '1', 'EX', '100');
    client.run('SELECT', '5');
    client.run('SET', 'c', '1');
    const fields = info(client, 'keyspace');
    expect(server.engine.dependency).toBe(server.engine.effects.sequence);
    expect(Object.fromEntries(fields)).toEqual({
      db0: 'keys=2,expires=1,avg_ttl=0',
      db5: 'keys=1,expires=0,avg_ttl=0',
    });
    info(client, 'server');
    expect(server.engine.dependency).toBe(0);
  });

  test('commands and errors are counted, and CONFIG RESETSTAT forgets them', () => {
    const client = new FakeServer().connect();
    client.run('SET', 'a', 'x');
    client.run('INCR', 'a');
    client.run('GET');
    client.run('NOSUCH');
    client.run('HELLO', '9');
    const all = info(client, 'all');
    expect(all.get('cmdstat_set')).toMatch(
      /^calls=1,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0$/,
    );
    expect(all.get('cmdstat_incr')).toMatch(/^calls=1,.*,rejected_calls=0,failed_calls=1$/);
    expect(all.get('cmdstat_get')).toBe('calls=0,usec=0,usec_per_call=0.00,rejected_calls=1,failed_calls=0');
    expect(all.has('cmdstat_del')).toBe(false);
    expect(all.get('errorstat_ERR')).toBe('count=3');
    expect(all.get('errorstat_NOPROTO')).toBe('count=1');
    expect(all.get('total_error_replies')).toBe('4');
    expect(all.get('total_commands_processed')).toBe('3');
    client.run('CONFIG', 'RESETSTAT');
    const after = info(client, 'all');
    expect(after.has('errorstat_ERR')).toBe(false);
    expect(after.get('total_error_replies')).toBe('0');
    expect(after.has('cmdstat_set')).toBe(false);
  });

  test('no client can fill the memory with kinds of errors', () => {
    const server = new FakeServer();
    for (let i = 0; i < 1000; i++) server.engine.reply.error(`E${i} text`);
    const { errorCounts } = server.context;
    expect(errorCounts.size).toBeLessThanOrEqual(129);
    expect([...errorCounts.values()].reduce((sum, count) => sum + count)).toBe(1000);
  });

  test('loading is shown while it lasts', () => {
    const server = new FakeServer();
    const client = server.connect();
    expect(info(client, 'persistence').get('loading')).toBe('0');
    expect(info(client, 'persistence').has('loading_eta_seconds')).toBe(false);
    server.engine.loading = true;
    Object.assign(server.context.loading, { totalBytes: 1000, loadedBytes: 250 });
    const fields = info(client, 'persistence');
    expect(fields.get('loading')).toBe('1');
    expect(fields.get('loading_loaded_perc')).toBe('25.00');
    expect(Number(fields.get('loading_eta_seconds'))).toBeGreaterThan(0);
  });
});

describeWith(['redis-server'], 'beside Redis', () => {
  let redis: ServerProcess;
  beforeAll(async () => {
    redis = await ServerProcess.start({ kind: 'redis' });
  });
  afterAll(() => redis?.dispose());

  test('every field of Redis is in the section where Redis has it', async () => {
    const client = await redis.connect();
    const ours = new FakeServer().connect();
    for (const section of ['server', 'clients', 'memory', 'persistence', 'stats', 'replication', 'cpu', 'cluster']) {
      const text = (await client.command('INFO', section)) as string;
      const theirs = text
        .split('\r\n')
        .filter((line) => line.includes(':'))
        .map((line) => line.split(':')[0]!);
      const mine = info(ours, section);
      const missing = theirs.filter((name) => !mine.has(name));
      expect(missing, section).toEqual([]);
    }
  });
});

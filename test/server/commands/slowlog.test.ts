/** SLOWLOG and LATENCY with a server: which commands are told of, and as what. */
import { describe, expect, test } from 'vitest';
import { FakeServer } from '../support/fake-server.js';

describe('SLOWLOG', () => {
  test('with a threshold of 0 has every command with its own time', () => {
    // Nothing before is told of, however slow the machine is.
    const server = new FakeServer([{ name: 'slowlog-log-slower-than', words: ['-1'], where: 'a test' }]);
    const client = server.connect();
    client.run('CLIENT', 'SETNAME', 'worker');
    client.run('CONFIG', 'SET', 'slowlog-log-slower-than', '0');
    client.run('SET', 'a', 'x'.repeat(200));
    client.run('HELLO', '2', 'AUTH', 'default', 'secret');
    client.run('GET', 'a');
    const entries = server.context.watch.slowLog.newest(10);
    expect(entries.map(({ arguments: words }) => words.join(' '))).toEqual([
      'GET a',
      'HELLO 2 AUTH (redacted) (redacted)',
      `SET a ${'x'.repeat(128)}... (72 more bytes)`,
      'CONFIG SET slowlog-log-slower-than 0',
    ]);
    expect(entries[0]!.clientName).toBe('worker');
    expect(entries[0]!.address).toBe(client.session.address);
    expect(client.run('SLOWLOG', 'LEN')).toBe(':4\r\n');
  });

  test('shows nothing that could still be lost', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('SET', 'a', '1');
    client.run('SLOWLOG', 'GET');
    expect(server.engine.dependency).toBe(server.engine.effects.sequence);
  });

  test('a command that ran in slices has the time of all of them', () => {
    const server = new FakeServer();
    const client = server.connect();
    for (let i = 0; i < 2000; i++) client.run('SET', `key${i}`, '1');
    client.run('CONFIG', 'SET', 'slowlog-log-slower-than', '1');
    client.run('SLOWLOG', 'RESET');
    client.run('KEYS', 'key1*');
    while (client.session.task !== undefined) server.resume(client.session);
    const keys = server.context.watch.slowLog.newest(10).filter(({ arguments: words }) => words[0] === 'KEYS');
    expect(keys).toHaveLength(1);
    expect(keys[0]!.arguments).toEqual(['KEYS', 'key1*']);
    const command = server.engine.table.byFullName('keys')!;
    expect(command.microseconds).toBeGreaterThanOrEqual(keys[0]!.micros);
    expect(command.latencies!.count).toBe(1);
  });

  test('-1 keeps none', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    client.run('SET', 'a', '1');
    expect(client.run('SLOWLOG', 'LEN')).toBe(':0\r\n');
  });
});

describe('LATENCY', () => {
  test('HISTOGRAM counts every call, and RESETSTAT forgets them', () => {
    const client = new FakeServer().connect();
    for (let i = 0; i < 100; i++) client.run('SET', 'a', '1');
    client.run('CLIENT', 'ID');
    expect(client.run('LATENCY', 'HISTOGRAM', 'set')).toMatch(/^\*2\r\n\$3\r\nset\r\n\*4\r\n\$5\r\ncalls\r\n:100\r\n/);
    expect(client.run('LATENCY', 'HISTOGRAM', 'client')).toContain('client|id');
    expect(client.run('INFO', 'latencystats')).toMatch(
      /latency_percentiles_usec_set:p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}\r\n/,
    );
    client.run('CONFIG', 'RESETSTAT');
    expect(client.run('LATENCY', 'HISTOGRAM', 'set')).toBe('*0\r\n');
  });

  test('latency-tracking no keeps no distribution', () => {
    const client = new FakeServer().connect();
    client.run('CONFIG', 'SET', 'latency-tracking', 'no');
    client.run('SET', 'a', '1');
    expect(client.run('LATENCY', 'HISTOGRAM', 'set')).toBe('*0\r\n');
  });

  test('LATEST and HISTORY show events', () => {
    const server = new FakeServer();
    const client = server.connect();
    // So long that no command of this test is an event itself, however busy the machine.
    client.run('CONFIG', 'SET', 'latency-monitor-threshold', '10000');
    server.context.watch.latency.note('commit-wait', 25_000_000);
    const latest = /^\*1\r\n\*4\r\n\$11\r\ncommit-wait\r\n:\d+\r\n:25000\r\n:25000\r\n$/;
    expect(client.run('LATENCY', 'LATEST')).toMatch(latest);
    expect(client.run('LATENCY', 'HISTORY', 'commit-wait')).toMatch(/^\*1\r\n\*2\r\n:\d+\r\n:25000\r\n$/);
    expect(client.run('LATENCY', 'RESET', 'COMMIT-WAIT')).toBe(':1\r\n');
    expect(client.run('LATENCY', 'LATEST')).toBe('*0\r\n');
  });
});

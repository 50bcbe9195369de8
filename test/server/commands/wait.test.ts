import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeServer } from '../support/fake-server.js';

describe('WAIT and WAITAOF', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('WAIT rests until its time-out and then counts no machine', () => {
    const server = new FakeServer();
    const client = server.connect();
    expect(client.run('WAIT', '1', '250')).toBe('');
    expect(client.session.task?.resting).toBe(true);
    vi.advanceTimersByTime(249);
    expect(server.registry.woken).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(server.registry.woken).toEqual([client.session]);
    expect(server.resume(client.session)).toBe(':0\r\n');
    expect(client.session.task).toBeUndefined();
  });

  test('WAIT without a time-out rests for ever', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('WAIT', '1', '0');
    vi.advanceTimersByTime(1e9);
    expect(server.registry.woken).toEqual([]);
    expect(client.session.task?.resting).toBe(true);
  });

  test('a time-out beyond what a timer takes is waited out in steps', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('WAIT', '1', '3000000000');
    vi.advanceTimersByTime(2_999_999_999);
    expect(server.registry.woken).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(server.registry.woken).toHaveLength(1);
  });

  test('a cancelled WAIT wakes nobody', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('WAIT', '1', '10');
    client.session.task?.cancel();
    vi.advanceTimersByTime(100);
    expect(server.registry.woken).toEqual([]);
  });

  test('WAITAOF of the local disk depends on all writes before it', () => {
    const server = new FakeServer();
    const client = server.connect();
    client.run('SET', 'a', '1');
    client.run('SET', 'b', '1');
    expect(client.run('WAITAOF', '1', '0', '0')).toBe('*2\r\n:1\r\n:0\r\n');
    expect(server.engine.dependency).toBe(server.engine.effects.sequence);
    expect(client.run('WAITAOF', '0', '0', '0')).toBe('*2\r\n:1\r\n:0\r\n');
  });

  test('WAITAOF waits its time-out for other machines', () => {
    const server = new FakeServer();
    const client = server.connect();
    expect(client.run('WAITAOF', '1', '1', '30')).toBe('');
    vi.advanceTimersByTime(30);
    expect(server.resume(client.session)).toBe('*2\r\n:1\r\n:0\r\n');
  });

  test.each([
    [['2', '0', '0'], 'ERR value is out of range, value must between 0 and 1'],
    [['x', '0', '0'], 'ERR value is not an integer or out of range'],
    [['1', '-1', '0'], 'ERR value is out of range, must be positive'],
    [['1', '0', 'x'], 'ERR timeout is not an integer or out of range'],
    [['1', '0', '-1'], 'ERR timeout is negative'],
  ])('WAITAOF %j is refused', (words, error) => {
    expect(new FakeServer().connect().run('WAITAOF', ...words)).toBe(`-${error}\r\n`);
  });
});

test('SHUTDOWN asks the server to end and gets no reply', () => {
  const reason = 'SHUTDOWN by 127.0.0.1:40001';
  for (const [words, request] of [
    [[], { reason }],
    [['NOSAVE'], { reason, save: 'nothing', force: false }],
    [['SAVE', 'NOW'], { reason, save: 'snapshot', force: false }],
    [['save', 'force'], { reason, save: 'snapshot', force: true }],
    [['force'], { reason }],
  ] as const) {
    const server = new FakeServer();
    const client = server.connect();
    expect(client.run('SHUTDOWN', ...words)).toBe('');
    expect(server.shutdowns).toEqual([request]);
    expect(client.session.task?.resting).toBe(true);
  }
});

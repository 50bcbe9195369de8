import { describe, expect, test } from 'vitest';
import { SlowLog } from '../../server/slow-log.js';
import { FakeServer } from './support/fake-server.js';

const mset = new FakeServer().engine.table.byFullName('mset')!;

function add(log: SlowLog, texts: string[], lengths = texts.map((text) => text.length), count = texts.length): void {
  log.add(mset, { count, texts, lengths }, 15_000.7, 100, '127.0.0.1:1', 'me');
}

describe('entries', () => {
  test('are numbered for ever and come out newest first', () => {
    const log = new SlowLog();
    for (let i = 0; i < 3; i++) add(log, ['mset', `k${i}`, 'v']);
    log.clear();
    for (let i = 3; i < 6; i++) add(log, ['mset', `k${i}`, 'v']);
    expect(log.newest(2)).toEqual([
      { id: 5, seconds: 100, micros: 15_000, arguments: ['mset', 'k5', 'v'], address: '127.0.0.1:1', clientName: 'me' },
      { id: 4, seconds: 100, micros: 15_000, arguments: ['mset', 'k4', 'v'], address: '127.0.0.1:1', clientName: 'me' },
    ]);
    expect(log.newest(0)).toEqual([]);
    expect(log.newest(100)).toHaveLength(3);
  });

  test('show 32 arguments and 128 bytes of each at most', () => {
    const log = new SlowLog();
    add(log, ['mset', 'x'.repeat(128)], [4, 300]);
    add(
      log,
      Array.from({ length: 32 }, (_, i) => `${i}`),
      undefined,
      81,
    );
    add(
      log,
      Array.from({ length: 32 }, (_, i) => `${i}`),
    );
    const [exact, many, long] = log.newest(3);
    expect(long!.arguments).toEqual(['mset', `${'x'.repeat(128)}... (172 more bytes)`]);
    expect(many!.arguments).toHaveLength(32);
    expect(many!.arguments[31]).toBe('... (50 more arguments)');
    expect(exact!.arguments[31]).toBe('31');
  });

  test('are bounded in number and in bytes', () => {
    const log = new SlowLog();
    log.setLength(10);
    for (let i = 0; i < 20; i++) add(log, ['mset', 'k', 'v']);
    expect(log.length).toBe(10);
    log.setLength(3);
    expect(log.newest(10).map(({ id }) => id)).toEqual([19, 18, 17]);
    log.setLength(0);
    add(log, ['mset']);
    expect(log.length).toBe(0);
    log.setLength(2 ** 53);
    for (let i = 0; i < 5000; i++)
      add(
        log,
        Array.from({ length: 32 }, () => 'x'.repeat(128)),
      );
    expect(log.length).toBeGreaterThan(1000);
    expect(log.length).toBeLessThan(4000);
  });
});

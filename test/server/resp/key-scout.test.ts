import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PREFETCH_KEYS_MAX } from '../../../core/memory/key-prefetch.js';
import { type KeyFetcher, KeyScout } from '../../../server/resp/key-scout.js';

/** Notes what would be fetched. */
class NotedKeys implements KeyFetcher {
  readonly keys: string[] = [];
  fetches = 0;

  add(bytes: Uint8Array, start: number, end: number): void {
    this.keys.push(Buffer.from(bytes.subarray(start, end)).toString('latin1'));
  }

  fetch(): void {
    this.fetches++;
  }
}

function look(bytes: Uint8Array, from = 0, to = bytes.length): { seen: number; keys: string[]; fetches: number } {
  const noted = new NotedKeys();
  const seen = new KeyScout().look(bytes, from, to, noted);
  return { seen, keys: noted.keys, fetches: noted.fetches };
}

function request(...args: string[]): string {
  return `*${args.length}\r\n${args.map((arg) => `$${arg.length}\r\n${arg}\r\n`).join('')}`;
}

describe('looking ahead for keys', () => {
  it('finds the first argument of each complete command', () => {
    const text = request('SET', 'a', 'x') + request('GET', 'bb') + request('PING') + request('GET', 'ccc');
    const cut = request('GET', 'incomplete').slice(0, -3);
    expect(look(Buffer.from(text + cut))).toEqual({
      seen: text.length,
      keys: ['a', 'bb', 'ccc', 'incomplete'].slice(0, 3),
      fetches: 1,
    });
  });

  it('goes no further than what is fetched together', () => {
    const one = request('GET', 'k');
    const { seen, keys } = look(Buffer.from(one.repeat(PREFETCH_KEYS_MAX + 3)));
    expect(keys).toHaveLength(PREFETCH_KEYS_MAX);
    expect(seen).toBe(one.length * PREFETCH_KEYS_MAX);
  });

  it('ends at what is no array of bulk strings, and at commands of many arguments', () => {
    const one = request('GET', 'k');
    for (const other of [
      'GET k\r\n',
      request(...Array<string>(9).fill('a')),
      '*1\r\n+x\r\n',
      '*x\r\n',
      '*0\r\n',
      '$3\r\n',
    ]) {
      expect(look(Buffer.from(one + other + one))).toMatchObject({ seen: one.length, keys: ['k'] });
    }
  });

  it('survives any bytes, and stays inside of the range', () => {
    const piece = fc.constantFrom(
      '*',
      '$',
      '\r\n',
      '3',
      '1',
      '-1',
      '99999999999',
      'GET',
      'k',
      '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n',
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(piece, { maxLength: 60 }).map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(bytes, fc.nat(50), (input, from) => {
        const start = Math.min(from, input.length);
        const { seen } = look(input, start);
        expect(seen).toBeGreaterThanOrEqual(start);
        expect(seen).toBeLessThanOrEqual(input.length);
      }),
      { numRuns: 2000 },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { GlobPattern } from '../../core/glob-pattern.js';
import { describeWith } from '../support/require-servers.js';
import { SeededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

const glob = new GlobPattern();

/** Matches with bytes around both, which must not be looked at. */
function matches(pattern: string, text: string, foldsCase = false): boolean {
  const patternBytes = bytesOf(`*]${pattern}*]`);
  const textBytes = bytesOf(`a${text}*`);
  glob.set(patternBytes, 2, patternBytes.length - 2, foldsCase);
  return glob.matches(textBytes, 1, textBytes.length - 1);
}

describe('GlobPattern', () => {
  const cases: [string, string, boolean][] = [
    ['*', '', true],
    ['*', 'abc', true],
    ['**', 'abc', true],
    ['**', '', false],
    ['', '', true],
    ['', 'a', false],
    ['a', '', false],
    ['abc', 'abc', true],
    ['abc', 'abcd', false],
    ['abc*', 'abc', true],
    ['abc*', 'abcd', true],
    ['abc*', 'ab', false],
    ['abc**', 'abc', true],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['h*llo', 'heeeello', true],
    ['h[ae]llo', 'hallo', true],
    ['h[ae]llo', 'hillo', false],
    ['h[^e]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['h[a-b]llo', 'hbllo', true],
    ['h[b-a]llo', 'hbllo', true],
    ['[', 'a', false],
    ['[^', 'a', true],
    ['[a', 'a', true],
    ['[ab', 'b', true],
    ['[a-', '-', true],
    ['[\\]]', ']', true],
    ['[]a]', ']a]', false],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['\\', '\\', true],
    ['a\\', 'a\\', true],
    ['[\\', '\\', true],
    ['*a*b*c*', 'xxaxxbxxcxx', true],
    ['*a*b*c', 'xxaxxbxxcxx', false],
    ['[a-\xff]', '\xff', true],
    ['[a-\xff]', '\x80', false],
    ['[a-\xff]', 'b', false],
    ['[a-\xff]', 'A', true],
  ];
  for (const [pattern, text, expected] of cases) {
    it(`${JSON.stringify(pattern)} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      expect(matches(pattern, text)).toBe(expected);
    });
  }

  it('folds the case of ASCII letters where it is asked to', () => {
    expect(matches('MaxM*', 'maxmemory', true)).toBe(true);
    expect(matches('MaxM*', 'maxmemory')).toBe(false);
    expect(matches('[A-C]x', 'bX', true)).toBe(true);
    expect(matches('[\\A]', 'a', true)).toBe(false);
    expect(matches('\xc4', '\xe4', true)).toBe(false);
  });

  it('gives up in time on patterns that are made to be slow', () => {
    expect(matches(`${'*a'.repeat(50)}b`, 'a'.repeat(2000))).toBe(false);
    expect(matches(`${'*?'.repeat(500)}b`, 'a'.repeat(2000))).toBe(false);
  });
});

describeWith(['redis-server'], 'glob patterns beside redis-server', () => {
  it('matches keys and parameters as it does', async () => {
    await using server = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no', '--save', ''] });
    const client = await server.connect('buffers');
    const random = new SeededRandom(77);
    const text = (alphabet: string[], length: number) => {
      let result = '';
      for (let i = random.below(length); i > 0; i--) result += random.pick(alphabet);
      return result;
    };
    const plain = ['a', 'b', 'c', 'A', 'B', '-', ']', '[', '\\', '*', '?', '^', '\0', '\x7f', '\x80', '\xff'];
    const special = ['*', '*', '?', '[', '[^', ']', '-', '\\', 'a-c', '[a-b]', '\x80-\xff', 'C-a', ...plain];
    const keys = new Set<string>(['', 'a', 'ab', 'abc', 'aaab']);
    while (keys.size < 400) keys.add(text(plain, 7));
    await client.pipeline([...keys].map((key) => ['SET', Buffer.from(key, 'latin1'), '']));
    const patterns = new Set<string>([
      '',
      '*',
      '**',
      '[',
      '[^',
      '[]',
      '[^]',
      '[a',
      '[a-',
      '[\\',
      '\\',
      '[^\\',
      'a*',
      'ab*',
    ]);
    while (patterns.size < 3000) patterns.add(text(special, 8));
    const list = [...patterns];
    const replies = (await client.pipeline(
      list.map((pattern) => ['KEYS', Buffer.from(pattern, 'latin1')]),
    )) as Buffer[][];
    for (const [i, pattern] of list.entries()) {
      const expected = replies[i]!.map((key) => key.toString('latin1')).sort();
      const actual = [...keys].filter((key) => matches(pattern, key)).sort();
      if (actual.join() !== expected.join()) expect([pattern, actual]).toEqual([pattern, expected]);
    }
  });

  it('folds case as CONFIG GET does', async () => {
    await using server = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no', '--save', ''] });
    const client = await server.connect();
    const all = (await client.command('CONFIG', 'GET', '*')) as string[];
    const names = all.filter((_, i) => i % 2 === 0);
    const random = new SeededRandom(78);
    const patterns: string[] = [];
    for (let i = 0; i < 500; i++) {
      const name = random.pick(names);
      const from = random.below(name.length);
      const class_ = random.pick([
        '*',
        '?',
        '[A-Z]*',
        '[^A-m]*',
        '[Z-a]*',
        '[m-A]*',
        '*[\\-X]*',
        `*[${name[from]!.toUpperCase()}]*`,
      ]);
      patterns.push(name.slice(0, from).toUpperCase() + class_ + (random.chance(0.5) ? name.slice(from + 1) : ''));
    }
    const replies = (await client.pipeline(patterns.map((pattern) => ['CONFIG', 'GET', pattern]))) as string[][];
    for (const [i, pattern] of patterns.entries()) {
      if (pattern === '*') continue;
      const expected = replies[i]!.filter((_, at) => at % 2 === 0).sort();
      const actual = names.filter((name) => matches(pattern, name, true)).sort();
      // A pattern without * ? [ is looked up by name there.
      if (actual.join() !== expected.join()) expect([pattern, actual]).toEqual([pattern, expected]);
    }
  });

  it('gives up on nested stars where it does', async () => {
    await using server = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no', '--save', ''] });
    const client = await server.connect();
    for (const depth of [10, 900, 999, 1000, 1001, 1002, 1100, 2000]) {
      const key = 'a'.repeat(depth);
      const pattern = '*a'.repeat(depth);
      await client.command('FLUSHALL');
      await client.command('SET', key, '');
      const found = (await client.command('KEYS', pattern)) as string[];
      expect([depth, matches(pattern, key)]).toEqual([depth, found.length === 1]);
    }
  });
});

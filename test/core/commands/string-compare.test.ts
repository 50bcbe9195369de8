/** DIGEST, DELEX, the comparing options of SET, and LCS. Every command runs under the debug arena. */
import { xxhash3 } from 'hash-wasm';
import { beforeEach, describe, expect, test } from 'vitest';
import { SeededRandom } from '../../support/seeded-random.js';
import { TestEngine } from '../../support/test-engine.js';

const SYNTAX = '-ERR syntax error\r\n';
const NO_DIGEST = '-ERR digest must be exactly 16 hexadecimal characters\r\n';
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

describe('DIGEST', () => {
  test('answers with 16 digits, or nil', async () => {
    engine.run('SET', 'a', 'Hello world');
    expect(engine.run('DIGEST', 'a')).toBe(bulk('b6acb9d84a38ff74'));
    expect(engine.run('DIGEST', 'none')).toBe('$-1\r\n');
    // Its first digits are zeros.
    const zeros = 'v8lf0c11xh8ymlqztfd3eeq16kfn4sspw7fqmnuuq3k3t75em5wdizgcdw7uc26nnf961u2jkfzkjytls2kwlj7626sd';
    engine.run('SET', 'z', zeros);
    expect(engine.run('DIGEST', 'z')).toBe(bulk(await xxhash3(zeros)));
    expect(engine.run('DIGEST', 'z').slice(5, 9)).toBe('0000');
  });

  test('of values in parts is that of their bytes', async () => {
    for (const length of [0, 1, 240, 241, 15_856, 15_857, 65_520, 65_521, 65_536, 65_537, 65_600, 131_072, 200_000]) {
      const value = Buffer.from(Array.from({ length }, (_, i) => (i * 7919) >>> 5));
      engine.run('SET', 'a', value);
      expect(engine.run('DIGEST', 'a'), `${length} bytes`).toBe(bulk(await xxhash3(value)));
    }
  });
});

describe('SET with a comparison', () => {
  test.each(['short', 'x'.repeat(100_000)])('IFEQ and IFNE', (value) => {
    expect(engine.run('SET', 'a', value, 'IFEQ', value)).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', value, 'IFNE', value)).toBe('+OK\r\n');
    expect(engine.run('SET', 'a', '2', 'IFNE', value)).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '2', 'IFEQ', `${value.slice(0, -1)}y`)).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '2', 'IFEQ', value, 'GET')).toBe(bulk(value));
    expect(engine.run('SET', 'a', '3', 'IFEQ', value, 'GET')).toBe(bulk('2'));
    expect(engine.logged()).toEqual([[`SET a ${value}`], ['SET a 2']]);
  });

  test('IFDEQ and IFDNE, digits in any case', async () => {
    const digest = await xxhash3('1');
    expect(engine.run('SET', 'a', '1', 'IFDEQ', digest)).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '1', 'IFDNE', digest)).toBe('+OK\r\n');
    expect(engine.run('SET', 'a', '2', 'IFDNE', digest)).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '2', 'IFDEQ', digest.toUpperCase(), 'PXAT', '1800000000000')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([['SET a 1'], ['SET a 2 PXAT 1800000000000']]);
  });

  test('KEEPTTL', () => {
    engine.run('SET', 'a', '1', 'PXAT', '1800000000000');
    expect(engine.run('SET', 'a', '2', 'KEEPTTL', 'IFEQ', '1')).toBe('+OK\r\n');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(':1800000000000\r\n');
    expect(engine.run('SET', 'a', '3', 'IFEQ', '2')).toBe('+OK\r\n');
    expect(engine.run('PEXPIRETIME', 'a')).toBe(':-1\r\n');
  });

  test('an expired key is an absent one', () => {
    engine.run('SET', 'a', '1', 'PX', '10');
    engine.clock.ms += 10;
    engine.logged();
    expect(engine.run('SET', 'a', '2', 'IFEQ', '1')).toBe('$-1\r\n');
    expect(engine.run('SET', 'a', '2', 'IFNE', '1')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([['UNLINK a'], ['SET a 2']]);
  });

  test.each([
    [['IFEQ'], SYNTAX],
    [['IFEQ', '1', 'NX'], SYNTAX],
    [['XX', 'IFNE', '1'], SYNTAX],
    [['IFEQ', '1', 'IFEQ', '1'], SYNTAX],
    [['IFEQ', '1', 'IFDNE', '0123456789abcdef'], SYNTAX],
    [['IFDEQ', ''], NO_DIGEST],
    [['IFDEQ', '0123456789abcde'], NO_DIGEST],
    [['IFDNE', '0123456789abcdef0'], NO_DIGEST],
    [['IFDNE', '0123456789abcdeg'], NO_DIGEST],
    [['IFDNE', '0123456789abcde\0'], NO_DIGEST],
    [['IFEQ', '1', 'EX', '0'], "-ERR invalid expire time in 'set' command\r\n"],
  ])('%j is refused', (options, error) => {
    engine.run('SET', 'a', '1');
    engine.logged();
    expect(engine.run('SET', 'a', '2', ...options)).toBe(error);
    expect(engine.logged()).toEqual([]);
  });
});

describe('DELEX', () => {
  test('removes on a condition, or without one', async () => {
    engine.run('MSET', 'a', '1', 'b', '2', 'c', '3', 'd', 'x'.repeat(70_000));
    engine.logged();
    expect(engine.run('DELEX', 'a', 'IFEQ', '2')).toBe(':0\r\n');
    expect(engine.run('DELEX', 'a', 'ifeq', '1')).toBe(':1\r\n');
    expect(engine.run('DELEX', 'a', 'IFEQ', '1')).toBe(':0\r\n');
    expect(engine.run('DELEX', 'b', 'IFNE', '2')).toBe(':0\r\n');
    expect(engine.run('DELEX', 'b', 'IFNE', '1')).toBe(':1\r\n');
    expect(engine.run('DELEX', 'c', 'IFDNE', await xxhash3('3'))).toBe(':0\r\n');
    expect(engine.run('DELEX', 'c', 'IFDEQ', await xxhash3('3'))).toBe(':1\r\n');
    expect(engine.run('DELEX', 'd')).toBe(':1\r\n');
    expect(engine.run('DELEX', 'd')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([['UNLINK a'], ['UNLINK b'], ['UNLINK c'], ['UNLINK d']]);
  });

  test.each([
    [['IFEQ'], "-ERR wrong number of arguments for 'delex' command\r\n"],
    [['IFEQ', '1', 'x'], "-ERR wrong number of arguments for 'delex' command\r\n"],
    [['NX', '1'], '-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE\r\n'],
    [['IFDEQ', '1'], NO_DIGEST],
  ])('%j is refused', (words, error) => {
    engine.run('SET', 'a', '1');
    expect(engine.run('DELEX', 'a', ...words)).toBe(error);
    expect(engine.run('EXISTS', 'a')).toBe(':1\r\n');
  });
});

describe('LCS', () => {
  test('text, length and ranges', () => {
    engine.run('MSET', 'a', 'ohmytext', 'b', 'mynewtext');
    expect(engine.run('LCS', 'a', 'b')).toBe(bulk('mytext'));
    expect(engine.run('LCS', 'a', 'b', 'LEN')).toBe(':6\r\n');
    expect(engine.run('LCS', 'a', 'b', 'IDX', 'MINMATCHLEN', '4', 'WITHMATCHLEN')).toBe(
      '*4\r\n$7\r\nmatches\r\n*1\r\n*3\r\n*2\r\n:4\r\n:7\r\n*2\r\n:5\r\n:8\r\n:4\r\n$3\r\nlen\r\n:6\r\n',
    );
    expect(engine.run('LCS', 'a', 'none')).toBe(bulk(''));
    expect(engine.run('LCS', 'none', 'nothing', 'LEN')).toBe(':0\r\n');
  });

  test('of values in parts against a few bytes', () => {
    engine.run('SET', 'a', `${'x'.repeat(70_000)}abc${'y'.repeat(70_000)}`);
    engine.run('SET', 'b', 'zaxbcy');
    expect(engine.run('LCS', 'a', 'b')).toBe(bulk('abcy'));
    expect(engine.run('LCS', 'b', 'a')).toBe(bulk('xbcy'));
  });

  test('the table of Redis may not be larger than proto-max-bulk-len', () => {
    engine.engine.database.stringBytesMax = 4 * 10 * 11;
    engine.run('MSET', 'a', '123456789', 'b', '1234567890', 'c', '1234567890a');
    expect(engine.run('LCS', 'a', 'b', 'LEN')).toBe(':9\r\n');
    expect(engine.run('LCS', 'a', 'c', 'LEN')).toBe(
      '-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len\r\n',
    );
  });

  test('lengths agree with the usual table', () => {
    const random = new SeededRandom(11);
    for (let round = 0; round < 200; round++) {
      const texts = [0, 1].map(() => Array.from({ length: random.below(90) }, () => 'abcd'[random.below(4)]).join(''));
      engine.run('MSET', 'a', texts[0]!, 'b', texts[1]!);
      expect(engine.run('LCS', 'a', 'b', 'LEN'), texts.join(' ')).toBe(`:${tableLength(texts[0]!, texts[1]!)}\r\n`);
    }
  });
});

function tableLength(first: string, second: string): number {
  let row = new Array<number>(second.length + 1).fill(0);
  for (const byte of first) {
    const next = [0];
    for (let j = 1; j <= second.length; j++) {
      next.push(second[j - 1] === byte ? row[j - 1]! + 1 : Math.max(row[j]!, next[j - 1]!));
    }
    row = next;
  }
  return row[second.length]!;
}

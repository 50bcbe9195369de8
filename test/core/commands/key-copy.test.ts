/** COPY and MOVE. Every command runs under the debug arena. */
import { beforeEach, describe, expect, test } from 'vitest';
import { datasetDigest } from '../../support/dataset-digest.js';
import { TestEngine } from '../../support/test-engine.js';

const SAME = '-ERR source and destination objects are the same\r\n';
const NO_SPACE = '-MISCONF Errors writing to the AOF file: No space left on device\r\n';
const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const LENGTHS = [0, 5, 127, 128, 15_856, 15_857, 65_521, 300_000];
let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

function inDatabase(number: number, ...words: string[]): string {
  engine.run('SELECT', number);
  const reply = engine.run(...words);
  engine.run('SELECT', '0');
  return reply;
}

function expectSameFold(): void {
  const folded = new TestEngine({ debug: true });
  folded.fold(engine.sink.entries);
  expect(datasetDigest(folded)).toBe(datasetDigest(engine));
}

describe('COPY', () => {
  test.each(LENGTHS)('a value of %i bytes, within and across databases', (length) => {
    const value = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 31) % 90))).join('');
    engine.run('SET', 'a', value, 'PXAT', '9223372036854775807');
    expect(engine.run('COPY', 'a', 'b')).toBe(':1\r\n');
    expect(engine.run('COPY', 'a', 'a', 'DB', '3')).toBe(':1\r\n');
    expect(engine.run('GET', 'b')).toBe(`$${length}\r\n${value}\r\n`);
    expect(engine.run('GET', 'a')).toBe(engine.run('GET', 'b'));
    expect(inDatabase(3, 'GET', 'a')).toBe(engine.run('GET', 'b'));
    expect(inDatabase(3, 'PEXPIRETIME', 'a')).toBe(':9223372036854775807\r\n');
    engine.run('APPEND', 'a', 'x');
    expect(engine.run('STRLEN', 'b')).toBe(`:${length}\r\n`);
    expectSameFold();
  });

  test('is logged as a SET of what was there', () => {
    engine.run('MSET', 'a', '1', 'b', '2');
    engine.run('PEXPIREAT', 'b', '1800000000000');
    engine.logged();
    engine.run('COPY', 'a', 'c');
    engine.run('COPY', 'b', 'c', 'REPLACE', 'DB', '2');
    inDatabase(5, 'COPY', 'none', 'c');
    inDatabase(2, 'COPY', 'c', 'c', 'DB', '0', 'REPLACE');
    expect(engine.logged()).toEqual([
      ['SET c 1'],
      ['SELECT 2', 'SET c 2 PXAT 1800000000000'],
      ['SET c 2 PXAT 1800000000000'],
    ]);
  });

  test('answers 0 and changes nothing where the name is taken or the key is missing', () => {
    engine.run('MSET', 'a', '1', 'b', '2');
    engine.logged();
    expect(engine.run('COPY', 'a', 'b')).toBe(':0\r\n');
    expect(engine.run('COPY', 'none', 'b', 'REPLACE')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([]);
    expect(engine.run('GET', 'b')).toBe('$1\r\n2\r\n');
  });

  test('REPLACE takes a deadline away as well, and keeps the encoding of the source', () => {
    engine.run('SET', 'b', '2', 'EX', '100');
    engine.run('SET', 'a', '12');
    engine.run('APPEND', 'a', '');
    expect(engine.run('COPY', 'a', 'b', 'REPLACE')).toBe(':1\r\n');
    expect(engine.run('TTL', 'b')).toBe(':-1\r\n');
    expect(engine.run('OBJECT', 'ENCODING', 'b')).toBe('$3\r\nraw\r\n');
  });

  test('meets expired keys at both ends', () => {
    engine.run('SET', 'a', '1', 'PX', '5');
    engine.run('SET', 'b', '2', 'PX', '5');
    engine.run('SET', 'c', '3');
    engine.clock.ms += 5;
    engine.logged();
    expect(engine.run('COPY', 'a', 'c', 'REPLACE')).toBe(':0\r\n');
    expect(engine.run('COPY', 'c', 'b')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([['UNLINK a'], ['UNLINK b', 'SET b 3']]);
  });

  test.each([
    [['a', 'a'], SAME],
    [['none', 'none', 'REPLACE'], SAME],
    [['a', 'a', 'DB', '0'], SAME],
    [['a', 'b', 'DB', '16'], '-ERR DB index is out of range\r\n'],
    [['a', 'b', 'DB', '-1'], '-ERR DB index is out of range\r\n'],
    [['a', 'b', 'DB', 'x'], '-ERR value is not an integer or out of range\r\n'],
    [['a', 'b', 'DB', '2147483648'], '-ERR value is out of range, value must between -2147483648 and 2147483647\r\n'],
    [['a', 'b', 'DB'], '-ERR syntax error\r\n'],
    [['a', 'b', 'NX'], '-ERR syntax error\r\n'],
  ])('%j is refused', (words, error) => {
    expect(engine.run('COPY', ...words)).toBe(error);
  });

  test('needs memory and room in the log before it changes anything', () => {
    engine.run('SET', 'a', 'x'.repeat(300_000));
    engine.logged();
    engine.engine.logAdmits = (bytes) => bytes < 300_000;
    expect(engine.run('COPY', 'a', 'b')).toBe(NO_SPACE);
    engine.engine.logAdmits = () => true;
    engine.engine.setMaxmemory(engine.engine.usedBytes() + 290_000);
    expect(engine.run('COPY', 'a', 'b')).toBe(OOM);
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([]);
    engine.engine.setMaxmemory(engine.engine.usedBytes() + 700_000);
    expect(engine.run('COPY', 'a', 'b')).toBe(':1\r\n');
  });
});

describe('MOVE', () => {
  test.each(LENGTHS)('a value of %i bytes', (length) => {
    const value = 'm'.repeat(length);
    engine.run('SET', 'a', value, 'PXAT', '1800000000000');
    engine.logged();
    expect(engine.run('MOVE', 'a', '7')).toBe(':1\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
    expect(inDatabase(7, 'GET', 'a')).toBe(`$${length}\r\n${value}\r\n`);
    expect(inDatabase(7, 'PEXPIRETIME', 'a')).toBe(':1800000000000\r\n');
    expect(engine.logged()).toEqual([['SELECT 7', `SET a ${value} PXAT 1800000000000`, 'SELECT 0', 'UNLINK a']]);
  });

  test('there and back folds to the same', () => {
    engine.run('SET', 'a', 'x'.repeat(100_000));
    engine.run('MOVE', 'a', '1');
    inDatabase(1, 'MOVE', 'a', '0');
    expect(engine.run('STRLEN', 'a')).toBe(':100000\r\n');
    expectSameFold();
  });

  test('answers 0 where the key is missing, or there already', () => {
    engine.run('SET', 'a', '1');
    inDatabase(2, 'SET', 'a', '2');
    engine.logged();
    expect(engine.run('MOVE', 'a', '2')).toBe(':0\r\n');
    expect(engine.run('MOVE', 'none', '2')).toBe(':0\r\n');
    expect(engine.logged()).toEqual([]);
    expect(engine.run('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  test('replaces a key that has expired there', () => {
    engine.run('SET', 'a', '1');
    inDatabase(2, 'SET', 'a', '2', 'PX', '5');
    engine.clock.ms += 5;
    engine.logged();
    expect(engine.run('MOVE', 'a', '2')).toBe(':1\r\n');
    expect(engine.logged()).toEqual([['SELECT 2', 'UNLINK a', 'SET a 1', 'SELECT 0', 'UNLINK a']]);
  });

  test('keeps the access clock as the lookup has left it', () => {
    engine.run('SET', 'a', '1');
    engine.clock.ms += 50_000;
    engine.session.noTouch = true;
    expect(engine.run('MOVE', 'a', '2')).toBe(':1\r\n');
    expect(inDatabase(2, 'OBJECT', 'IDLETIME', 'a')).toBe(':50\r\n');
  });

  test.each([
    ['0', SAME],
    ['16', '-ERR DB index is out of range\r\n'],
    ['x', '-ERR value is not an integer or out of range\r\n'],
  ])('to %s is refused', (number, error) => {
    engine.run('SET', 'a', '1');
    expect(engine.run('MOVE', 'a', number)).toBe(error);
  });

  test('above maxmemory moves what it gives back at once, and no value in parts', () => {
    engine.run('MSET', 'a', 'x'.repeat(10_000), 'b', 'x'.repeat(300_000));
    engine.engine.setMaxmemory(1);
    expect(engine.run('MOVE', 'a', '1')).toBe(':1\r\n');
    expect(engine.run('MOVE', 'b', '1')).toBe(OOM);
    expect(engine.run('STRLEN', 'b')).toBe(':300000\r\n');
  });
});

test('neither is an effect', () => {
  const entry = (text: string): Uint8Array => Buffer.from(text.replaceAll('|', '\r\n'), 'latin1');
  const set = '*3|$3|SET|$1|a|$1|1|';
  expect(() => new TestEngine().fold([entry(`${set}*3|$4|COPY|$1|a|$1|b|`)])).toThrow("effect 'COPY' failed");
  expect(() => new TestEngine().fold([entry(`${set}*3|$4|MOVE|$1|a|$1|1|`)])).toThrow("effect 'MOVE' failed");
});

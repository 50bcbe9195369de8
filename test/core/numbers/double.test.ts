import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDouble, parseDouble } from '../../../core/numbers/double.js';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { numberTexts } from './number-texts.js';

const doubles = fc.double({ noNaN: true });

describe('parseDouble', () => {
  it('reads what JavaScript writes', () => {
    fc.assert(
      fc.property(
        doubles.filter((value) => Number.isFinite(value) && !Object.is(value, -0)),
        (value) => Object.is(parseDouble(String(value)), value),
      ),
    );
  });

  it('reads hexadecimal numbers, rounded to the nearest, to the even one of two', () => {
    expect(parseDouble('0x1.8p3')).toBe(12);
    expect(parseDouble('-0XaP-1')).toBe(-5);
    expect(parseDouble('0x.8')).toBe(0.5);
    expect(parseDouble('0x20000000000001')).toBe(2 ** 53);
    expect(parseDouble('0x20000000000003')).toBe(2 ** 53 + 4);
    expect(parseDouble('0x20000000000001.00001')).toBe(2 ** 53 + 2);
    expect(parseDouble('0x1p-1074')).toBe(Number.MIN_VALUE);
    expect(parseDouble('0x1.8p-1075')).toBe(Number.MIN_VALUE);
    expect(parseDouble('0x1p-1075')).toBeUndefined();
    expect(parseDouble('0x1.fffffffffffffp1023')).toBe(Number.MAX_VALUE);
    expect(parseDouble('0x1.fffffffffffff8p1023')).toBeUndefined();
    expect(parseDouble('0x0p99999999999999999999')).toBe(0);
  });

  it('knows infinities and nan, and refuses the rest', () => {
    expect(parseDouble('inf')).toBe(Infinity);
    expect(parseDouble('-InFiNiTy')).toBe(-Infinity);
    expect(parseDouble('NaN')).toBeNaN();
    expect(parseDouble('-nan(123abc_)')).toBeNaN();
    const refused = [
      '',
      ' 1',
      '1 ',
      '\t1',
      '.',
      '+',
      '-',
      'e1',
      '1e',
      '1e+',
      '0x',
      '0x.',
      '0x1p',
      '0xp1',
      '1x',
      '--1',
      '1..',
      'infin',
      '1\0',
    ];
    refused.push('1e400', '-1e400', '1e-400', 'nan(', 'nan(-)', '1,5', '0b1', '0o7', '1_000', 'Infinity1');
    for (const text of refused) expect([text, parseDouble(text)]).toEqual([text, undefined]);
    expect(parseDouble('0e-400')).toBe(0);
    expect(parseDouble('.5')).toBe(0.5);
    expect(parseDouble('5.')).toBe(5);
    expect(parseDouble('4.9e-324')).toBe(Number.MIN_VALUE);
  });
});

describe('formatDouble', () => {
  it('writes as %.17g', () => {
    const cases: [number, string][] = [
      [0, '0'],
      [-0, '-0'],
      [0.1, '0.10000000000000001'],
      [3, '3'],
      [-2.5, '-2.5'],
      [1e16, '10000000000000000'],
      [1e17, '1e+17'],
      [123456789012345680, '1.2345678901234568e+17'],
      [0.0001, '0.0001'],
      [0.00001, '1.0000000000000001e-05'],
      [1e100, '1e+100'],
      [2199023255552000 + 1 / 4, '2199023255552000.2'],
      [2199023255552000 + 3 / 4, '2199023255552000.8'],
      [5e-324, '4.9406564584124654e-324'],
      [Infinity, 'inf'],
      [-Infinity, '-inf'],
      [Number.NaN, 'nan'],
    ];
    for (const [value, text] of cases) expect(formatDouble(value)).toBe(text);
  });

  it('writes what reads back as the same double', () => {
    fc.assert(fc.property(doubles, (value) => Object.is(parseDouble(formatDouble(value)), value)));
  });
});

describeWith(['redis-server'], 'doubles beside redis-server', () => {
  it('reads and writes scores as it does', async () => {
    // Not in a listpack, which keeps a score as text, or as an integer where it is one.
    const args = ['--appendonly', 'no', '--save', '', '--zset-max-listpack-entries', '0'];
    await using server = await ServerProcess.start({ kind: 'redis', args });
    const client = await server.connect();
    const texts = numberTexts(20_251, 6000);
    const commands = texts.flatMap((text) => [
      ['DEL', 'z'],
      ['ZADD', 'z', Buffer.from(text, 'latin1'), 'm'],
      ['ZSCORE', 'z', 'm'],
    ]);
    const replies = await client.pipeline(commands);
    for (const [i, text] of texts.entries()) {
      const value = parseDouble(text);
      const refused = value === undefined || Number.isNaN(value);
      const score = replies[3 * i + 2];
      const expected = refused ? null : formatDouble(value);
      if (score !== expected) expect([text, expected]).toEqual([text, score]);
      if (refused) expect(String(replies[3 * i + 1])).toContain('not a valid float');
    }
  });
});

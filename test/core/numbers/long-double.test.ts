import { describe, expect, it } from 'vitest';
import { addLongDoubles, formatLongDouble, parseLongDouble } from '../../../core/numbers/long-double.js';
import { describeWith } from '../../support/require-servers.js';
import { SeededRandom } from '../../support/seeded-random.js';
import { ServerProcess } from '../../support/server-process.js';
import { numberTexts } from './number-texts.js';

describe('addLongDoubles', () => {
  it('gives the sums of the documentation', () => {
    expect(addLongDoubles('10.50', '0.1')).toBe('10.6');
    expect(addLongDoubles('10.6', '-5')).toBe('5.6');
    expect(addLongDoubles('5.0e3', '2.0e2')).toBe('5200');
    expect(addLongDoubles('0', '3.0')).toBe('3');
  });

  it('shows what 64 bits of significand lose', () => {
    expect(addLongDoubles('18446744073709551615', '1')).toBe('18446744073709551616');
    expect(addLongDoubles('18446744073709551616', '1')).toBe('18446744073709551616');
    expect(addLongDoubles('18446744073709551618', '1')).toBe('18446744073709551620');
    expect(addLongDoubles('1.1', '2.2')).toBe('3.3');
    expect(addLongDoubles('1e300', '1')).toHaveLength(301);
  });

  it('writes zeros without a sign and seventeen digits behind the point', () => {
    expect(addLongDoubles('-0', '-0')).toBe('0');
    expect(addLongDoubles('1', '-1')).toBe('0');
    expect(addLongDoubles('-0.000000000000000001', '0')).toBe('0');
    expect(addLongDoubles('0.00000000000000001', '0')).toBe('0.00000000000000001');
    expect(addLongDoubles('-1.5', '0')).toBe('-1.5');
  });

  it('tells apart texts that are no number and sums that are none', () => {
    expect(addLongDoubles('inf', '1')).toBe('inf');
    expect(addLongDoubles('1', '-Infinity')).toBe('inf');
    expect(addLongDoubles('inf', '-inf')).toBe('nan');
    expect(addLongDoubles('0x1p16383', '0x1p16383')).toBe('inf');
    expect(addLongDoubles('nan', '1')).toBeUndefined();
    expect(addLongDoubles('1', '1 ')).toBeUndefined();
    expect(addLongDoubles('1e5000', '1')).toBeUndefined();
    expect(addLongDoubles('1e-5000', '1')).toBeUndefined();
  });

  it('writes infinities as Redis does', () => {
    expect(formatLongDouble(parseLongDouble('-inf')!)).toBe('-inf');
    expect(formatLongDouble(parseLongDouble('inf')!)).toBe('inf');
  });
});

describeWith(['redis-server'], 'long doubles beside redis-server', () => {
  it('answers thousands of INCRBYFLOATs as it does, errors included', async () => {
    await using server = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no', '--save', ''] });
    const client = await server.connect();
    const random = new SeededRandom(90);
    const texts = numberTexts(91, 4000);
    const pairs: [string, string][] = texts.map((text) => [text, '0']);
    for (let i = 0; i < 8000; i++) pairs.push([random.pick(texts), random.pick(texts)]);
    // Sums of neighbours, where rounding matters, and chains of a few increments.
    for (let i = 0; i < 4000; i++) {
      const whole = random.uint32() * 2 ** random.below(20);
      pairs.push([
        `${whole}.${random.below(1000)}`,
        `${random.pick(['', '-'])}${random.below(1000)}.${random.uint32()}`,
      ]);
    }
    const commands = pairs.flatMap(([value, increment]) => [
      ['SET', 'k', Buffer.from(value, 'latin1')],
      ['INCRBYFLOAT', 'k', Buffer.from(increment, 'latin1')],
    ]);
    const replies = await client.pipeline(commands);
    for (const [i, [value, increment]] of pairs.entries()) {
      const reply = replies[2 * i + 1];
      const sum = addLongDoubles(value, increment);
      let expected: string;
      if (sum === undefined) expected = 'ERR value is not a valid float';
      else if (sum === 'inf' || sum === 'nan') expected = 'ERR increment would produce NaN or Infinity';
      else expected = sum;
      const actual = reply instanceof Error ? reply.message : reply;
      if (actual !== expected) expect([value, increment, actual]).toEqual([value, increment, expected]);
    }
  });
});

import { describe, expect, test } from 'vitest';
import { Arguments } from '../../core/arguments.js';
import { CommandTrace } from '../../core/command-trace.js';
import { defaultConnectionLimits } from '../../server/connections/connection-limits.js';
import { RequestParser } from '../../server/resp/request-parser.js';

function parsed(text: string, args: Arguments): void {
  const bytes = Buffer.from(text, 'latin1');
  new RequestParser(args, defaultConnectionLimits()).parse(bytes, 0, bytes.length, undefined, true);
}

const MSET = '*5\r\n$4\r\nMSET\r\n$1\r\na\r\n$12\r\nlong\r\nvalue\n\r\n$0\r\n\r\n$2\r\n$9\r\n';

describe('the arguments of the last command', () => {
  test.each(['held', 'overwritten'])('are read while they are %s', (state) => {
    const args = new Arguments();
    const trace = new CommandTrace();
    parsed(MSET, args);
    trace.note(args);
    if (state === 'overwritten') args.count = 0;
    expect(trace.read(args, 32, 128)).toEqual({
      count: 5,
      texts: ['MSET', 'a', 'long\r\nvalue\n', '', '$9'],
      lengths: [4, 1, 12, 0, 2],
    });
    expect(trace.read(args, 3, 4)).toEqual({ count: 5, texts: ['MSET', 'a', 'long'], lengths: [4, 1, 12] });
  });

  test('of an inline command only the name is found once they are overwritten', () => {
    const args = new Arguments();
    const trace = new CommandTrace();
    parsed('GET key\r\n', args);
    trace.note(args);
    expect(trace.read(args, 32, 128).texts).toEqual(['GET', 'key']);
    args.count = 0;
    expect(trace.read(args, 32, 128)).toEqual({ count: 2, texts: ['GET'], lengths: [3] });
  });

  test('a buffer that was used again gives nonsense, never an exception', () => {
    const args = new Arguments();
    const trace = new CommandTrace();
    parsed(MSET, args);
    trace.note(args);
    for (const filler of [0, 10, 13, 36, 57, 255]) {
      args.bytes.fill(filler);
      args.count = 0;
      const { texts } = trace.read(args, 32, 128);
      expect(texts.length).toBeLessThanOrEqual(5);
    }
  });

  test('is nothing once it is forgotten', () => {
    const args = new Arguments();
    const trace = new CommandTrace();
    parsed(MSET, args);
    trace.note(args);
    trace.forget();
    expect(trace.read(args, 32, 128)).toEqual({ count: 0, texts: [], lengths: [] });
  });
});

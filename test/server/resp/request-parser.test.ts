import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arguments } from '../../../core/arguments.js';
import type { PartialRequest } from '../../../server/resp/partial-request.js';
import {
  LINE_BYTES_MAX,
  PARSE_COMPLETE,
  PARSE_INCOMPLETE,
  RequestParser,
} from '../../../server/resp/request-parser.js';
import { encodeCommand } from '../../support/resp-client.js';
import { everyByte, type Parsed, type ParseOptions, parseAll } from './parse-all.js';

function latin1(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** Parses text in one piece and in single bytes (long text in larger ones); both must agree. */
function parse(text: string, options: ParseOptions = {}): Parsed {
  const input = latin1(text);
  const whole = parseAll(input, [], options);
  const cuts = everyByte(input).filter((at) => input.length < 2000 || at % 1021 === 0 || at > input.length - 10);
  expect(parseAll(input, cuts, options)).toEqual(whole);
  return whole;
}

describe('arrays of bulk strings', () => {
  test('commands become arguments', () => {
    expect(parse('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nva\r\nl\r\n*1\r\n$4\r\nPING\r\n')).toEqual({
      commands: [['SET', 'k', 'va\r\nl'], ['PING']],
      error: '',
      left: 0,
    });
  });

  test('empty arguments, and many', () => {
    expect(parse('*2\r\n$0\r\n\r\n$0\r\n\r\n').commands).toEqual([['', '']]);
    const many = Array.from({ length: 300 }, (_, i) => `a${i}`);
    expect(parse(encodeCommand(many).toString()).commands).toEqual([many]);
  });

  test('empty commands are skipped', () => {
    expect(parse('*0\r\n*-1\r\n*-9223372036854775808\r\n\r\n  \t\n*1\r\n$4\r\nPING\r\n').commands).toEqual([['PING']]);
  });

  test('what ends a line or an argument is not looked at, as in Redis', () => {
    expect(parse('*1\rx$4\r?PINGab*1\r\n$2\r\nGO\r\n').commands).toEqual([['PING'], ['GO']]);
  });

  test('an incomplete command is left', () => {
    expect(parse('*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$3\r\nab')).toMatchObject({ commands: [['PING']], left: 20 });
  });

  test.each([
    ['*a\r\n', 'invalid multibulk length'],
    ['*\r\n', 'invalid multibulk length'],
    ['*-\r\n', 'invalid multibulk length'],
    ['*-0\r\n', 'invalid multibulk length'],
    ['*01\r\n', 'invalid multibulk length'],
    ['*+1\r\n', 'invalid multibulk length'],
    ['* 1\r\n', 'invalid multibulk length'],
    ['*1 \r\n', 'invalid multibulk length'],
    ['*2147483648\r\n', 'invalid multibulk length'],
    ['*9223372036854775807\r\n', 'invalid multibulk length'],
    ['*-9223372036854775809\r\n', 'invalid multibulk length'],
    ['*99999999999999999999999\r\n', 'invalid multibulk length'],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*1\r\n$-2\r\n', 'invalid bulk length'],
    ['*1\r\n$\r\n', 'invalid bulk length'],
    ['*1\r\n$a\r\n', 'invalid bulk length'],
    ['*1\r\n$04\r\nPING\r\n', 'invalid bulk length'],
    ['*1\r\n$629145600\r\n', 'invalid bulk length'],
    ['*1\r\n$4294967300\r\nPING\r\n', 'invalid bulk length'],
    ['*1\r\nPING\r\n', "expected '$', got 'P'"],
    ['*1\r\n\r\n', "expected '$', got '\r'"],
    ['*1\r\n\xff\r\n', "expected '$', got '\xff'"],
    ['*3\r\n$3\r\nSET\r\n$1\r\nk\r\n:1\r\n', "expected '$', got ':'"],
  ])('%j is an error', (input, error) => {
    expect(parse(input).error).toBe(`ERR Protocol error: ${error}`);
  });

  test('commands before an error are parsed', () => {
    expect(parse('*1\r\n$4\r\nPING\r\n*x\r\n').commands).toEqual([['PING']]);
  });

  test('the largest number of arguments is accepted, and costs nothing before they come', () => {
    const parser = new RequestParser(new Arguments(), { bulkBytesMax: 1 });
    const bytes = latin1('*2147483647\r\n$1\r\nx\r\n');
    expect(parser.parse(bytes, 0, bytes.length, undefined, true)).toBe(PARSE_INCOMPLETE);
    expect(parser.partial!.memoryBytes).toBeLessThan(1024);
    expect(parser.args.start.length).toBeLessThan(1024);
  });

  test('the longest argument is a limit that can change', () => {
    expect(parse('*1\r\n$4\r\nPING\r\n', { bulkBytesMax: 4 }).commands).toEqual([['PING']]);
    expect(parse('*1\r\n$4\r\nPING\r\n', { bulkBytesMax: 3 }).error).toBe('ERR Protocol error: invalid bulk length');
  });

  test('lower limits for clients that have not authenticated', () => {
    const eleven = encodeCommand(Array.from({ length: 11 }, () => 'x')).toString();
    const long = encodeCommand(['AUTH', 'x'.repeat(16385)]).toString();
    const unauthenticated = { authenticated: false };
    expect(parse(eleven).error).toBe('');
    expect(parse(eleven, unauthenticated).error).toBe('ERR Protocol error: unauthenticated multibulk length');
    expect(parse(long, unauthenticated).error).toBe('ERR Protocol error: unauthenticated bulk length');
    expect(parse(encodeCommand(Array(10).fill('x')).toString(), unauthenticated).error).toBe('');
    expect(parse(encodeCommand(['AUTH', 'x'.repeat(16384)]).toString(), unauthenticated).error).toBe('');
  });

  test.each([
    ['too big mbulk count string', '*'],
    ['too big bulk count string', '*1\r\n$'],
  ])('%s', (error, start) => {
    const digits = LINE_BYTES_MAX - 1;
    expect(parse(`${start}${'1'.repeat(digits)}`).error).toBe('');
    expect(parse(`${start}${'1'.repeat(digits + 1)}`).error).toBe(`ERR Protocol error: ${error}`);
  });

  test('a NUL hides the end of its line, as in Redis, until the line is too long', () => {
    expect(parse('*1\x00\r\n$4\r\nPING\r\n')).toEqual({ commands: [], error: '', left: 15 });
    expect(parse('*1\r\n\x00$4\r\nPING\r\n')).toMatchObject({ commands: [], error: '' });
    expect(parse(`*1\x00\r\n${'x'.repeat(LINE_BYTES_MAX)}`).error).toBe(
      'ERR Protocol error: too big mbulk count string',
    );
    expect(parse(`PING\x00\r\n${'x'.repeat(LINE_BYTES_MAX)}`).error).toBe('ERR Protocol error: too big inline request');
  });
});

describe('inline commands', () => {
  test('end with LF or CRLF and are split', () => {
    expect(parse('PING\r\nSET k  "a b"\n*1\r\n$1\r\nx\r\nGET k\r\n').commands).toEqual([
      ['PING'],
      ['SET', 'k', 'a b'],
      ['x'],
      ['GET', 'k'],
    ]);
  });

  test('the longest line', () => {
    const argument = 'x'.repeat(LINE_BYTES_MAX - 5);
    expect(parse(`ECHO ${argument}\n`).commands).toEqual([['ECHO', argument]]);
    expect(parse(`ECHO ${argument}x`).error).toBe('ERR Protocol error: too big inline request');
    expect(parse(`ECHO ${argument}x\n`).error).toBe('ERR Protocol error: too big inline request');
  });

  test('unbalanced quotes', () => {
    expect(parse('PING "a\r\n').error).toBe('ERR Protocol error: unbalanced quotes in request');
  });
});

/** Pieces of which requests, and nearly requests, are made. */
const fragment = fc.oneof(
  { weight: 3, arbitrary: fc.array(fc.string({ maxLength: 12 }), { minLength: 1, maxLength: 4 }).map(encodeCommand) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom(
        '*',
        '$',
        '\r\n',
        '\n',
        '\r',
        '0',
        '1',
        '2',
        '-1',
        '3',
        '"',
        "'",
        '\\x4',
        ' ',
        'PING',
        '\0',
        '*2\r\n',
        '$3\r\n',
      )
      .map((text) => Buffer.from(text, 'latin1')),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)) },
);
const requests = fc.array(fragment, { maxLength: 12 }).map((parts) => Buffer.concat(parts));

test('any bytes, cut at every byte or anywhere, parse as in one piece', () => {
  fc.assert(
    fc.property(requests, fc.boolean(), fc.array(fc.nat(200)), (input, authenticated, positions) => {
      const options = { authenticated, bulkBytesMax: 1000 };
      const whole = parseAll(input, [], options);
      expect(parseAll(input, everyByte(input), options)).toEqual(whole);
      const cuts = [...new Set(positions)].filter((at) => at < input.length).sort((a, b) => a - b);
      expect(parseAll(input, cuts, options)).toEqual(whole);
    }),
    { numRuns: 3000 },
  );
});

test('well-formed commands come out as they went in, cut anywhere', () => {
  const binary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const command = fc.array(binary, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(command, { maxLength: 5 }), fc.nat(300), (commands, cut) => {
      const input = Buffer.concat(commands.map(encodeCommand));
      const expected = commands.map((parts) => parts.map((part) => part.toString('latin1')));
      expect(parseAll(input, [Math.min(cut, input.length)])).toEqual({ commands: expected, error: '', left: 0 });
    }),
    { numRuns: 500 },
  );
});

/** Array-like bytes that count how often they are read. */
function counted(input: Uint8Array): { readonly bytes: Uint8Array; readonly reads: () => number } {
  let reads = 0;
  const bytes = new Proxy(input, {
    get(target, property) {
      if (typeof property === 'string' && /^\d+$/.test(property)) {
        reads++;
        return target[Number(property)];
      }
      return Reflect.get(target, property) as unknown;
    },
  });
  return { bytes, reads: () => reads };
}

test('a command that comes byte by byte is not read again from its start', () => {
  const input = encodeCommand(Array.from({ length: 20_000 }, () => 'a'));
  const { bytes, reads } = counted(input);
  const parser = new RequestParser(new Arguments(), { bulkBytesMax: 100 });
  let partial: PartialRequest | undefined;
  let status = PARSE_INCOMPLETE;
  for (let to = 1; to <= input.length; to++) {
    status = parser.parse(bytes, 0, to, partial, true);
    partial = parser.partial;
  }
  expect(status).toBe(PARSE_COMPLETE);
  expect(parser.args.count).toBe(20_000);
  expect(reads()).toBeLessThan(input.length * 6);
});

test('a long line that comes byte by byte is not searched again from its start', () => {
  const input = latin1(`PING ${'x'.repeat(30_000)}\r\n`);
  const { bytes, reads } = counted(input);
  const parser = new RequestParser(new Arguments(), { bulkBytesMax: 100 });
  let partial: PartialRequest | undefined;
  for (let to = 1; to < input.length; to++) {
    expect(parser.parse(bytes, 0, to, partial, true)).toBe(PARSE_INCOMPLETE);
    partial = parser.partial;
  }
  expect(reads()).toBeLessThan(input.length * 4);
});

test('what an unfinished command held is given back', () => {
  const parser = new RequestParser(new Arguments(), { bulkBytesMax: 100 });
  const input = encodeCommand(Array.from({ length: 5000 }, () => 'a'));
  parser.parse(input, 0, input.length - 1, undefined, true);
  const { partial } = parser;
  expect(parser.parse(input, 0, input.length, partial, true)).toBe(PARSE_COMPLETE);
  const ping = latin1('*1\r\n$4\r\nPI');
  parser.parse(ping, 0, ping.length, undefined, true);
  expect(parser.partial!.memoryBytes).toBeLessThan(1024);
});

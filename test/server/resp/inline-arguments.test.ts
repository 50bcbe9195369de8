import { expect, test } from 'vitest';
import { Arguments } from '../../../core/arguments.js';
import { splitInlineArguments } from '../../../server/resp/inline-arguments.js';

/** The words of a line, or undefined when its quotes are unbalanced. */
function split(line: string): string[] | undefined {
  const bytes = Buffer.from(`<${line}>`, 'latin1');
  const args = new Arguments();
  if (!splitInlineArguments(bytes, 1, bytes.length - 1, args)) return undefined;
  expect([bytes[0], bytes[bytes.length - 1]]).toEqual([60, 62]);
  return Array.from({ length: args.count }, (_, i) => args.latin1(i));
}

test.each<[string, string[]]>([
  ['', []],
  [' \t\v\f', []],
  ['PING', ['PING']],
  ['  SET\tk  v  ', ['SET', 'k', 'v']],
  ['a\vb c\fd', ['a\vb', 'c\fd']],
  ['"a b" c', ['a b', 'c']],
  ["'a b' c", ['a b', 'c']],
  ['""', ['']],
  ["''  ''", ['', '']],
  ['"\\n\\r\\t\\b\\a\\q\\\\\\""', ['\n\r\t\b\x07q\\"']],
  ['"\\x41\\xfF\\x0"', ['A\xffx0']],
  ['"\\xZZ"', ['xZZ']],
  ["'\\n\\''", ["\\n'"]],
  ['a"b c"', ['ab c']],
  ["a'b'", ['ab']],
  ['"a"\v"b"', ['a', 'b']],
  ['\xe4 "\xf6"', ['\xe4', '\xf6']],
])('%j', (line, words) => {
  expect(split(line)).toEqual(words);
});

test.each(['"', "'", '"a', "'a", 'a"', '"a"b', "'a'b", '"a""b"', '"\\', '"\\"', "'\\'"])('%j is unbalanced', (line) => {
  expect(split(line)).toBeUndefined();
});

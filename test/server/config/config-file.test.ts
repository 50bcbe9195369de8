import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parseConfigText, readConfigFile } from '../../../server/config/config-file.js';
import { splitWords } from '../../../server/config/config-words.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

const directory = makeTemporaryDirectory('config-file');
afterAll(() => removeTemporaryDirectory(directory));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe('words of a line', () => {
  test.each([
    ['port 6380', ['port', '6380']],
    ['  save   900 1 ', ['save', '900', '1']],
    ["save ''", ['save', '']],
    ['requirepass "a b"', ['requirepass', 'a b']],
    ['requirepass "a\\"b\\\\c"', ['requirepass', 'a"b\\c']],
    ['requirepass "\\x41\\n\\t"', ['requirepass', 'A\n\t']],
    ["requirepass 'it\\'s \\n'", ['requirepass', "it's \\n"]],
    ['requirepass a"b"', ['requirepass', 'ab']],
    ['', []],
  ])('%j', (line, words) => {
    expect(splitWords(line)).toEqual(words);
  });

  test.each(['port "6380', "port '6380", 'requirepass "a"b', "requirepass 'a'b", 'requirepass "a\\'])(
    '%j does not balance',
    (line) => {
      expect(splitWords(line)).toBeUndefined();
    },
  );
});

test('comments and blank lines are passed over, and every setting knows its line', () => {
  const text = '# comment\n\n  port 6380\r\n\t# another\nsave 900 1\n';
  expect(parseConfigText(text, 'here')).toEqual([
    { name: 'port', words: ['6380'], where: 'here, line 3' },
    { name: 'save', words: ['900', '1'], where: 'here, line 5' },
  ]);
});

test('an included file stands where it is included', () => {
  const inner = write('inner.conf', 'timeout 7\n');
  const outer = write('outer.conf', `timeout 5\ninclude ${inner}\nport 1\n`);
  expect(readConfigFile(outer).map(({ name, words }) => [name, ...words])).toEqual([
    ['timeout', '5'],
    ['timeout', '7'],
    ['port', '1'],
  ]);
});

test('a file that includes itself is refused', () => {
  const path = join(directory, 'loop.conf');
  write('loop.conf', `include ${path}\n`);
  expect(() => readConfigFile(path)).toThrow(/include each other/);
});

test('a missing file and unbalanced quotes are named with their place', () => {
  expect(() => readConfigFile(join(directory, 'none.conf'))).toThrow(/cannot read the configuration file .*none\.conf/);
  const path = write('quotes.conf', 'port 1\nrequirepass "x\n');
  expect(() => readConfigFile(path)).toThrow(`${path}, line 2: 'requirepass "x': unbalanced quotes`);
});

test('bytes that are no UTF-8 come through as they are', () => {
  const path = join(directory, 'bytes.conf');
  writeFileSync(path, Buffer.from('requirepass \xff\xfe\n', 'latin1'));
  expect(readConfigFile(path)[0]!.words).toEqual(['\xff\xfe']);
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readConfigFile } from '../../../server/config/config-file.js';
import { matchingFiles } from '../../../server/config/matching-files.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

const directory = makeTemporaryDirectory('matching-files');
const names = ['b.conf', 'a.conf', '.hidden.conf', 'a.txt', 'x+y.conf', 'sub/c.conf', 'other/c.conf', 'other/d.conf'];
beforeAll(() => {
  mkdirSync(join(directory, 'sub'));
  mkdirSync(join(directory, 'other'));
  names.forEach((name, i) => {
    writeFileSync(join(directory, name), `timeout ${i + 1}\n`);
  });
});
afterAll(() => removeTemporaryDirectory(directory));

function matching(pattern: string): string[] {
  return matchingFiles(`${directory}/${pattern}`).map((path) => path.slice(directory.length + 1));
}

describe('a pattern of a path', () => {
  test.each([
    ['*.conf', ['a.conf', 'b.conf', 'x+y.conf']],
    ['?.conf', ['a.conf', 'b.conf']],
    ['[b-z]*.conf', ['b.conf', 'x+y.conf']],
    ['[!a].conf', ['b.conf']],
    ['[^a].conf', ['b.conf']],
    ['.*.conf', ['.hidden.conf']],
    ['x+*', ['x+y.conf']],
    ['*/c.conf', ['other/c.conf', 'sub/c.conf']],
    ['*/?.conf', ['other/c.conf', 'other/d.conf', 'sub/c.conf']],
    ['nosuch/*.conf', []],
    ['*.conf/x', []],
    ['[z-a]', []],
    ['[', []],
    ['*.nosuch', []],
  ])('%s', (pattern, found) => {
    expect(matching(pattern)).toEqual(found);
  });

  test('include takes all that match in their order, and none where none do', () => {
    writeFileSync(join(directory, 'main'), `include "${directory}/*.conf"\ninclude ${directory}/none/*.conf\nhz 5\n`);
    expect(readConfigFile(join(directory, 'main')).map(({ words }) => words)).toEqual([['2'], ['1'], ['5'], ['5']]);
  });
});

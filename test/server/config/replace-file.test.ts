import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from '../../../server/config/replace-file.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';

let directory = '';
beforeEach(() => {
  directory = makeTemporaryDirectory('replace-file');
});
afterEach(() => removeTemporaryDirectory(directory));

test('the text is replaced, byte by byte, and nothing else is left', () => {
  const path = join(directory, 'a.conf');
  writeFileSync(path, 'old');
  replaceFile(path, 'new \xff\n');
  expect(readFileSync(path, 'latin1')).toBe('new \xff\n');
  expect(readdirSync(directory)).toEqual(['a.conf']);
});

test('permissions stay as they were', () => {
  const path = join(directory, 'a.conf');
  writeFileSync(path, 'old');
  chmodSync(path, 0o640);
  replaceFile(path, 'new');
  expect(statSync(path).mode & 0o7777).toBe(0o640);
});

test('a link stays a link', () => {
  mkdirSync(join(directory, 'real'));
  const real = join(directory, 'real', 'a.conf');
  writeFileSync(real, 'old');
  const link = join(directory, 'a.conf');
  symlinkSync(real, link);
  replaceFile(link, 'new');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, 'latin1')).toBe('new');
});

test('a file that is not there is made', () => {
  const path = join(directory, 'a.conf');
  replaceFile(path, 'new');
  expect(readFileSync(path, 'latin1')).toBe('new');
  expect(statSync(path).mode & 0o7777).toBe(0o644 & ~process.umask());
});

test('where it cannot be written the error is the file system’s', () => {
  expect(() => replaceFile(join(directory, 'nosuch', 'a.conf'), 'new')).toThrow(/ENOENT/);
  mkdirSync(join(directory, 'folder'));
  expect(() => replaceFile(join(directory, 'folder'), 'new')).toThrow(/EISDIR/);
  expect(readdirSync(directory)).toEqual(['folder']);
});

import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createServerLog } from '../../server/logging.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/temporary-directory.js';

const directory = makeTemporaryDirectory('logging');
afterAll(() => removeTemporaryDirectory(directory));

test('severities have the names of Redis, and change while it runs', () => {
  const lines: string[] = [];
  const { log, setLevel } = createServerLog({ to: 'function', write: (line) => lines.push(line) }, 'notice');
  log.debug('no');
  log.info('yes');
  setLevel('verbose');
  log.debug('now');
  log.trace('no');
  setLevel('warning');
  log.info('no');
  log.warn('yes');
  setLevel('debug');
  log.trace('all');
  expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['yes', 'now', 'yes', 'all']);
});

test('a file gets everything that was logged before flush, appended', async () => {
  const path = join(directory, 'file.txt');
  for (const text of ['first', 'second']) {
    const { log, flush } = createServerLog({ to: 'file', path }, 'notice');
    log.info(text);
    await flush();
  }
  const messages = readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; pid: number });
  expect(messages.map(({ msg }) => msg)).toEqual(['first', 'second']);
  expect(messages[0]!.pid).toBe(process.pid);
});

test('a file that cannot be written is said at once', () => {
  const path = join(directory, 'folder');
  mkdirSync(path);
  expect(() => createServerLog({ to: 'file', path }, 'notice')).toThrow(`cannot write the logfile ${path}`);
});

test('nowhere takes no severity', () => {
  const { log, setLevel } = createServerLog({ to: 'nowhere' }, 'notice');
  setLevel('debug');
  expect(log.isLevelEnabled('fatal')).toBe(false);
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { explainFailure } from '../../server/server-error.js';
import { prepareDirectory } from '../../server/startup-checks.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/temporary-directory.js';

const directory = makeTemporaryDirectory('startup');
afterAll(() => removeTemporaryDirectory(directory));

test('makes a directory with everything above it', () => {
  const path = join(directory, 'a', 'b', 'c');
  prepareDirectory(path);
  prepareDirectory(path);
  expect(existsSync(path)).toBe(true);
});

test('what listens on a port or a path is named as the options name it', () => {
  const inUse = Object.assign(new Error('x'), {
    code: 'EADDRINUSE',
    syscall: 'listen',
    address: '127.0.0.1',
    port: 6379,
  });
  expect(explainFailure(inUse)).toEqual({
    code: 'PORT_IN_USE',
    message: 'port 6379 is in use (another Redis, perhaps): choose another one with npm start -- --port 6380',
  });
  expect(explainFailure({ ...inUse, message: 'x', port: 65535 }).message).toContain('--port 65534');
  const path = Object.assign(new Error('why'), { code: 'EADDRINUSE', syscall: 'listen', address: '/s', port: -1 });
  expect(explainFailure(path)).toEqual({ code: 'LISTEN_FAILED', message: 'cannot listen on the unix socket /s: why' });
  expect(explainFailure(new Error('else'))).toEqual({ code: 'INTERNAL', message: 'else' });
});

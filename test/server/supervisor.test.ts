/** What the supervisor makes of a thread that says this or that, or dies: with small modules in the thread's place. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { Supervisor, type SupervisorHooks } from '../../server/supervisor.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/temporary-directory.js';

const directory = makeTemporaryDirectory('supervisor');
afterAll(() => removeTemporaryDirectory(directory));
let modules = 0;

function supervise(text: string, hooks: SupervisorHooks = {}): Supervisor {
  const path = join(directory, `thread-${modules++}.mjs`);
  writeFileSync(path, `import { parentPort, workerData } from 'node:worker_threads';\n${text}`);
  const data = { settings: [], workingDirectory: directory, configFile: '', logOutput: 'none' } as const;
  return new Supervisor(data, hooks, pathToFileURL(path));
}

const READY = `parentPort.postMessage({ type: 'ready', port: 7, unixSocket: '', directory: '/d', keys: 3 });`;
const UNTIL_ASKED = `parentPort.on('message', ({ request }) => {
  parentPort.postMessage({ type: 'log', line: request.reason });
  parentPort.postMessage({ type: 'closed' });
  process.exit(0);
});`;

describe('the supervisor', () => {
  test('passes on what the thread says, and closed waits for its end', async () => {
    const lines: string[] = [];
    const supervisor = supervise(`${READY}\n${UNTIL_ASKED}`, { logLine: (line) => lines.push(line) });
    expect(await supervisor.ready).toMatchObject({ port: 7, directory: '/d', keys: 3 });
    supervisor.shutdown('because');
    supervisor.shutdown('again');
    await supervisor.closed;
    expect(lines).toEqual(['because']);
  });

  test('a thread that is closed before it is ready', async () => {
    const supervisor = supervise(UNTIL_ASKED);
    supervisor.shutdown('early');
    await expect(supervisor.ready).rejects.toMatchObject({ code: 'CLOSED' });
    await supervisor.closed;
  });

  test('a fatal message is the reason of both promises', async () => {
    const supervisor = supervise(
      `parentPort.postMessage({ type: 'fatal', code: 'LOG_FAILED', message: 'why' }); process.exit(1);`,
    );
    await expect(supervisor.ready).rejects.toMatchObject({ code: 'LOG_FAILED', message: 'why' });
    await expect(supervisor.closed).rejects.toMatchObject({ name: 'ServerError', code: 'LOG_FAILED' });
  });

  test('a thread that ends without a word', async () => {
    const supervisor = supervise(`${READY} setTimeout(() => process.exit(3), 1);`);
    await supervisor.ready;
    await expect(supervisor.closed).rejects.toMatchObject({ code: 'THREAD_DIED' });
    await expect(supervisor.closed).rejects.toThrow(/exit code 3/);
  });

  test('a thread that throws', async () => {
    const supervisor = supervise(`throw Object.assign(new Error('broken'), { code: 'BROKEN' });`);
    await expect(supervisor.closed).rejects.toMatchObject({ code: 'BROKEN', message: 'broken' });
  });

  test('the thread sees the heap of the main thread', async () => {
    const supervisor = supervise(
      `const bytes = new Float64Array(workerData.mainHeapBytes)[0];
       parentPort.postMessage({ type: 'ready', port: bytes > 1e6 ? 1 : 0, unixSocket: '', directory: '', keys: 0 });
       ${UNTIL_ASKED}`,
    );
    expect((await supervisor.ready).port).toBe(1);
    supervisor.shutdown('');
    await supervisor.closed;
  });
});

/**
 * Many keys with one deadline: others are served meanwhile, none of the keys is readable afterwards, also when the
 * process is killed in the middle of their removal. Only correctness; the pauses are measured by `npm run bench -- pauses`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { pollUntil } from '../support/poll-until.js';
import type { RespClient } from '../support/resp-client.js';
import { ServerProcess } from '../support/server-process.js';
import { systemUnderTest } from '../support/system-under-test.js';

const COUNT = 100_000;
/** Time to write them; a machine that needs longer gets another deadline. */
const WRITE_MS = 4000;

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.dispose();
  server = undefined;
});

/** Writes the keys with one deadline, all of them before it comes. @returns the deadline in ms since 1970. */
async function writeExpiring(client: RespClient): Promise<number> {
  for (let allowedMs = WRITE_MS; ; allowedMs *= 2) {
    const deadline = Date.now() + allowedMs;
    for (let first = 0; first < COUNT; first += 2000) {
      const commands = Array.from({ length: 2000 }, (_, i) => ['SET', `brief:${first + i}`, 'x', 'PXAT', deadline]);
      for (const reply of await client.pipeline(commands)) if (reply !== 'OK') throw reply;
    }
    // Some of the time is for what follows: the keys must all be there when the test begins.
    if (Date.now() < deadline - 1000) return deadline;
    await client.command('FLUSHALL');
  }
}

async function expectNoneReadable(client: RespClient): Promise<void> {
  for (let first = 0; first < COUNT; first += 2000) {
    const keys = Array.from({ length: 2000 }, (_, i) => `brief:${first + i}`);
    expect(await client.command('EXISTS', ...keys)).toBe(0);
  }
  expect(await client.command('MGET', 'kept', 'lasting')).toEqual(['value', 'value']);
  expect(await client.command('DBSIZE')).toBe(2);
}

async function prepare(): Promise<{ client: RespClient; deadline: number }> {
  server = await ServerProcess.start({ kind: systemUnderTest });
  const client = await server.connect();
  const deadline = await writeExpiring(client);
  await client.command('SET', 'kept', 'value');
  await client.command('SET', 'lasting', 'value', 'EX', 100_000);
  return { client, deadline };
}

test('others are served while they go, and none is readable afterwards', { timeout: 120_000 }, async () => {
  const { client, deadline } = await prepare();
  await delay(deadline - Date.now());
  const other = await server!.connect();
  let served = 0;
  await pollUntil('the removal of all keys', async () => {
    expect(await other.command('SET', 'kept', 'value')).toBe('OK');
    expect(await other.command('GET', `brief:${served++ % COUNT}`)).toBeNull();
    return (await client.command('DBSIZE')) === 2;
  });
  expect(served).toBeGreaterThan(0);
  await expectNoneReadable(client);
});

test('a kill in the middle of their removal brings none back', { timeout: 120_000 }, async () => {
  const { client, deadline } = await prepare();
  await delay(deadline - Date.now());
  const left = await pollUntil('a removal that has begun', async () => {
    const size = Number(await client.command('DBSIZE'));
    return size < COUNT + 2 ? size : undefined;
  });
  await server!.kill9();
  expect(left).toBeGreaterThan(2);
  await server!.restart();
  const after = await server!.connect();
  await expectNoneReadable(after);
});

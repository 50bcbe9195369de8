import { readdirSync } from 'node:fs';
import { getPriority } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, test } from 'vitest';
import { startLowered } from '../../server/thread-priority.js';
import { infoNumber, readInfo } from '../support/server-info.js';
import { ServerProcess } from '../support/server-process.js';

const NICE_MAX = 19;

function threadsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number);
}

function loweredOf(pid: number): number {
  return threadsOf(pid).filter((thread) => getPriority(thread) > getPriority(pid)).length;
}

describe.runIf(process.platform === 'linux')('priorities of threads', () => {
  let worker: Worker | undefined;

  afterEach(async () => {
    await worker?.terminate();
  });

  test('a thread is lowered when it is started, the others stay', () => {
    const before = new Map(threadsOf(process.pid).map((thread) => [thread, getPriority(thread)]));
    worker = startLowered(() => new Worker('setInterval(() => {}, 1000)', { eval: true }), 5);
    const started = threadsOf(process.pid).filter((thread) => !before.has(thread));
    expect(started).toHaveLength(1);
    expect(getPriority(started[0]!)).toBe(Math.min(NICE_MAX, getPriority(process.pid) + 5));
    for (const [thread, nice] of before) expect(getPriority(thread)).toBe(nice);
  });

  test('of a server, the helpers of V8 are lowered and the threads that serve are not', async () => {
    await using server = await ServerProcess.start({ kind: 'holdfast' });
    expect(loweredOf(server.pid)).toBe(4);
    const client = await server.connect();
    await client.command('SET', 'a', '1');
    await client.command('SAVE');
    expect(infoNumber(await readInfo(client, 'persistence'), 'rdb_bgsave_in_progress')).toBe(0);
    expect(loweredOf(server.pid)).toBe(4);
  });
});

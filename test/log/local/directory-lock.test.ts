import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { type DirectoryLockOptions, LOCK_NAME, lockDirectory } from '../../../log/local/directory-lock.js';
import { LocalLog } from '../../../log/local/local-log.js';
import { compileLog, temporaryDirectory } from '../support/compiled-log.js';
import { textsOf } from '../support/log-driver.js';

const compiled = compileLog();
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that holds the log; its lines as they come. */
function holder(directory: string, count: number) {
  const program = fileURLToPath(compiled.module('test/log/support/log-process.js'));
  const child = spawn(process.execPath, [program, directory, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  return { child, exited, next: async () => (await lines.next()).value as string | undefined };
}

const plain: DirectoryLockOptions = { unsafeNoDirectoryLock: false };
const withoutFlock: DirectoryLockOptions = { ...plain, flockCommand: 'no-such-program-flock' };
const failingLevel = async () => {
  throw new Error('no native package');
};

describe('two processes on one directory', () => {
  test('the second is refused; kill -9 of the first frees it', async () => {
    const directory = path.join(temporaryDirectory(), 'log');
    const first = holder(directory, 1);
    expect(await first.next()).toBe('open 0');
    expect(await first.next()).toBe('1');
    const second = holder(directory, 1);
    expect(await second.next()).toBe('refused LOG_LOCKED');
    expect(await second.exited).toBe(3);
    const here = new LocalLog({ directory });
    await expect(here.open()).rejects.toMatchObject({ code: 'LOG_LOCKED', file: directory });

    first.child.kill('SIGKILL');
    await first.exited;
    const third = holder(directory, 1);
    expect(await third.next()).toBe('open 1');
  });

  test('kill -9 while it writes loses nothing that was committed, round after round', async () => {
    const directory = path.join(temporaryDirectory(), 'log');
    let acknowledged = 0;
    for (let round = 0; round < 5; round++) {
      const process = holder(directory, 1_000_000);
      const opened = await process.next();
      expect(Number(opened!.split(' ')[1])).toBeGreaterThanOrEqual(acknowledged);
      for (let i = 0; i < 60 + round * 37; i++) acknowledged = Number(await process.next());
      process.child.kill('SIGKILL');
      await process.exited;
      for (let line = await process.next(); line !== undefined; line = await process.next())
        acknowledged = Number(line);
    }
    const log = new LocalLog({ directory, background: 'event-loop' });
    const tail = await log.open();
    expect(tail.lastSequence).toBeGreaterThanOrEqual(acknowledged);
    for (const [sequence, text] of await textsOf(log.readBatches(1))) expect(text).toMatch(`entry ${sequence} `);
    await log.close();
  });
});

describe('a directory lock', () => {
  test('holds against a second one in this process, until it is released', async () => {
    const directory = temporaryDirectory();
    const lock = await lockDirectory(directory, plain);
    expect(lock.weaknesses).toEqual([]);
    await expect(lockDirectory(directory, plain)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    await lock.release();
    await (await lockDirectory(directory, plain)).release();
  });

  test('holds although its file was deleted and made anew', async () => {
    const directory = temporaryDirectory();
    const lock = await lockDirectory(directory, plain);
    fs.unlinkSync(path.join(directory, LOCK_NAME));
    await expect(lockDirectory(directory, plain)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    await lock.release();
  });

  test('falls back to LevelDB where flock is missing, and says so', async () => {
    const directory = temporaryDirectory();
    const lock = await lockDirectory(directory, withoutFlock);
    expect(lock.weaknesses).toEqual([expect.stringMatching(/LevelDB/)]);
    await expect(lockDirectory(directory, withoutFlock)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    await lock.release();
    await (await lockDirectory(directory, withoutFlock)).release();
  });

  test('through LevelDB is freed by kill -9', async () => {
    const directory = temporaryDirectory();
    const module = JSON.stringify(compiled.module('log/local/directory-lock.js').href);
    const script = `import { lockDirectory } from ${module};
      await lockDirectory(${JSON.stringify(directory)}, { unsafeNoDirectoryLock: false, flockCommand: 'no-such-program' });
      console.log('held'); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('held');
    await expect(lockDirectory(directory, withoutFlock)).rejects.toMatchObject({ code: 'LOG_LOCKED' });
    const exited = new Promise((resolve) => child.on('exit', resolve));
    child.kill('SIGKILL');
    await exited;
    await (await lockDirectory(directory, withoutFlock)).release();
  });

  test('is refused where nothing can lock, unless that is asked for', async () => {
    const directory = temporaryDirectory();
    const nothing = { ...withoutFlock, loadLevel: failingLevel };
    await expect(lockDirectory(directory, nothing)).rejects.toMatchObject({
      code: 'LOG_LOCK_UNAVAILABLE',
      message: expect.stringMatching(/--unsafe-no-directory-lock/),
    });
    const lock = await lockDirectory(directory, { ...nothing, unsafeNoDirectoryLock: true });
    expect(lock.weaknesses).toHaveLength(1);
    await lock.release();
  });
});

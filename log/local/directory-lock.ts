/**
 * Keeps a second process away from a log directory. The lock is `flock` on a file in it, held by the kernel for as long
 * as this process lives: it holds across containers that share the volume, and kill -9 frees it. An abstract unix socket,
 * named by the directory's device and inode, is the second guard; it notices a lock file that was deleted and made anew.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { LogError } from '../log-error.js';
import { systemErrorCode } from './file-layer.js';

export const LOCK_NAME = 'lock';
const LEVEL_LOCK_NAME = 'lock.level';

export interface DirectoryLock {
  /** Frees the directory. */
  release(): Promise<void>;
  /** What could not be had, for the operator; empty where everything holds. */
  readonly weaknesses: readonly string[];
}

export interface DirectoryLockOptions {
  readonly unsafeNoDirectoryLock: boolean;
  /** The `flock` program; tests name one that does not exist. */
  readonly flockCommand?: string;
  /** How LevelDB is loaded; tests make it fail. */
  readonly loadLevel?: () => Promise<LevelModule>;
}

/** What the fallback needs of the package `level`. */
export interface LevelModule {
  readonly Level: new (location: string) => { open(): Promise<void>; close(): Promise<void> };
}

/** One guard that is held. */
type Release = () => Promise<void>;

/**
 * Locks an existing directory.
 * @throws LogError `LOG_LOCKED` if another process holds it, `LOG_LOCK_UNAVAILABLE` if nothing can lock it
 */
export async function lockDirectory(directory: string, options: DirectoryLockOptions): Promise<DirectoryLock> {
  const weaknesses: string[] = [];
  const held: Release[] = [];
  try {
    held.push(await lockSomehow(directory, options, weaknesses));
    held.push(await holdSocket(directory, weaknesses));
  } catch (error) {
    for (const release of held) await release();
    throw error;
  }
  return {
    weaknesses,
    async release() {
      for (const release of held.splice(0).reverse()) await release();
    },
  };
}

async function lockSomehow(directory: string, options: DirectoryLockOptions, weaknesses: string[]): Promise<Release> {
  const byFlock = lockWithFlock(directory, options.flockCommand ?? 'flock');
  if (byFlock !== undefined) return byFlock;
  const byLevel = await lockWithLevel(directory, options.loadLevel ?? loadLevel);
  if (byLevel !== undefined) {
    weaknesses.push('the program flock is missing: the directory is locked through LevelDB');
    return byLevel;
  }
  const message = `${directory} cannot be locked: neither the program flock nor LevelDB is usable here`;
  if (!options.unsafeNoDirectoryLock) {
    throw new LogError(
      'LOG_LOCK_UNAVAILABLE',
      `${message}. Install util-linux, or start with --unsafe-no-directory-lock`,
    );
  }
  weaknesses.push(`${message}; a second server on it would destroy the log`);
  return async () => {};
}

/** Undefined where there is no such program. */
function lockWithFlock(directory: string, command: string): Release | undefined {
  const path = join(directory, LOCK_NAME);
  const fd = fs.openSync(path, 'a', 0o600);
  let keep = false;
  try {
    // The child locks the open file that it inherits; the lock belongs to that open file and stays when the child ends.
    const child = spawnSync(command, ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', fd] });
    if (child.error !== undefined) {
      const code = systemErrorCode(child.error);
      if (code === 'ENOENT' || code === 'EACCES') return undefined;
      throw child.error;
    }
    if (child.status === 1) throw locked(directory, path);
    if (child.status !== 0) return undefined;
    const now = fs.statSync(path);
    const mine = fs.fstatSync(fd);
    if (now.ino !== mine.ino || now.dev !== mine.dev) throw locked(directory, path);
    keep = true;
  } finally {
    if (!keep) fs.closeSync(fd);
  }
  return async () => fs.closeSync(fd);
}

async function loadLevel(): Promise<LevelModule> {
  return await import('level');
}

/** Undefined where LevelDB cannot be used. */
async function lockWithLevel(directory: string, load: () => Promise<LevelModule>): Promise<Release | undefined> {
  let module: LevelModule;
  try {
    module = await load();
  } catch {
    return undefined;
  }
  const database = new module.Level(join(directory, LEVEL_LOCK_NAME));
  try {
    await database.open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (systemErrorCode(cause) === 'LEVEL_LOCKED') throw locked(directory, join(directory, LEVEL_LOCK_NAME, 'LOCK'));
    return undefined;
  }
  return () => database.close();
}

/** Listens on an abstract socket, which only Linux has; elsewhere this guard is not there. */
async function holdSocket(directory: string, weaknesses: string[]): Promise<Release> {
  if (process.platform !== 'linux') return async () => {};
  const { dev, ino } = fs.statSync(directory, { bigint: true });
  const server = net.createServer((socket) => socket.destroy());
  const error = await new Promise<Error | undefined>((resolve) => {
    server.once('error', resolve);
    server.listen(`\0holdfast-log-${dev}-${ino}`, () => resolve(undefined));
  });
  if (error !== undefined) {
    if (systemErrorCode(error) === 'EADDRINUSE') throw locked(directory, 'an abstract unix socket');
    weaknesses.push(`the second guard of the log directory is not to be had: ${error.message}`);
    return async () => {};
  }
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function locked(directory: string, by: string): LogError {
  return new LogError('LOG_LOCKED', `${directory} is in use by another process (${by} is held): stop that one first`, {
    file: directory,
  });
}

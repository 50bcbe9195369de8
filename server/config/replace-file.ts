/** Replaces a file in one step: whoever reads it, or starts after a crash, finds the old text or the new one. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Permissions of a file that was not there before; the umask takes from them. */
const NEW_FILE_MODE = 0o644;

/**
 * Writes a new file beside the old one, syncs it, and renames it over the old one. The old one's permissions stay (it may
 * hold a password), and a symbolic link stays a link.
 * @throws the file system's error; the old file is untouched then.
 */
export function replaceFile(path: string, text: string): void {
  const target = existing(path);
  const real = target?.path ?? path;
  const temporary = `${real}.${randomBytes(6).toString('hex')}`;
  const file = openSync(temporary, 'wx', target === undefined ? NEW_FILE_MODE : 0o600);
  try {
    try {
      writeFileSync(file, text, 'latin1');
      if (target !== undefined) fchmodSync(file, target.mode & 0o7777);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, real);
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  }
  syncDirectory(dirname(real));
}

function existing(path: string): { path: string; mode: number } | undefined {
  try {
    const real = realpathSync(path);
    return { path: real, mode: statSync(real).mode };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

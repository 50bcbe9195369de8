/** What is looked at before a server starts on a directory: that it is there, and can be read. */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { ServerError } from './server-error.js';

/**
 * Makes the data directory if it is missing.
 * @throws ServerError `DIRECTORY` when it cannot be made or read
 */
export function prepareDirectory(directory: string): void {
  try {
    makeDirectory(directory);
    readdirSync(directory);
  } catch (error) {
    throw new ServerError('DIRECTORY', `cannot use the directory ${directory}: ${(error as Error).message}`, error);
  }
}

/** mkdir -p. Node's own never returns where the system refuses an entry with ENOENT, as /proc does. */
function makeDirectory(directory: string): void {
  if (existsSync(directory)) return;
  const parent = dirname(directory);
  if (parent !== directory) makeDirectory(parent);
  mkdirSync(directory);
}

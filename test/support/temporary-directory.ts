/** Directories for tests and benchmarks, removed when the process ends however the test went. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const directories = new Set<string>();

process.on('exit', () => {
  for (const directory of directories) removeTemporaryDirectory(directory);
});

/** Makes an empty directory. */
export function makeTemporaryDirectory(label = 'test', parent = tmpdir()): string {
  const directory = mkdtempSync(join(parent, `holdfast-${label}-`));
  directories.add(directory);
  return directory;
}

export function removeTemporaryDirectory(directory: string): void {
  directories.delete(directory);
  rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
}

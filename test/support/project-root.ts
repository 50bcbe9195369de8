/** Where the project lies, whether this file runs from its source or from dist/. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function find(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const manifest = join(directory, 'package.json');
    if (existsSync(manifest)) {
      const { name } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: string };
      if (name === 'holdfast') return directory;
    }
    const parent = dirname(directory);
    if (parent === directory) throw new Error('this file does not lie in the holdfast project');
    directory = parent;
  }
}

/** Absolute path of the project's folder. */
export const projectRoot = find();

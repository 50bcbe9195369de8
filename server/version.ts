/** Which version this is, and which version of Redis it answers as. */
import { readFileSync } from 'node:fs';

/** The Redis whose commands, replies and error texts are the model. */
export const REDIS_VERSION = '7.0.15';

/** Version of this program, from package.json: one place to change. */
export const HOLDFAST_VERSION: string = readVersion();

function readVersion(): string {
  // One folder up from the source, two from dist/server.
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const manifest = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (manifest.name === 'holdfast' && manifest.version !== undefined) return manifest.version;
    } catch {
      // Not there: the other place has it.
    }
  }
  return 'unknown';
}

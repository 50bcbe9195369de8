/** A restart that nobody writes around: the dataset, and so its digest, must be the same afterwards. */
import type { ServerProcess } from './server-process.js';

/** The digest of the whole dataset. @throws where the server has none */
export async function readDigest(server: ServerProcess): Promise<string> {
  const client = await server.connect();
  const digest = await client.command('DEBUG', 'DIGEST');
  await client.close();
  if (typeof digest !== 'string') throw new Error(`DEBUG DIGEST replied ${String(digest)}`);
  return digest;
}

/**
 * Ends a Holdfast by a kill or in order, starts it again and compares the digests.
 * @throws when they differ
 */
export async function restartQuietly(server: ServerProcess, ending: 'kill' | 'stop'): Promise<void> {
  const before = await readDigest(server);
  if (ending === 'kill') await server.kill9();
  else await server.stop();
  await server.restart();
  const after = await readDigest(server);
  if (after !== before)
    throw new Error(`the digest was ${before} before the restart (${ending}) and is ${after} after it`);
}

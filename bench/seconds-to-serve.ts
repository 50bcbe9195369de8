/** How long a start takes, as a client sees it. */
import type { ServerProcess } from '../test/support/server-process.js';

/**
 * Seconds from the start of a process to its first answer.
 * @throws where it has not so many keys
 */
export async function secondsToServe(start: () => Promise<ServerProcess>, keys: number): Promise<number> {
  const started = performance.now();
  const server = await start();
  const client = await server.connect();
  const size = await client.command('DBSIZE');
  const seconds = (performance.now() - started) / 1000;
  await client.close();
  if (size !== keys) throw new Error(`after the start there are ${String(size)} keys of ${keys}`);
  return seconds;
}

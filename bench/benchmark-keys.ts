/** Writes the keys that redis-benchmark's `key:__rand_int__` stands for, so that its GETs find something. */
import type { ServerProcess } from '../test/support/server-process.js';

/** @throws on an error reply. */
export async function loadBenchmarkKeys(server: ServerProcess, count: number, value: string): Promise<void> {
  const client = await server.connect();
  for (let first = 0; first < count; first += 1000) {
    const commands: string[][] = [];
    for (let i = first; i < Math.min(first + 1000, count); i++) {
      commands.push(['SET', `key:${String(i).padStart(12, '0')}`, value]);
    }
    for (const reply of await client.pipeline(commands)) if (reply !== 'OK') throw reply;
  }
  await client.close();
}

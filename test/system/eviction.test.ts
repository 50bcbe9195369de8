/** An evicted key never comes back: the real process, killed while it evicts, starts again with the keys that it had. */
import { afterAll, describe, expect, test } from 'vitest';
import { EVICTION_POLICIES } from '../../core/eviction-policy.js';
import { infoNumber, readInfo } from '../support/server-info.js';
import { ServerProcess } from '../support/server-process.js';

const VALUE = 'v'.repeat(200);
const KEYS = 6000;
const PIPELINED = 200;
const ROOM_BYTES = 500_000;

const servers: ServerProcess[] = [];
afterAll(async () => {
  for (const server of servers) await server.dispose();
});

describe('restart after evictions', () => {
  const policies = Object.keys(EVICTION_POLICIES).filter((policy) => policy !== 'noeviction');
  test.each(policies)('%s', async (policy) => {
    const server = await ServerProcess.start({ kind: 'holdfast', args: ['--maxmemory', '1gb'] });
    servers.push(server);
    const client = await server.connect();
    const used = infoNumber(await readInfo(client, 'memory'), 'used_memory')!;
    await client.command('CONFIG', 'SET', 'maxmemory', used + ROOM_BYTES, 'maxmemory-policy', policy);
    for (let first = 0; first < KEYS; first += PIPELINED) {
      const replies = await client.pipeline(
        Array.from({ length: PIPELINED }, (_, i) => ['SET', `key:${first + i}`, VALUE, 'EX', String(100_000 + i)]),
      );
      expect(new Set(replies)).toEqual(new Set(['OK']));
    }
    expect(infoNumber(await readInfo(client, 'stats'), 'evicted_keys')).toBeGreaterThan(KEYS / 2);
    // Reading is below the limit now, and evicts nothing: what is left at the kill is what is read here.
    await client.command('CONFIG', 'SET', 'maxmemory', '1gb');
    const left = (await client.command('KEYS', '*')) as string[];
    expect(left.length).toBeGreaterThan(100);
    await server.kill9();
    await server.restart();
    const again = (await (await server.connect()).command('KEYS', '*')) as string[];
    expect(again.sort()).toEqual(left.sort());
  });
});

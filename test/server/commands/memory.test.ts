import { describe, expect, test } from 'vitest';
import { pollUntil } from '../../support/poll-until.js';
import { residentBytes } from '../../support/process-memory.js';
import { infoNumber, readInfo } from '../../support/server-info.js';
import { ServerProcess } from '../../support/server-process.js';

function start(): Promise<ServerProcess> {
  return ServerProcess.start({ kind: 'holdfast' });
}

describe('MEMORY', () => {
  test('answers bad input as Redis does', async () => {
    await using ours = await start();
    await using theirs = await ServerProcess.start({ kind: 'redis' });
    const clients = [await ours.connect('raw'), await theirs.connect('raw')];
    const commands = [
      ['MEMORY'],
      ['MEMORY', 'nosuch'],
      ['MEMORY', 'HELP'],
      ['MEMORY', 'USAGE'],
      ['MEMORY', 'USAGE', 'missing'],
      ['MEMORY', 'USAGE', 'k', 'SAMPLES'],
      ['MEMORY', 'USAGE', 'k', 'SAMPLES', 'x'],
      ['MEMORY', 'USAGE', 'k', 'SAMPLES', '-1'],
      ['MEMORY', 'USAGE', 'k', 'SAMPLES', '99999999999999999999'],
      ['MEMORY', 'USAGE', 'k', 'other', '1'],
      ['MEMORY', 'STATS', 'x'],
      ['MEMORY', 'PURGE'],
      ['MEMORY', 'DOCTOR'],
    ];
    for (const command of commands) {
      const [our, their] = await Promise.all(clients.map((client) => client.command(...command)));
      expect(String(our), command.join(' ')).toBe(String(their));
    }
  });

  test('STATS has the fields of Redis, and figures that agree with INFO', async () => {
    await using ours = await start();
    await using theirs = await ServerProcess.start({ kind: 'redis' });
    const client = await ours.connect();
    const names = async (server: ServerProcess): Promise<string[]> => {
      const other = await server.connect();
      await other.command('SET', 'k', 'v');
      const reply = (await other.command('MEMORY', 'STATS')) as unknown[];
      return reply.filter((_, i) => i % 2 === 0).map(String);
    };
    expect(await names(ours)).toEqual(await names(theirs));
    const reply = (await client.command('MEMORY', 'STATS')) as unknown[];
    const stats = new Map(reply.map((value, i) => [String(value), reply[i + 1]]));
    const info = await readInfo(client, 'memory');
    expect(stats.get('keys.count')).toBe(1);
    expect(stats.get('dataset.bytes')).toBe(infoNumber(info, 'used_memory_dataset'));
    expect(stats.get('allocator.allocated')).toBe(infoNumber(info, 'allocator_allocated'));
    expect(Number(stats.get('dataset.bytes')) + Number(stats.get('overhead.total'))).toBe(stats.get('total.allocated'));
  });

  test('USAGE counts slots, parts and the shares of the indexes', async () => {
    await using server = await start();
    const client = await server.connect();
    await client.command('SET', 'short', 'v'.repeat(64));
    await client.command('SET', 'long', 'v'.repeat(1_000_000));
    const used = Number(await client.command('MEMORY', 'USAGE', 'short'));
    expect(used).toBe(80 + 12);
    await client.command('EXPIRE', 'short', 1000);
    expect(await client.command('MEMORY', 'USAGE', 'short', 'SAMPLES', 0)).toBe(80 + 12 + 8);
    const long = Number(await client.command('MEMORY', 'USAGE', 'long'));
    expect(long).toBeGreaterThan(1_000_000);
    expect(long).toBeLessThan(1_010_000);
    const info = await readInfo(client, 'stats');
    expect([info.get('keyspace_hits'), info.get('keyspace_misses')]).toEqual(['0', '0']);
  });

  test('PURGE gives memory back: resident memory falls', async () => {
    await using server = await start();
    const client = await server.connect();
    const keys = 60_000;
    const value = 'v'.repeat(1000);
    for (let first = 0; first < keys; first += 1000) {
      await client.pipeline(Array.from({ length: 1000 }, (_, i) => ['SET', `key:${first + i}`, value]));
    }
    const full = residentBytes(server.pid);
    for (let first = 0; first < keys; first += 1000) {
      const gone = Array.from({ length: 1000 }, (_, i) => `key:${first + i}`).filter((_, i) => i % 20 !== 0);
      await client.command('DEL', ...gone);
    }
    expect(await client.command('MEMORY', 'PURGE')).toBe('OK');
    const info = await readInfo(client, 'memory');
    expect(infoNumber(info, 'allocator_resident')).toBeLessThan(3 * infoNumber(info, 'allocator_allocated')!);
    // The system gets the memory from a thread of its own.
    await pollUntil('resident memory has fallen', () => residentBytes(server.pid) < full - 30_000_000);
    expect(await client.command('DBSIZE')).toBe(keys / 20);
    expect(await client.command('MEMORY', 'DOCTOR')).toMatch(/this instance is empty/);
    expect(await client.command('MEMORY', 'MALLOC-STATS')).toMatch(/^___ Begin holdfast-pages statistics/);
  });
});

/** A whole dataset in an order of its own: what two servers, or a server and the fold of its log, must have in common. */

import { readReply } from '../../support/reply-reader.js';
import type { RespClient } from '../../support/resp-client.js';
import type { TestEngine } from '../../support/test-engine.js';
import { FIXED_DEADLINE_MS } from './command-generator.js';

const DATABASES = 16;

/** One line a key: database, key, type, deadline, value; sorted. Deadlines set relative to a clock are shown as such. */
export async function dumpOfRedis(client: RespClient): Promise<string[]> {
  const lines: string[] = [];
  for (let database = 0; database < DATABASES; database++) {
    await client.command('SELECT', database);
    const keys = readKeys((await client.command('KEYS', '*')) as Buffer);
    const asks = keys.flatMap((key) => [
      [Buffer.from('TYPE'), key],
      [Buffer.from('PEXPIRETIME'), key],
      [Buffer.from('GET'), key],
    ]);
    const replies = (await client.pipeline(asks)) as Buffer[];
    keys.forEach((key, i) => {
      lines.push(line(database, key, replies[i * 3]!, replies[i * 3 + 1]!, replies[i * 3 + 2]!));
    });
  }
  return lines.sort();
}

export function dumpOfEngine(engine: TestEngine): string[] {
  const session = engine.newSession();
  const ask = (...args: (string | Buffer)[]): Buffer =>
    Buffer.from(
      engine.runBytes(
        session,
        args.map((argument) => Buffer.from(argument)),
      ),
    );
  const lines: string[] = [];
  for (let database = 0; database < DATABASES; database++) {
    ask('SELECT', String(database));
    for (const key of readKeys(ask('KEYS', '*'))) {
      lines.push(line(database, key, ask('TYPE', key), ask('PEXPIRETIME', key), ask('GET', key)));
    }
  }
  return lines.sort();
}

function readKeys(reply: Buffer): Buffer[] {
  const keys = readReply(reply);
  if (!Array.isArray(keys)) throw new Error('KEYS did not answer with an array');
  return keys.filter((key) => Buffer.isBuffer(key));
}

function line(database: number, key: Buffer, type: Buffer, deadline: Buffer, value: Buffer): string {
  const ms = Number(deadline.toString('latin1', 1, deadline.length - 2));
  const shown = ms > 0 && ms < FIXED_DEADLINE_MS ? 'relative' : deadline.toString('latin1').trim();
  return `${database} ${key.toString('latin1')} ${type.toString('latin1').trim()} ${shown} ${value.toString('latin1')}`;
}

/**
 * The whole dataset of a server as text, read through ordinary commands: one line a key with its database, type, deadline
 * and value, sorted. Two dumps are equal exactly when the datasets are (strings only, until there are other types).
 */
import type { RespClient } from './resp-client.js';

const PIPELINED = 1000;

export interface DumpedKey {
  readonly database: number;
  readonly key: string;
  readonly type: string;
  /** PEXPIRETIME: ms since 1970, -1 for no deadline. */
  readonly deadlineMs: number;
  /** Bytes as latin1 text. */
  readonly value: string;
}

function text(reply: unknown): string {
  if (reply instanceof Error) throw reply;
  return Buffer.isBuffer(reply) ? reply.toString('latin1') : String(reply);
}

/** All keys of one database, each once. */
async function keysOf(client: RespClient): Promise<Buffer[]> {
  const keys = new Map<string, Buffer>();
  let cursor = '0';
  do {
    const reply = await client.command('SCAN', cursor, 'COUNT', '1000');
    if (!Array.isArray(reply)) throw new Error(`SCAN replied ${text(reply)}`);
    cursor = text(reply[0]);
    for (const key of reply[1] as Buffer[]) keys.set(key.toString('latin1'), key);
  } while (cursor !== '0');
  return [...keys.values()];
}

/**
 * Reads every key. The dataset must not change meanwhile.
 * @param client a connection of the mode `buffers`, which is left in database 0.
 */
export async function readDataset(client: RespClient, databases = 16): Promise<DumpedKey[]> {
  const dumped: DumpedKey[] = [];
  for (let database = 0; database < databases; database++) {
    text(await client.command('SELECT', database));
    const keys = await keysOf(client);
    for (let first = 0; first < keys.length; first += PIPELINED) {
      const group = keys.slice(first, first + PIPELINED);
      const replies = await client.pipeline(
        group.flatMap((key) => [
          ['TYPE', key],
          ['PEXPIRETIME', key],
          ['GET', key],
        ]),
      );
      group.forEach((key, i) => {
        const [type, deadline, value] = replies.slice(i * 3, i * 3 + 3).map(text);
        if (type === 'none') return;
        const deadlineMs = Number(deadline);
        dumped.push({ database, key: key.toString('latin1'), type: type!, deadlineMs, value: value! });
      });
    }
  }
  text(await client.command('SELECT', 0));
  return dumped;
}

/** The dataset as sorted lines. */
export async function dumpDataset(client: RespClient, databases = 16): Promise<string> {
  const lines = (await readDataset(client, databases)).map((each) =>
    [each.database, JSON.stringify(each.key), each.type, each.deadlineMs, JSON.stringify(each.value)].join(' '),
  );
  return lines.sort().join('\n');
}

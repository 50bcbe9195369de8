/**
 * The random commands of test/core/differential through real sockets, to both servers: parser, pipelines, replies and
 * recovery are part of it here. The same replies, the same dataset, and the same again after `kill -9` and a restart.
 * The long run over the engine alone is test/core/differential/differential.test.ts.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandGenerator } from '../core/differential/command-generator.js';
import { sameReply } from '../core/differential/exceptions.js';
import { type DumpedKey, readDataset } from '../support/dataset-dump.js';
import { restartQuietly } from '../support/quiet-restart.js';
import { describeWith } from '../support/require-servers.js';
import { encodeCommand, type RespClient } from '../support/resp-client.js';
import { SeededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';
import { systemUnderTest } from '../support/system-under-test.js';

const COMMANDS = Number(process.env.HOLDFAST_DIFFERENTIAL_SOCKET_COMMANDS ?? 20_000);
const BATCH = 250;
const KEYS_LEFT_MIN = 20;
const random = SeededRandom.fromEnvironment('HOLDFAST_TEST_SEED');

/** Writes a pipeline in pieces that end anywhere. */
async function writeInPieces(client: RespClient, bytes: Buffer): Promise<void> {
  let at = 0;
  while (at < bytes.length) {
    const length = random.chance(0.5) ? random.between(1, 40) : random.between(1, 20_000);
    const piece = bytes.subarray(at, at + length);
    at += length;
    await new Promise<void>((resolve) => client.socket.write(piece, () => resolve()));
  }
}

async function ask(client: RespClient, batch: readonly Buffer[][]): Promise<Buffer[]> {
  const replies = batch.map(() => client.next());
  await writeInPieces(client, Buffer.concat(batch.map(encodeCommand)));
  return (await Promise.all(replies)) as Buffer[];
}

function isDbsize(args: readonly Buffer[]): boolean {
  return args[0]!.toString('latin1').toLowerCase() === 'dbsize';
}

/**
 * DBSIZE counts keys whose deadline has passed until they are removed, which each server does in its own time: Redis'
 * active expiry is off here, so it counts at least as many.
 */
function sameSize(ours: Buffer, theirs: Buffer): boolean {
  const size = (reply: Buffer) => Number(/^:(\d+)\r\n$/.exec(reply.toString('latin1'))?.[1]);
  return size(ours) <= size(theirs);
}

/** Deadlines that were set relative to now differ by the time between two executions. */
const DEADLINE_TOLERANCE_MS = 20_000;

async function dataset(server: ServerProcess): Promise<Map<string, DumpedKey>> {
  const client = await server.connect('buffers');
  const keys = await readDataset(client);
  await client.close();
  return new Map(keys.map((each) => [`${each.database} ${each.key}`, each]));
}

/** What differs, in few words; empty when nothing does. */
function differences(ours: Map<string, DumpedKey>, theirs: Map<string, DumpedKey>, toleranceMs: number): string[] {
  const found: string[] = [];
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const a = ours.get(name);
    const b = theirs.get(name);
    if (a === undefined || b === undefined) found.push(`${name} is only ${a === undefined ? 'there' : 'here'}`);
    else if (a.type !== b.type || a.value !== b.value) found.push(`${name} has another value`);
    else if (a.deadlineMs < 0 !== b.deadlineMs < 0 || Math.abs(a.deadlineMs - b.deadlineMs) > toleranceMs) {
      found.push(`${name} has the deadline ${a.deadlineMs} instead of ${b.deadlineMs}`);
    }
  }
  return found;
}

describeWith(['redis-server'], 'random commands through sockets', () => {
  let ours: ServerProcess;
  let theirs: ServerProcess;
  beforeAll(async () => {
    ours = await ServerProcess.start({ kind: systemUnderTest });
    theirs = await ServerProcess.start({
      kind: 'redis',
      args: ['--appendonly', 'no', '--enable-debug-command', 'yes'],
    });
    await (await theirs.connect()).command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  });
  afterAll(async () => {
    await ours?.dispose();
    await theirs?.dispose();
  });

  test(`${COMMANDS} commands, seed ${random.seed}`, { timeout: 300_000 }, async () => {
    const generator = new CommandGenerator(random.seed);
    const connections: { ours: RespClient; theirs: RespClient }[] = [];
    for (const protocol of [2, 3]) {
      const pair = { ours: await ours.connect('raw'), theirs: await theirs.connect('raw') };
      await Promise.all([pair.ours.command('HELLO', protocol), pair.theirs.command('HELLO', protocol)]);
      connections.push(pair);
    }
    // Chance may flush everything with its last commands: a few keys must be left to compare.
    const enough = async () => (await dataset(ours)).size >= KEYS_LEFT_MIN;
    for (let done = 0; done < COMMANDS || !(await enough()); done += BATCH) {
      const pair = connections[(done / BATCH) % 2]!;
      const batch = Array.from({ length: BATCH }, () => generator.next().map((argument) => Buffer.from(argument)));
      const [mine, other] = await Promise.all([ask(pair.ours, batch), ask(pair.theirs, batch)]);
      batch.forEach((args, i) => {
        if (sameReply(mine[i]!, other[i]!, args)) return;
        if (isDbsize(args) && sameSize(mine[i]!, other[i]!)) return;
        const shown = args.map((argument) => JSON.stringify(argument.toString('latin1').slice(0, 200))).join(' ');
        expect(mine[i]!.toString('latin1'), `command ${done + i}: ${shown}`).toBe(other[i]!.toString('latin1'));
      });
    }
    const before = await dataset(ours);
    expect(differences(before, await dataset(theirs), DEADLINE_TOLERANCE_MS)).toEqual([]);
    await ours.kill9();
    await ours.restart();
    expect(differences(await dataset(ours), before, 0)).toEqual([]);
    if (ours.kind === 'holdfast') await restartQuietly(ours, 'stop');
  });
});

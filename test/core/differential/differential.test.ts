/**
 * Random commands against an engine in this process and a real redis-server: the same replies, byte for byte but for the
 * listed exceptions, and the same dataset at the end; over RESP2 and RESP3 by turns. HOLDFAST_DIFFERENTIAL_COMMANDS and
 * HOLDFAST_DIFFERENTIAL_SEED change how many and which.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Session } from '../../../core/session.js';
import { describeWith } from '../../support/require-servers.js';
import type { RespClient } from '../../support/resp-client.js';
import { ServerProcess } from '../../support/server-process.js';
import { TestEngine } from '../../support/test-engine.js';
import { CommandGenerator } from './command-generator.js';
import { dumpOfEngine, dumpOfRedis } from './dump.js';
import { newerCommands, sameReply } from './exceptions.js';

const COMMANDS = Number(process.env.HOLDFAST_DIFFERENTIAL_COMMANDS ?? 100_000);
const SEED = Number(process.env.HOLDFAST_DIFFERENTIAL_SEED ?? 20_231_104);
/** Longest string: a SETRANGE makes one, a DUMP of it must not take so long that the two clocks differ. */
const STRING_BYTES_MAX = 16 * 1024 * 1024;
/** Commands in one pipeline, all on one connection. */
const BATCH = 500;

describeWith(['redis-server'], 'differential test against redis-server', () => {
  let server: ServerProcess;
  const clients: RespClient[] = [];

  beforeAll(async () => {
    server = await ServerProcess.start({
      kind: 'redis',
      args: [
        ...['--appendonly', 'no', '--enable-debug-command', 'yes'],
        '--proto-max-bulk-len',
        String(STRING_BYTES_MAX),
      ],
    });
    for (const protocol of [2, 3]) {
      const client = await server.connect('raw');
      await client.command('HELLO', protocol);
      // What expires is then removed by lookups alone, on both sides.
      await client.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
      clients.push(client);
    }
  });

  afterAll(() => server.dispose());

  test(`${COMMANDS} random commands, seed ${SEED}`, { timeout: 600_000 }, async () => {
    const ours = new TestEngine();
    ours.engine.database.stringBytesMax = STRING_BYTES_MAX;
    const sessions: Session[] = [2, 3].map((protocol) => {
      const session = ours.newSession();
      session.protocol = protocol;
      return session;
    });
    const generator = new CommandGenerator(SEED);
    const asked = new Map<string, number>();
    for (let done = 0; done < COMMANDS; done += BATCH) {
      const which = Math.floor(done / BATCH) % 2;
      const batch: Uint8Array[][] = [];
      for (let i = 0; i < BATCH; i++) batch.push(generator.next());
      const theirs = (await clients[which]!.pipeline(
        batch.map((args) => args.map((bytes) => Buffer.from(bytes))),
      )) as Buffer[];
      ours.clock.ms = Math.max(ours.clock.ms, Date.now());
      for (let i = 0; i < BATCH; i++) {
        const args = batch[i]!;
        const reply = Buffer.from(ours.runBytes(sessions[which]!, args));
        if (!sameReply(reply, theirs[i]!, args)) expect.fail(describeDifference(done + i, args, reply, theirs[i]!));
        count(asked, args, theirs[i]!);
      }
    }
    const dump = dumpOfEngine(ours);
    expect(dump).toEqual(await dumpOfRedis(clients[0]!));
    expect(dump.length).toBeGreaterThan(20);
    assertCoverage(ours, asked);

    const folded = new TestEngine({ hashSeed: Uint32Array.of(9, 8, 7, 6) });
    folded.fold(ours.sink.entries);
    folded.clock.ms = ours.clock.ms;
    expect(dumpOfEngine(folded)).toEqual(dump);
  });
});

/** Counts the commands that were answered with something else than an error. */
function count(asked: Map<string, number>, args: readonly Uint8Array[], reply: Buffer): void {
  if (reply[0] === 45) return;
  const name = Buffer.from(args[0]!).toString('latin1').toLowerCase();
  asked.set(name, (asked.get(name) ?? 0) + 1);
}

/** A generator that never makes a command succeed tests nothing of it. */
function assertCoverage(ours: TestEngine, asked: Map<string, number>): void {
  if (COMMANDS < 60_000) return;
  for (const name of ours.engine.table.commands.keys()) {
    if (newerCommands.includes(name)) continue;
    expect(asked.get(name) ?? 0, `successful runs of ${name}`).toBeGreaterThan(10);
  }
}

function describeDifference(at: number, args: readonly Uint8Array[], ours: Buffer, theirs: Buffer): string {
  const shown = args.map((bytes) => JSON.stringify(Buffer.from(bytes).toString('latin1').slice(0, 200))).join(' ');
  const text = (reply: Buffer): string => JSON.stringify(reply.toString('latin1').slice(0, 400));
  return `seed ${SEED}, command ${at}: ${shown}\n  ours:  ${text(ours)}\n  redis: ${text(theirs)}`;
}

/**
 * Random commands that Redis 7.0 does not know, against what older commands of a real redis-server make of them: the same
 * replies, the same dataset, and the same fold of the log.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { TestEngine } from '../../support/test-engine.js';
import { CommandGenerator } from './command-generator.js';
import { dumpOfEngine, dumpOfRedis } from './dump.js';
import { NewerModel } from './newer-model.js';

const SEED = Number(process.env.HOLDFAST_DIFFERENTIAL_SEED ?? 20_231_104);
const COMMANDS = 2000;

describeWith(['redis-server'], 'newer commands against older ones', () => {
  let server: ServerProcess;

  beforeAll(async () => {
    server = await ServerProcess.start({ kind: 'redis', args: ['--appendonly', 'no'] });
  });

  afterAll(() => server.dispose());

  test.each([2, 3])(`RESP%i, seed ${SEED}`, { timeout: 120_000 }, async (protocol) => {
    const client = await server.connect('raw');
    await client.command('HELLO', protocol);
    await client.command('FLUSHALL');
    const model = new NewerModel(client, protocol);
    const ours = new TestEngine();
    ours.session.protocol = protocol;
    const generator = new CommandGenerator(SEED + protocol, true);
    const replies = new Map<string, number>();
    for (let done = 0; done < COMMANDS; done++) {
      ours.clock.ms = Math.max(ours.clock.ms, Date.now());
      const args = generator.nextNewer();
      const expected = await model.run(args);
      const reply = Buffer.from(ours.runBytes(ours.session, args));
      const shown = args.map((bytes) => Buffer.from(bytes).toString('latin1').slice(0, 50)).join(' ');
      expect(reply.toString('latin1'), `command ${done}: ${shown}`).toBe(expected.toString('latin1'));
      const kind = `${Buffer.from(args[0]!)} ${reply.toString('latin1', 0, 2)}`;
      replies.set(kind, (replies.get(kind) ?? 0) + 1);
    }
    for (const kind of ['SET +O', 'DELEX :1', 'DELEX :0', 'DIGEST $1', 'MSETEX :1', 'MSETEX :0']) {
      expect(replies.get(kind) ?? 0, `replies ${kind}`).toBeGreaterThan(20);
    }
    const dump = dumpOfEngine(ours);
    expect(dump).toEqual(await dumpOfRedis(client));
    const folded = new TestEngine({ hashSeed: Uint32Array.of(5, 4, 3, 2) });
    folded.fold(ours.sink.entries);
    folded.clock.ms = ours.clock.ms;
    expect(dumpOfEngine(folded)).toEqual(dump);
    await client.close();
  });
});

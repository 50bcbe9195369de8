/**
 * A disk that fails under the real process (P7): no OK goes out for what is not durable, the process ends with an error,
 * and after a start on a sound disk everything that was answered is there.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { FAULTS_VARIABLE } from '../../log/local/fault-files.js';
import { restartQuietly } from '../support/quiet-restart.js';
import { RecordedLoad } from '../support/recorded-load.js';
import { SeededRandom } from '../support/seeded-random.js';
import { ServerProcess } from '../support/server-process.js';

const random = SeededRandom.fromEnvironment('HOLDFAST_TEST_SEED');
const CLIENTS = 4;

let server: ServerProcess | undefined;
afterEach(() => server?.dispose());

describe(`disk faults (seed ${random.seed})`, () => {
  const faults = [
    ['a write fails with EIO', 'eioWriteAt'],
    ['a sync fails with EIO', 'eioSyncAt'],
    ['a write fails with ENOSPC inside of prepared room', 'enospcWriteAt'],
  ] as const;
  for (const [name, option] of faults) {
    test(name, async () => {
      const at = random.between(10, 150);
      server = await ServerProcess.start({ kind: 'holdfast', env: { [FAULTS_VARIABLE]: `${option}=${at}` } });
      const load = new RecordedLoad(random.split(), CLIENTS);
      await load.run(server);
      const status = await server.exited;
      expect(status.signal).toBeNull();
      expect(status.code).toBeGreaterThan(0);
      expect(server.output).toMatch(option === 'enospcWriteAt' ? /ENOSPC/ : /EIO/);
      await server.restart({ env: {} });
      await load.compare(server);
      expect(load.answered).toBeGreaterThan(0);
      await restartQuietly(server, 'kill');
      await restartQuietly(server, 'stop');
    });
  }

  test('the first write of all fails', async () => {
    server = await ServerProcess.spawn({ kind: 'holdfast', env: { [FAULTS_VARIABLE]: 'eioWriteAt=1' } });
    const ready = server.ready().then(
      () => true,
      () => false,
    );
    if (await ready) await new RecordedLoad(random.split(), 1).run(server);
    expect((await server.exited).code).toBeGreaterThan(0);
  });

  test('short writes are finished, not lost', async () => {
    server = await ServerProcess.start({ kind: 'holdfast', env: { [FAULTS_VARIABLE]: 'shortWrites=true' } });
    const running = server;
    const load = new RecordedLoad(random.split(), CLIENTS, () => {
      if (load.answered === 2000) void running.kill9();
    });
    await load.run(server);
    await server.exited;
    await server.restart({ env: {} });
    await load.compare(server);
  });
});

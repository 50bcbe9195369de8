/** The test support itself, on a redis-server: start, talk, kill, restart on the same directory. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../support/require-servers.js';
import { ConnectionLost } from '../support/resp-client.js';
import { ServerProcess, ServerStartError } from '../support/server-process.js';

describeWith(['redis-server'], 'server process', () => {
  let server: ServerProcess;
  beforeAll(async () => {
    server = await ServerProcess.start({ kind: 'redis' });
  });
  afterAll(() => server.dispose());

  test('replies come in order, in every mode', async () => {
    const text = await server.connect();
    expect(
      await text.pipeline([
        ['SET', 'a', '1'],
        ['INCR', 'a'],
        ['GET', 'a'],
        ['GET', 'none'],
      ]),
    ).toEqual(['OK', 2, '2', null]);
    expect(await text.command('INCR')).toBeInstanceOf(Error);
    const raw = await server.connect('raw');
    const replies = (await raw.pipeline([['PING'], ['GET', 'a'], ['MGET', 'a', 'none']])) as Buffer[];
    expect(replies.map(String)).toEqual(['+PONG\r\n', '$1\r\n2\r\n', '*2\r\n$1\r\n2\r\n$-1\r\n']);
    const resp3 = await server.connect('resp3');
    await resp3.command('HELLO', '3');
    expect(await resp3.command('GET', 'none')).toBeNull();
  });

  test('what was written is there after kill -9, and waiting commands are told that the connection is lost', async () => {
    const client = await server.connect();
    await client.command('SET', 'kept', 'value');
    const paused = client.command('BLPOP', 'nothing', '0');
    paused.catch(() => {});
    expect((await server.kill9()).signal).toBe('SIGKILL');
    await expect(paused).rejects.toBeInstanceOf(ConnectionLost);
    await server.restart();
    expect(await (await server.connect()).command('GET', 'kept')).toBe('value');
  });

  test('a server that cannot start is an error with its output', async () => {
    const failed = ServerProcess.start({ kind: 'redis', args: ['--maxclients', 'many'] });
    await expect(failed).rejects.toBeInstanceOf(ServerStartError);
  });
});

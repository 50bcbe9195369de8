/** The protocol as a client sees it, beside a real redis-server: replies to malformed requests, and what is closed. */
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { SmallServer } from '../connections/small-server.js';

/** Sends bytes, then a PING that only an unharmed connection answers; returns all that comes until it is closed. */
function converse(port: number, input: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let output = '';
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      output += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(output));
    socket.end(input);
  });
}

const PING = '*1\r\n$4\r\nPING\r\n';

const CONVERSATIONS: readonly string[] = [
  PING,
  'PING\r\n',
  'PING\n',
  'PING "a\\x41\\n\'b"\r\n',
  "PING 'a\\'b'\r\n",
  'PING "a" \'b\r\n',
  'PING "a"b\r\n',
  '\r\n\r\n*0\r\n*-1\r\n*-5\r\n',
  '*1\r\nPING\r\n',
  '*1\r\n\r\n',
  '*1\r\n\x80\r\n',
  '*a\r\n',
  '*01\r\n',
  '*2147483648\r\n',
  '*-9223372036854775809\r\n',
  '*1\r\n$-1\r\n',
  '*1\r\n$-2\r\n',
  '*1\r\n$x\r\n',
  '*1\r\n$629145600\r\n',
  '*1\r\n$04\r\n',
  '*2\r\n$4\r\nPING\r\n$3\r\nabcde',
  '*1xy$4zzPINGab',
  '*1\r\n$4\r\nPINGab',
  `${PING}*1\r\n:4\r\nPING\r\n${PING}`,
  'POST / HTTP/1.1\r\n',
  `${PING}Host: example.org\r\n`,
  'PING\0\r\n',
];

describeWith(['redis-server'], 'the protocol beside Redis', () => {
  let redis: ServerProcess;
  let small: SmallServer;

  beforeAll(async () => {
    redis = await ServerProcess.start({ kind: 'redis' });
    small = await SmallServer.start();
  });

  afterAll(async () => {
    small.close();
    await redis.dispose();
  });

  test.each(CONVERSATIONS)('%j', async (text) => {
    const input = Buffer.from(text + PING, 'latin1');
    expect(await converse(small.listener.port, input)).toBe(await converse(redis.port, input));
  });
});

/** Where Node does not have what the fast way takes, connections go by its public interface. */
import { connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import type { TransportOwner } from '../../server/connections/transport.js';

type Binding = (name: string) => unknown;
const host = process as unknown as { binding: Binding | undefined };
const original = host.binding;

afterEach(() => {
  host.binding = original;
  vi.resetModules();
});

const MISSING: readonly [string, Binding | undefined][] = [
  ['is gone', undefined],
  [
    'throws',
    () => {
      throw new Error('No such binding');
    },
  ],
  ['has lost its classes', () => ({ streamBaseState: new Int32Array(5), kReadBytesOrError: 0, kLastWriteWasAsync: 1 })],
  ['has another state', (name) => ({ ...(original?.call(process, name) as object), streamBaseState: [0, 0] })],
];

test.each(MISSING)('a server serves where process.binding %s', async (_, binding) => {
  host.binding = binding;
  vi.resetModules();
  const { Listener } = await import('../../server/connections/listener.js');
  const { SocketTransport } = await import('../../server/connections/socket-transport.js');
  const carried: boolean[] = [];
  const listener = new Listener({ addresses: ['127.0.0.1'], port: 0 }, (transport) => {
    carried.push(transport instanceof SocketTransport);
    const owner: TransportOwner = {
      received(bytes, from, to) {
        transport.write(bytes.slice(from, to), 0, to - from);
      },
      inputEnded: () => transport.destroy(),
      sent() {},
      failed() {},
    };
    transport.start(owner);
  });
  await listener.listen();
  const client = connect(listener.port, '127.0.0.1');
  client.write('hello');
  const echoed = await new Promise((resolve) => client.once('data', (bytes) => resolve(bytes.toString())));
  client.destroy();
  listener.close();
  expect(echoed).toBe('hello');
  expect(carried).toEqual([true]);
});

/** PING, ECHO and TIME. */
import { expect, test } from 'vitest';
import { TestEngine } from '../../support/test-engine.js';

const engine = new TestEngine({ debug: true });

test('PING', () => {
  expect(engine.run('PING')).toBe('+PONG\r\n');
  expect(engine.run('PING', 'a\r\nb')).toBe('$4\r\na\r\nb\r\n');
  expect(engine.run('PING', 'a', 'b')).toBe("-ERR wrong number of arguments for 'ping' command\r\n");
});

test('ECHO', () => {
  expect(engine.run('ECHO', '\0\xff')).toBe('$2\r\n\0\xff\r\n');
  expect(engine.run('ECHO')).toBe("-ERR wrong number of arguments for 'echo' command\r\n");
});

test('TIME is the time of the engine', () => {
  engine.clock.ms = 1_700_000_000_042;
  expect(engine.run('TIME')).toBe('*2\r\n$10\r\n1700000000\r\n$5\r\n42000\r\n');
});

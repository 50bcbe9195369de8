import { describe, expect, test } from 'vitest';
import { type FakeClient, FakeServer } from '../support/fake-server.js';

function fields(line: string): Map<string, string> {
  return new Map(
    line
      .trim()
      .split(' ')
      .map((field) => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  );
}

function list(client: FakeClient, ...words: string[]): Map<string, string>[] {
  const text = client.run('CLIENT', 'LIST', ...words);
  return text
    .slice(text.indexOf('\r\n') + 2)
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map(fields);
}

describe('CLIENT LIST and INFO', () => {
  test('show every connection with its state', () => {
    const server = new FakeServer();
    const first = server.connect();
    const second = server.connect();
    second.run('CLIENT', 'SETNAME', 'worker');
    second.run('CLIENT', 'SETINFO', 'lib-name', 'ioredis');
    second.run('CLIENT', 'SETINFO', 'LIB-VER', '5.8');
    second.run('HELLO', '3');
    second.run('SELECT', '4');
    const [one, two] = list(first);
    expect(one!.get('cmd')).toBe('client|list');
    expect(one!.get('argv-mem')).toBe('10');
    expect(two!.get('id')).toBe('2');
    expect(two!.get('addr')).toBe('127.0.0.1:40002');
    expect(two!.get('name')).toBe('worker');
    expect(two!.get('db')).toBe('4');
    expect(two!.get('resp')).toBe('3');
    expect(two!.get('cmd')).toBe('select');
    expect(two!.get('lib-name')).toBe('ioredis');
    expect(two!.get('lib-ver')).toBe('5.8');
    expect(two!.get('flags')).toBe('N');
  });

  test('choose by id and by type', () => {
    const server = new FakeServer();
    const client = server.connect();
    server.connect();
    server.connect();
    expect(list(client, 'ID', '3', '1', '9').map((line) => line.get('id'))).toEqual(['3', '1']);
    expect(list(client, 'TYPE', 'NORMAL')).toHaveLength(3);
    expect(list(client, 'TYPE', 'replica')).toHaveLength(0);
  });

  test('flags tell NO-EVICT and a resting command', () => {
    const server = new FakeServer();
    const client = server.connect();
    const waiting = server.connect();
    client.run('CLIENT', 'NO-EVICT', 'ON');
    waiting.run('WAIT', '1', '0');
    expect(list(client).map((line) => line.get('flags'))).toEqual(['e', 'b']);
    waiting.session.task?.cancel();
  });

  test('INFO is the one line of the connection itself', () => {
    const server = new FakeServer();
    server.connect();
    const client = server.connect();
    expect(client.run('CLIENT', 'INFO')).toMatch(/^\$\d+\r\nid=2 addr=127\.0\.0\.1:40002 .*cmd=client\|info .*\n\r\n$/);
  });
});

describe('CLIENT KILL', () => {
  test('by address in the old form', () => {
    const server = new FakeServer();
    const client = server.connect();
    server.connect();
    expect(client.run('CLIENT', 'KILL', '127.0.0.1:40002')).toBe('+OK\r\n');
    expect(server.registry.killed).toEqual([2]);
  });

  test('the old form may name the connection itself', () => {
    const server = new FakeServer();
    const client = server.connect();
    expect(client.run('CLIENT', 'KILL', '127.0.0.1:40001')).toBe('+OK\r\n');
    expect(server.registry.killed).toEqual([1]);
  });

  test('by filters that must all match, itself only when asked', () => {
    const server = new FakeServer();
    const client = server.connect();
    server.connect();
    server.connect();
    expect(client.run('CLIENT', 'KILL', 'ID', '2', 'ADDR', '127.0.0.1:40003')).toBe(':0\r\n');
    expect(client.run('CLIENT', 'KILL', 'LADDR', '127.0.0.1:6379')).toBe(':2\r\n');
    expect(server.registry.killed).toEqual([2, 3]);
    expect(client.run('CLIENT', 'KILL', 'USER', 'default', 'SKIPME', 'no')).toBe(':1\r\n');
  });
});

describe('CLIENT SETINFO', () => {
  test('takes two attributes and printable values', () => {
    const client = new FakeServer().connect();
    expect(client.run('CLIENT', 'SETINFO', 'lib-name', 'a b')).toBe(
      '-ERR lib-name cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(client.run('CLIENT', 'SETINFO', 'foo', 'a')).toBe("-ERR Unrecognized option 'foo'\r\n");
    expect(client.run('CLIENT', 'SETINFO', 'lib-name', '')).toBe('+OK\r\n');
  });
});

test('a name makes the log say who it was from then on', () => {
  const server = new FakeServer();
  const client = server.connect();
  client.run('SET', 'a', '1');
  const { origin } = client.session;
  client.run('CLIENT', 'SETNAME', 'worker');
  expect(client.session.originGeneration).toBe(-1);
  client.run('SET', 'a', '2');
  expect(client.session.originGeneration).not.toBe(-1);
  expect(origin).toBeGreaterThan(0);
});

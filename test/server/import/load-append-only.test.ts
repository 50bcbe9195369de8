import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import {
  type AppendOnlyOptions,
  loadAppendOnlyDirectory,
  loadAppendOnlyFile,
} from '../../../server/import/load-append-only.js';
import { dumpOfEngine, dumpOfRedis } from '../../core/differential/dump.js';
import { fillDataset, writeDataset } from '../../core/rdb/dataset-files.js';
import { describeWith } from '../../support/require-servers.js';
import { ServerProcess } from '../../support/server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../../support/temporary-directory.js';
import { TestEngine } from '../../support/test-engine.js';

const directory = makeTemporaryDirectory('aof');
afterAll(() => removeTemporaryDirectory(directory));

const OPTIONS: AppendOnlyOptions = { loadTruncated: true };

function resp(...words: string[]): Buffer {
  return Buffer.from(
    `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`,
  );
}

let files = 0;
function write(...parts: (Buffer | string)[]): string {
  const path = join(directory, `file-${files++}.aof`);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part as string))));
  return path;
}

async function load(path: string, options = OPTIONS) {
  const engine = new TestEngine();
  const loaded = await loadAppendOnlyFile(engine.engine, path, options);
  return { engine, loaded };
}

describe('one file', () => {
  test('commands, databases, transactions, annotations', async () => {
    const path = write(
      '#TS:1700000000\r\n',
      resp('SELECT', '0'),
      resp('SET', 'a', '1', 'PXAT', '5'),
      resp('PERSIST', 'a'),
      resp('MULTI'),
      resp('SELECT', '3'),
      resp('SET', 'b', 'x\r\ny'),
      resp('APPEND', 'b', 'z'),
      resp('EXEC'),
      resp('COPY', 'b', 'copy', 'REPLACE'),
      resp('MOVE', 'copy', '4'),
      resp('SET', 'c', '1'),
      resp('PEXPIREAT', 'c', '7'),
    );
    const { engine, loaded } = await load(path);
    expect(loaded).toMatchObject({ commands: 10, snapshotKeys: 0, truncatedAt: undefined });
    expect(engine.sink.entries).toEqual([]);
    expect(engine.engine.effects.open).toBe(false);
    expect(engine.run('GET', 'a')).toBe('$1\r\n1\r\n');
    engine.run('SELECT', '3');
    expect(engine.run('DBSIZE')).toBe(':2\r\n');
    expect(engine.run('GET', 'b')).toBe('$5\r\nx\r\nyz\r\n');
    // Now it expires, and the log says so.
    expect(engine.run('GET', 'c')).toBe('$-1\r\n');
    expect(engine.logged()).toEqual([['SELECT 3', 'UNLINK c']]);
  });

  test('a relative deadline counts from now', async () => {
    const { engine } = await load(write(resp('SET', 'a', '1'), resp('EXPIRE', 'a', '100')));
    expect(engine.run('TTL', 'a')).toBe(':100\r\n');
  });

  test('a snapshot in front', async () => {
    const source = new TestEngine();
    fillDataset(source, 9, 500);
    source.run('SET', 'past', '1', 'PXAT', String(source.clock.ms + 1));
    const { file } = writeDataset(source);
    const path = write(file, resp('SELECT', '0'), resp('PERSIST', 'past'), resp('SET', 'more', '1'));
    source.run('PERSIST', 'past');
    source.run('SET', 'more', '1');
    const { engine, loaded } = await load(path);
    expect(loaded).toMatchObject({ commands: 3, bytes: readFileSync(path).length });
    expect(dumpOfEngine(engine)).toEqual(dumpOfEngine(source));
  });

  test('an empty one', async () => {
    expect((await load(write(''))).loaded).toMatchObject({ commands: 0, bytes: 0 });
  });

  test('cut at any byte: what is whole is loaded, the rest reported', async () => {
    const commands = [
      resp('SET', 'a', '1'),
      resp('SET', 'bb', 'xx'),
      resp('MULTI'),
      resp('SET', 'c', '1'),
      resp('EXEC'),
    ];
    const whole = Buffer.concat(commands);
    const ends = commands.map((_, i) => Buffer.concat(commands.slice(0, i + 1)).length);
    for (let length = 0; length <= whole.length; length++) {
      const { engine, loaded } = await load(write(whole.subarray(0, length)));
      // A transaction counts only as a whole.
      const complete = [0, ends[0]!, ends[1]!, ends[4]!].filter((end) => end <= length);
      expect(engine.run('DBSIZE'), `${length} bytes`).toBe(`:${complete.length - 1}\r\n`);
      const at = complete.at(-1)!;
      expect(loaded.truncatedAt?.offset).toBe(at === length ? undefined : at);
    }
    const refused = load(write(whole.subarray(0, ends[0]! + 3)), { loadTruncated: false });
    await expect(refused).rejects.toMatchObject({ code: 'IMPORT_TRUNCATED', offset: ends[0] });
  });

  test('what is not known is refused with file and offset', async () => {
    const good = resp('SET', 'a', '1');
    const cases: [Buffer | string, string, string][] = [
      [
        Buffer.concat([resp('SELECT', '3'), resp('HSET', 'h', 'f', 'v')]),
        'IMPORT_COMMAND',
        "the command 'HSET' says that key 'h' of database 3 is a hash, which is not supported",
      ],
      [resp('PFADD', 'h', 'x'), 'IMPORT_COMMAND', "the command 'PFADD' is not supported"],
      [resp('SHUTDOWN'), 'IMPORT_COMMAND', "the command 'SHUTDOWN' is not supported"],
      [resp('SET', 'a'), 'IMPORT_COMMAND', "the command 'SET' fails: ERR wrong number of arguments for 'set' command"],
      [resp('SET', 'a', '1', 'FOO'), 'IMPORT_COMMAND', "the command 'SET' fails: ERR syntax error"],
      [resp('SELECT', '99'), 'IMPORT_COMMAND', "the command 'SELECT' fails: ERR DB index is out of range"],
      ['SET a 1\r\n', 'IMPORT_FORMAT', 'here is no command; redis-check-aof tells more about the file'],
      ['*1\r\n$3\r\nSETxx', 'IMPORT_FORMAT', 'here is no command; redis-check-aof tells more about the file'],
      ['*0\r\n', 'IMPORT_FORMAT', 'here is no command; redis-check-aof tells more about the file'],
      ['*-1\r\n', 'IMPORT_FORMAT', 'here is no command; redis-check-aof tells more about the file'],
    ];
    for (const [bad, code, what] of cases) {
      const path = write(good, bad, good);
      const file = path.slice(directory.length + 1);
      const offset = good.length + (bad.includes('SELECT\r\n$1\r\n3') ? resp('SELECT', '3').length : 0);
      await expect(load(path)).rejects.toMatchObject({ code, file, offset });
      await expect(load(path)).rejects.toThrow(`${file}, at byte ${offset}: ${what}`);
    }
  });

  test('arguments that are longer than a chunk', async () => {
    const value = 'v'.repeat(5_000_000);
    const { engine } = await load(write(resp('SET', 'a', value), resp('SET', 'b', value), resp('SET', 'c', '1')));
    expect(engine.run('STRLEN', 'b')).toBe(':5000000\r\n');
    expect(engine.run('DBSIZE')).toBe(':3\r\n');
  });
});

describe('a directory', () => {
  function directoryOf(manifest: string, contents: Readonly<Record<string, Buffer>>): string {
    const folder = join(directory, `dir-${files++}`);
    mkdirSync(folder);
    for (const [name, bytes] of Object.entries(contents)) writeFileSync(join(folder, name), bytes);
    writeFileSync(join(folder, 'appendonly.aof.manifest'), manifest);
    return join(folder, 'appendonly.aof.manifest');
  }

  async function loadDirectory(manifest: string) {
    const engine = new TestEngine();
    return { engine, loaded: await loadAppendOnlyDirectory(engine.engine, manifest, OPTIONS) };
  }

  test('base, increments, history, names in quotes', async () => {
    const manifest =
      '# comment\nfile "b\\x20ase" seq 2 type b\nfile old seq 1 type h\nfile one seq 3 type i\nfile two seq 4 type i\n';
    const { engine, loaded } = await loadDirectory(
      directoryOf(manifest, {
        'b ase': Buffer.concat([resp('SELECT', '1'), resp('SET', 'a', 'base')]),
        one: Buffer.concat([resp('SET', 'a', 'one')]),
        two: Buffer.concat([resp('APPEND', 'a', ' and two'), resp('SET', 'b', '1').subarray(0, 9)]),
      }),
    );
    expect(loaded.files).toEqual(['b ase', 'one', 'two']);
    expect(loaded.truncatedAt?.file).toBe('two');
    expect(engine.run('GET', 'a')).toBe('$11\r\none and two\r\n');
  });

  test('only the last file may be truncated', async () => {
    const manifest = 'file one seq 1 type i\nfile two seq 2 type i\n';
    const cut = directoryOf(manifest, { one: resp('SET', 'b', '1').subarray(0, 9), two: resp('SET', 'a', '1') });
    await expect(loadDirectory(cut)).rejects.toMatchObject({ code: 'IMPORT_TRUNCATED', file: 'one' });
  });

  test.each([
    ['#\n', 'there is no file in it'],
    ['file a seq 1 type b', 'the last line has no end'],
    ['file a seq 1 type b\nfile b seq 2 type b\n', 'there is more than one base'],
    ['file a seq 2 type i\nfile b seq 2 type i\n', 'does not grow'],
    ['file a seq 1\n', 'not made of pairs'],
    ['file ../a seq 1 type b\n', 'not the name of a file'],
    ['file a seq 0 type b\n', 'no sequence number'],
    ['file a seq 1 type x\n', 'is none of b, h and i'],
    ['file "a seq 1 type b\n', 'not closed'],
    ['file missing seq 1 type b\n', 'it names missing, which is not there'],
  ])('the manifest %j is refused', async (manifest, what) => {
    const path = directoryOf(manifest, { a: Buffer.alloc(0), b: Buffer.alloc(0) });
    await expect((async () => loadDirectory(path))()).rejects.toThrow(what);
  });
});

describeWith(['redis-server'], 'what a redis-server has written', () => {
  test.each([
    ['snapshot in front', 'yes'],
    ['commands only', 'no'],
  ])('%s', async (_, preamble) => {
    const server = await ServerProcess.start({
      kind: 'redis',
      args: ['--aof-use-rdb-preamble', preamble, '--save', ''],
    });
    try {
      const client = await server.connect('raw');
      const far = '99999999999999';
      for (let i = 0; i < 300; i++) await client.command('SET', `key:${i}`, `value ${i} `.repeat(i % 50), 'PXAT', far);
      await client.command('BGREWRITEAOF');
      await server.outputMatching(/Background AOF rewrite finished successfully/);
      await client.command('SELECT', '2');
      await client.command('MULTI');
      await client.command('SET', 'a', '1', 'EX', '100000');
      await client.command('INCRBYFLOAT', 'a', '1.5');
      await client.command('EXEC');
      await client.command('GETEX', 'a', 'PERSIST');
      await client.command('SET', 'gone', '1');
      await client.command('PEXPIREAT', 'gone', '1');
      await client.command('COPY', 'a', 'b', 'DB', '5');
      const dump = await client.command('DUMP', 'a');
      await client.command('RESTORE', 'c', '0', (dump as Buffer).subarray((dump as Buffer).indexOf('\r\n') + 2, -2));
      const expected = await dumpOfRedis(client);
      await server.stop();
      const folder = join(server.directory, 'appendonlydir');
      const manifest = readdirSync(folder).find((name) => name.endsWith('.manifest'))!;
      const engine = new TestEngine();
      const loaded = await loadAppendOnlyDirectory(engine.engine, join(folder, manifest), OPTIONS);
      expect(dumpOfEngine(engine)).toEqual(expected);
      expect(loaded.truncatedAt).toBeUndefined();
      expect(loaded.snapshotKeys).toBe(preamble === 'yes' ? 300 : 0);
    } finally {
      await server.dispose();
    }
  });
});

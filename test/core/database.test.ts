/** The database below its commands: long values into small buffers, walks, expiry in steps, what is counted. */
import { expect, test } from 'vitest';
import { type ReplyOverflow, ReplyWriter } from '../../core/reply-writer.js';
import { TestEngine } from '../support/test-engine.js';

/** Keeps full buffers and gives a new small one, as a server does. */
class HandingOn implements ReplyOverflow {
  readonly pieces: Uint8Array[] = [];
  largest = 0;

  overflow(writer: ReplyWriter, needed: number): void {
    this.largest = Math.max(this.largest, needed);
    this.pieces.push(writer.bytes.slice(0, writer.position));
    writer.producedBefore += writer.position;
    writer.position = 0;
    writer.bytes = new Uint8Array(Math.max(needed, 4096));
  }
}

test('a long value is copied part by part into buffers of any size', () => {
  const engine = new TestEngine();
  const value = Buffer.alloc(1_000_000, 'abcdefghijklmnopqrstuvwxyz0123456789');
  engine.run('SET', 'a', value);
  const overflow = new HandingOn();
  const writer = new ReplyWriter(new Uint8Array(64), overflow);
  const { database } = engine.engine;
  engine.engine.args.set(['GET', 'a'].map((word) => Buffer.from(word)));
  database.replyRange(writer, database.lookupRead(1), 17, 700_000);
  const written = Buffer.concat([...overflow.pieces, writer.bytes.subarray(0, writer.position)]);
  expect(
    written.equals(Buffer.concat([Buffer.from('$700000\r\n'), value.subarray(17, 700_017), Buffer.from('\r\n')])),
  ).toBe(true);
  expect(overflow.largest).toBeLessThanOrEqual(64 * 1024);
});

test('keys expire in steps; hints of deadlines that were moved or taken away remove nothing', () => {
  const engine = new TestEngine({ debug: true });
  for (let i = 0; i < 200; i++) engine.run('SET', `k${i}`, 'v', 'PX', '1000');
  for (let i = 0; i < 50; i++) engine.run('PERSIST', `k${i}`);
  for (let i = 50; i < 100; i++) engine.run('PEXPIRE', `k${i}`, '10000000');
  engine.clock.ms += 100_000;
  engine.logged();
  while (engine.background());
  expect(engine.run('DBSIZE')).toBe(':100\r\n');
  expect(engine.logged().flat().length).toBe(100);
  expect(engine.engine.database.statistics.expiredKeys).toBe(100);
  engine.clock.ms += 20_000_000;
  while (engine.background());
  expect(engine.run('DBSIZE')).toBe(':50\r\n');
});

test('expiry stops when its time is up and goes on later', () => {
  const engine = new TestEngine({ capture: false });
  for (let i = 0; i < 5000; i++) engine.run('SET', `k${i}`, 'v', 'PX', '10');
  engine.clock.ms += 100_000;
  engine.clock.microsPerReading = 100;
  let rounds = 1;
  while (engine.background(500)) rounds++;
  expect(rounds).toBeGreaterThan(5);
  expect(engine.engine.database.size(0)).toBe(0);
});

test('every database expires, not only the first', () => {
  const engine = new TestEngine();
  for (let number = 0; number < 16; number++) {
    engine.run('SELECT', number);
    engine.run('SET', 'a', 'v', 'PX', '10');
  }
  engine.clock.ms += 100_000;
  while (engine.background());
  for (let number = 0; number < 16; number++) expect(engine.engine.database.size(number)).toBe(0);
});

test('what counts as a change', () => {
  const engine = new TestEngine();
  const { statistics } = engine.engine.database;
  engine.run('MSET', 'a', '1', 'b', '2');
  engine.run('RENAME', 'a', 'c');
  engine.run('SETRANGE', 'd', '5', 'x');
  engine.run('GET', 'a');
  engine.run('SET', 'e', '1', 'PX', '1');
  engine.clock.ms += 1;
  engine.run('GET', 'e');
  expect(statistics.changes).toBe(5);
  engine.run('FLUSHALL');
  expect(statistics.changes).toBe(8);
  const folded = new TestEngine();
  folded.fold(engine.sink.entries);
  expect(folded.engine.database.statistics.changes).toBe(0);
});

test('the access clock moves with reads and writes, not with questions about a key', () => {
  const engine = new TestEngine();
  const clock = (): number => {
    const keyspace = engine.engine.keyspaces[0]!;
    keyspace.find(Buffer.from('a'), 0, 1);
    return keyspace.clock();
  };
  const seconds = (): number => Math.floor(engine.clock.ms / 1000) & 0xffffff;
  engine.run('SET', 'a', 'v');
  const before = seconds();
  expect(clock()).toBe(before);
  engine.clock.ms += 5000;
  for (const name of ['TTL', 'TYPE', 'EXISTS']) engine.run(name, 'a');
  expect(clock()).toBe(before);
  engine.run('GET', 'a');
  expect(clock()).toBe(seconds());
});

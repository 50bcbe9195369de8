/** SCAN and KEYS: what they promise while keys come and go, and that KEYS gives way to others. */
import { beforeEach, describe, expect, test } from 'vitest';
import { readReply } from '../../support/reply-reader.js';
import { TestEngine } from '../../support/test-engine.js';
import { SeededRandom } from '../differential/random.js';

let engine: TestEngine;

beforeEach(() => {
  engine = new TestEngine({ debug: true });
});

function members(reply: string): string[] {
  const items = readReply(Buffer.from(reply, 'latin1'));
  return (items as Buffer[]).map((item) => item.toString('latin1'));
}

function scanStep(cursor: string, ...options: string[]): { cursor: string; keys: string[] } {
  const [next, keys] = readReply(Buffer.from(engine.run('SCAN', cursor, ...options), 'latin1')) as [Buffer, Buffer[]];
  return { cursor: next.toString(), keys: keys.map((key) => key.toString('latin1')) };
}

function scanAll(...options: string[]): string[] {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const step = scanStep(cursor, ...options);
    keys.push(...step.keys);
    cursor = step.cursor;
  } while (cursor !== '0');
  return keys;
}

/** Begins a command that will go on in slices. */
function begin(...words: string[]): void {
  engine.engine.args.set(words.map((word) => Buffer.from(word)));
  engine.engine.execute(engine.session);
}

/** Runs one slice and returns what it replied. */
function sliceReply(budgetMicros: number): string {
  engine.reply.position = 0;
  engine.slice(engine.session, budgetMicros);
  return Buffer.from(engine.reply.bytes.subarray(0, engine.reply.position)).toString('latin1');
}

describe('SCAN', () => {
  test('of nothing', () => {
    expect(engine.run('SCAN', '0')).toBe('*2\r\n$1\r\n0\r\n*0\r\n');
  });

  test('returns every key once while nothing changes, about COUNT a step', () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
    engine.run('MSET', ...keys.flatMap((key) => [key, 'v']));
    expect(scanAll().sort()).toEqual(keys.sort());
    expect(scanAll('COUNT', '1').length).toBe(1000);
    const step = scanStep('0', 'COUNT', '100');
    expect(step.keys.length).toBeGreaterThanOrEqual(100);
    expect(step.keys.length).toBeLessThan(130);
  });

  test('returns what is there all the time, whatever comes and goes', () => {
    const random = new SeededRandom(7);
    engine = new TestEngine({ capture: false });
    const stay = Array.from({ length: 300 }, (_, i) => `stay:${i}`);
    const come = Array.from({ length: 3000 }, (_, i) => `come:${i}`);
    engine.run('MSET', ...stay.flatMap((key) => [key, 'v']));
    for (let round = 0; round < 12; round++) {
      const seen = new Set<string>();
      let cursor = '0';
      do {
        const step = scanStep(cursor, 'COUNT', '20');
        for (const key of step.keys) seen.add(key);
        cursor = step.cursor;
        // Rounds in which the table grows, in which it shrinks, and in which it does both by leaps.
        const some = Array.from({ length: 200 }, () => random.pick(come));
        if (round % 3 === 0) engine.run('MSET', ...some.flatMap((key) => [key, 'v']));
        else if (round % 3 === 1) engine.run('DEL', ...some);
        else engine.run(...(random.chance(0.5) ? ['DEL', ...come] : ['MSET', ...come.flatMap((key) => [key, 'v'])]));
      } while (cursor !== '0');
      for (const key of stay) expect(seen.has(key), `${key} in round ${round}`).toBe(true);
    }
  });

  test('MATCH and TYPE', () => {
    engine.run('MSET', 'a1', 'v', 'a2', 'v', 'b1', 'v', '', 'v');
    expect(scanAll('MATCH', 'a*').sort()).toEqual(['a1', 'a2']);
    expect(scanAll('MATCH', '*').length).toBe(4);
    expect(scanAll('TYPE', 'String').length).toBe(4);
    expect(scanAll('TYPE', 'hash')).toEqual([]);
    expect(scanAll('MATCH', '?1', 'TYPE', 'string', 'COUNT', '100').sort()).toEqual(['a1', 'b1']);
  });

  test('removes expired keys that it meets', () => {
    engine.run('SET', 'a', 'v', 'PX', '5');
    engine.run('SET', 'b', 'v');
    engine.clock.ms += 5;
    engine.logged();
    expect(scanAll()).toEqual(['b']);
    expect(engine.logged()).toEqual([['UNLINK a']]);
  });

  test.each(['abc', '-', ' 0', '0 ', '0x1', '18446744073709551616', '1.0'])('invalid cursor %j', (cursor) => {
    expect(engine.run('SCAN', cursor)).toBe('-ERR invalid cursor\r\n');
  });

  test.each(['', '+0', '-0', '18446744073709551615', '4294967296', '-1', '99999999'])('foreign cursor %j', (cursor) => {
    engine.run('SET', 'a', 'v');
    expect(engine.run('SCAN', cursor)).toMatch(/^\*2\r\n\$\d+\r\n\d+\r\n\*[01]\r\n/);
  });

  test('errors', () => {
    expect(engine.run('SCAN', '0', 'COUNT', '0')).toBe('-ERR syntax error\r\n');
    expect(engine.run('SCAN', '0', 'COUNT', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(engine.run('SCAN', '0', 'COUNT')).toBe('-ERR syntax error\r\n');
    expect(engine.run('SCAN', '0', 'FOO', '1')).toBe('-ERR syntax error\r\n');
    expect(engine.run('SCAN', 'x', 'FOO', '1')).toBe('-ERR invalid cursor\r\n');
  });
});

describe('KEYS', () => {
  test('of a small database is answered at once', () => {
    engine.run('MSET', 'one', '1', 'two', '2', 'three', '3');
    expect(members(engine.run('KEYS', 't*')).sort()).toEqual(['three', 'two']);
    expect(members(engine.run('KEYS', '*')).length).toBe(3);
    expect(engine.run('KEYS', 'x')).toBe('*0\r\n');
  });

  test('of a large one runs in slices, is counted as memory, and holds nothing afterwards', () => {
    engine = new TestEngine();
    const { database } = engine.engine;
    for (let i = 0; i < 50_000; i++) engine.run('SET', `key:${i}`, 'v');
    engine.clock.microsPerReading = 100;
    engine.reply.position = 0;
    begin('KEYS', 'key:*');
    let slices = 1;
    let bytesMax = 0;
    while (engine.session.task !== undefined) {
      engine.slice(engine.session, 1000);
      slices++;
      bytesMax = Math.max(bytesMax, database.taskBytes);
      if (slices === 3)
        expect(engine.engine.usedBytes()).toBeGreaterThan(engine.arena.usedBytes + database.taskBytes - 1);
    }
    expect(slices).toBeGreaterThan(20);
    expect(bytesMax).toBeGreaterThan(500_000);
    expect(bytesMax).toBeLessThan(1_500_000);
    expect(database.taskBytes).toBe(0);
    const keys = members(Buffer.from(engine.reply.bytes.subarray(0, engine.reply.position)).toString('latin1'));
    expect(new Set(keys).size).toBe(50_000);
  });

  test('promises what SCAN promises while others write between its slices', () => {
    engine = new TestEngine();
    for (let i = 0; i < 5000; i++) engine.run('SET', `stay:${i}`, 'v');
    engine.clock.microsPerReading = 1000;
    const other = engine.newSession();
    begin('KEYS', 'stay:*');
    let reply = '';
    for (let i = 0; engine.session.task !== undefined; i++) {
      const keys = Array.from({ length: 200 }, (_, k) => `come:${i >> 1}:${k}`);
      if (i % 2 === 0) engine.runIn(other, 'MSET', ...keys.flatMap((key) => [key, 'v']));
      else engine.runIn(other, 'DEL', ...keys);
      reply += sliceReply(500);
    }
    expect(new Set(members(reply)).size).toBe(5000);
  });

  test('that is cancelled lets go of its memory', () => {
    engine = new TestEngine();
    for (let i = 0; i < 5000; i++) engine.run('SET', `key:${i}`, 'v');
    engine.clock.microsPerReading = 1000;
    begin('KEYS', '*');
    engine.slice(engine.session, 500);
    expect(engine.engine.database.taskBytes).toBeGreaterThan(0);
    engine.session.task!.cancel();
    expect(engine.engine.database.taskBytes).toBe(0);
  });

  test('removes expired keys that it meets, and answers with the disk error where it cannot', () => {
    engine.run('SET', 'a', 'v', 'PX', '5');
    engine.run('SET', 'b', 'v');
    engine.clock.ms += 5;
    engine.logged();
    expect(members(engine.run('KEYS', '*'))).toEqual(['b']);
    expect(engine.logged()).toEqual([['UNLINK a']]);

    engine = new TestEngine();
    for (let i = 0; i < 3000; i++) engine.run('SET', `key:${i}`, 'v', 'PX', '10');
    engine.clock.microsPerReading = 1000;
    begin('KEYS', '*');
    expect(sliceReply(500)).toBe('');
    engine.clock.ms += 10;
    engine.engine.database.engineWritesRefused = true;
    engine.logged();
    expect(sliceReply(500)).toBe('-MISCONF Errors writing to the AOF file: No space left on device\r\n');
    expect(engine.session.task).toBeUndefined();
    expect(engine.engine.database.taskBytes).toBe(0);
    expect(engine.logged()).toEqual([]);
  });
});

test('KEYS keeps its pattern while the read buffer, which may be a Buffer, is used for other commands', () => {
  const engine = new TestEngine();
  for (let i = 0; i < 100; i++) engine.run('SET', `key:${i}`, '1');
  engine.reply.position = 0;
  const { args } = engine.engine;
  args.set([Buffer.from('KEYS'), Buffer.from('key:1*')]);
  args.bytes = Buffer.from(args.bytes);
  engine.engine.execute(engine.session);
  args.bytes.fill(0);
  while (engine.session.task !== undefined) engine.slice(engine.session);
  expect(Buffer.from(engine.reply.bytes.subarray(0, 5)).toString()).toBe('*11\r\n');
});

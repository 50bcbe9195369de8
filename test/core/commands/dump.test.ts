import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { datasetDigest } from '../../support/dataset-digest.js';
import { TestEngine } from '../../support/test-engine.js';
import { dumpPayload, foreignPayload } from '../rdb/payloads.js';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const BAD_FOOTER = '-ERR DUMP payload version or checksum are wrong\r\n';
const BAD_DATA = '-ERR Bad data format\r\n';

/** The payload that DUMP answers with. */
function dumpOf(engine: TestEngine, key: string): Buffer {
  const reply = Buffer.from(engine.runBytes(engine.session, [bytes('DUMP'), bytes(key)]));
  return reply.subarray(reply.indexOf('\r\n') + 2, -2);
}

describe('DUMP', () => {
  test('answers with what Redis 7.0 answers', () => {
    const engine = new TestEngine({ debug: true });
    engine.run('SET', 'number', '10');
    engine.run('SET', 'text', 'hello');
    expect(dumpOf(engine, 'number').toString('hex')).toBe('00c00a0a006e9f57450eae63bb');
    expect(dumpOf(engine, 'text').subarray(0, 7).toString('latin1')).toBe('\0\x05hello');
    expect(engine.run('DUMP', 'none')).toBe('$-1\r\n');
  });

  test('of values of any length, and RESTORE takes them', () => {
    const engine = new TestEngine({ debug: true });
    for (const length of [0, 1, 20, 21, 63, 64, 16_383, 16_384, 65_535, 65_536, 65_537, 1_000_000]) {
      for (const fill of ['a', 'abcdefgh'.repeat(500)]) {
        const value = Buffer.alloc(length, fill);
        engine.run('SET', 'from', value);
        const payload = dumpOf(engine, 'from');
        expect(payload.equals(dumpPayload(value))).toBe(true);
        expect(engine.run('RESTORE', 'to', '0', payload, 'REPLACE')).toBe('+OK\r\n');
        expect(engine.run('STRLEN', 'to')).toBe(`:${length}\r\n`);
        expect(engine.run('GET', 'to')).toBe(engine.run('GET', 'from'));
      }
    }
  });
});

describe('RESTORE', () => {
  test('logs a SET with the value and an absolute deadline', () => {
    const engine = new TestEngine({ debug: true });
    const payload = dumpPayload(bytes('value'));
    engine.run('RESTORE', 'a', '0', payload);
    engine.run('RESTORE', 'b', '5000', payload);
    engine.run('RESTORE', 'c', String(engine.clock.ms + 7), payload, 'ABSTTL');
    const { ms } = engine.clock;
    expect(engine.logged()).toEqual([
      ['SET a value'],
      [`SET b value PXAT ${ms + 5000}`],
      [`SET c value PXAT ${ms + 7}`],
    ]);
    expect(engine.run('PEXPIRETIME', 'b')).toBe(`:${ms + 5000}\r\n`);
  });

  test('a deadline that is past removes what REPLACE would have replaced, and makes nothing', () => {
    const engine = new TestEngine({ debug: true });
    const payload = dumpPayload(bytes('value'));
    const past = String(engine.clock.ms);
    expect(engine.run('RESTORE', 'a', past, payload, 'ABSTTL', 'REPLACE')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([]);
    engine.run('SET', 'a', '1');
    expect(engine.run('RESTORE', 'a', past, payload, 'ABSTTL', 'REPLACE')).toBe('+OK\r\n');
    expect(engine.logged()).toEqual([['SET a 1'], ['UNLINK a']]);
    // Beyond 63 bits it wraps around, as in Redis.
    expect(engine.run('RESTORE', 'a', '9223372036854775807', payload)).toBe('+OK\r\n');
    expect(engine.run('EXISTS', 'a')).toBe(':0\r\n');
  });

  test('a name that is taken, unless it has expired', () => {
    const engine = new TestEngine({ debug: true });
    const payload = dumpPayload(bytes('value'));
    engine.run('SET', 'a', '1', 'PX', '10');
    expect(engine.run('RESTORE', 'a', 'abc', 'xyz')).toBe('-BUSYKEY Target key name already exists.\r\n');
    engine.clock.ms += 20;
    expect(engine.run('RESTORE', 'a', '0', payload)).toBe('+OK\r\n');
    expect(engine.logged().slice(1)).toEqual([['UNLINK a', 'SET a value']]);
  });

  test('its effects fold to the same dataset', () => {
    const engine = new TestEngine();
    engine.run('RESTORE', 'a', '100000', dumpPayload(Buffer.alloc(100_000, 'xyz')));
    engine.run('RESTORE', 'b', '0', dumpPayload(bytes('-5')), 'IDLETIME', '100');
    const folded = new TestEngine();
    folded.fold(engine.sink.entries);
    expect(datasetDigest(folded)).toBe(datasetDigest(engine));
  });

  test('bad payloads', () => {
    const engine = new TestEngine({ debug: true });
    const good = dumpPayload(bytes('some value, some value, some value, some value'));
    for (let length = 0; length < good.length; length++) {
      expect(engine.run('RESTORE', 'a', '0', good.slice(0, length))).toBe(BAD_FOOTER);
    }
    for (let bit = 0; bit < good.length * 8; bit++) {
      const damaged = good.with(bit >> 3, good[bit >> 3]! ^ (1 << (bit & 7)));
      expect(engine.run('RESTORE', 'a', '0', damaged), `bit ${bit}`).toBe(BAD_FOOTER);
    }
    expect(engine.run('RESTORE', 'a', '0', foreignPayload([0, 1, 65], 12))).toBe('+OK\r\n');
    expect(engine.run('RESTORE', 'b', '0', foreignPayload([0, 1, 65], 13))).toBe(BAD_FOOTER);
    const bodies = [
      [],
      [0],
      [0, 12, 65],
      [1, 0],
      [4, 1, 65],
      [200],
      [0, 0xc3, 2, 40, 0, 65],
      [0, 0x81, 255],
      [0, 0xc9],
    ];
    for (const body of bodies) {
      expect(engine.run('RESTORE', 'b', '0', foreignPayload(body)), body.join()).toBe(BAD_DATA);
    }
    expect(engine.run('DBSIZE')).toBe(':1\r\n');
  });

  test('any bytes behind a good footer: an error or a value', () => {
    const engine = new TestEngine({ capture: false });
    fc.assert(
      fc.property(fc.array(fc.nat(255), { maxLength: 60 }), (body) => {
        const reply = engine.run('RESTORE', 'a', '0', foreignPayload([0, ...body]), 'REPLACE');
        expect([BAD_DATA, '+OK\r\n']).toContain(reply);
      }),
      { numRuns: 2000 },
    );
  });

  test('memory is asked for by the length of the value, not of the payload', () => {
    const engine = new TestEngine({ debug: true });
    engine.engine.setMaxmemory(engine.engine.usedBytes() + 4_000_000);
    const payload = dumpPayload(Buffer.alloc(8_000_000));
    expect(payload.length).toBeLessThan(100_000);
    expect(engine.run('RESTORE', 'a', '0', payload)).toMatch(/^-OOM /);
    engine.engine.setMaxmemory(0);
    engine.engine.logAdmits = (length) => length < 8_000_000;
    expect(engine.run('RESTORE', 'a', '0', payload)).toMatch(/^-MISCONF /);
    engine.engine.logAdmits = () => true;
    expect(engine.run('RESTORE', 'a', '0', payload)).toBe('+OK\r\n');
  });

  test('ages', () => {
    const engine = new TestEngine({ debug: true });
    engine.run('RESTORE', 'a', '0', dumpPayload(bytes('v')), 'IDLETIME', '1000');
    engine.engine.args.set([bytes('x'), bytes('a')]);
    engine.engine.database.lookupQuiet(1);
    expect(engine.engine.database.idleSeconds()).toBe(1000);
  });
});

import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { Keyspace } from '../../../core/memory/keyspace.js';
import { TYPE_STRING } from '../../../core/memory/record.js';
import { RecordWalk } from '../../../core/memory/record-walk.js';
import { ENCODING_EMBSTR } from '../../../core/types/string.js';
import { SeededRandom } from './keyspace-model.js';

describe('RecordWalk', () => {
  it('reads every live record of its keyspace once: short and long keys, values in pieces, deadlines', () => {
    const random = new SeededRandom(7);
    const arena = new Arena();
    const keyspace = new Keyspace(1, arena, Uint32Array.of(1, 2));
    const other = new Keyspace(2, arena, Uint32Array.of(1, 2));
    const expected = new Map<string, string>();
    for (let i = 0; i < 300; i++) {
      const key = random.bytes(4 + random.oneOf([0, 12, 508, 509, 3000]));
      new DataView(key.buffer).setUint32(0, i);
      const value = random.bytes(random.oneOf([0, 1, 64, 1000, 15_856, 15_857, 200_000]));
      const expiry = random.below(2) * (1e12 + random.word());
      const high = Math.floor(expiry / 2 ** 32);
      for (const target of [keyspace, other]) {
        target.find(key, 0, key.length);
        target.store(key, 0, key.length, value, 0, value.length, ENCODING_EMBSTR, expiry > 0, high, expiry | 0);
      }
      if (i % 5 === 0) {
        keyspace.find(key, 0, key.length);
        keyspace.remove();
      } else {
        expected.set(Buffer.from(key).toString('hex'), `${expiry} ${Buffer.from(value).toString('hex')}`);
      }
    }
    const walk = new RecordWalk(arena, keyspace.id);
    while (walk.next()) {
      const key = Buffer.alloc(walk.keyLength);
      walk.copyKey(key, 0);
      const value = Buffer.alloc(walk.valueLength);
      for (let at = 0; at < value.length; at += 10_000) {
        walk.copyValue(at, Math.min(10_000, value.length - at), value, at);
      }
      const expiry = walk.hasExpiry ? walk.expiryHigh * 2 ** 32 + (walk.expiryLow >>> 0) : 0;
      expect(walk.type).toBe(TYPE_STRING);
      expect(walk.encoding).toBe(ENCODING_EMBSTR);
      expect(expected.get(key.toString('hex'))).toBe(`${expiry} ${value.toString('hex')}`);
      expected.delete(key.toString('hex'));
      expect(() => walk.copyValue(value.length, 1, value, 0)).toThrow('do not lie');
    }
    expect(expected.size).toBe(0);
    expect(walk.next()).toBe(false);
  });
});

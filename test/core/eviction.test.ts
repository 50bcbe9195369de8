import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evictionMicrosMax } from '../../core/eviction.js';
import { EVICTION_POLICIES, type EvictionPolicyName } from '../../core/eviction-policy.js';
import { datasetDigest } from '../support/dataset-digest.js';
import { TestEngine } from '../support/test-engine.js';

const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const VALUE = 'v'.repeat(100);

function engineWith(policy: EvictionPolicyName, options: { debug?: boolean; databases?: number } = {}): TestEngine {
  const test = new TestEngine({ databases: 4, ...options });
  test.engine.setEvictionPolicy(EVICTION_POLICIES[policy]);
  // Many samples: nearly exact.
  test.engine.eviction.samples = 100;
  return test;
}

/** Caps memory so that about `share` of what is stored now fits. */
function capAt(test: TestEngine, share: number): void {
  const { engine } = test;
  engine.setMaxmemory(Math.floor(engine.usedBytes() - engine.arena.usedBytes * (1 - share)));
}

function settle(test: TestEngine): void {
  while (test.background());
}

function fill(test: TestEngine, prefix: string, count: number, ...more: (string | number)[]): void {
  for (let i = 0; i < count; i++) expect(test.run('SET', `${prefix}${i}`, VALUE, ...more)).toBe('+OK\r\n');
}

function alive(test: TestEngine, prefix: string, count: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) if (test.run('EXISTS', `${prefix}${i}`) === ':1\r\n') found++;
  return found;
}

describe('policies', () => {
  test('noeviction refuses what needs memory, and evicts nothing', () => {
    const test = engineWith('noeviction');
    fill(test, 'k', 500);
    capAt(test, 0.5);
    expect(test.run('SET', 'k0', VALUE)).toBe(OOM);
    settle(test);
    expect(alive(test, 'k', 500)).toBe(500);
    expect(test.engine.eviction.exceededMsNow).toBeGreaterThanOrEqual(0);
  });

  for (const policy of Object.keys(EVICTION_POLICIES) as EvictionPolicyName[]) {
    if (policy === 'noeviction') continue;
    test(`${policy} keeps memory below the cap while keys are written`, () => {
      const test = engineWith(policy);
      const { engine } = test;
      fill(test, 'k', 1000, 'EX', 1000);
      capAt(test, 1);
      fill(test, 'n', 2000, 'EX', 2000);
      expect(engine.usedBytes()).toBeLessThanOrEqual(engine.maxmemory);
      expect(engine.database.statistics.evictedKeys).toBeGreaterThan(1500);
      expect(alive(test, 'k', 1000) + alive(test, 'n', 2000)).toBe(engine.keyspaces[0]!.count);
    });
  }

  for (const policy of ['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'] as const) {
    test(`${policy} never takes a key without a deadline, and refuses when there is no other`, () => {
      const test = engineWith(policy);
      fill(test, 'kept', 300);
      fill(test, 'volatile', 20, 'EX', 1000);
      capAt(test, 1);
      let refused = 0;
      for (let i = 0; i < 100; i++) if (test.run('SET', `new${i}`, VALUE) === OOM) refused++;
      expect(refused).toBeGreaterThan(50);
      expect(alive(test, 'kept', 300)).toBe(300);
      expect(test.engine.keyspaces[0]!.keysWithExpiry).toBe(0);
      expect(alive(test, 'new', 100)).toBe(100 - refused);
    });
  }

  test('allkeys-lru takes what was not used for longest', () => {
    const test = engineWith('allkeys-lru');
    fill(test, 'old', 500);
    test.clock.ms += 3_600_000;
    fill(test, 'young', 500);
    test.clock.ms += 60_000;
    for (let i = 0; i < 250; i++) test.run('GET', `old${i}`);
    capAt(test, 0.8);
    settle(test);
    let cold = 0;
    for (let i = 250; i < 500; i++) if (test.run('EXISTS', `old${i}`) === ':1\r\n') cold++;
    expect(alive(test, 'old', 250)).toBe(250);
    expect(alive(test, 'young', 500)).toBeGreaterThan(495);
    expect(cold).toBeLessThan(70);
  });

  test('allkeys-lfu takes what is seldom used', () => {
    const test = engineWith('allkeys-lfu');
    fill(test, 'seldom', 500);
    fill(test, 'often', 500);
    for (let round = 0; round < 30; round++) for (let i = 0; i < 500; i++) test.run('GET', `often${i}`);
    capAt(test, 0.6);
    settle(test);
    expect(alive(test, 'often', 500)).toBeGreaterThan(490);
  });

  test('volatile-ttl takes what would expire first', () => {
    const test = engineWith('volatile-ttl');
    fill(test, 'soon', 500, 'EX', 1000);
    fill(test, 'late', 500, 'EX', 100_000);
    capAt(test, 0.6);
    settle(test);
    expect(alive(test, 'late', 500)).toBeGreaterThan(490);
  });

  test('keys of every database go', () => {
    const test = engineWith('allkeys-random');
    for (let database = 0; database < 4; database++) {
      test.run('SELECT', database);
      fill(test, 'k', 300);
    }
    capAt(test, 0.5);
    settle(test);
    for (const keyspace of test.engine.keyspaces) {
      expect(keyspace.count).toBeGreaterThan(100);
      expect(keyspace.count).toBeLessThan(200);
    }
    expect(test.run('DBSIZE')).toBe(`:${test.engine.keyspaces[3]!.count}\r\n`);
  });

  for (const policy of ['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'] as const) {
    test(`${policy}: what evicted keys leave in the expiry index does not take the room of others`, () => {
      const test = engineWith(policy);
      const [keyspace] = test.engine.keyspaces;
      fill(test, 'k', 3000, 'EX', 100_000);
      const before = keyspace!.deadlines.bytes;
      capAt(test, 1);
      fill(test, 'n', 12_000, 'EX', 200_000);
      expect(test.engine.database.statistics.evictedKeys).toBeGreaterThan(11_000);
      expect(keyspace!.count).toBeGreaterThan(2800);
      expect(keyspace!.deadlines.bytes).toBeLessThan(before * 1.5);
    });
  }

  test('few keys with a deadline among many others, and many stale hints, are found', () => {
    const test = engineWith('volatile-lru');
    fill(test, 'kept', 4000);
    // Deadlines that move earlier leave stale hints in the index.
    for (let round = 0; round < 40; round++) fill(test, 'volatile', 20, 'EX', 100_000 - round * 1000);
    capAt(test, 0.999);
    settle(test);
    expect(test.engine.usedBytes()).toBeLessThanOrEqual(test.engine.maxmemory);
    expect(alive(test, 'kept', 4000)).toBe(4000);
  });
});

describe('room', () => {
  test('a command above the cap is refused without evicting everything for it', () => {
    const test = engineWith('allkeys-lru');
    fill(test, 'k', 1000);
    capAt(test, 1);
    expect(test.run('SET', 'huge', 'x'.repeat(test.engine.maxmemory))).toBe(OOM);
    expect(alive(test, 'k', 1000)).toBeGreaterThan(990);
  });

  test('what a command needs beyond its arguments is made up for afterwards', () => {
    const test = engineWith('allkeys-lru');
    const { engine } = test;
    fill(test, 'k', 1000);
    capAt(test, 1);
    expect(test.run('SETRANGE', 'k1', 50_000, 'x')).toBe(':50001\r\n');
    expect(engine.usedBytes()).toBeGreaterThan(engine.maxmemory);
    settle(test);
    expect(engine.usedBytes()).toBeLessThanOrEqual(engine.maxmemory);
  });

  test('large values make room as they go', () => {
    const test = engineWith('allkeys-random');
    const { engine } = test;
    for (let i = 0; i < 20; i++) test.run('SET', `big${i}`, 'x'.repeat(1_000_000));
    capAt(test, 0.5);
    settle(test);
    expect(engine.usedBytes()).toBeLessThanOrEqual(engine.maxmemory);
    expect(alive(test, 'big', 20)).toBeGreaterThanOrEqual(8);
    expect(test.run('SET', 'big0', 'y'.repeat(3_000_000))).toBe('+OK\r\n');
  });

  test('inside of a script or EXEC nothing is evicted', () => {
    const test = engineWith('allkeys-lru');
    fill(test, 'k', 500);
    capAt(test, 0.9);
    test.engine.atomic = true;
    expect(test.run('SET', 'k1', VALUE)).toBe(OOM);
    expect(alive(test, 'k', 500)).toBe(500);
    test.engine.atomic = false;
    expect(test.run('SET', 'k1', VALUE)).toBe('+OK\r\n');
  });

  test('while the log takes nothing, nothing is evicted', () => {
    const test = engineWith('allkeys-lru');
    fill(test, 'k', 500);
    capAt(test, 0.9);
    test.engine.database.engineWritesRefused = true;
    test.engine.writeRefusal = 'MISCONF no room';
    expect(test.run('SET', 'k1', VALUE)).toBe('-MISCONF no room\r\n');
    expect(alive(test, 'k', 500)).toBe(500);
  });

  test('a time limit ends one call, later ones go on', () => {
    const test = engineWith('allkeys-lru');
    const { engine, clock } = test;
    fill(test, 'k', 2000);
    capAt(test, 0.1);
    clock.microsPerReading = 400;
    expect(test.run('SET', 'n', VALUE)).toBe('+OK\r\n');
    const evicted = engine.database.statistics.evictedKeys;
    expect(evicted).toBeGreaterThan(0);
    expect(evicted).toBeLessThan(100);
    expect(engine.eviction.exceededMsNow).toBeGreaterThan(0);
    clock.microsPerReading = 0;
    settle(test);
    expect(engine.usedBytes()).toBeLessThanOrEqual(engine.maxmemory);
    expect(engine.eviction.exceededMsNow).toBe(0);
    expect(engine.eviction.exceededMsTotal).toBeGreaterThan(0);
  });

  test("the time limit follows Redis' tenacity", () => {
    expect([0, 5, 10].map(evictionMicrosMax)).toEqual([0, 250, 500]);
    expect(Math.floor(evictionMicrosMax(99))).toBeGreaterThan(120e6);
    expect(evictionMicrosMax(100)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the log', () => {
  test('each removal is an entry of the engine itself, before the command that it makes room for', () => {
    const test = engineWith('allkeys-random');
    fill(test, 'k', 100);
    capAt(test, 1);
    test.sink.entries.length = 0;
    test.sink.origins.length = 0;
    test.run('SET', 'new', VALUE.repeat(20));
    const origins = test.sink.origins.slice();
    const entries = test.logged();
    expect(entries.at(-1)).toEqual([`SET new ${VALUE.repeat(20)}`]);
    expect(origins.at(-1)).toBe(test.session.id);
    expect(entries.length).toBeGreaterThan(1);
    entries.slice(0, -1).forEach((effects, i) => {
      expect(origins[i]).toBe(0);
      for (const effect of effects) expect(effect).toMatch(/^UNLINK k\d+$/);
    });
  });

  test('a reply about an evicted key waits for its removal', () => {
    const test = engineWith('allkeys-random');
    const { engine } = test;
    fill(test, 'k', 200);
    const before = engine.effects.sequence;
    capAt(test, 0.5);
    settle(test);
    for (let i = 0; i < 200; i++) {
      if (test.run('GET', `k${i}`) === '$-1\r\n') expect(engine.dependency).toBeGreaterThan(before);
    }
  });

  test.each(Object.keys(EVICTION_POLICIES) as EvictionPolicyName[])(
    'an evicted key never comes back under %s: the fold of the log is what was left',
    (policy) => {
      let evicted = 0;
      const operation = fc.record({
        kind: fc.integer({ min: 0, max: 9 }),
        key: fc.integer({ min: 0, max: 60 }),
        size: fc.integer({ min: 0, max: 400 }),
        database: fc.integer({ min: 0, max: 3 }),
      });
      fc.assert(
        fc.property(fc.array(operation, { minLength: 60, maxLength: 200 }), (ops) => {
          const test = engineWith(policy, { debug: true });
          test.engine.setMaxmemory(test.engine.usedBytes() + 12_000);
          const persistent = new Set<string>();
          const { evictedKeys } = test.engine.database.statistics;
          expect(evictedKeys).toBe(0);
          for (const { kind, key, size, database } of ops) {
            test.run('SELECT', database);
            const name = `key:${key}`;
            const value = 'x'.repeat(size);
            const id = `${database} ${name}`;
            if (kind < 5) {
              if (test.run('SET', name, value) === '+OK\r\n') persistent.add(id);
            } else if (kind < 8) {
              if (test.run('SET', name, value, 'EX', 1000 + key) === '+OK\r\n') persistent.delete(id);
            } else if (kind === 8) {
              test.run('GET', name);
              test.clock.ms += 1000;
            } else settle(test);
            test.engine.database.select(0);
          }
          if (policy.startsWith('volatile')) {
            for (const id of persistent) {
              const [database, name] = id.split(' ');
              test.run('SELECT', database!);
              expect(test.run('EXISTS', name!), id).toBe(':1\r\n');
            }
          }
          const folded = new TestEngine({ databases: 4, debug: true });
          folded.fold(test.sink.entries);
          expect(datasetDigest(folded)).toBe(datasetDigest(test));
          evicted += test.engine.database.statistics.evictedKeys;
        }),
        { numRuns: 15 },
      );
      expect(evicted > 0).toBe(policy !== 'noeviction');
    },
  );
});

import { describe, expect, test } from 'vitest';
import { AccessClock, FREQUENCY_INITIAL } from '../../core/access-clock.js';
import { RandomNumbers } from '../../core/random-numbers.js';
import { TestEngine } from '../support/test-engine.js';

const MINUTE = 60_000;
const START = 1_700_000_000_000;

function clockAt(ms: number): AccessClock {
  const clock = new AccessClock(new RandomNumbers(() => 0.25));
  clock.setTime(ms);
  return clock;
}

function frequencyClock(): AccessClock {
  const clock = clockAt(START);
  clock.setByFrequency(true);
  return clock;
}

describe('recency', () => {
  test('counts seconds since the last use', () => {
    const clock = clockAt(START);
    const used = clock.used(0);
    clock.setTime(START + 42_999);
    expect(clock.idleSeconds(used)).toBe(42);
    expect(clock.idleSeconds(clock.fresh)).toBe(0);
  });

  test('goes around with 24 bits', () => {
    const clock = clockAt(0xfffffe * 1000);
    const used = clock.fresh;
    clock.setTime(0x1000002 * 1000);
    // As in Redis, which subtracts from 2^24 - 1: a second is lost on the way around.
    expect(clock.idleSeconds(used)).toBe(3);
  });

  test('can be set to an age, up to half around where that is older than the clock goes back', () => {
    const clock = clockAt(1_000_000 * 1000);
    expect(clock.idleSeconds(clock.ofIdleSeconds(500))).toBe(500);
    expect(clock.idleSeconds(clock.ofIdleSeconds(2_000_000))).toBe(0xffffff - 0x7fffff);
  });
});

describe('frequency', () => {
  test('a new key has 5', () => {
    const clock = frequencyClock();
    expect(clock.frequency(clock.fresh)).toBe(FREQUENCY_INITIAL);
  });

  test('grows as the logarithm of the uses, as the table in redis.conf says', () => {
    const clock = frequencyClock();
    const after = (uses: number): number => {
      let bits = clock.fresh;
      for (let i = 0; i < uses; i++) bits = clock.used(bits);
      return clock.frequency(bits);
    };
    // lfu-log-factor 10: 100 uses 10, 1000 uses 18, 100k uses 142, a million 255.
    expect(after(100)).toBeGreaterThanOrEqual(8);
    expect(after(100)).toBeLessThanOrEqual(13);
    expect(Math.abs(after(1000) - 18)).toBeLessThanOrEqual(5);
    expect(Math.abs(after(100_000) - 142)).toBeLessThanOrEqual(10);
    expect(after(1_500_000)).toBe(255);
    clock.logFactor = 0;
    expect(after(300)).toBe(255);
  });

  test('falls by one for every lfu-decay-time minutes', () => {
    const clock = frequencyClock();
    const bits = clock.ofFrequency(20);
    clock.setTime(START + 3 * MINUTE);
    expect(clock.frequency(bits)).toBe(17);
    clock.decayMinutes = 2;
    expect(clock.frequency(bits)).toBe(19);
    clock.decayMinutes = 0;
    expect(clock.frequency(bits)).toBe(20);
    clock.decayMinutes = 1;
    clock.setTime(START + 1000 * MINUTE);
    expect(clock.frequency(bits)).toBe(0);
  });

  test('goes around with 16 bits of minutes', () => {
    const clock = clockAt(0xfffe * MINUTE);
    clock.setByFrequency(true);
    const bits = clock.ofFrequency(9);
    clock.setTime(0x10001 * MINUTE);
    expect(clock.frequency(bits)).toBe(9 - 2);
  });
});

describe('the database', () => {
  /** Looks at a key without using it. */
  function look(engine: TestEngine, key: string): void {
    engine.run('ECHO', key);
    engine.engine.database.lookupQuiet(1);
  }

  function idle(engine: TestEngine, key: string): number {
    look(engine, key);
    return engine.engine.database.idleSeconds();
  }

  function frequency(engine: TestEngine, key: string): number {
    look(engine, key);
    return engine.engine.database.frequency();
  }

  test('reads, overwrites and new keys move the clock; questions about a key do not', () => {
    const engine = new TestEngine();
    engine.run('SET', 'k', 'v');
    engine.clock.ms += 100_000;
    expect(idle(engine, 'k')).toBe(100);
    engine.run('TTL', 'k');
    engine.run('EXISTS', 'k');
    expect(idle(engine, 'k')).toBe(100);
    engine.run('GET', 'k');
    expect(idle(engine, 'k')).toBe(0);
    engine.clock.ms += 7_000;
    engine.run('SET', 'k', 'w');
    expect(idle(engine, 'k')).toBe(0);
  });

  test('a session with NO-TOUCH reads and does not move it', () => {
    const engine = new TestEngine();
    const quiet = engine.newSession();
    quiet.noTouch = true;
    engine.run('SET', 'k', 'v');
    engine.clock.ms += 100_000;
    expect(engine.runIn(quiet, 'GET', 'k')).toBe('$1\r\nv\r\n');
    expect(idle(engine, 'k')).toBe(100);
    // TOUCH is there for nothing else.
    expect(engine.runIn(quiet, 'TOUCH', 'k')).toBe(':1\r\n');
    expect(idle(engine, 'k')).toBe(0);
    engine.clock.ms += 100_000;
    expect(engine.runIn(quiet, 'GET', 'k')).toBe('$1\r\nv\r\n');
    expect(idle(engine, 'k')).toBe(100);
    engine.run('GET', 'k');
    expect(idle(engine, 'k')).toBe(0);
  });

  test('counts uses under an LFU policy; an overwritten key keeps its count', () => {
    const engine = new TestEngine();
    engine.engine.accessClock.setByFrequency(true);
    engine.run('SET', 'k', 'v');
    expect(frequency(engine, 'k')).toBe(FREQUENCY_INITIAL);
    for (let i = 0; i < 200; i++) engine.run('GET', 'k');
    const counted = frequency(engine, 'k');
    expect(counted).toBeGreaterThan(FREQUENCY_INITIAL);
    engine.run('SET', 'k', 'w');
    expect(frequency(engine, 'k')).toBeGreaterThanOrEqual(counted);
    engine.run('DEL', 'k');
    engine.run('SET', 'k', 'w');
    expect(frequency(engine, 'k')).toBe(FREQUENCY_INITIAL);
  });

  test('an age can be given; the one that the policy does not go by is ignored', () => {
    const engine = new TestEngine();
    const { database, accessClock } = engine.engine;
    engine.run('SET', 'k', 'v');
    look(engine, 'k');
    database.setAge(1234, 77);
    expect(idle(engine, 'k')).toBe(1234);
    accessClock.setByFrequency(true);
    look(engine, 'k');
    database.setAge(1234, 77);
    expect(frequency(engine, 'k')).toBe(77);
    look(engine, 'k');
    database.setAge(1234, -1);
    expect(frequency(engine, 'k')).toBe(77);
  });

  test('what is folded from the log counts as used at the start', () => {
    const first = new TestEngine();
    first.run('SET', 'k', 'v');
    const second = new TestEngine();
    second.clock.ms += 50_000;
    second.fold(first.sink.entries);
    second.clock.ms += 3_000;
    expect(idle(second, 'k')).toBe(3);
  });
});

import { expect, test } from 'vitest';
import { type GrowingCounters, ServerStatistics } from '../../server/server-statistics.js';

function make() {
  const state = { ms: 5000, commands: 100 };
  const zero = {
    ...{ bytesReceived: 0, bytesSent: 0, connectionsAccepted: 0, connectionsRejected: 0, clientsEvicted: 0 },
    ...{ clientsClosedForOutput: 0, errors: 0, keyspaceHits: 0, keyspaceMisses: 0, expiredKeys: 0, evictedKeys: 0 },
    ...{ reads: 0, writes: 0 },
  };
  const statistics = new ServerStatistics({
    read: (): GrowingCounters => ({ ...zero, commands: state.commands, bytesReceived: state.commands * 1024 }),
    wallMs: () => 1_700_000_000_000,
    monotonicMs: () => state.ms,
    runId: 'a'.repeat(40),
  });
  const run = (ms: number, commands: number): void => {
    state.ms += ms;
    state.commands += commands;
    statistics.sample();
  };
  return { run, state, statistics };
}

test('rates are the mean of the last sixteen samples', () => {
  const { run, statistics } = make();
  for (let i = 0; i < 16; i++) run(100, 50);
  // The first sample also counts what there was before.
  for (let i = 0; i < 16; i++) run(100, 50);
  expect(statistics.commandsPerSecond).toBe(500);
  expect(statistics.receivedKibPerSecond).toBe(500);
  expect(statistics.sentKibPerSecond).toBe(0);
  for (let i = 0; i < 8; i++) run(100, 0);
  expect(statistics.commandsPerSecond).toBe(250);
});

test('a sample without time passed is none', () => {
  const { run, statistics } = make();
  run(0, 10);
  expect(statistics.commandsPerSecond).toBe(0);
});

test('counters count from the last reset on', () => {
  const { run, statistics } = make();
  expect(statistics.counters().commands).toBe(100);
  statistics.reset();
  run(100, 7);
  expect(statistics.counters().commands).toBe(7);
});

test('uptime is whole seconds', () => {
  const { state, statistics } = make();
  state.ms += 2999;
  expect(statistics.uptimeSeconds).toBe(2);
});

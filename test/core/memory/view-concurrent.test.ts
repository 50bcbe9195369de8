/**
 * Engine and reading thread for real: thousands of views of a small arena with a tiny ring, each read by a thread that
 * stumbles at random, against a model copied at the cut. Claims that the engine contested must have happened, else the
 * rounds would prove nothing.
 */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { Arena } from '../../../core/memory/arena.js';
import { SeededRandom } from '../differential/random.js';
import { ArenaModel } from './arena-model.js';
import { type Change, mutants, threadProgram } from './view-mutants.js';
import { closeAndSweep, difference, pagesAtCut } from './view-round.js';

/** Views in a run. */
const ROUNDS = 4000;
const ROUNDS_OF_MUTANT = 4000;

/** Reads views until it is told to end. Waits, now and then and for a random while, between looking at a page and copying it. */
const READER = `
import { ViewReader } from './view-reader.js';
const { parentPort, workerData } = require('node:worker_threads');
const idle = new Int32Array(new SharedArrayBuffer(4));
let state = workerData.seed;
function below(bound) {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return Math.floor(((state >>> 8) / 2 ** 24) * bound);
}
function stumble() {
  const what = below(40);
  if (what === 0) Atomics.wait(idle, 0, 0, 0.05);
  else if (what < 10) for (let i = below(3000); i > 0; i--) state ^= i & 1;
}
class Sink {
  pages = [];
  at = 0;
  bytes = new Uint8Array(4096);
  reserve() { stumble(); }
  commit(page) { this.pages.push([page, this.bytes]); this.bytes = new Uint8Array(4096); stumble(); }
}
parentPort.on('message', ({ share, finished }) => {
  const sink = new Sink();
  const reader = new ViewReader(share, sink);
  while (!reader.step(1 + below(4))) stumble();
  Atomics.store(finished, 0, 1);
  Atomics.notify(finished, 0);
  const { contested, drained, claimed, complete } = reader;
  parentPort.postMessage({ pages: sink.pages, contested, drained, claimed, complete });
});
`;

interface Read {
  readonly pages: [number, Uint8Array][];
  readonly contested: number;
  readonly drained: number;
  readonly claimed: number;
  readonly complete: boolean;
}

interface Sums {
  rounds: number;
  contested: number;
  drained: number;
  claimed: number;
  /** Commands that found no room. */
  parked: number;
  wrong: string;
}

/** Rounds until something is wrong, or enough. */
async function run(thread: Worker, seed: number, rounds: number): Promise<Sums> {
  const random = new SeededRandom(seed);
  const arena = new Arena();
  const model = new ArenaModel(arena, random);
  for (let i = 0; i < 200; i++) model.step(30);
  const sums: Sums = { rounds: 0, contested: 0, drained: 0, claimed: 0, parked: 0, wrong: '' };
  while (sums.rounds < rounds && sums.wrong === '') {
    sums.rounds++;
    const finished = new Int32Array(new SharedArrayBuffer(4));
    const view = arena.cut(1 + random.below(8));
    const expected = pagesAtCut(view.share);
    const answer = new Promise<Read>((resolve) => thread.once('message', resolve));
    thread.postMessage({ share: view.share, finished });
    while (Atomics.load(finished, 0) === 0) {
      if (arena.room(random.below(4))) model.step(30);
      else sums.parked++;
    }
    const read = await answer;
    sums.contested += read.contested;
    sums.drained += read.drained;
    sums.claimed += read.claimed;
    const pages = new Map(read.pages);
    sums.wrong = difference(expected, pages);
    if (sums.wrong === '' && pages.size !== read.pages.length) sums.wrong = 'a page was given twice';
    if (sums.wrong === '' && !read.complete) sums.wrong = 'not complete';
    closeAndSweep(arena);
  }
  return sums;
}

async function withThread<T>(changes: readonly Change[], use: (thread: Worker) => Promise<T>): Promise<T> {
  const thread = new Worker(await threadProgram(READER, changes), { eval: true, workerData: { seed: 7 } });
  try {
    return await use(thread);
  } finally {
    await thread.terminate();
  }
}

describe('views read by a thread', () => {
  it('are what they were at the cut, thousands of times', async () => {
    const sums = await withThread([], (thread) => run(thread, 1, ROUNDS));
    expect(sums.wrong, JSON.stringify(sums)).toBe('');
    expect(sums.contested).toBeGreaterThan(0);
    expect(sums.drained).toBeGreaterThan(ROUNDS);
    expect(sums.claimed).toBeGreaterThan(ROUNDS);
    expect(sums.parked).toBeGreaterThan(0);
  }, 180_000);

  for (const name of [
    'the thread stores DONE without a compare',
    'the thread gives a cell back before it has read it',
  ]) {
    it(`would be noticed if ${name}`, async () => {
      const sums = await withThread([mutants[name]!], (thread) => run(thread, 1, ROUNDS_OF_MUTANT));
      expect(sums.wrong).not.toBe('');
    }, 180_000);
  }
});

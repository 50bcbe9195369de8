/**
 * The protocol between engine and reading thread, in one thread: in front of every atomic operation of one side the
 * other may take whole steps. What each order of the two can break is found again from the seed.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../differential/random.js';
import { ArenaModel } from './arena-model.js';
import { type Change, loadView, mutants, traced, type ViewModules } from './view-mutants.js';
import { closeAndSweep, difference, KeepingSink, pagesAtCut } from './view-round.js';

const trace = globalThis as { viewTrace?: (() => void) | undefined };
const ROUNDS = 300;
const STEPS_IN_ROUND = 20;
const HELD_MAX = 12;

afterEach(() => {
  trace.viewTrace = undefined;
});

interface Outcome {
  /** What was wrong first, '' for nothing. */
  readonly wrong: string;
  readonly rounds: number;
  readonly contested: number;
  readonly drained: number;
  readonly claimed: number;
}

/** Rounds of random work under a view, each side broken into by the other, until something is wrong. */
function run(modules: ViewModules, seed: number): Outcome {
  const random = new SeededRandom(seed);
  const arena = new modules.Arena();
  const model = new ArenaModel(arena, random);
  for (let i = 0; i < 100; i++) model.step(HELD_MAX);
  const sums = { contested: 0, drained: 0, claimed: 0 };
  for (let round = 1; round <= ROUNDS; round++) {
    const view = arena.cut(1 + random.below(6));
    const expected = pagesAtCut(view.share);
    const sink = new KeepingSink();
    const reader = new modules.ViewReader(view.share, sink);
    let inEngine = false;
    let inReader = false;
    let finished = false;
    const engine = (): void => {
      if (inEngine) return;
      inEngine = true;
      for (let i = random.below(6); i >= 0; i--) model.step(HELD_MAX);
      inEngine = false;
    };
    // A reader that has finished never looks again.
    const read = (pages: number): void => {
      if (inReader || finished) return;
      inReader = true;
      finished = reader.step(pages);
      inReader = false;
    };
    // Between looking at a page and copying it: that is where a claim is contested.
    sink.reserve = () => {
      if (random.chance(0.7)) engine();
    };
    trace.viewTrace = () => {
      if (!inReader && random.chance(0.1)) read(random.chance(0.3) ? 1e6 : 1 + random.below(3));
      else if (!inEngine && random.chance(0.1)) engine();
    };
    for (let i = 0; i < STEPS_IN_ROUND; i++) {
      if (random.chance(0.6)) engine();
      else read(1 + random.below(2));
    }
    while (!finished) read(1 + random.below(20));
    trace.viewTrace = undefined;
    sums.contested += reader.contested;
    sums.drained += reader.drained;
    sums.claimed += reader.claimed;
    let wrong = difference(expected, sink.pages);
    if (wrong === '' && sink.twice > 0) wrong = 'a page was given twice';
    if (wrong === '' && !reader.complete) wrong = 'not complete';
    if (wrong !== '') return { wrong, rounds: round, ...sums };
    closeAndSweep(arena);
  }
  return { wrong: '', rounds: ROUNDS, ...sums };
}

describe('engine and reader, interleaved', () => {
  it('never lose, tear or repeat a page', async () => {
    const modules = await loadView([traced]);
    for (const seed of [1, 2, 3]) {
      const { wrong, contested, drained, claimed } = run(modules, seed);
      expect(wrong, `seed ${seed}`).toBe('');
      expect(contested).toBeGreaterThan(5);
      expect(drained).toBeGreaterThan(1000);
      expect(claimed).toBeGreaterThan(1000);
    }
  });

  for (const [name, change] of Object.entries(mutants) as [string, Change][]) {
    it(`would be noticed if ${name}`, async () => {
      const modules = await loadView([change, traced]);
      expect(run(modules, 1).wrong).not.toBe('');
      expect(run(modules, 2).wrong).not.toBe('');
    });
  }
});

/**
 * Proof that the debug arena would notice a forgotten barrier: every call of the barrier is removed from the arena's
 * source in turn, and random work on the mutant must fail.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import type * as DebugArenaModule from '../../../core/memory/debug-arena.js';
import { SeededRandom } from '../differential/random.js';
import { ArenaModel } from './arena-model.js';

const MEMORY = fileURLToPath(new URL('../../../core/memory/', import.meta.url));
const ARENA = `${MEMORY}arena.ts`;
const source = readFileSync(ARENA, 'utf8');

/** A call of the barrier with its test, as the arena writes it everywhere. */
const BARRIER = /if \((?:this\.)?pages\.mine\[\w+\] !== this\.base\) this\.before(?:FirstWrite|FirstUse)\(\w+\);/g;
const sites = [...source.matchAll(BARRIER)];

const STEPS_MAX = 5000;

/** The debug arena over an arena with other source text, as a module of its own. */
async function load(arenaSource: string): Promise<typeof DebugArenaModule> {
  const { outputFiles } = await build({
    entryPoints: [`${MEMORY}debug-arena.ts`],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    plugins: [
      {
        name: 'mutant',
        setup(context) {
          context.onLoad({ filter: /[\\/]memory[\\/]arena\.ts$/ }, () => ({ contents: arenaSource, loader: 'ts' }));
        },
      },
    ],
  });
  const code = Buffer.from(outputFiles[0]!.contents).toString('base64');
  return (await import(/* @vite-ignore */ `data:text/javascript;base64,${code}`)) as typeof DebugArenaModule;
}

/** Runs random work until the debug arena objects. Returns its code, or '' if it never does. */
async function verdict(arenaSource: string, seed: number): Promise<string> {
  const { DebugArena, DebugArenaError } = await load(arenaSource);
  const arena = new DebugArena();
  const model = new ArenaModel(arena, new SeededRandom(seed), (name, operation) => {
    arena.commandBegin(name, 17);
    operation();
    arena.commandEnd();
  });
  try {
    for (let i = 0; i < STEPS_MAX; i++) model.step(40);
  } catch (error) {
    if (error instanceof DebugArenaError) return error.code;
    throw error;
  }
  return '';
}

describe('the barrier', () => {
  it('is called in one way only, which this test knows how to remove', () => {
    const calls = [...source.matchAll(/this\.before(?:FirstWrite|FirstUse)\(/g)];
    expect(sites.length).toBe(calls.length);
    expect(sites.length).toBeGreaterThanOrEqual(4);
  });

  it('is complete: the arena as it is has no objection', async () => {
    expect(await verdict(source, 1)).toBe('');
  });

  for (const site of sites) {
    const line = source.slice(0, site.index).split('\n').length;
    it(`is missed where line ${line} does not call it`, async () => {
      const mutant = source.slice(0, site.index) + source.slice(site.index + site[0].length);
      expect(await verdict(mutant, 1)).toMatch(/^CHANGED_/);
      expect(await verdict(mutant, 2)).toMatch(/^CHANGED_/);
    });
  }
});

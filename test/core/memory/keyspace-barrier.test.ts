/** The keyspace under the debug arena: every page that it changes is announced, and no more of them than declared. */
import { describe, expect, it } from 'vitest';
import { DebugArena } from '../../../core/memory/debug-arena.js';
import { KeyspaceModel } from './keyspace-model.js';

describe('Keyspace under the debug arena', () => {
  for (let seed = 101; seed <= 106; seed++) {
    it(`announces what it changes, seed ${seed}`, () => {
      const arena = new DebugArena();
      const model = new KeyspaceModel(arena, 2, seed, 40, 2e6, (name, pageBound, run) => {
        arena.commandBegin(name, pageBound);
        run();
        arena.commandEnd();
      });
      for (let i = 0; i < 600; i++) model.step();
      model.checkAll();
      if (seed % 2 === 0) {
        model.detach();
        for (let i = 0; i < 100; i++) model.step();
      }
      model.removeAll();
      expect(arena.usedBytes).toBe(0);
    });
  }
});

/**
 * RANDOMKEY: a key of the selected database, each with the same probability. Expired keys that it meets are removed, as
 * Redis does; where there are very many of them it goes on in slices, between which others are served.
 */
import { ExpiryRefused, RandomKey } from '../database.js';
import { ERROR_NO_SPACE } from '../engine.js';
import type { Execution } from '../execution.js';
import type { SlicedTask } from '../sliced-task.js';
import type { CommandSpec } from './command.js';

/** Keys met in one go, without asking for the time. */
const STEP_KEYS = 64;

function randomkeyCommand(x: Execution): void {
  x.database.dependOnAll();
  if (!answer(x)) x.runInSlices(new RandomKeyTask());
}

/** True once the reply is written; false while only expired keys were met. */
function answer(x: Execution): boolean {
  const { database, engine, reply } = x;
  for (let met = 0; met < STEP_KEYS; met++) {
    const key = database.readRandomKey((engine.random() * 2 ** 32) | 0);
    if (key === RandomKey.expired) continue;
    if (key === RandomKey.none) reply.nil();
    else reply.bulk(database.keyBytes, 0, database.keyLength);
    database.forgetCollected();
    return true;
  }
  return false;
}

class RandomKeyTask implements SlicedTask {
  step(x: Execution): boolean {
    try {
      while (!answer(x)) if (x.sliceOver()) return false;
    } catch (error) {
      if (!(error instanceof ExpiryRefused)) throw error;
      x.reply.error(ERROR_NO_SPACE);
    }
    return true;
  }

  cancel(): void {}
}

export const randomKeyCommands: readonly CommandSpec[] = [
  {
    name: 'randomkey',
    arity: 1,
    flags: ['readonly'],
    categories: ['keyspace'],
    group: 'generic',
    since: '1.0.0',
    complexity: 'O(1)',
    summary: 'Return a random key from the keyspace',
    tips: ['request_policy:all_shards', 'nondeterministic_output'],
    pages: STEP_KEYS,
    run: randomkeyCommand,
  },
];

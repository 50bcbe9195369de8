/**
 * The model of loss with the real process: ten rounds of load, `kill -9`, restart, comparison. A longer run:
 * `npm run test:loss -- --rounds 500 --seed N`.
 */
import { expect, test } from 'vitest';
import { runLossRounds } from '../support/loss-rounds.js';
import { LossFound } from '../support/recording-client.js';
import { describeWith } from '../support/require-servers.js';
import { SeededRandom } from '../support/seeded-random.js';

const { seed } = SeededRandom.fromEnvironment('HOLDFAST_TEST_SEED');

test(`ten kills lose nothing that was answered (seed ${seed})`, { timeout: 180_000 }, async () => {
  await runLossRounds({ rounds: 10, seed });
});

test(`nor do ten at some stage of a snapshot (seed ${seed})`, { timeout: 300_000 }, async () => {
  await runLossRounds({ rounds: 10, seed, snapshots: true });
});

describeWith(['redis-server'], 'the model of loss', () => {
  test('holds for a server that keeps its log', async () => {
    await runLossRounds({ rounds: 2, seed, kind: 'redis' });
  });

  test('notices a server that keeps nothing', async () => {
    const lossy = runLossRounds({ rounds: 3, seed, kind: 'redis', args: ['--appendonly', 'no'] });
    await expect(lossy).rejects.toBeInstanceOf(LossFound);
  });
});

/**
 * `npm run test:loss -- --rounds 500 --seed N`: the model of loss for as long as one likes; prints its seed. With
 * `--snapshots` snapshots are taken all the time, and most kills hit one stage of them.
 */
import { parseArgs } from 'node:util';
import { runLossRounds } from './loss-rounds.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '500' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
    server: { type: 'string', default: 'holdfast' },
    snapshots: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
console.log(`seed ${seed}`);
await runLossRounds({
  rounds: Number(values.rounds),
  seed,
  kind: values.server === 'redis' ? 'redis' : 'holdfast',
  snapshots: values.snapshots,
  report: (line) => console.log(line),
});
console.log(
  `${values.rounds} rounds, seed ${seed}: nothing that was answered is missing, nothing that was not sent appeared`,
);
process.exit(0);

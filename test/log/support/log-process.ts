/**
 * A process of its own that holds a log: `node log-process.js DIRECTORY`. Writes one entry after another, prints each
 * sequence once it is committed, and goes on until it is killed. Prints `refused CODE` and exits 3 if it cannot open.
 */
import { LocalLog } from '../../../log/local/local-log.js';
import { LogError } from '../../../log/log-error.js';
import { committed, fillBatch, LEADER } from './log-driver.js';

async function main(directory: string, count: number): Promise<void> {
  const log = new LocalLog({ directory, stepBytes: 64 * 1024, batchBytesMax: 8192, segmentBytesMax: 30_000 });
  const tail = await log.open();
  const writer = await log.acquire(tail.position, { ...LEADER, timeMs: Math.max(LEADER.timeMs, tail.lastTimeMs) });
  process.stdout.write(`open ${tail.lastSequence}\n`);
  for (let i = 1; i <= count; i++) {
    const sequence = tail.lastSequence + i;
    const batch = writer.takeBatch();
    if (batch === undefined) throw new Error('no batch');
    const end = fillBatch(batch, [`entry ${sequence} ${'x'.repeat(sequence % 700)}`]);
    if (i % 2 === 0 || !writer.commitInline(batch, end, sequence, 1, LEADER.timeMs, 0)) {
      writer.submit(batch, end, sequence, 1, LEADER.timeMs, 0);
      await committed(writer);
    }
    process.stdout.write(`${sequence}\n`);
  }
  process.stdout.write('idle\n');
  setInterval(() => {}, 1000);
}

main(process.argv[2]!, Number(process.argv[3])).catch((error: unknown) => {
  process.stdout.write(`refused ${error instanceof LogError ? error.code : String(error)}\n`, () => process.exit(3));
});

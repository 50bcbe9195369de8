import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Origin } from '../../../log/entry.js';
import { EntryReader, type FrameBatch } from '../../../log/entry-reader.js';
import { frameKindName } from '../../../log/frame.js';
import { inspectLog } from '../../../log/local/inspect-log.js';
import { LocalLog } from '../../../log/local/local-log.js';
import { temporaryDirectory } from '../support/compiled-log.js';
import { writeGoldenLog } from '../support/golden-log.js';

const FIXTURE = fileURLToPath(new URL('../../fixtures/log-format-1', import.meta.url));

/** Everything that a log says, one line a frame, an origin or an entry. */
async function transcript(batches: AsyncIterable<FrameBatch> | Iterable<FrameBatch>): Promise<string> {
  const lines: string[] = [];
  const reader = new EntryReader({
    onFrame(header) {
      const { epoch, idx, firstSequence, entryCount, timeMs, flags, committedEpoch, committedIdx } = header;
      const committed = `committed ${committedEpoch}/${committedIdx}`;
      const first = `${frameKindName(header.kind)} ${epoch}/${idx} flags ${flags} at ${timeMs}`;
      lines.push(`${first}, ${entryCount} from ${firstSequence}, ${committed}`);
    },
    onOrigin(origin: Origin | undefined) {
      lines.push(origin === undefined ? '  origins start anew' : `  origin ${JSON.stringify(origin)}`);
    },
  });
  for await (const batch of batches) {
    reader.load(batch);
    while (reader.next()) {
      const text = Buffer.from(reader.bytes.slice(reader.start, reader.end)).toString('latin1');
      lines.push(`  ${reader.sequence} by ${reader.origin}: ${JSON.stringify(text)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

test('the golden log of format 1 reads as it always did', async () => {
  expect(fs.existsSync(path.join(FIXTURE, 'mark'))).toBe(true);
  const expected = fs.readFileSync(path.join(FIXTURE, 'transcript.txt'), 'utf8');
  const directory = path.join(temporaryDirectory(), 'log');
  fs.cpSync(FIXTURE, directory, { recursive: true });
  const log = new LocalLog({ directory, background: 'event-loop' });
  const tail = await log.open();
  expect(tail).toMatchObject({ lastSequence: 11, sealed: true, torn: undefined });
  expect(await transcript(log.readBatches(1))).toBe(expected);
  await log.close();
  expect(inspectLog(FIXTURE)).toMatchObject({ lastSequence: 11, segmentCount: 4, featureLevel: 1 });
});

test('a log that is made the same way today says the same', async () => {
  const directory = path.join(temporaryDirectory(), 'log');
  await writeGoldenLog(directory);
  const expected = fs.readFileSync(path.join(FIXTURE, 'transcript.txt'), 'utf8');
  const log = new LocalLog({ directory, background: 'event-loop' });
  await log.open();
  expect(await transcript(log.readBatches(1))).toBe(expected);
  await log.close();
});

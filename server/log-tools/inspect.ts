/** `holdfast log inspect DIR`: what a log is, then its entries, one a line, up to the committed mark. */
import type { Origin } from '../../log/entry.js';
import { EntryReader } from '../../log/entry-reader.js';
import { inspectLog, type LogInspection } from '../../log/local/inspect-log.js';
import { describeEffects, describeOrigin } from './entry-text.js';
import type { LineOutput } from './line-output.js';
import { countOption, readLogArguments } from './log-arguments.js';

export async function inspect(words: readonly string[], output: LineOutput): Promise<void> {
  const args = readLogArguments(words, { from: 'value', count: 'value' });
  const log = inspectLog(args.directory);
  for (const line of describeLog(args.directory, log)) await output.line(line);
  await output.line('');
  const from = Math.max(countOption(args, 'from', log.firstSequence), log.firstSequence);
  let left = countOption(args, 'count', Number.MAX_SAFE_INTEGER);
  const origins = new Map<number, Origin>();
  const entries = new EntryReader({
    from,
    onOrigin: (origin) => {
      if (origin === undefined) origins.clear();
      else origins.set(origin.number, origin);
    },
  });
  for (const batch of log.batches(from)) {
    entries.load(batch);
    while (left > 0 && !output.closed && entries.next()) {
      const { bytes, end, origin, sequence, start, timeMs } = entries;
      const who = describeOrigin(origin, origins.get(origin));
      await output.line(`${sequence} ${new Date(timeMs).toISOString()} ${who} ${describeEffects(bytes, start, end)}`);
      left--;
    }
    if (left === 0 || output.closed) return;
  }
}

/** What is known of a log without its entries. */
export function describeLog(directory: string, log: LogInspection): string[] {
  const lines = [
    `directory ${directory}`,
    `log ${log.logId}, timeline ${log.timeline}`,
    `${log.segmentCount} segments, sequences ${log.firstSequence} to ${log.committedSequence} are committed`,
  ];
  if (log.firstSequence > 1) {
    lines.push(`begins with sequence ${log.firstSequence}: what is before it was trimmed behind a snapshot`);
  }
  if (!/^0*$/.test(log.parentTimeline)) {
    lines.push(`cut after sequence ${log.forkSequence} from timeline ${log.parentTimeline}`);
  }
  if (log.uncoveredFrames > 0) {
    lines.push(
      `${log.uncoveredFrames} more sound frames, up to sequence ${log.lastSequence}, lie above the committed mark: ` +
        'a server that starts here takes them',
    );
  }
  if (log.torn !== undefined) {
    const { bytes, file, offset } = log.torn;
    lines.push(`${file}: ${bytes} bytes from offset ${offset} on are torn, or being written`);
  }
  lines.push(log.sealed ? 'sealed: its server was shut down in order' : 'not sealed: its server runs, or was killed');
  return lines;
}

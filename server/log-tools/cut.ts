/**
 * `holdfast log cut DIR --after SEQUENCE --accept-loss --to NEWDIR`: a new data directory with what is sound up to a
 * sequence, the snapshots up to there that it goes on from, and a list of what is not in it. The original stays as it is.
 */
import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { cutLog, type DroppedRange, firstSequenceOf } from '../../log/local/cut-log.js';
import { CommandLineError } from '../command-line.js';
import { logDirectoryOf } from '../data-directory.js';
import type { LineOutput } from './line-output.js';
import { countOption, readLogArguments } from './log-arguments.js';
import { copySnapshots, requireReaching, snapshotsUpTo } from './snapshots-to-keep.js';

export async function cut(words: readonly string[], output: LineOutput): Promise<void> {
  const args = readLogArguments(words, { after: 'value', to: 'value', 'accept-loss': 'flag' });
  const afterSequence = countOption(args, 'after', -1);
  const to = args.options.get('to');
  if (afterSequence < 0) throw new CommandLineError('--after SEQUENCE says which entry is the last one to keep');
  if (to === undefined) throw new CommandLineError('--to NEWDIR says where the new data directory goes');
  if (!args.options.has('accept-loss')) {
    throw new CommandLineError('what lies above the sequence is given up: say so with --accept-loss');
  }
  const dataDirectory = resolve(to);
  if (existsSync(dataDirectory) && readdirSync(dataDirectory).length > 0) {
    throw new CommandLineError(`${dataDirectory} is not empty: choose a new directory`);
  }
  const warnings: string[] = [];
  const { store, snapshots } = snapshotsUpTo(args.directory, afterSequence, (message) => warnings.push(message));
  for (const warning of warnings) await output.line(warning);
  requireReaching(store, snapshots, firstSequenceOf(args.directory));
  const report = cutLog({ directory: args.directory, target: logDirectoryOf(dataDirectory), afterSequence });
  copySnapshots(store, snapshots, dataDirectory);
  for (const range of report.dropped) await output.line(`dropped: ${describeRange(range)}`);
  if (report.dropped.length === 0) await output.line('dropped: nothing');
  await output.line(
    `kept: sequences up to ${report.lastSequence}, ${report.bytes} bytes in ${report.segmentCount} segments`,
  );
  for (const { file, sequence } of snapshots) await output.line(`kept: snapshot ${file} at sequence ${sequence}`);
  await output.line(`timeline ${report.timeline}, cut from ${report.parentTimeline}`);
  await output.line(`start it with: holdfast --dir ${dataDirectory}`);
}

function describeRange({ bytes, file, firstSequence, lastSequence, offset, what }: DroppedRange): string {
  const sequences = firstSequence === undefined ? '' : ` (sequences ${firstSequence} to ${lastSequence})`;
  return `${what}${sequences}: ${file}, ${bytes} bytes from offset ${offset} on`;
}

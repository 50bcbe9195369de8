/** `holdfast log verify DIR`: reads every committed byte of a log and checks it. */
import { inspectLog, verifyLog } from '../../log/local/inspect-log.js';
import { describeLog } from './inspect.js';
import type { LineOutput } from './line-output.js';
import { readLogArguments } from './log-arguments.js';

/** @throws LogError `LOG_DAMAGED` naming file and offset. */
export async function verify(words: readonly string[], output: LineOutput): Promise<void> {
  const { directory } = readLogArguments(words, {});
  const log = inspectLog(directory);
  for (const line of describeLog(directory, log)) await output.line(line);
  await output.flush();
  const { bytes, entries, frames } = verifyLog(log);
  await output.line(`sound: ${entries} entries with ${bytes} bytes of effects in ${frames} frames`);
}

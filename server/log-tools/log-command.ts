/**
 * `holdfast log inspect|verify|cut`: what an operator does with a log while no server may be trusted to. All of them only
 * read the log that they are given; cut writes another one.
 */
import type { Writable } from 'node:stream';
import { CommandLineError } from '../command-line.js';
import { cut } from './cut.js';
import { inspect } from './inspect.js';
import { LineOutput } from './line-output.js';
import { verify } from './verify.js';

/**
 * @param args what follows `holdfast log`.
 * @returns the exit code.
 * @throws CommandLineError for a wrong command line, LogError for a log that cannot be read or is damaged.
 */
export async function runLogCommand(args: readonly string[], output: Writable): Promise<number> {
  const [verb, ...rest] = args;
  const lines = new LineOutput(output);
  switch (verb) {
    case 'inspect':
      await inspect(rest, lines);
      break;
    case 'verify':
      await verify(rest, lines);
      break;
    case 'cut':
      await cut(rest, lines);
      break;
    default:
      throw new CommandLineError(
        verb === undefined
          ? 'holdfast log needs a verb: inspect, verify or cut'
          : `there is no 'log ${verb}': try --help`,
      );
  }
  await lines.flush();
  return 0;
}

/** The reply of a container's HELP: an array of lines, in the form that Redis gives them. */
import type { Execution } from '../execution.js';

/** @param lines what stands between the first line and the description of HELP itself. */
export function replyHelp(x: Execution, command: string, lines: readonly string[]): void {
  const { reply } = x;
  reply.array(lines.length + 3);
  reply.simple(`${command} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`);
  for (const line of lines) reply.simple(line);
  reply.simple('HELP');
  reply.simple('    Prints this help.');
}

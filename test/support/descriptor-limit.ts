/** How many files and sockets a process may have open here. */
import { readFileSync } from 'node:fs';

/** The soft limit of this process; node raises it to the hard one when it starts, so its children may have as many. */
export function descriptorLimit(): number {
  const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
  return Number(match?.[1] ?? 1024);
}

/** Resident memory of another process, from Linux' /proc. */
import { readFileSync } from 'node:fs';

/** Resident bytes of a process, shared memory included. @throws where there is no /proc. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (match === null) throw new Error(`process ${pid} has no resident memory`);
  return Number(match[1]) * 1024;
}

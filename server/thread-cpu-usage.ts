/** How much CPU time the calling thread has used; where nobody tells, the whole process' counts. */
import { readFileSync } from 'node:fs';

/** Ticks of the times in /proc, per second: fixed on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/thread-self/stat behind the name, which is in brackets: utime and stime are the 14th and 15th. */
const USER_FIELD = 11;

/** Microseconds. */
export interface CpuUsage {
  readonly user: number;
  readonly system: number;
}

export function threadCpuUsage(): CpuUsage {
  const { threadCpuUsage: ask } = process as { threadCpuUsage?: () => CpuUsage };
  if (ask !== undefined) return ask.call(process);
  try {
    const stat = readFileSync('/proc/thread-self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const micros = (field: number): number => (Number(fields[field]) * 1e6) / TICKS_PER_SECOND;
    return { user: micros(USER_FIELD), system: micros(USER_FIELD + 1) };
  } catch {
    return process.cpuUsage();
  }
}

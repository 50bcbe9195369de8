/** Makes the calling thread yield to the ones that serve. */
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';

/**
 * About a tenth of a busy processor, and all of an idle one. At 19, the lowest, a machine that has nothing to spare would
 * not finish a snapshot in hours, and the log would grow meanwhile.
 */
const NICE = 10;

/** Lowers the calling thread's priority where the system can do that for a thread: Linux. Returns whether it did. */
export function lowerThreadPriority(): boolean {
  try {
    // "PID/task/TID"; setpriority takes a thread's number as it takes a process'.
    const thread = Number(readlinkSync('/proc/thread-self').split('/').at(-1));
    if (!Number.isInteger(thread) || thread <= 0 || thread === process.pid) return false;
    setPriority(thread, NICE);
    return true;
  } catch {
    return false;
  }
}

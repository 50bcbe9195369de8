/**
 * Makes threads yield to the ones that serve, where the system has priorities of threads: Linux. Elsewhere, and where the
 * system refuses, nothing happens.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

/**
 * Below the process: about a tenth of a busy processor, and all of an idle one. At the lowest, a machine that has nothing
 * to spare would not finish a snapshot in hours, and the log would grow meanwhile.
 */
export const NICE_BACKGROUND = 10;
const NICE_MAX = 19;
/** V8's helpers in a process of node that was not told otherwise. */
const HELPERS_DEFAULT = 4;
const TASKS = '/proc/self/task';

/** Lowers the calling thread. Returns whether it did. */
export function lowerThreadPriority(nice = NICE_BACKGROUND): boolean {
  try {
    // "PID/task/TID"
    return lower(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), nice);
  } catch {
    return false;
  }
}

/**
 * Starts a thread that is lowered before it runs its first line: loading its modules takes some ten milliseconds of a
 * processor. @param start starts exactly one, synchronously.
 */
export function startLowered<Thread>(start: () => Thread, nice = NICE_BACKGROUND): Thread {
  const before = new Set(threadNumbers());
  const thread = start();
  const started = threadNumbers().filter((number) => !before.has(number));
  // With two new ones it cannot be known which is meant: both stay as they are.
  if (started.length === 1) lower(started[0]!, nice);
  return thread;
}

/**
 * Lowers the helpers of V8, which compile and collect garbage for all threads: they must not keep a processor from the
 * thread that serves for the sake of one in the background. To be called at the start of the process' program, before it
 * has threads of its own; not for a program that merely embeds a server. Returns how many were lowered.
 */
export function lowerHelperThreads(nice = NICE_BACKGROUND): number {
  const numbers = threadNumbers().filter((number) => number !== process.pid);
  const named = numbers.filter((number) => /V8Worker/.test(nameOf(number)));
  // Older versions of node name none. They start first, behind the one for delayed tasks.
  const first = numbers[0];
  const unnamed = first === undefined ? [] : numbers.slice(1, 1 + HELPERS_DEFAULT);
  return (named.length > 0 ? named : unnamed).filter((number) => lower(number, nice)).length;
}

/** Ascending: the order in which they were started, unless the numbers of the system began anew. */
function threadNumbers(): number[] {
  try {
    return readdirSync(TASKS)
      .map(Number)
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

function nameOf(thread: number): string {
  try {
    return readFileSync(`${TASKS}/${thread}/comm`, 'latin1');
  } catch {
    return '';
  }
}

/** setpriority takes a thread's number as it takes a process'. */
function lower(thread: number, nice: number): boolean {
  if (!Number.isInteger(thread) || thread <= 0 || thread === process.pid) return false;
  try {
    const target = Math.min(NICE_MAX, getPriority(process.pid) + nice);
    // Never upwards: that needs a privilege.
    if (getPriority(thread) < target) setPriority(thread, target);
    return true;
  } catch {
    return false;
  }
}

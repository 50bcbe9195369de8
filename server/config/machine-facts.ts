/** What the configuration needs to know of the machine. Tests put in their own facts. */
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

export interface MachineFacts {
  /** Memory that this process may use, in bytes: the cgroup's where it is less than the machine's. */
  readonly memoryBytes: number;
  /** File descriptors that this process may have open. */
  readonly openFilesMax: number;
}

/** Reads the facts of this machine. */
export function readMachineFacts(): MachineFacts {
  const machine = totalmem();
  // 0 or a number beyond the machine's memory means that there is no limit.
  const constrained = process.constrainedMemory();
  const memoryBytes = constrained !== undefined && constrained > 0 ? Math.min(constrained, machine) : machine;
  return { memoryBytes, openFilesMax: readOpenFilesMax() };
}

function readOpenFilesMax(): number {
  try {
    const match = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    const limit = Number(match?.[1]);
    return Number.isNaN(limit) ? Number.MAX_SAFE_INTEGER : limit;
  } catch {
    // Not Linux: nothing is known, so nothing is refused.
    return Number.MAX_SAFE_INTEGER;
  }
}

/** A long command outside of transactions and scripts that runs in slices (KEYS, DEBUG-like walks). */
import type { Execution } from './execution.js';

export interface SlicedTask {
  /**
   * True while the task waits for something else than the processor (WAIT): its connection rests and calls step() again
   * only after ConnectionRegistry.wake(session). Absent for tasks that can always go on.
   */
  readonly resting?: boolean;
  /** False where no step of the task looks at the dataset or changes it. Absent for tasks that do. */
  readonly touchesDataset?: boolean;
  /**
   * Runs one slice: until `x.sliceOver()` says that the budget is used up, or to the end.
   * @returns true when the command is done and its reply is written.
   */
  step(x: Execution): boolean;
  /**
   * CLIENT UNBLOCK: a task that rests is over, as if its time were (reply as then) or with this error as its reply.
   * @returns false when it cannot be ended from outside. Absent for tasks of which none can.
   */
  unblock?(error: string): boolean;
  /** The session is gone: lets go of what the task holds. */
  cancel(): void;
}

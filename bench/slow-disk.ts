/** How a Holdfast is told to behave as if its disk were slow. */
import { FAULTS_VARIABLE } from '../log/local/fault-files.js';

/** Environment for a server whose every fsync takes that many ms longer. */
export function slowDiskEnvironment(extraMs: number): Record<string, string> {
  return { [FAULTS_VARIABLE]: `syncDelayMs=${extraMs}` };
}

/** Where a `LogKeeper` runs, as the writer sees it: on a thread of its own or on the caller's event loop. */
import type { LogError } from '../log-error.js';
import type { LocalLogEvent } from './local-log-options.js';
import type { KeeperSetup, KeeperStart } from './log-keeper.js';

export interface KeeperHost {
  /** Creates the first segment and commits the leader record. @throws LogError */
  begin(start: KeeperStart): Promise<void>;
  /** A batch was closed, or room is wanted. */
  wake(): void;
  /** An inline commit was made: wakes the keeper only where it would otherwise be late for its own work. */
  committedInline(): void;
  /** Commits what is pending, appends the seal and writes the mark. @throws LogError if the log fails before that */
  seal(): Promise<void>;
  /** Ends the keeper and closes its segment. Resolves also after a failure. */
  stop(): Promise<void>;
}

export interface KeeperHostCallbacks {
  readonly onEvent: (event: LocalLogEvent) => void;
  /** The keeper failed or its thread died; at most once. */
  readonly onFailed: (error: LogError) => void;
}

/** What crosses to the log thread when it starts. */
export interface LogThreadData {
  readonly state: SharedArrayBuffer;
  readonly cells: readonly SharedArrayBuffer[];
  readonly setup: KeeperSetup;
  readonly start: KeeperStart;
  readonly faults: string;
  readonly faultCounters: SharedArrayBuffer;
}

/** What comes back from it. */
export type LogThreadMessage =
  | { readonly type: 'begun' }
  | { readonly type: 'sealed' }
  | { readonly type: 'event'; readonly event: LocalLogEvent }
  | { readonly type: 'failed'; readonly error: PlainLogError };

/** A `LogError` as it crosses between threads, which keeps neither its class nor its code. */
export interface PlainLogError {
  readonly code: LogError['code'];
  readonly message: string;
  readonly file: string | undefined;
  readonly offset: number | undefined;
}

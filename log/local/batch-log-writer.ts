/**
 * The hot path of the local log as the server sees it: batches in shared memory, closed either inline or by the log
 * thread, and a count of committed batches. `LocalLogWriter` implements it; tests may implement it with less.
 */
import type { LogError } from '../log-error.js';
import type { LogWriter, Sequence } from '../transaction-log.js';
import type { BatchBuffer } from './batch-buffer.js';

export interface BatchLogWriter extends LogWriter {
  /** Bytes of entries that a batch takes at most. */
  readonly batchBytesMax: number;

  /**
   * The next batch to write into, or undefined while all are in flight (or all zeroed space is spoken for): then nothing
   * may be executed that writes, until `onCommitted`. At most one batch is out at a time.
   */
  takeBatch(): BatchBuffer | undefined;

  /** Gives the taken batch back unused; nothing may have been written that counts (its `originReset` comes again). */
  releaseBatch(batch: BatchBuffer): void;

  /**
   * Closes the batch and commits it in the calling thread: when it returns true the batch is durable, counted in
   * `committedCount`, and no callback follows. False: nothing has happened, the log thread holds the commit token or has
   * something pending, or a roll or more room is due: `submit` it instead.
   * @param bodyEnd first byte behind the body; the body may be empty of entries (an origin item alone)
   * @throws LogError `LOG_FAILED`: outcome unknown, final for the process
   */
  commitInline(
    batch: BatchBuffer,
    bodyEnd: number,
    firstSequence: Sequence,
    entryCount: number,
    timeMs: number,
    flags: number,
  ): boolean;

  /** Does what an inline commit has put off; to be called once its replies have left. */
  settle(): void;

  /** Closes the batch and hands it to the log thread; batches are committed in the order in which they were closed. */
  submit(
    batch: BatchBuffer,
    bodyEnd: number,
    firstSequence: Sequence,
    entryCount: number,
    timeMs: number,
    flags: number,
  ): void;

  /**
   * An entry whose effects are above `batchBytesMax`: goes as part frames and a last data frame. No batch may be out.
   * `takeBatch` answers undefined until all parts are handed over. The log reads `effects` until it is committed; the
   * caller must not change it.
   * @param origin number of the entry's origin, whose item must lie in an earlier batch since the last origin reset
   * @returns value of `closedCount` once its last part is closed: it is committed when `committedCount` reaches that
   */
  submitLarge(effects: Uint8Array, origin: number, sequence: Sequence, timeMs: number): number;

  /** Batches closed so far, 32-bit wrapping; compare by `(a - b) | 0`. Counts the parts of large entries when queued. */
  readonly closedCount: number;
  /** Batches committed so far, 32-bit wrapping. */
  readonly committedCount: number;
  /** Last sequence that is committed. Reads shared memory; cheap enough for once per event-loop turn. */
  readonly committedSequence: Sequence;

  /** The next batch that is taken begins a new segment, unless the open one has no entries: what lies before can be trimmed. */
  rollNext(): void;

  /**
   * Which frame committed the batch that made `closedCount` this position, and the running checksum behind it; only for
   * one of the newest 64 positions, and once it is committed.
   */
  frameOf(position: number): { epoch: number; idx: number; runningChecksum: Uint8Array };

  /**
   * The callback runs on this thread after the log thread has advanced `committedCount` (several batches may be told at
   * once), and after disk space ran short or came back. Not after an inline commit.
   */
  onCommitted(callback: () => void): void;
  /** The callback runs once, if the log failed or its thread died: nothing that is not committed by now ever will be. */
  onFailed(callback: (error: LogError) => void): void;
  /** Set from the first failure on. */
  readonly failure: LogError | undefined;

  /**
   * True while there is no room for writes of clients: refuse them before execution. One read of shared memory while the
   * disk has room. The engine's own effects may still be written while `refusesEngineWrites` is false.
   */
  readonly refusesWrites: boolean;
  readonly refusesEngineWrites: boolean;
  /** Whether the disk has room for an entry of so many bytes; ask before executing what is above `batchBytesMax`. */
  admitsLarge(bytes: number): boolean;

  /** Moving average of the time of fdatasync in microseconds, whoever called it. */
  readonly averageSyncMicros: number;
  /** Bytes of all segments, the zeroed room not counted. */
  readonly sizeBytes: number;

  /** Commits everything that was closed, appends the seal and writes the mark. Nothing may be closed afterwards. */
  flushAndSeal(): Promise<void>;
  /** Stops the log thread and closes the segment; without `flushAndSeal` before it the log ends as after a crash. */
  close(): Promise<void>;
}

/**
 * The interface of every transaction log and the types that cross it. Nothing here knows files, keys or commands: a log
 * moves frames of bytes. Implementations: `local/local-log.ts`; the byte layout is in `docs/format.md`.
 */

/** Count of accepted entries up to and including one; 0 is "before the first". Always an integer below 2^53. */
export type Sequence = number;

/** Names a frame: its epoch and idx, and where the backend keeps it (for people and messages; never compared). */
export interface Position {
  readonly epoch: number;
  readonly idx: number;
  readonly address: string;
}

export interface LogCapabilities {
  /** What a commit survives: the loss of this process, of this machine's power, or of any one machine. */
  readonly durability: 'process' | 'power' | 'machine';
  /** Bytes of entries that one frame takes; an entry above it goes as parts. */
  readonly batchBytesMax: number;
  /** Appends that the backend takes at once. */
  readonly appendsInFlightMax: number;
  /** False where a directory lock, and no lease, keeps other writers out. */
  readonly leases: boolean;
}

/** What the log knows about its end once it is open. */
export interface LogTail {
  /** 32 hexadecimal digits; the same in every copy of this log. */
  readonly logId: string;
  /** 16 hexadecimal digits; a log that was cut or restored has a new one. */
  readonly timeline: string;
  /** True where no frame has ever been written. */
  readonly fresh: boolean;
  /** Last accepted frame; what `acquire` expects. Epoch 0, idx 0 where there is none. */
  readonly position: Position;
  readonly firstSequence: Sequence;
  readonly lastSequence: Sequence;
  /** Time of the last frame in ms since 1970, 0 where there is none. */
  readonly lastTimeMs: number;
  /** Running checksum of all accepted frames. */
  readonly runningChecksum: Uint8Array;
  /** Highest feature level that the scanned part of the log names; 1 at least. */
  readonly featureLevel: number;
  /** Bytes that the log occupies. */
  readonly sizeBytes: number;
  /** Whether the last writer had shut down cleanly. */
  readonly sealed: boolean;
  /** Set where a torn tail was cut: bytes of it that were not zero, and where it began. */
  readonly torn: TornTail | undefined;
}

export interface TornTail {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Who becomes the writer. Strings are cut at 255 bytes of UTF-8. */
export interface LeaderRecord {
  readonly node: string;
  readonly address: string;
  /** 0 where the backend has no leases. */
  readonly leaseMs: number;
  /** Version of the program, for people. */
  readonly version: string;
  /** Feature level that this epoch starts with. */
  readonly featureLevel: number;
  /** Engine time of the record in ms; not below `LogTail.lastTimeMs`. */
  readonly timeMs: number;
}

/** One accepted frame. Views are valid until the next one is asked for. */
export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly position: Position;
  readonly firstSequence: Sequence;
  readonly entryCount: number;
  readonly timeMs: number;
  readonly committedEpoch: number;
  readonly committedIdx: number;
  /** Running checksum of all accepted frames including this one. */
  readonly runningChecksum: Uint8Array;
  readonly body: Uint8Array;
}

/** What `append` is given: the body of a data frame, as `entry.ts` lays it out. */
export interface FrameBody {
  readonly body: Uint8Array;
  readonly firstSequence: Sequence;
  readonly entryCount: number;
  readonly timeMs: number;
}

/** What `append` resolves with. */
export interface Committed {
  readonly lastSequence: Sequence;
  readonly epoch: number;
  readonly idx: number;
}

export interface TransactionLog {
  readonly capabilities: LogCapabilities;
  /**
   * Finds the end, repairs a torn tail and makes durable what it accepted.
   * @throws LogError `LOG_DAMAGED`, `LOG_LOCKED`, `LOG_LOCK_UNAVAILABLE`, `LOG_FORMAT_UNKNOWN`, `LOG_LEVEL_UNKNOWN`
   */
  open(): Promise<LogTail>;
  /**
   * Becomes the one writer, iff the last accepted frame is `after`.
   * @throws LogError `LOG_FENCED` if it is not
   */
  acquire(after: Position, leader: LeaderRecord): Promise<LogWriter>;
  /** Accepted frames from the one that holds `from`, in order, then follows the tail until aborted or closed. */
  read(from: Sequence, signal?: AbortSignal): AsyncIterable<Frame>;
  /** Drops what lies wholly below `sequence`, as far as an origin reset allows. Only ever behind a verified snapshot. */
  truncateBefore(sequence: Sequence): Promise<void>;
  close(): Promise<void>;
}

/** Lives for one epoch; poisoned by its first failure other than `LOG_REFUSED`. */
export interface LogWriter {
  readonly epoch: number;
  /** Atomic; resolves in call order. @throws LogError `LOG_FENCED`, `LOG_REFUSED`, `LOG_AMBIGUOUS`, `LOG_FAILED` */
  append(batch: FrameBody): Promise<Committed>;
  close(): Promise<void>;
}

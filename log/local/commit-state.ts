/**
 * What the committing threads share: one block of shared memory with the commit token, the counts of closed and committed
 * batches, the waiting flags, and the end of the log. Whoever holds the token, and nobody else, reads and writes the
 * fields below `end`; counts and flags are atomic words.
 */
import { RUNNING_CHECKSUM_BYTES, sha256Front } from '../checksums.js';
import { FRAME_ALIGNMENT } from '../frame.js';

/** Longest input of a running checksum that is put off; beyond it, copying would cost, too. */
const DUE_BYTES_MAX = 32 * 1024;
const DUE_AT = 4096;
export const STATE_BYTES = DUE_AT + DUE_BYTES_MAX;
/** Newest positions whose frames are remembered; at least twice the number of cells. */
export const POSITIONS_REMEMBERED = 64;

/** Indexes of the Int32 words. Words that different threads write often lie 64 bytes apart. */
export const Word = {
  /** The commit token: 0 free, else one of `Holder`. */
  token: 0,
  /** Set while the log thread waits for the token. */
  tokenWanted: 1,
  /** Batches closed, by the server thread; 32-bit wrapping. */
  closed: 16,
  /** Batches committed, by the token's holder; 32-bit wrapping. */
  committed: 32,
  /** Bumped to wake the log thread; it waits on this word. */
  wake: 48,
  /** Whether the log thread sleeps: one of `Asleep`, set before it looks a last time. */
  asleep: 49,
  /** The server thread wants to be told of the next advance. */
  tell: 64,
  /** Bumped whenever the server thread is told something; it waits on this word. */
  told: 65,
  /** Not 0 once the log has failed: final. */
  failed: 80,
  /** 1 while the disk had no room for the next step. */
  spaceShort: 81,
  /** What the log thread shall do next to serving: one of `Order`. */
  order: 82,
  /** The open segment: descriptor, salt, next frame's offset and end of the zeroed room, both in sectors. */
  fd: 96,
  salt: 97,
  offsetSectors: 98,
  limitSectors: 99,
  /** Kind of the last frame. */
  lastKind: 100,
  featureLevel: 101,
  /** Bytes that the running checksum is still to be computed from, 0 for none, and the position that the frame committed. */
  dueBytes: 102,
  duePosition: 103,
} as const;

export const Holder = { free: 0, server: 1, logThread: 2 } as const;
/** `dozing`: it wakes up by itself to look after its work. `sleeping`: only when it is woken. */
export const Asleep = { awake: 0, dozing: 1, sleeping: 2 } as const;
export const Order = { none: 0, seal: 1, stop: 2 } as const;

/** Float64 words from this byte on. */
const NUMBERS_AT = 512;
export const Num = {
  epoch: 0,
  idx: 1,
  segment: 2,
  nextSequence: 3,
  lastTimeMs: 4,
  /** The newest frame known to be committed: the last one written and synced. */
  committedEpoch: 5,
  committedIdx: 6,
  /** Microseconds. */
  syncAverage: 7,
  closedSegmentsBytes: 8,
  /** Bytes of the bodies in the open segment. */
  segmentBodies: 9,
  /** When the last frame was appended, on the clock of `monotonicMs`. */
  lastAppendMs: 10,
  /** JavaScript heap of the log thread, in bytes, as of its last look: it alone can see it. */
  threadHeapBytes: 11,
} as const;
const RUNNING_AT = 768;
/** By position: the frame's idx, and the running checksum behind it. */
const FRAME_IDX_AT = 1024;
const FRAME_RUNNING_AT = FRAME_IDX_AT + POSITIONS_REMEMBERED * 8;

/** Views over the shared block; every thread makes its own. */
export class CommitState {
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  /** Running checksum behind the last frame. */
  readonly running: Uint8Array;
  /** Written by the server thread only, and read by whoever settles. */
  private readonly due: Uint8Array;
  private readonly frameIdx: Float64Array;
  private readonly frameRunning: Uint8Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(STATE_BYTES)) {
    this.memory = memory;
    this.words = new Int32Array(memory, 0, NUMBERS_AT / 4);
    this.numbers = new Float64Array(memory, NUMBERS_AT, (RUNNING_AT - NUMBERS_AT) / 8);
    this.running = new Uint8Array(memory, RUNNING_AT, RUNNING_CHECKSUM_BYTES);
    this.due = new Uint8Array(memory, DUE_AT, DUE_BYTES_MAX);
    this.frameIdx = new Float64Array(memory, FRAME_IDX_AT, POSITIONS_REMEMBERED);
    this.frameRunning = new Uint8Array(memory, FRAME_RUNNING_AT, POSITIONS_REMEMBERED * RUNNING_CHECKSUM_BYTES);
  }

  /** Byte offset of the next frame in the open segment. */
  get offset(): number {
    return Atomics.load(this.words, Word.offsetSectors) * FRAME_ALIGNMENT;
  }

  /** Bytes of zeroed room behind `offset`. */
  get room(): number {
    const limit = Atomics.load(this.words, Word.limitSectors);
    return (limit - Atomics.load(this.words, Word.offsetSectors)) * FRAME_ALIGNMENT;
  }

  get failed(): boolean {
    return Atomics.load(this.words, Word.failed) !== 0;
  }

  /** Batches that are closed and not committed. An inline commit counts first, so this may be -1 for a moment. */
  get pending(): number {
    return (Atomics.load(this.words, Word.closed) - Atomics.load(this.words, Word.committed)) | 0;
  }

  /** Counts the oldest position as committed by the last frame. The caller holds the token. */
  countCommitted(): void {
    const position = Atomics.load(this.words, Word.committed);
    this.frameIdx[position & (POSITIONS_REMEMBERED - 1)] = this.numbers[Num.idx]!;
    if (this.words[Word.dueBytes] === 0) this.rememberRunning(position);
    else this.words[Word.duePosition] = position;
    Atomics.add(this.words, Word.committed, 1);
  }

  private rememberRunning(position: number): void {
    const at = (position & (POSITIONS_REMEMBERED - 1)) * RUNNING_CHECKSUM_BYTES;
    for (let i = 0; i < RUNNING_CHECKSUM_BYTES; i++) this.frameRunning[at + i] = this.running[i]!;
  }

  /**
   * Puts off the running checksum of these bytes until the token is taken the next time: replies need not wait for it. The
   * caller is the server thread, holds the token, and has committed the frame.
   * @returns false where there are too many bytes.
   */
  postponeRunning(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > DUE_BYTES_MAX) return false;
    this.due.set(bytes.subarray(start, end));
    Atomics.store(this.words, Word.dueBytes, end - start);
    return true;
  }

  /** Whether a running checksum was put off. */
  get runningIsDue(): boolean {
    return Atomics.load(this.words, Word.dueBytes) !== 0;
  }

  private settleRunning(): void {
    sha256Front(this.due, 0, this.words[Word.dueBytes]!, this.running, 0);
    this.rememberRunning(this.words[Word.duePosition]!);
    Atomics.store(this.words, Word.dueBytes, 0);
  }

  /** The idx of the frame that committed a position, one of the newest. */
  idxOf(position: number): number {
    return this.frameIdx[position & (POSITIONS_REMEMBERED - 1)]!;
  }

  /** A copy of the running checksum behind that frame. Asked by the server thread. */
  runningOf(position: number): Uint8Array {
    const due = Atomics.load(this.words, Word.dueBytes);
    if (due !== 0 && this.words[Word.duePosition] === position) {
      const running = new Uint8Array(RUNNING_CHECKSUM_BYTES);
      sha256Front(this.due, 0, due, running, 0);
      return running;
    }
    const at = (position & (POSITIONS_REMEMBERED - 1)) * RUNNING_CHECKSUM_BYTES;
    return this.frameRunning.slice(at, at + RUNNING_CHECKSUM_BYTES);
  }

  /** Takes the token if it is free. Whoever has it finds the running checksum as it should be. */
  tryTake(holder: number): boolean {
    if (Atomics.compareExchange(this.words, Word.token, Holder.free, holder) !== Holder.free) return false;
    if (this.runningIsDue) this.settleRunning();
    return true;
  }

  /** Takes the token, waiting for the other thread; only on a thread that may block. */
  take(holder: number): void {
    while (!this.tryTake(holder)) {
      Atomics.store(this.words, Word.tokenWanted, 1);
      Atomics.wait(this.words, Word.token, Holder.server, 1000);
    }
    Atomics.store(this.words, Word.tokenWanted, 0);
  }

  release(): void {
    Atomics.store(this.words, Word.token, Holder.free);
    if (Atomics.load(this.words, Word.tokenWanted) !== 0) Atomics.notify(this.words, Word.token);
  }

  /** Wakes the log thread. */
  wake(): void {
    Atomics.add(this.words, Word.wake, 1);
    if (Atomics.load(this.words, Word.asleep) !== Asleep.awake) Atomics.notify(this.words, Word.wake);
  }

  /** Tells the server thread, if it waits to be told. */
  tell(): void {
    if (Atomics.exchange(this.words, Word.tell, 0) === 0) return;
    Atomics.add(this.words, Word.told, 1);
    Atomics.notify(this.words, Word.told);
  }
}

/** Milliseconds on a clock that all threads of the process share and that never goes back. */
export function monotonicMs(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * What the committing threads share: one block of shared memory with the commit token, the counts of closed and committed
 * batches, the waiting flags, and the end of the log. Whoever holds the token, and nobody else, reads and writes the
 * fields below `end`; counts and flags are atomic words.
 */
import { RUNNING_CHECKSUM_BYTES } from '../checksums.js';
import { FRAME_ALIGNMENT } from '../frame.js';

export const STATE_BYTES = 1024;

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
  /** The log thread sleeps until it is woken: set before it looks a last time. */
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
  /** 1 while commits are held back by a test. */
  held: 83,
  /** The open segment: descriptor, salt, next frame's offset and end of the zeroed room, both in sectors. */
  fd: 96,
  salt: 97,
  offsetSectors: 98,
  limitSectors: 99,
  /** Kind of the last frame. */
  lastKind: 100,
  /** 1 if the open segment holds more than its leader record or nothing: a roll is worth it. */
  featureLevel: 101,
} as const;

export const Holder = { free: 0, server: 1, logThread: 2 } as const;
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
} as const;
const RUNNING_AT = 768;

/** Views over the shared block; every thread makes its own. */
export class CommitState {
  readonly memory: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly numbers: Float64Array;
  /** Running checksum behind the last frame. */
  readonly running: Uint8Array;

  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(STATE_BYTES)) {
    this.memory = memory;
    this.words = new Int32Array(memory, 0, NUMBERS_AT / 4);
    this.numbers = new Float64Array(memory, NUMBERS_AT, (RUNNING_AT - NUMBERS_AT) / 8);
    this.running = new Uint8Array(memory, RUNNING_AT, RUNNING_CHECKSUM_BYTES);
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

  /** Batches that are closed and not committed. */
  get pending(): number {
    return (Atomics.load(this.words, Word.closed) - Atomics.load(this.words, Word.committed)) | 0;
  }

  /** Takes the token if it is free. */
  tryTake(holder: number): boolean {
    return Atomics.compareExchange(this.words, Word.token, Holder.free, holder) === Holder.free;
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

  /** Wakes the log thread wherever it waits. */
  wake(): void {
    Atomics.add(this.words, Word.wake, 1);
    Atomics.notify(this.words, Word.wake);
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

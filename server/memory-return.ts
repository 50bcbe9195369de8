/**
 * Gives memory back to the system: what the arena has let go of is the system's only once the garbage collector has run, and
 * that may not come by itself for a long time, because the JavaScript heap beside the dataset is small. For the same reason the heap
 * keeps what a busy hour has left in it: nothing collects it while nothing happens.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Chunks of 4 MiB that are worth a collection, at least, and as a share of those held. */
const CHUNKS_MIN = 8;
const CHUNKS_SHARE = 32;
const INTERVAL_MS = 2000;
/** After so long without another one, a single chunk is worth it too. */
const QUIET_MS = 5000;

/** In a quiet time the JavaScript heap is collected, too, once it has grown by so much since the last time. */
const HEAP_GROWTH_BYTES = 8 * 1024 ** 2;
const QUIET_COMMANDS_PER_SECOND = 100;

/** A whole collection of this thread's heap: some milliseconds, as long as the heap holds only bounded structures. */
export type Collect = () => void;

/** V8's own, which is there only once it is asked for. */
export function v8Collect(): Collect {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return typeof collect === 'function' ? (collect as Collect) : () => {};
}

/** What the arena tells: chunks let go of since its beginning, and chunks held. */
export interface DroppedChunks {
  readonly chunksDropped: number;
  readonly chunkCount: number;
}

/** What this thread does, and what its heap holds, garbage and free room included. */
export interface ThreadLoad {
  commandsPerSecond(): number;
  heapBytes(): number;
}

/** Bytes of this thread's heap that are the system's no more. */
export function v8HeapBytes(): number {
  return getHeapStatistics().total_heap_size;
}

export class MemoryReturn {
  private readonly collect: Collect;
  private readonly arena: DroppedChunks;
  private readonly load: ThreadLoad;
  /** What the heap held after the last collection: at the start it is full of what starting took. */
  private heapBytes = 0;
  private heapSeenMs = Number.NEGATIVE_INFINITY;
  private returned = 0;
  private lastMs = Number.NEGATIVE_INFINITY;
  private seen = 0;
  private seenMs = 0;

  constructor(arena: DroppedChunks, collect: Collect, load: ThreadLoad) {
    this.arena = arena;
    this.collect = collect;
    this.load = load;
  }

  /** Collects where enough chunks were let go of, or where the heap has grown and nobody asks for much. @param nowMs any clock in ms. */
  check(nowMs: number): void {
    this.checkChunks(nowMs);
    if (nowMs - this.heapSeenMs < QUIET_MS) return;
    const first = this.heapSeenMs === Number.NEGATIVE_INFINITY;
    this.heapSeenMs = nowMs;
    if (first || this.load.commandsPerSecond() >= QUIET_COMMANDS_PER_SECOND) return;
    if (this.load.heapBytes() >= this.heapBytes + HEAP_GROWTH_BYTES) this.now();
  }

  private checkChunks(nowMs: number): void {
    const { chunksDropped, chunkCount } = this.arena;
    if (chunksDropped !== this.seen) {
      this.seen = chunksDropped;
      this.seenMs = nowMs;
    }
    const dropped = chunksDropped - this.returned;
    if (dropped === 0 || nowMs - this.lastMs < INTERVAL_MS) return;
    const many = dropped >= Math.max(CHUNKS_MIN, chunkCount / CHUNKS_SHARE);
    if (!many && nowMs - this.seenMs < QUIET_MS) return;
    this.lastMs = nowMs;
    this.now();
  }

  /** Collects at once. */
  now(): void {
    this.returned = this.arena.chunksDropped;
    this.collect();
    this.heapBytes = this.load.heapBytes();
  }
}

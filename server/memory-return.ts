/**
 * Gives memory back to the system: what the arena has let go of is the system's only once the garbage collector has run, and
 * that may not come by itself for a long time, because the JavaScript heap beside the dataset is small.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Chunks of 4 MiB that are worth a collection, at least, and as a share of those held. */
const CHUNKS_MIN = 8;
const CHUNKS_SHARE = 32;
const INTERVAL_MS = 2000;
/** After so long without another one, a single chunk is worth it too. */
const QUIET_MS = 5000;

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

export class MemoryReturn {
  private readonly collect: Collect;
  private readonly arena: DroppedChunks;
  private returned = 0;
  private lastMs = Number.NEGATIVE_INFINITY;
  private seen = 0;
  private seenMs = 0;

  constructor(arena: DroppedChunks, collect: Collect) {
    this.arena = arena;
    this.collect = collect;
  }

  /** Collects where enough chunks were let go of. @param nowMs any clock in ms. */
  check(nowMs: number): void {
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
  }
}

/**
 * Rests between short slices of a snapshot's work, so that threads that serve need not wait for a whole slice of the
 * scheduler: a running thread, whatever its priority, may keep its processor for some milliseconds from one that wakes up.
 * Only where processors are scarce, and never for longer than the work took: a snapshot takes at most about twice as long.
 */
import { cpus } from 'node:os';

/** Work between two rests, about. */
const SLICE_MS = 0.5;
const REST_MS_MAX = 2;
/** Long enough for another thread to get the processor. */
const REST_MS_HURRIED = 0.05;
const LOOK_MS = 100;
/** Processors that have to be left over: the one for this thread, and a little for what comes in bursts. */
const SPARE_PROCESSORS = 1.25;

export interface PaceSurroundings {
  nowMs(): number;
  sleep(ms: number): void;
  /** Processors of the machine, and how long all of them together have been idle, in ms. */
  processors(): { readonly count: number; readonly idleMs: number };
}

const nothing = new Int32Array(new SharedArrayBuffer(4));

const thisThread: PaceSurroundings = {
  nowMs: () => performance.now(),
  sleep: (ms) => {
    Atomics.wait(nothing, 0, 0, ms);
  },
  processors: () => {
    const all = cpus();
    return { count: all.length, idleMs: all.reduce((sum, { times }) => sum + times.idle, 0) };
  },
};

export class SnapshotPace {
  /** Whether processors were scarce at the last look; they are taken to be at first. */
  private scarce = true;
  private readonly around: PaceSurroundings;
  /** When the slice that runs began. */
  private since: number;
  private lookedAt: number;
  private idleMs: number;
  /** Of this thread, since the last look. */
  private workedMs = 0;

  constructor(around: PaceSurroundings = thisThread) {
    this.around = around;
    this.since = around.nowMs();
    this.lookedAt = this.since;
    this.idleMs = around.processors().idleMs;
  }

  /** Called between two pieces of work that are shorter than a slice. @param hurried there is time for hardly any rest. */
  rest(hurried = false): void {
    const { around } = this;
    const now = around.nowMs();
    const worked = now - this.since;
    if (worked < SLICE_MS) return;
    this.workedMs += worked;
    if (now - this.lookedAt >= LOOK_MS) this.look(now);
    if (this.scarce) around.sleep(hurried ? REST_MS_HURRIED : Math.min(worked, REST_MS_MAX));
    this.since = around.nowMs();
  }

  /** After a wait for the disk, which is no work. */
  waited(ms: number): void {
    this.since += ms;
  }

  /** What others use leaves less than this thread needs. */
  private look(now: number): void {
    const { count, idleMs } = this.around.processors();
    const elapsed = now - this.lookedAt;
    const others = count - (idleMs - this.idleMs + this.workedMs) / elapsed;
    this.scarce = others > count - SPARE_PROCESSORS;
    this.lookedAt = now;
    this.idleMs = idleMs;
    this.workedMs = 0;
  }
}

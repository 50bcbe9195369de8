/**
 * Work that nobody waits for, in slices between the turns of the clients: removing keys whose time is up, freeing what
 * was let go of, moving records together, following the wall clock, and telling the engine when the disk is full.
 */
import { type Engine, ERROR_NO_SPACE } from '../core/engine.js';
import type { CommitPipeline } from './commit/commit-pipeline.js';
import type { ServerClock } from './engine-clock.js';
import type { ExecutionWatch } from './execution-watch.js';
import type { MemoryReturn } from './memory-return.js';
import type { SliceMeter } from './slice-meter.js';

/** One slice: clients wait no longer than this for it. */
const SLICE_MICROS = 1000;

export class Background {
  private readonly engine: Engine;
  private readonly commit: CommitPipeline;
  private readonly clock: ServerClock;
  private readonly slices: SliceMeter;
  private readonly watch: ExecutionWatch;
  private readonly memoryReturn: MemoryReturn;
  private readonly onFault: (error: unknown) => void;
  private timer: NodeJS.Timeout | undefined = undefined;
  private immediate: NodeJS.Immediate | undefined = undefined;
  private readonly slice = (): void => {
    this.immediate = undefined;
    this.runSlice();
  };

  /** @param onFault an exception inside of the work: memory may be ahead of the log, the server must not go on. */
  constructor(
    engine: Engine,
    commit: CommitPipeline,
    clock: ServerClock,
    slices: SliceMeter,
    watch: ExecutionWatch,
    memoryReturn: MemoryReturn,
    onFault: (error: unknown) => void,
  ) {
    this.engine = engine;
    this.commit = commit;
    this.clock = clock;
    this.slices = slices;
    this.watch = watch;
    this.memoryReturn = memoryReturn;
    this.onFault = onFault;
  }

  /** @param hz ticks a second. */
  start(hz: number): void {
    this.stop();
    this.timer = setInterval(() => this.tick(), 1000 / hz);
  }

  stop(): void {
    clearInterval(this.timer);
    if (this.immediate !== undefined) clearImmediate(this.immediate);
    this.immediate = undefined;
  }

  /** Tells the engine what the log refuses; called at every tick and whenever the log has advanced. */
  refreshRefusals(): void {
    const { engine, commit } = this;
    engine.writeRefusal = commit.refusesWrites ? ERROR_NO_SPACE : '';
    engine.database.engineWritesRefused = commit.refusesEngineWrites;
  }

  private tick(): void {
    this.clock.synchronize();
    this.refreshRefusals();
    this.engine.usedBytes();
    this.memoryReturn.check(this.clock.monotonicMicros() / 1000);
    this.schedule();
  }

  private schedule(): void {
    if (this.immediate === undefined) this.immediate = setImmediate(this.slice);
  }

  private runSlice(): void {
    const { engine, commit } = this;
    this.slices.begin();
    try {
      const mayExpire = !engine.loading && !commit.congested && !commit.refusesEngineWrites;
      const left = engine.background(SLICE_MICROS, mayExpire);
      this.watch.expired(engine.expiryMicros);
      this.watch.defragmented(engine.defragmentationMicros);
      if (left && !commit.congested) this.schedule();
    } catch (error) {
      this.onFault(error);
    } finally {
      this.slices.end();
    }
  }
}

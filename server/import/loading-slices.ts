/** Turns for clients while a dataset is loaded: they are told LOADING meanwhile, and progress is shown. */

/** How long is loaded before clients get a turn. */
const SLICE_MICROS = 5000;

export interface MonotonicClock {
  monotonicMicros(): number;
}

export class LoadingSlices {
  private readonly clock: MonotonicClock;
  private readonly onSlice: () => void;
  private sliceEnd: number;

  /** @param onSlice called after each slice, before clients get their turn. */
  constructor(clock: MonotonicClock, onSlice: () => void) {
    this.clock = clock;
    this.onSlice = onSlice;
    this.sliceEnd = clock.monotonicMicros() + SLICE_MICROS;
  }

  /** True when it is time for `turn`. */
  get over(): boolean {
    return this.clock.monotonicMicros() >= this.sliceEnd;
  }

  async turn(): Promise<void> {
    this.onSlice();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.sliceEnd = this.clock.monotonicMicros() + SLICE_MICROS;
  }
}

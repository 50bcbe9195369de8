/**
 * Runs the keeper without a thread: on the caller's event loop, or only when `pump` is called. For programs that must not
 * start threads, and for tests that put another file system under the log.
 */
import { LogError } from '../log-error.js';
import { Asleep, type CommitState, monotonicMs, Order, Word } from './commit-state.js';
import type { KeeperHost, KeeperHostCallbacks } from './keeper-host.js';
import { type KeeperStart, type LogKeeper, STOPPED } from './log-keeper.js';

const LONGEST_TIMER_MS = 1 << 30;

export class EventLoopHost implements KeeperHost {
  private readonly state: CommitState;
  private readonly keeper: LogKeeper;
  private readonly callbacks: KeeperHostCallbacks;
  private readonly automatic: boolean;
  private timer: NodeJS.Timeout | undefined = undefined;
  private scheduled = false;
  private begun = false;
  private stopped = false;
  private failure: LogError | undefined = undefined;

  constructor(state: CommitState, keeper: LogKeeper, automatic: boolean, callbacks: KeeperHostCallbacks) {
    this.state = state;
    this.keeper = keeper;
    this.automatic = automatic;
    this.callbacks = callbacks;
    state.words[Word.asleep] = Asleep.sleeping;
  }

  async begin(start: KeeperStart): Promise<void> {
    this.keeper.begin(start);
    this.begun = true;
    this.wake();
  }

  wake(): void {
    if (!this.automatic || this.scheduled || !this.begun) return;
    this.scheduled = true;
    clearTimeout(this.timer);
    setImmediate(() => {
      this.scheduled = false;
      this.run();
    });
  }

  committedInline(): void {
    if (this.timer === undefined) this.wake();
  }

  /** Does everything that is due at `nowMs`, on the clock of `monotonicMs`. @throws LogError `LOG_FAILED` */
  pump(nowMs: number): void {
    while (this.keeper.round(nowMs) === 0);
  }

  async seal(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    Atomics.store(this.state.words, Word.order, Order.seal);
    while (Atomics.load(this.state.words, Word.order) === Order.seal) {
      const wait = this.keeper.round(monotonicMs());
      if (wait === STOPPED) throw this.failure ?? new LogError('LOG_FAILED', 'the log failed before it was sealed');
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, Math.min(wait, 10)));
    }
  }

  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    clearTimeout(this.timer);
    if (!this.begun) return;
    Atomics.store(this.state.words, Word.order, Order.stop);
    this.keeper.close();
  }

  private run(): void {
    if (this.stopped || this.failure !== undefined) return;
    let wait: number;
    try {
      wait = this.keeper.round(monotonicMs());
    } catch (error) {
      this.failure = error instanceof LogError ? error : new LogError('LOG_FAILED', String(error), { cause: error });
      this.callbacks.onFailed(this.failure);
      return;
    }
    if (wait === STOPPED) return;
    if (wait === 0) {
      this.wake();
      return;
    }
    this.timer = undefined;
    if (wait === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.run();
      },
      Math.min(wait, LONGEST_TIMER_MS),
    );
    this.timer.unref();
  }
}

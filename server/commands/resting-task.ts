/** A command that waits for a time or for an event while its connection rests: the seam of blocking commands. */
import type { Execution } from '../../core/execution.js';
import type { Session } from '../../core/session.js';
import type { SlicedTask } from '../../core/sliced-task.js';
import type { ServerContext } from '../server-context.js';

/** Timers of Node take at most this. */
const TIMER_MS_MAX = 0x7fffffff;

export class RestingTask implements SlicedTask {
  resting = true;
  readonly touchesDataset = false;
  private readonly server: ServerContext;
  private readonly session: Session;
  private readonly reply: (x: Execution) => void;
  private readonly unblockable: boolean;
  private error = '';
  private timer: NodeJS.Timeout | undefined = undefined;
  private leftMs = 0;

  /**
   * @param reply writes the command's reply once it is over.
   * @param unblockable whether CLIENT UNBLOCK may end it.
   */
  constructor(server: ServerContext, session: Session, reply: (x: Execution) => void, unblockable = true) {
    this.server = server;
    this.session = session;
    this.reply = reply;
    this.unblockable = unblockable;
  }

  /** The command is over after so many ms; never for 0. */
  endAfter(milliseconds: number): this {
    this.leftMs = milliseconds;
    if (milliseconds > 0) this.arm();
    return this;
  }

  private arm(): void {
    const step = Math.min(this.leftMs, TIMER_MS_MAX);
    this.timer = setTimeout(() => {
      this.leftMs -= step;
      if (this.leftMs > 0) this.arm();
      else this.end();
    }, step);
  }

  /** The command is over now: its reply is written in the connection's next turn. */
  end(): void {
    clearTimeout(this.timer);
    this.resting = false;
    this.server.connections.wake(this.session);
  }

  step(x: Execution): boolean {
    if (this.resting) return false;
    if (this.error === '') this.reply(x);
    else x.reply.error(this.error);
    return true;
  }

  unblock(error: string): boolean {
    if (!this.unblockable || !this.resting) return false;
    this.error = error;
    this.end();
    return true;
  }

  cancel(): void {
    clearTimeout(this.timer);
  }
}

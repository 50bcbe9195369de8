/**
 * Measures slices: how long the server thread runs without giving anyone else a turn. The five longest by wall clock are
 * kept, each with the thread's CPU time, which does not grow while the operating system runs something else.
 */
import { openSync, readSync } from 'node:fs';

const SLICES_KEPT = 5;
/** Slices shorter than this are not worth a look at the CPU clock. */
const WORTH_KEEPING_MICROS = 500;

export interface Slice {
  readonly wallMicros: number;
  /** Thread CPU time, where the system tells it (exact to a scheduler tick); else -1. */
  readonly cpuMicros: number;
}

/** Reads the calling thread's CPU time in microseconds, or returns undefined where there is no way to. */
export function threadCpuClock(): (() => number) | undefined {
  const threadCpuUsage = (process as { threadCpuUsage?: () => { user: number; system: number } }).threadCpuUsage;
  if (threadCpuUsage !== undefined) {
    return () => {
      const usage = threadCpuUsage.call(process);
      return usage.user + usage.system;
    };
  }
  try {
    const file = openSync('/proc/thread-self/schedstat', 'r');
    const text = Buffer.alloc(96);
    const read = (): number => {
      const length = readSync(file, text, 0, text.length, 0);
      return Number.parseInt(text.toString('latin1', 0, length), 10) / 1000;
    };
    return Number.isFinite(read()) ? read : undefined;
  } catch {
    return undefined;
  }
}

export class SliceMeter {
  /** Slices since the last reset. */
  count = 0;
  private longest: Slice[] = [];
  private startedMicros = 0;
  private startedCpu = 0;
  private floorMicros = WORTH_KEEPING_MICROS;
  private readonly nowMicros: () => number;
  private readonly cpuMicros: (() => number) | undefined;

  /**
   * @param nowMicros a monotonic clock.
   * @param withCpu also read the thread's CPU clock, at every slice: about 2 us each, so for measurements only.
   */
  constructor(nowMicros: () => number, withCpu: boolean) {
    this.nowMicros = nowMicros;
    this.cpuMicros = withCpu ? threadCpuClock() : undefined;
  }

  /**
   * A slice begins; slices do not nest.
   * @param micros the monotonic clock, where it was just read.
   */
  begin(micros = this.nowMicros()): void {
    if (this.cpuMicros !== undefined) this.startedCpu = this.cpuMicros();
    this.startedMicros = micros;
  }

  /**
   * @param micros the monotonic clock, where it was read at the end of the work; what little came behind it (a write to
   * a socket) is left out then, unless slices are measured exactly.
   */
  end(micros?: number): void {
    const now = micros === undefined || this.cpuMicros !== undefined ? this.nowMicros() : micros;
    const wall = now - this.startedMicros;
    this.count++;
    if (wall > this.floorMicros) this.keep(wall);
  }

  /** The longest slices by wall clock, longest first. */
  top(): readonly Slice[] {
    return this.longest;
  }

  reset(): void {
    this.count = 0;
    this.longest = [];
    this.floorMicros = WORTH_KEEPING_MICROS;
  }

  private keep(wall: number): void {
    const cpu = this.cpuMicros === undefined ? -1 : this.cpuMicros() - this.startedCpu;
    this.longest.push({ wallMicros: wall, cpuMicros: cpu });
    this.longest.sort((a, b) => b.wallMicros - a.wallMicros);
    if (this.longest.length < SLICES_KEPT) return;
    this.longest.length = SLICES_KEPT;
    this.floorMicros = this.longest[SLICES_KEPT - 1]!.wallMicros;
  }
}

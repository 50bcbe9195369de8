/**
 * What INFO shows of the past: when the server started, rates over the last second and a half, and where counters stood
 * when CONFIG RESETSTAT was called. The counters themselves belong to whoever counts.
 */

/** Counters that grow for ever; all since the start of the server. */
export interface GrowingCounters {
  readonly commands: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly connectionsAccepted: number;
  readonly connectionsRejected: number;
  readonly clientsEvicted: number;
  readonly clientsClosedForOutput: number;
  readonly errors: number;
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly expiredKeys: number;
  readonly evictedKeys: number;
  readonly reads: number;
  readonly writes: number;
}

const SAMPLES = 16;
const SAMPLE_MS = 100;

const ZERO: GrowingCounters = {
  commands: 0,
  bytesReceived: 0,
  bytesSent: 0,
  connectionsAccepted: 0,
  connectionsRejected: 0,
  clientsEvicted: 0,
  clientsClosedForOutput: 0,
  errors: 0,
  keyspaceHits: 0,
  keyspaceMisses: 0,
  expiredKeys: 0,
  evictedKeys: 0,
  reads: 0,
  writes: 0,
};

/** A rate as the mean of the last samples, as Redis computes its `instantaneous_` fields. */
class Rate {
  private readonly samples = new Float64Array(SAMPLES);
  private next = 0;
  private lastValue = 0;

  /** Notes the counter's value after so many ms. */
  sample(value: number, elapsedMs: number): void {
    this.samples[this.next] = elapsedMs > 0 ? ((value - this.lastValue) * 1000) / elapsedMs : 0;
    this.next = (this.next + 1) % SAMPLES;
    this.lastValue = value;
  }

  /** Per second. */
  get value(): number {
    let sum = 0;
    for (const sample of this.samples) sum += sample;
    return sum / SAMPLES;
  }
}

export class ServerStatistics {
  /** Wall clock at the start, in ms. */
  readonly startedAtMs: number;
  /** 40 hexadecimal digits, another one at every start. */
  readonly runId: string;
  /** What INFO replication names the history of this server by. */
  replicationId: string;
  private readonly read: () => GrowingCounters;
  private readonly monotonicMs: () => number;
  private readonly commandRate = new Rate();
  private readonly receivedRate = new Rate();
  private readonly sentRate = new Rate();
  private base = ZERO;
  private sampledMs: number;
  private readonly startedMs: number;
  private timer: NodeJS.Timeout | undefined = undefined;

  /** @param read the counters as they stand now. */
  constructor(options: {
    readonly read: () => GrowingCounters;
    readonly wallMs: () => number;
    readonly monotonicMs: () => number;
    readonly runId: string;
  }) {
    this.read = options.read;
    this.monotonicMs = options.monotonicMs;
    this.startedAtMs = options.wallMs();
    this.startedMs = options.monotonicMs();
    this.sampledMs = this.startedMs;
    this.runId = options.runId;
    this.replicationId = options.runId;
  }

  /** Samples ten times a second until stop(). */
  start(): void {
    this.timer = setInterval(() => this.sample(), SAMPLE_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  sample(): void {
    const now = this.monotonicMs();
    const elapsed = now - this.sampledMs;
    const { commands, bytesReceived, bytesSent } = this.read();
    this.commandRate.sample(commands, elapsed);
    this.receivedRate.sample(bytesReceived, elapsed);
    this.sentRate.sample(bytesSent, elapsed);
    this.sampledMs = now;
  }

  get uptimeSeconds(): number {
    return Math.floor((this.monotonicMs() - this.startedMs) / 1000);
  }

  get commandsPerSecond(): number {
    return Math.round(this.commandRate.value);
  }

  get receivedKibPerSecond(): number {
    return this.receivedRate.value / 1024;
  }

  get sentKibPerSecond(): number {
    return this.sentRate.value / 1024;
  }

  /** The counters since the start or the last reset. */
  counters(): GrowingCounters {
    const now = this.read();
    const { base } = this;
    const difference: Record<string, number> = {};
    for (const name of Object.keys(ZERO) as (keyof GrowingCounters)[]) difference[name] = now[name] - base[name];
    return difference as unknown as GrowingCounters;
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    this.base = this.read();
  }
}

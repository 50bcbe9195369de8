/**
 * Clients that overwrite keys at random at a fixed rate and note how long each write took, in a thread of their own. What
 * is due is sent each millisecond, spread over the connections; a server that falls behind is given no more than
 * `OUTSTANDING_MAX` at once, and what it did not get is not made up for.
 */
import { connect, type Socket } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadedKey } from './key-loader.js';
import { LatencyBins } from './latency-bins.js';

export interface PacedWriterOptions {
  readonly port: number;
  /** Writes a second, 0 for as many as the server takes. */
  readonly rate: number;
  /** Keys 0 to below this. */
  readonly keys: number;
  readonly valueBytes: number;
  readonly connections: number;
}

/** What the thread reports. */
interface WritesTaken {
  readonly seconds: number;
  readonly bins: Uint32Array;
}

export interface WritesSeen {
  readonly writes: number;
  readonly seconds: number;
  /** Latencies in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

const OUTSTANDING_MAX = 8192;
const REPLY_BYTES = '+OK\r\n'.length;
const KEY_DIGITS = 12;

export class PacedWriter {
  private constructor(private readonly worker: Worker) {}

  /** Connects and begins to write. @throws when a connection cannot be made. */
  static start(options: PacedWriterOptions): Promise<PacedWriter> {
    const worker = new Worker(new URL(import.meta.url), { workerData: { pacedWriter: options } });
    worker.unref();
    return new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', () => {
        worker.off('error', reject);
        resolve(new PacedWriter(worker));
      });
    });
  }

  /** What was seen since the start or the last call. @param sums get it too. */
  async take(...sums: WriteSums[]): Promise<WritesSeen> {
    const taken = await new Promise<WritesTaken>((resolve, reject) => {
      this.worker.once('error', reject);
      this.worker.once('message', (message: WritesTaken) => {
        this.worker.off('error', reject);
        resolve(message);
      });
      this.worker.postMessage('take');
    });
    const own = new WriteSums();
    for (const each of [own, ...sums]) {
      each.seconds += taken.seconds;
      each.latencies.addAll(taken.bins);
    }
    return own.seen;
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}

/** What was seen at several times, as one. */
export class WriteSums {
  seconds = 0;
  readonly latencies = new LatencyBins();

  get seen(): WritesSeen {
    const { latencies, seconds } = this;
    const [p50Ms, p99Ms, p999Ms] = [latencies.msAt(0.5), latencies.msAt(0.99), latencies.msAt(0.999)];
    return { writes: latencies.count, seconds, p50Ms, p99Ms, p999Ms, maxMs: latencies.msAt(1) };
  }
}

/** When so many commands were sent on a connection whose replies are not there yet. */
interface Sent {
  readonly at: number;
  count: number;
}

class WritingConnections {
  private readonly sockets: Socket[] = [];
  private readonly sent: Sent[][] = [];
  private readonly partialBytes: number[] = [];
  private readonly template: Buffer;
  private readonly keyEnd: number;
  private readonly latencies = new LatencyBins();
  private outstanding = 0;
  private since = performance.now();
  private due = performance.now();
  private nextConnection = 0;
  private state = 1;

  constructor(private readonly options: PacedWriterOptions) {
    const value = 'w'.repeat(options.valueBytes);
    const words = ['SET', loadedKey(0), value];
    this.template = Buffer.from(`*3\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
    this.keyEnd = this.template.indexOf('key:') + 16;
  }

  async run(): Promise<void> {
    for (let i = 0; i < this.options.connections; i++) this.sockets.push(await this.connect(i));
    this.since = performance.now();
    this.due = this.since;
    this.turn();
  }

  take(): WritesTaken {
    const seconds = (performance.now() - this.since) / 1000;
    this.since = performance.now();
    return { seconds, bins: this.latencies.take() };
  }

  private connect(index: number): Promise<Socket> {
    this.sent.push([]);
    this.partialBytes.push(0);
    return new Promise((resolve, reject) => {
      const socket = connect(this.options.port, '127.0.0.1');
      socket.setNoDelay(true);
      socket.once('error', reject);
      socket.once('connect', () => resolve(socket));
      socket.on('data', (chunk) => this.receive(index, chunk));
    });
  }

  /** Every reply is +OK: counting bytes counts replies. */
  private receive(index: number, chunk: Buffer): void {
    if (chunk.indexOf(45) >= 0) throw new Error(`the server replied ${chunk.toString('latin1', 0, 200)}`);
    const bytes = this.partialBytes[index]! + chunk.length;
    this.partialBytes[index] = bytes % REPLY_BYTES;
    let replies = Math.floor(bytes / REPLY_BYTES);
    this.outstanding -= replies;
    const now = performance.now();
    const queue = this.sent[index]!;
    while (replies > 0) {
      const first = queue[0]!;
      const taken = Math.min(replies, first.count);
      this.latencies.add(now - first.at, taken);
      replies -= taken;
      first.count -= taken;
      if (first.count === 0) queue.shift();
    }
  }

  private turn(): void {
    const { rate, connections } = this.options;
    const now = performance.now();
    const room = OUTSTANDING_MAX - this.outstanding;
    const wanted = rate === 0 ? room : Math.floor(((now - this.due) * rate) / 1000);
    const count = Math.min(wanted, room);
    if (count > 0) {
      // What the server had no room for is dropped: the clients of a rate do not come back all at once.
      this.due = count < wanted ? now : this.due + (count * 1000) / rate;
      const each = Math.max(1, Math.ceil(count / connections));
      for (let left = count; left > 0; left -= each) this.send(Math.min(each, left));
    }
    if (rate === 0) setImmediate(() => this.turn());
    else setTimeout(() => this.turn(), 1);
  }

  private send(count: number): void {
    const index = this.nextConnection;
    this.nextConnection = (index + 1) % this.options.connections;
    const { length } = this.template;
    const batch = Buffer.allocUnsafe(length * count);
    for (let i = 0; i < count; i++) {
      this.template.copy(batch, i * length);
      this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
      let rest = Math.floor(((this.state >>> 4) / 2 ** 28) * this.options.keys);
      const end = i * length + this.keyEnd;
      for (let at = end - 1; at >= end - KEY_DIGITS; at--) {
        batch[at] = 48 + (rest % 10);
        rest = Math.floor(rest / 10);
      }
    }
    this.outstanding += count;
    this.sent[index]!.push({ at: performance.now(), count });
    this.sockets[index]!.write(batch);
  }
}

const data = workerData as { pacedWriter?: PacedWriterOptions } | null;
if (!isMainThread && data?.pacedWriter !== undefined) {
  const connections = new WritingConnections(data.pacedWriter);
  parentPort!.on('message', () => parentPort!.postMessage(connections.take()));
  await connections.run();
  parentPort!.postMessage('writing');
}

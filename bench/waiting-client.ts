/**
 * A second client that asks for one key every millisecond and notes how long it waited, in a thread of its own: what
 * keeps the benchmark's own event loop busy must not look like a pause of the server.
 */
import { connect } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

export interface WaitsSeen {
  /** Longest wait for a reply, in ms; still waiting counts. */
  readonly longestMs: number;
  readonly requests: number;
}

const REQUEST = '*2\r\n$3\r\nGET\r\n$13\r\nwaiting-probe\r\n';

export class WaitingClient {
  private constructor(private readonly worker: Worker) {}

  /** Connects and begins to ask. @throws when the connection cannot be made. */
  static start(port: number): Promise<WaitingClient> {
    const worker = new Worker(new URL(import.meta.url), { workerData: { waitingClientPort: port } });
    worker.unref();
    return new Promise((resolve, reject) => {
      worker.once('error', reject);
      worker.once('message', () => {
        worker.off('error', reject);
        resolve(new WaitingClient(worker));
      });
    });
  }

  /** What was seen since the start or the last call. */
  take(): Promise<WaitsSeen> {
    return new Promise((resolve, reject) => {
      this.worker.once('error', reject);
      this.worker.once('message', (seen: WaitsSeen) => {
        this.worker.off('error', reject);
        resolve(seen);
      });
      this.worker.postMessage('take');
    });
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}

function runInWorker(port: number): void {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  let longestMs = 0;
  let requests = 0;
  let askedAt = 0;
  const ask = () => {
    askedAt = performance.now();
    socket.write(REQUEST);
  };
  socket.on('connect', () => {
    parentPort?.postMessage('connected');
    ask();
  });
  socket.on('data', (chunk) => {
    // The probe's value is absent or short: a reply arrives whole, and nothing else is outstanding.
    if (chunk.length === 0) return;
    requests++;
    longestMs = Math.max(longestMs, performance.now() - askedAt);
    askedAt = 0;
    setTimeout(ask, 1);
  });
  parentPort?.on('message', () => {
    if (askedAt !== 0) longestMs = Math.max(longestMs, performance.now() - askedAt);
    parentPort?.postMessage({ longestMs, requests });
    longestMs = 0;
    requests = 0;
  });
}

const data = workerData as { waitingClientPort?: number } | null;
if (!isMainThread && data?.waitingClientPort !== undefined) runInWorker(data.waitingClientPort);

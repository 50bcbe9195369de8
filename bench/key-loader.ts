/**
 * Loads N distinct keys as fast as a pipeline takes them: commands of one fixed length, of which only the digits are
 * patched, so that the loader costs little of the two cores that the server needs too.
 */
import { connect, type Socket } from 'node:net';

/** A deadline for every key: `word` and a number that always has the same count of digits. */
export interface LoadedDeadline {
  readonly word: 'EX' | 'PXAT';
  of(index: number): number;
}

export interface LoadOptions {
  readonly port: number;
  readonly count: number;
  readonly deadline?: LoadedDeadline;
  readonly connections?: number;
  /** 64 where it is not given. */
  readonly valueBytes?: number;
}

const BATCH_COMMANDS = 500;
const BATCHES_IN_FLIGHT = 2;
const VALUE_BYTES = 64;

/** The key with this number: 16 bytes. */
export function loadedKey(index: number): string {
  return `key:${String(index).padStart(12, '0')}`;
}

function commandBytes(index: number, { deadline, valueBytes = VALUE_BYTES }: LoadOptions): Buffer {
  const words = ['SET', loadedKey(index), 'v'.repeat(valueBytes)];
  if (deadline !== undefined) words.push(deadline.word, String(deadline.of(index)));
  return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`);
}

/** Writes the decimal digits of `value` so that they end before `end`, with leading zeros. */
function writeDigits(bytes: Buffer, end: number, digits: number, value: number): void {
  let rest = value;
  for (let at = end - 1; at >= end - digits; at--) {
    bytes[at] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** One connection that loads the keys first, first + step, ... below the end. */
class LoadingConnection {
  private next: number;
  private unanswered = 0;
  private readonly template: Buffer;
  private readonly commandLength: number;
  private readonly keyEnd: number;
  private readonly deadlineDigits: number;

  constructor(
    private readonly socket: Socket,
    private readonly options: LoadOptions,
    first: number,
    private readonly end: number,
  ) {
    this.next = first;
    const { deadline } = options;
    const command = commandBytes(first, options);
    this.commandLength = command.length;
    this.keyEnd = command.indexOf('key:') + 16;
    this.deadlineDigits = deadline === undefined ? 0 : String(deadline.of(first)).length;
    this.template = Buffer.concat(Array.from({ length: BATCH_COMMANDS }, () => command));
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.on('error', reject);
      this.socket.on('close', () => reject(new Error('the server closed the connection while keys were loaded')));
      this.socket.on('data', (chunk) => {
        try {
          this.receive(chunk);
        } catch (error) {
          reject(error);
          return;
        }
        if (this.unanswered === 0 && this.next >= this.end) {
          this.socket.removeAllListeners();
          this.socket.destroy();
          resolve();
        }
      });
      this.fill();
    });
  }

  /** Every reply is +OK: five bytes each, so counting bytes counts replies. */
  private receive(chunk: Buffer): void {
    const error = chunk.indexOf(45);
    if (error >= 0) throw new Error(`the server replied ${chunk.toString('latin1', error, error + 200)}`);
    this.unanswered -= chunk.length;
    this.fill();
  }

  private fill(): void {
    while (this.next < this.end && this.unanswered < BATCHES_IN_FLIGHT * BATCH_COMMANDS * 5) {
      const count = Math.min(BATCH_COMMANDS, this.end - this.next);
      this.socket.write(this.batch(count));
      this.unanswered += count * 5;
    }
  }

  private batch(count: number): Buffer {
    const { commandLength, keyEnd, deadlineDigits } = this;
    const { deadline } = this.options;
    const batch = Buffer.allocUnsafe(count * commandLength);
    this.template.copy(batch, 0, 0, batch.length);
    for (let i = 0; i < count; i++) {
      const index = this.next++;
      writeDigits(batch, i * commandLength + keyEnd, 12, index);
      if (deadline !== undefined) writeDigits(batch, (i + 1) * commandLength - 2, deadlineDigits, deadline.of(index));
    }
    return batch;
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/**
 * SETs `count` distinct keys of 16 bytes with values of 64 bytes, or as many as are asked for.
 * @returns keys a second, from the first byte to the last reply.
 * @throws on an error reply or a lost connection.
 */
export async function loadKeys(options: LoadOptions): Promise<number> {
  const connections = options.connections ?? 4;
  const share = Math.ceil(options.count / connections);
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(options.port)));
  const started = performance.now();
  const loading: Promise<void>[] = [];
  sockets.forEach((socket, i) => {
    const first = i * share;
    const end = Math.min(first + share, options.count);
    if (first >= end) socket.destroy();
    else loading.push(new LoadingConnection(socket, options, first, end).run());
  });
  await Promise.all(loading);
  return options.count / ((performance.now() - started) / 1000);
}

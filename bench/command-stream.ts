/**
 * Sends many commands over a few connections as fast as their replies come back: for loads and traces whose replies are
 * one line, or a line and a value. What the commands are is the caller's.
 */
import { connect, type Socket } from 'node:net';

/** The bytes of a command as a RESP array. */
export function commandText(...words: readonly string[]): string {
  let text = `*${words.length}\r\n`;
  for (const word of words) text += `$${word.length}\r\n${word}\r\n`;
  return text;
}

const BATCH_COMMANDS = 200;

/** One connection to which commands are written in pipelines; replies are lines, of which only errors are looked at. */
export class CommandStream {
  private unanswered = 0;
  private batch = '';
  private batched = 0;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  private constructor(
    private readonly socket: Socket,
    private readonly inFlightMax: number,
  ) {
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
  }

  static async open(port: number, inFlightMax = 4 * BATCH_COMMANDS): Promise<CommandStream> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new CommandStream(socket, inFlightMax);
  }

  /** Adds a command whose reply is one line. Await what it returns. @throws on an error reply or a lost connection. */
  async send(text: string): Promise<void> {
    this.batch += text;
    if (++this.batched < BATCH_COMMANDS) return;
    await this.flush();
  }

  private async flush(): Promise<void> {
    const { batch, batched } = this;
    this.batch = '';
    this.batched = 0;
    if (batched > 0) {
      this.unanswered += batched;
      this.socket.write(batch, 'latin1');
    }
    while (this.unanswered > this.inFlightMax) await this.replies();
  }

  /** Waits for all replies. */
  async finish(): Promise<void> {
    await this.flush();
    while (this.unanswered > 0) await this.replies();
    this.socket.removeAllListeners();
    this.socket.destroy();
  }

  private async replies(): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
    if (this.failure !== undefined) throw this.failure;
  }

  private receive(chunk: Buffer): void {
    if (chunk.includes(45)) {
      const at = chunk.indexOf(45);
      this.fail(new Error(`the server replied ${chunk.toString('latin1', at, at + 200)}`));
    }
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) this.unanswered--;
    this.wakeUp();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.wakeUp();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}

/** Writes many lines to a stream, no faster than its reader takes them. */
import { once } from 'node:events';
import type { Writable } from 'node:stream';

const CHUNK_CHARACTERS = 64 * 1024;

export class LineOutput {
  /** True once the reader is gone (`| head`): there is nobody left to write for. */
  closed = false;
  private readonly stream: Writable;
  private pending = '';

  constructor(stream: Writable) {
    this.stream = stream;
    stream.on('error', () => {
      this.closed = true;
    });
  }

  /** Adds a line; to be awaited. */
  async line(text: string): Promise<void> {
    this.pending += `${text}\n`;
    if (this.pending.length >= CHUNK_CHARACTERS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.pending;
    this.pending = '';
    if (this.closed || text === '') return;
    if (this.stream.write(text)) return;
    // A stream whose reader goes away ends the wait with an error.
    await once(this.stream, 'drain').catch(() => {});
  }
}

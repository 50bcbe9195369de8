/** The file that names the process (`pidfile`), for whoever starts and stops servers with it. */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Logger } from 'pino';

export class PidFile {
  private readonly path: string;
  private readonly log: Logger;
  private written = false;

  /** @param path absolute, or '' for none. */
  constructor(path: string, log: Logger) {
    this.path = path;
    this.log = log;
  }

  /** Writes the file. As in Redis a server goes on without it, but here it says so. */
  write(): void {
    if (this.path === '') return;
    try {
      writeFileSync(this.path, `${process.pid}\n`);
      this.written = true;
    } catch (error) {
      this.log.warn(`the pidfile ${this.path} cannot be written: ${(error as Error).message}`);
    }
  }

  /** Removes the file, unless another process has put its own number there meanwhile. */
  remove(): void {
    if (!this.written) return;
    this.written = false;
    try {
      if (readFileSync(this.path, 'latin1').trim() === String(process.pid)) unlinkSync(this.path);
    } catch {
      // It is gone already, or not ours to remove any more.
    }
  }
}

/**
 * Tells systemd how a server is doing (`supervised`): the protocol of sd_notify(3). Node.js has no datagram sockets of
 * unix, so the messages are carried by the program systemd-notify, which comes with systemd. It is a child of this
 * process: unless the service runs as root its unit needs `NotifyAccess=all`.
 */
import { spawn } from 'node:child_process';
import type { Logger } from 'pino';

/** While the dataset is read: how often systemd is told, and how much longer it is asked to wait each time. */
const LOADING_INTERVAL_MS = 10_000;
const LOADING_EXTENSION_USEC = 60_000_000;

export type SupervisedMode = 'upstart' | 'systemd' | 'auto' | 'no';

export class ServiceManager {
  private readonly log: Logger;
  private readonly program: string;
  private readonly nowMs: () => number;
  private active: boolean;
  /** Messages in order: each is carried once the one before has arrived. */
  private last: Promise<void> = Promise.resolve();
  private toldLoadingAtMs = Number.NEGATIVE_INFINITY;

  /**
   * @param socket the value of NOTIFY_SOCKET, '' where there is none.
   * @param nowMs a monotonic clock in ms.
   */
  constructor(mode: SupervisedMode, socket: string, log: Logger, nowMs: () => number, program = 'systemd-notify') {
    this.log = log;
    this.nowMs = nowMs;
    this.program = program;
    this.active = socket !== '' && (mode === 'systemd' || mode === 'auto');
    if (mode === 'systemd' && socket === '') {
      log.warn('supervised systemd: there is no NOTIFY_SOCKET, so nobody is told when the server is ready');
    }
    if (mode === 'upstart') log.warn('supervised upstart: there is no upstart any more, so nobody is told');
  }

  loading(loadedBytes: number, totalBytes: number): void {
    const now = this.nowMs();
    if (!this.active || now - this.toldLoadingAtMs < LOADING_INTERVAL_MS) return;
    this.toldLoadingAtMs = now;
    const percent = totalBytes === 0 ? 0 : Math.floor((loadedBytes / totalBytes) * 100);
    this.tell(`STATUS=Reading the dataset: ${percent} %`, `EXTEND_TIMEOUT_USEC=${LOADING_EXTENSION_USEC}`);
  }

  ready(): void {
    this.tell('STATUS=Ready to accept connections', 'READY=1');
  }

  stopping(): void {
    this.tell('STATUS=Committing and sealing the log', 'STOPPING=1');
  }

  /** Resolves once what was told has been passed on, or cannot be. */
  flushed(): Promise<void> {
    return this.last;
  }

  private tell(...assignments: readonly string[]): void {
    if (this.active) this.last = this.last.then(() => this.carry(assignments));
  }

  private carry(assignments: readonly string[]): Promise<void> {
    return new Promise((resolve) => {
      const child = spawn(this.program, [...assignments], { stdio: 'ignore' });
      child.once('error', (error) => {
        this.giveUp(`${this.program} cannot be run: ${error.message}`);
        resolve();
      });
      child.once('exit', (code) => {
        if (code !== 0) this.giveUp(`${this.program} ended with exit code ${code}`);
        resolve();
      });
    });
  }

  private giveUp(why: string): void {
    if (!this.active) return;
    this.active = false;
    this.log.warn(`supervised systemd: ${why}; nobody is told how the server is doing (Type=exec needs nothing of it)`);
  }
}

/** A Holdfast whose commits can be held back: what is written meanwhile is executed and not yet durable. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS_VARIABLE } from '../../log/local/fault-files.js';
import { pollUntil } from './poll-until.js';
import type { RespClient } from './resp-client.js';
import { ServerProcess, type ServerProcessOptions } from './server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

export class HeldLog {
  private constructor(
    readonly server: ServerProcess,
    /** Never waits for the log: asks the server about its clients only. */
    private readonly observer: RespClient,
    private readonly control: string,
  ) {}

  static async start(options: Partial<ServerProcessOptions> = {}): Promise<HeldLog> {
    const control = makeTemporaryDirectory('hold');
    const env = { ...options.env, [FAULTS_VARIABLE]: `holdFile=${join(control, 'hold')}` };
    const server = await ServerProcess.start({ kind: 'holdfast', ...options, env });
    return new HeldLog(server, await server.connect(), control);
  }

  /** From here on nothing is committed. */
  hold(): void {
    writeFileSync(join(this.control, 'hold'), '');
  }

  /** Commits go on. */
  release(): void {
    rmSync(join(this.control, 'hold'), { force: true });
  }

  /**
   * Waits until the server has executed the client's last command.
   * @param command its name in lower case; another one than the connection's command before.
   */
  async executed(client: RespClient, command: string): Promise<void> {
    const address = `addr=127.0.0.1:${client.socket.localPort} `;
    await pollUntil(`${command} of ${address}`, async () => {
      const list = String(await this.observer.command('CLIENT', 'LIST'));
      const line = list.split('\n').find((each) => each.includes(address));
      return line?.includes(` cmd=${command} `) ?? false;
    });
    await this.settle();
  }

  /** How many connections have executed this command last. */
  async countExecuted(command: string): Promise<number> {
    const list = String(await this.observer.command('CLIENT', 'LIST'));
    return list.split('\n').filter((line) => line.includes(` cmd=${command} `)).length;
  }

  /**
   * After this, replies that the server had let go before the call have arrived here: two turns of the server with an
   * answer each, so whatever was written to another socket in an earlier turn has been read by this process.
   */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) {
      await this.observer.command('PING');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async dispose(): Promise<void> {
    this.release();
    await this.server.dispose();
    removeTemporaryDirectory(this.control);
  }
}

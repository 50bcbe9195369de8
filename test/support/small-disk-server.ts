/** A small disk and the server on it, gone when the test ends however it went. */
import { afterEach } from 'vitest';
import { ServerProcess } from './server-process.js';
import { SmallDisk } from './small-disk.js';

export interface SmallDiskServer {
  /** Of the running test. */
  readonly disk: SmallDisk;
  readonly server: ServerProcess;
  /** Starts a server on a new disk and waits until it serves. */
  start(bytes: number, args?: readonly string[]): Promise<ServerProcess>;
}

/** To be called once in a file. */
export function smallDiskServer(): SmallDiskServer {
  let disk: SmallDisk | undefined;
  let server: ServerProcess | undefined;
  afterEach(async () => {
    // A disk can go only when nobody has a file open on it.
    await server?.dispose();
    disk?.dispose();
    server = undefined;
    disk = undefined;
  });
  return {
    get disk() {
      return disk!;
    },
    get server() {
      return server!;
    },
    async start(bytes, args = []) {
      disk = new SmallDisk(bytes);
      server = await ServerProcess.start({ kind: 'holdfast', directory: disk.directory, args });
      return server;
    },
  };
}

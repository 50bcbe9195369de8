/** Servers and directories that a test makes, gone when it ends however it went. */
import { afterEach } from 'vitest';
import { ServerProcess } from './server-process.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

type StartOptions = Partial<Parameters<typeof ServerProcess.start>[0]>;

export interface ServersOfATest {
  /** Starts a server, a Holdfast unless it is said otherwise, and waits until it serves. */
  start(options?: StartOptions): Promise<ServerProcess>;
  /** For a server that was made another way. */
  own(server: ServerProcess): ServerProcess;
  /** Makes an empty directory. */
  temporary(): string;
}

/**
 * To be called once in a file.
 * @param label of the directories' names. @param defaults of each start.
 */
export function serversOfATest(label: string, defaults: StartOptions = {}): ServersOfATest {
  const servers: ServerProcess[] = [];
  const directories: string[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.dispose();
    for (const directory of directories.splice(0)) removeTemporaryDirectory(directory);
  });
  const own = (server: ServerProcess): ServerProcess => {
    servers.push(server);
    return server;
  };
  return {
    start: async (options = {}) => own(await ServerProcess.start({ kind: 'holdfast', ...defaults, ...options })),
    own,
    temporary() {
      const directory = makeTemporaryDirectory(label);
      directories.push(directory);
      return directory;
    },
  };
}

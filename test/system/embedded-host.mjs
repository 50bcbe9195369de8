// A program that embeds Holdfast, for embedded.test.ts: it takes commands on its standard input, one JSON array a line,
// and says on its standard output what happened, one JSON object a line. It ends when its input does and nothing is left
// to keep it alive.
import { createInterface } from 'node:readline';
import { startServer } from 'holdfast';

const servers = new Map();
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const describe = (error) => ({ name: error?.name, code: error?.code, message: error?.message });

const commands = {
  async start(name, options) {
    try {
      const server = await startServer(options);
      servers.set(name, server);
      server.closed.then(
        () => say({ event: 'closed', name }),
        (error) => say({ event: 'failed', name, error: describe(error) }),
      );
      say({ event: 'started', name, port: server.port, keys: server.keys, directory: server.directory });
    } catch (error) {
      say({ event: 'refused', name, error: describe(error) });
    }
  },
  async close(name) {
    await servers.get(name).close();
    say({ event: 'close returned', name });
  },
  async alive() {
    await new Promise((resolve) => setTimeout(resolve, 1));
    say({ event: 'alive', signals: process.listenerCount('SIGTERM') + process.listenerCount('SIGINT') });
  },
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const [command, ...args] = JSON.parse(line);
  commands[command](...args).catch((error) => say({ event: 'error', error: describe(error) }));
});

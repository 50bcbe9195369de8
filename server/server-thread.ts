/**
 * Entry of the server thread: reads the configuration, opens the log for people, starts the server and carries what it
 * says to the main thread. What a server is made of is in server-core.ts.
 */
import { isAbsolute, resolve } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { pathOf } from './config/byte-string.js';
import { Config } from './config/config.js';
import { readMachineFacts } from './config/machine-facts.js';
import { createServerLog, type LogDestination } from './logging.js';
import { PidFile } from './pid-file.js';
import { ServerCore } from './server-core.js';
import type { RunningCore, ServerCoreHooks, ServerLog } from './server-core-seam.js';
import { explainFailure } from './server-error.js';
import { ServiceManager } from './service-manager.js';
import { prepareDirectory } from './startup-checks.js';
import type { FromServerThread, SupervisedThreadData, ToServerThread } from './thread-messages.js';

class ServerThread {
  private readonly port: MessagePort;
  private readonly data: SupervisedThreadData;
  private readonly config: Config;
  private readonly serverLog: ServerLog;
  private core: RunningCore | undefined = undefined;
  private readonly pidFile: PidFile;
  private readonly serviceManager: ServiceManager;
  private ended = false;

  constructor(port: MessagePort, data: SupervisedThreadData) {
    this.port = port;
    this.data = data;
    this.config = new Config(data.settings, readMachineFacts(), data.workingDirectory);
    const { values } = this.config;
    // The logfile may lie in the data directory.
    if (values.logfile !== '' && !isAbsolute(pathOf(values.logfile))) prepareDirectory(pathOf(values.dir));
    this.serverLog = createServerLog(this.logDestination(), values.loglevel);
    const { log } = this.serverLog;
    this.pidFile = new PidFile(this.absolute(values.pidfile), log);
    const socket = process.env.NOTIFY_SOCKET ?? '';
    this.serviceManager = new ServiceManager(values.supervised, socket, log, () => performance.now());
    port.on('message', (message: ToServerThread) => this.shutdown(message.request.reason));
  }

  async run(): Promise<void> {
    const { config, data, serverLog } = this;
    for (const warning of config.warnings) serverLog.log.warn(warning);
    for (const notice of config.notices) serverLog.log.info(notice);
    const directory = pathOf(config.values.dir);
    const unixSocket = this.absolute(config.values.unixsocket);
    prepareDirectory(directory);
    const hooks: ServerCoreHooks = {
      opened: () => this.pidFile.write(),
      ending: () => this.serviceManager.stopping(),
      loading: (progress) => {
        this.serviceManager.loading(progress.loadedBytes, progress.totalBytes);
        this.send({ type: 'loading', progress });
      },
      fatal: (error) => this.fatal(error),
      closed: () => this.end({ type: 'closed' }, 0),
    };
    const mainHeap = new Float64Array(data.mainHeapBytes);
    const otherHeapBytes = (): number => mainHeap[0]!;
    const { configFile } = data;
    const options = { config, log: serverLog, directory, unixSocket, configFile, otherHeapBytes };
    const core = await ServerCore.start(options, hooks);
    this.core = core;
    const keys = core.keyCount();
    const facts = { port: core.port, unixsocket: unixSocket, dir: directory, keys };
    serverLog.log.info(facts, `ready to accept connections on port ${core.port}, ${keys} keys in ${directory}`);
    this.serviceManager.ready();
    this.send({ type: 'ready', port: core.port, unixSocket, directory, keys });
  }

  /** An exception that nobody caught: what is in memory may be ahead of the log, so the server ends. */
  broken(error: unknown): void {
    if (this.core === undefined || this.ended) this.fatal(error);
    else this.core.fail(error);
  }

  fatal(error: unknown): void {
    const { code, message } = explainFailure(error);
    const destination = this.config.values.logfile === '' ? this.data.logOutput : 'file';
    // The command line prints the one line itself where the log goes to the same terminal.
    if (destination === 'file' || destination === 'messages') this.serverLog.log.fatal({ code }, message);
    // A failure of the server's own making needs its place; what the user can mend needs one line.
    if (code === 'INTERNAL') this.serverLog.log.error(error, 'where it happened');
    this.end({ type: 'fatal', code, message }, 1);
  }

  private shutdown(reason: string): void {
    const { core } = this;
    // While it starts there is nothing to commit, and a start may be broken off at any moment.
    if (core === undefined) this.end({ type: 'closed' }, 0);
    else core.shutdown({ reason }).catch((error: unknown) => this.fatal(error));
  }

  /** Relative paths start from the data directory, which is the working directory of a Redis; '' stays ''. */
  private absolute(path: string): string {
    return path === '' ? '' : resolve(pathOf(this.config.values.dir), pathOf(path));
  }

  private logDestination(): LogDestination {
    const { logfile } = this.config.values;
    if (logfile !== '') return { to: 'file', path: this.absolute(logfile) };
    switch (this.data.logOutput) {
      case 'json':
        return { to: 'stdout', pretty: false };
      case 'pretty':
        return { to: 'stdout', pretty: true };
      case 'messages':
        return { to: 'function', write: (line) => this.send({ type: 'log', line }) };
      case 'none':
        return { to: 'nowhere' };
    }
  }

  private send(message: FromServerThread): void {
    this.port.postMessage(message);
  }

  /** Says the last word and ends the thread, whatever is still open in it. */
  private end(message: FromServerThread, code: number): void {
    if (this.ended) return;
    this.ended = true;
    this.pidFile.remove();
    const exit = (): void => {
      this.send(message);
      // In a worker this ends the thread alone.
      process.exit(code);
    };
    this.serverLog.flush().then(exit, exit);
  }
}

if (parentPort === null) throw new Error('server-thread.js runs as a worker thread only');
const thread = new ServerThread(parentPort, workerData as SupervisedThreadData);
process.on('uncaughtException', (error) => thread.broken(error));
thread.run().catch((error: unknown) => thread.fatal(error));

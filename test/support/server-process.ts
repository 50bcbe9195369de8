/**
 * A Holdfast or a redis-server of its own: started on a free loopback port (or a unix socket) in a temporary directory,
 * awaited by what it prints, killed by its pid, started again on the same directory. What still runs when the test
 * process ends is killed with it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.js';
import { projectRoot } from './project-root.js';
import { type ReplyMode, RespClient, type ServerAddress } from './resp-client.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from './temporary-directory.js';

export type ServerKind = 'holdfast' | 'redis';

export interface ServerProcessOptions {
  readonly kind: ServerKind;
  /** Data directory, made where it is missing; a temporary one, removed by dispose(), when it is not given. */
  readonly directory?: string;
  /** Further command line options. For Redis they follow, and so override, the ones that make every write durable. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A configuration file, first on the command line; for Redis all that there is on it. */
  readonly configFile?: string;
  /** Where the process runs; the data directory when it is not given. */
  readonly workingDirectory?: string;
  /** Leaves --dir out: the server's own choice of directory must be `directory`. Holdfast only. */
  readonly defaultDirectory?: boolean;
  /** Arguments for node itself, before the program. */
  readonly nodeArgs?: readonly string[];
  /** Listens on a unix socket at this path too. */
  readonly unixSocket?: string;
  /** 0 or absent: a free one. */
  readonly port?: number;
  readonly readyTimeoutMs?: number;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The process ended, or said nothing, before it was ready. */
export class ServerStartError extends Error {
  readonly code = 'SERVER_START';
  constructor(
    message: string,
    readonly output: string,
    readonly status: ExitStatus | undefined,
  ) {
    super(`${message}\n--- output ---\n${output}`);
  }
}

const running = new Set<ChildProcess>();
process.prependListener('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const OUTPUT_CHARACTERS_MAX = 1 << 20;
const READY_TIMEOUT_MS = 120_000;

export class ServerProcess {
  /** Where it listens for TCP; valid once ready. */
  port = 0;
  readonly directory: string;
  /** Everything that it has printed, both streams, since the last start. */
  output = '';
  /** Resolves with how the process ended, once both of its streams are closed too. */
  exited!: Promise<ExitStatus>;
  private child!: ChildProcess;
  private readonly temporary: boolean;
  private readonly clients = new Set<RespClient>();
  private readonly lineWaiters = new Set<(output: string) => void>();

  private constructor(private options: ServerProcessOptions) {
    this.temporary = options.directory === undefined;
    this.directory = options.directory ?? makeTemporaryDirectory(options.kind);
  }

  /**
   * Starts a server and waits until it serves.
   * @throws ServerStartError
   */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    await server.launch();
    await server.ready();
    return server;
  }

  /** Starts a process without waiting for it to serve: await `exited`, ready() or outputMatching(). */
  static async spawn(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    await server.launch();
    return server;
  }

  get pid(): number {
    return this.child.pid!;
  }

  get kind(): ServerKind {
    return this.options.kind;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  get address(): ServerAddress {
    return { host: '127.0.0.1', port: this.port };
  }

  /** A connection that is closed with the server. */
  async connect(mode: ReplyMode = 'text'): Promise<RespClient> {
    const client = await RespClient.connect(this.address, mode);
    this.clients.add(client);
    client.closed.then(() => this.clients.delete(client));
    return client;
  }

  /** Waits until it serves: redis-server says so, Holdfast prints a JSON line with its port. */
  async ready(): Promise<void> {
    await this.outputMatching(() => this.isReady(), 'being ready', this.options.readyTimeoutMs ?? READY_TIMEOUT_MS);
  }

  /** Waits until the output matches. @throws ServerStartError when the process ends or time runs out before. */
  async outputMatching(
    pattern: RegExp | (() => boolean),
    what = String(pattern),
    limitMs = READY_TIMEOUT_MS,
  ): Promise<void> {
    const matches = typeof pattern === 'function' ? pattern : () => pattern.test(this.output);
    if (matches()) return;
    let timer: NodeJS.Timeout | undefined;
    let waiter: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        waiter = () => {
          if (matches()) resolve();
        };
        this.lineWaiters.add(waiter);
        timer = setTimeout(() => reject(this.failure(`no sign of ${what} within ${limitMs} ms`, undefined)), limitMs);
        this.exited.then((status) => {
          if (matches()) resolve();
          else reject(this.failure(`ended before ${what}: ${JSON.stringify(status)}`, status));
        }, reject);
      });
    } finally {
      clearTimeout(timer);
      if (waiter !== undefined) this.lineWaiters.delete(waiter);
    }
  }

  /** Ends the process as a power button would, by its pid, and waits until it is gone. */
  async kill9(): Promise<ExitStatus> {
    this.child.kill('SIGKILL');
    return this.exited;
  }

  /** Asks the process to end and waits until it has. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    this.child.kill(signal);
    return this.exited;
  }

  /** Starts the process again on the same directory; it must have ended. The port may be another one. */
  async restart(changes: Partial<ServerProcessOptions> = {}): Promise<void> {
    await this.relaunch(changes);
    await this.ready();
  }

  /** restart() without waiting for it to serve. */
  async relaunch(changes: Partial<ServerProcessOptions> = {}): Promise<void> {
    if (this.running) throw new Error('the server still runs');
    this.options = { ...this.options, ...changes };
    await this.launch();
  }

  /** Kills what runs, closes connections and removes a temporary directory. */
  async dispose(): Promise<void> {
    for (const client of this.clients) await client.close();
    if (this.running) await this.kill9();
    if (this.temporary) removeTemporaryDirectory(this.directory);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  private async launch(): Promise<void> {
    this.output = '';
    const { options } = this;
    let program: string;
    let args: string[];
    if (options.kind === 'redis') {
      this.port = options.port || (await freePort());
      program = 'redis-server';
      args = this.redisArguments();
    } else {
      this.port = options.port ?? 0;
      const main = join(projectRoot, 'dist/server/main.js');
      if (!existsSync(main)) throw new Error('dist/server/main.js is missing: npm run build');
      program = process.execPath;
      args = [...(options.nodeArgs ?? []), main, ...this.holdfastArguments()];
    }
    mkdirSync(this.directory, { recursive: true });
    const child = spawn(program, args, {
      cwd: options.workingDirectory ?? this.directory,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    running.add(child);
    child.stdout!.on('data', (chunk: Buffer) => this.print(chunk));
    child.stderr!.on('data', (chunk: Buffer) => this.print(chunk));
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve({ code, signal });
      });
    });
    this.exited.catch(() => running.delete(child));
  }

  private redisArguments(): string[] {
    if (this.options.configFile !== undefined) return [this.options.configFile, ...(this.options.args ?? [])];
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.directory, '--save', ''];
    args.push('--appendonly', 'yes', '--appendfsync', 'always', '--auto-aof-rewrite-percentage', '0');
    args.push('--daemonize', 'no', '--loglevel', 'notice');
    if (this.options.unixSocket !== undefined) args.push('--unixsocket', this.options.unixSocket);
    return [...args, ...(this.options.args ?? [])];
  }

  private holdfastArguments(): string[] {
    const args = this.options.configFile === undefined ? [] : [this.options.configFile];
    args.push('--port', String(this.port), '--bind', '127.0.0.1', '--enable-debug-command', 'local');
    if (this.options.defaultDirectory !== true) args.push('--dir', this.directory);
    if (this.options.unixSocket !== undefined) args.push('--unixsocket', this.options.unixSocket);
    return [...args, ...(this.options.args ?? [])];
  }

  private print(chunk: Buffer): void {
    this.output += chunk.toString();
    if (this.output.length > OUTPUT_CHARACTERS_MAX) this.output = this.output.slice(-OUTPUT_CHARACTERS_MAX / 2);
    for (const waiter of this.lineWaiters) waiter(this.output);
  }

  private isReady(): boolean {
    if (this.options.kind === 'redis') return this.output.includes('Ready to accept connections');
    for (const line of this.output.split('\n')) {
      if (!line.startsWith('{') || !line.endsWith('}')) continue;
      const fields = JSON.parse(line) as { port?: unknown; msg?: unknown };
      if (typeof fields.port === 'number' && typeof fields.msg === 'string' && /ready/i.test(fields.msg)) {
        this.port = fields.port;
        return true;
      }
    }
    return false;
  }

  private failure(message: string, status: ExitStatus | undefined): ServerStartError {
    return new ServerStartError(`${this.options.kind}: ${message}`, this.output, status);
  }
}

/**
 * `import { startServer } from 'holdfast'` in a program of its own (embedded-host.mjs): the server serves, the program
 * keeps its event loop, its signals and its life, whatever happens to the server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FAULTS_VARIABLE } from '../../log/local/fault-files.js';
import { projectRoot } from '../support/project-root.js';
import { ConnectionLost, RespClient } from '../support/resp-client.js';
import { makeTemporaryDirectory, removeTemporaryDirectory } from '../support/temporary-directory.js';

interface HostEvent {
  readonly event: string;
  readonly name?: string;
  readonly port?: number;
  readonly keys?: number;
  readonly directory?: string;
  readonly signals?: number;
  readonly error?: { readonly name?: string; readonly code?: string; readonly message?: string };
}

/** The program, and what it says. */
class Host {
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly child: ChildProcess;
  /** What the program, or node on its behalf, complained about. */
  complaints = '';
  private readonly events: HostEvent[] = [];
  private wake: () => void = () => {};

  constructor(env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [join(projectRoot, 'test/system/embedded-host.mjs')], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.complaints += chunk.toString();
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      this.events.push(JSON.parse(line) as HostEvent);
      this.wake();
    });
    this.exited = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        this.events.push({ event: 'ended' });
        this.wake();
        resolve({ code, signal });
      });
    });
  }

  send(...command: readonly unknown[]): void {
    this.child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** The next event of this kind; others before it are left out. @throws when the program ends first */
  async event(kind: string): Promise<HostEvent> {
    for (;;) {
      const next = this.events.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      } else if (next.event === kind) {
        return next;
      } else if (next.event === 'ended' || next.event === 'error') {
        throw new Error(`instead of '${kind}' the program said ${JSON.stringify(next)}`);
      }
    }
  }

  async start(name: string, dir: string): Promise<HostEvent> {
    this.send('start', name, { port: 0, dir, bind: '127.0.0.1' });
    return await this.event('started');
  }
}

let directory: string;
let host: Host | undefined;
beforeEach(() => {
  directory = makeTemporaryDirectory('embedded');
});
afterEach(async () => {
  host?.child.kill('SIGKILL');
  await host?.exited;
  removeTemporaryDirectory(directory);
  expect(host?.complaints).toBe('');
});

const connect = (event: HostEvent) => RespClient.connect({ host: '127.0.0.1', port: event.port! });

test('serves, closes, starts again with its keys; the program ends by itself', async () => {
  host = new Host();
  const started = await host.start('first', directory);
  expect(started).toMatchObject({ keys: 0, directory });
  const client = await connect(started);
  expect(await client.command('SET', 'kept', 'value')).toBe('OK');
  host.send('close', 'first');
  await host.event('close returned');
  await client.closed;
  host.send('alive');
  expect((await host.event('alive')).signals).toBe(0);
  const again = await host.start('again', directory);
  expect(again.keys).toBe(1);
  const second = await connect(again);
  expect(await second.command('GET', 'kept')).toBe('value');
  host.send('close', 'again');
  await host.event('close returned');
  host.child.stdin!.end();
  expect(await host.exited).toEqual({ code: 0, signal: null });
});

test('two servers in one program', async () => {
  host = new Host();
  const [one, two] = [await host.start('one', join(directory, '1')), await host.start('two', join(directory, '2'))];
  const clients = [await connect(one), await connect(two)];
  await clients[0]!.command('SET', 'who', 'one');
  await clients[1]!.command('SET', 'who', 'two');
  expect(await clients[0]!.command('GET', 'who')).toBe('one');
  expect(await clients[1]!.command('GET', 'who')).toBe('two');
  host.send('close', 'one');
  await host.event('close returned');
  expect(await clients[1]!.command('GET', 'who')).toBe('two');
});

test('a start that fails is an error with a code, and the program goes on', async () => {
  host = new Host();
  await host.start('first', directory);
  host.send('start', 'second', { port: 0, dir: directory, bind: '127.0.0.1' });
  const { error } = await host.event('refused');
  expect(error?.code).toMatch(/^[A-Z_]+$/);
  expect(error?.message).toContain(directory);
  host.send('start', 'third', { port: 'many', dir: directory });
  expect((await host.event('refused')).error?.code).toMatch(/^[A-Z_]+$/);
  host.send('alive');
  await host.event('alive');
});

test('a fatal error closes every connection and rejects `closed`; the program goes on', async () => {
  host = new Host({ [FAULTS_VARIABLE]: 'eioSyncAt=30' });
  const started = await host.start('first', directory);
  const clients = await Promise.all([connect(started), connect(started)]);
  const idle = await connect(started);
  const writing = clients.map(async (client, i) => {
    for (let n = 0; ; n++) expect(await client.command('SET', `key:${i}:${n}`, n)).toBe('OK');
  });
  await Promise.all(writing.map((each) => expect(each).rejects.toBeInstanceOf(ConnectionLost)));
  await idle.closed;
  const { error } = await host.event('failed');
  expect(error?.code).toMatch(/^[A-Z_]+$/);
  expect(error?.message).toContain('EIO');
  host.send('alive');
  await host.event('alive');
  host.child.stdin!.end();
  expect(await host.exited).toEqual({ code: 0, signal: null });
});

test("the program's signals stay its own", async () => {
  host = new Host();
  await host.start('first', directory);
  host.child.kill('SIGTERM');
  expect(await host.exited).toEqual({ code: null, signal: 'SIGTERM' });
});

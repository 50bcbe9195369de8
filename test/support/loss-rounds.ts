/**
 * The model of loss: clients that record every answered write, `kill -9` at a random moment under load, a restart, and a
 * comparison of everything: nothing answered is missing, nothing unsent appears, what was not answered may be either.
 */
import { type DumpedKey, dumpDataset, readDataset } from './dataset-dump.js';
import { LossFound, RecordingClient } from './recording-client.js';
import { SeededRandom } from './seeded-random.js';
import { type ServerKind, ServerProcess } from './server-process.js';

export interface LossOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly kind?: ServerKind;
  readonly args?: readonly string[];
  /** Called after each round. */
  readonly report?: (line: string) => void;
}

const CLIENTS = 6;
/** Answers before the kill, at most. */
const ANSWERS_MAX = 4000;
/** A new directory after so many rounds: the log of earlier ones only makes restarts longer. */
const ROUNDS_PER_DIRECTORY = 25;
/** The longest a deadline's EXPIRE may lie back: the model's tolerance, see RecordingClient. */
const CHECKED_SECONDS_MAX = 350;

class LossDirectory {
  private readonly clients: RecordingClient[] = [];
  private readonly shared = { counter: 'shared:counter', list: 'shared:list' };
  private answersUntilKill = 0;
  private readonly startedAt = Date.now();

  private constructor(
    private readonly server: ServerProcess,
    private readonly random: SeededRandom,
  ) {
    for (let i = 0; i < CLIENTS; i++) {
      const own = new SeededRandom(random.uint32());
      this.clients.push(new RecordingClient(`client${i}`, this.shared, own, () => this.answer()));
    }
  }

  static async open(options: LossOptions, random: SeededRandom): Promise<LossDirectory> {
    const server = await ServerProcess.start({ kind: options.kind ?? 'holdfast', args: options.args ?? [] });
    return new LossDirectory(server, random);
  }

  /** True while the deadlines of this directory can still be told apart. */
  get fresh(): boolean {
    return Date.now() - this.startedAt < CHECKED_SECONDS_MAX * 1000;
  }

  /** Load, kill, restart, compare. Returns what happened, for the report. @throws LossFound */
  async round(): Promise<string> {
    const { random, server } = this;
    const answeredBefore = this.total((client) => client.answered);
    this.answersUntilKill = random.chance(0.1) ? random.between(1, 20) : random.between(1, ANSWERS_MAX);
    const connections = await Promise.all(this.clients.map(() => server.connect()));
    await Promise.all(this.clients.map((client, i) => client.run(connections[i]!)));
    await server.exited;
    let kills = 1;
    await server.relaunch();
    // Sometimes the recovery is killed too, at whatever it is doing by then.
    while (random.chance(0.15)) {
      await this.killDuringStart();
      kills++;
      await server.relaunch();
    }
    await server.ready();
    const dump = await this.compare();
    if (random.chance(0.2)) await this.compareAfterRestart(dump);
    const answered = this.total((client) => client.answered) - answeredBefore;
    return `${answered} answered, ${kills} kill${kills > 1 ? 's' : ''}`;
  }

  async close(): Promise<void> {
    await this.server.dispose();
  }

  private answer(): void {
    if (--this.answersUntilKill === 0) void this.server.kill9();
  }

  private total(figure: (client: RecordingClient) => number): number {
    return this.clients.reduce((sum, client) => sum + figure(client), 0);
  }

  private async killDuringStart(): Promise<void> {
    const afterMs = this.random.below(600);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await this.server.kill9();
  }

  private async compare(): Promise<string> {
    const client = await this.server.connect('buffers');
    const keys = await readDataset(client);
    const now = Date.now();
    const byOwner = new Map<string, DumpedKey[]>();
    for (const each of keys) {
      const owner = each.key.slice(0, each.key.indexOf(':'));
      byOwner.set(owner, [...(byOwner.get(owner) ?? []), each]);
    }
    for (const each of this.clients) each.verify(byOwner.get(each.name) ?? [], now);
    this.compareShared(byOwner.get('shared') ?? []);
    const owners = [...byOwner.keys()].filter((owner) => owner !== 'shared');
    const strange = owners.filter((owner) => !this.clients.some((each) => each.name === owner));
    if (strange.length > 0) throw new LossFound(`keys that nobody wrote: ${strange.join(', ')}`);
    const dump = await dumpDataset(client);
    await client.close();
    return dump;
  }

  /** What all clients write to: their own order is not known, but every answered write must be there once. */
  private compareShared(keys: readonly DumpedKey[]): void {
    const value = (key: string) => keys.find((each) => each.key === key)?.value ?? '';
    const counter = Number(value(this.shared.counter));
    const low = this.total((client) => client.incrementsAnswered);
    const high = this.total((client) => client.incrementsSent);
    if (!(counter >= low && counter <= high)) {
      throw new LossFound(`the shared counter is ${counter}: ${low} increments were answered and ${high} sent`);
    }
    const tokens = value(this.shared.list).split(',').slice(0, -1);
    const present = new Set(tokens.map((token) => `${token},`));
    if (present.size !== tokens.length) throw new LossFound('an append to the shared list was executed twice');
    const sent = new Set(this.clients.flatMap((client) => [...client.tokensSent]));
    for (const token of present) if (!sent.has(token)) throw new LossFound(`nobody appended ${token}`);
    for (const client of this.clients) {
      for (const token of client.tokensAnswered) {
        if (!present.has(token)) throw new LossFound(`the answered append of ${token} is missing`);
      }
    }
  }

  /** The dataset is the same after another restart without writes. */
  private async compareAfterRestart(dump: string): Promise<void> {
    if (this.random.chance(0.5)) await this.server.kill9();
    else await this.server.stop();
    await this.server.restart();
    const client = await this.server.connect('buffers');
    if ((await dumpDataset(client)) !== dump) throw new LossFound('a restart without writes changed the dataset');
    await client.close();
  }
}

/**
 * Runs rounds.
 * @throws LossFound naming the seed and the round.
 */
export async function runLossRounds(options: LossOptions): Promise<void> {
  const random = new SeededRandom(options.seed);
  let directory: LossDirectory | undefined;
  try {
    for (let round = 1; round <= options.rounds; round++) {
      if (directory !== undefined && (round % ROUNDS_PER_DIRECTORY === 1 || !directory.fresh)) {
        await directory.close();
        directory = undefined;
      }
      directory ??= await LossDirectory.open(options, random);
      try {
        const happened = await directory.round();
        options.report?.(`round ${round}: ${happened}`);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        error.message = `seed ${options.seed}, round ${round}: ${error.message}`;
        throw error;
      }
    }
  } finally {
    await directory?.close();
  }
}

/**
 * The model of loss: clients that record every answered write, `kill -9` at a random moment under load, a restart, and a
 * comparison of everything: nothing answered is missing, nothing unsent appears, what was not answered may be either.
 */
import { dumpDataset } from './dataset-dump.js';
import { readDigest } from './quiet-restart.js';
import { RecordedLoad } from './recorded-load.js';
import { LossFound } from './recording-client.js';
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
  private readonly load: RecordedLoad;
  private answersUntilKill = 0;
  private readonly startedAt = Date.now();

  private constructor(
    private readonly server: ServerProcess,
    private readonly random: SeededRandom,
  ) {
    this.load = new RecordedLoad(random, CLIENTS, () => this.answer());
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
    const { load, random, server } = this;
    const answeredBefore = load.answered;
    this.answersUntilKill = random.chance(0.1) ? random.between(1, 20) : random.between(1, ANSWERS_MAX);
    await load.run(server);
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
    await load.compare(server);
    if (random.chance(0.2)) await this.restartChangesNothing();
    return `${load.answered - answeredBefore} answered, ${kills} kill${kills > 1 ? 's' : ''}`;
  }

  async close(): Promise<void> {
    await this.server.dispose();
  }

  private answer(): void {
    if (--this.answersUntilKill === 0) void this.server.kill9();
  }

  private async killDuringStart(): Promise<void> {
    const afterMs = this.random.below(600);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await this.server.kill9();
  }

  /** The dataset is the same after another restart without writes. */
  private async restartChangesNothing(): Promise<void> {
    const before = await this.dump();
    if (this.random.chance(0.5)) await this.server.kill9();
    else await this.server.stop();
    await this.server.restart();
    if ((await this.dump()) !== before) throw new LossFound('a restart without writes changed the dataset');
  }

  /** Everything as text; of a Holdfast its own digest too. */
  private async dump(): Promise<string> {
    const client = await this.server.connect('buffers');
    const dump = await dumpDataset(client);
    await client.close();
    return this.server.kind === 'holdfast' ? `${await readDigest(this.server)}\n${dump}` : dump;
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

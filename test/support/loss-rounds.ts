/**
 * The model of loss: clients that record every answered write, `kill -9` at a random moment under load, a restart, and a
 * comparison of everything: nothing answered is missing, nothing unsent appears, what was not answered may be either.
 */

import { SNAPSHOT_FAULTS_VARIABLE } from '../../server/snapshots/snapshot-faults.js';
import { dumpDataset } from './dataset-dump.js';
import { readDigest } from './quiet-restart.js';
import { RecordedLoad } from './recorded-load.js';
import { LossFound } from './recording-client.js';
import { SeededRandom } from './seeded-random.js';
import { type ServerKind, ServerProcess } from './server-process.js';
import { checkSnapshots } from './snapshot-check.js';

export interface LossOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly kind?: ServerKind;
  readonly args?: readonly string[];
  /** Snapshots are taken all the time, and most kills hit one stage of them. Holdfast only. */
  readonly snapshots?: boolean;
  /** Called after each round. */
  readonly report?: (line: string) => void;
}

const CLIENTS = 6;
/** Answers before the kill, at most; with snapshots enough for several of them, since most kills hit a stage of one. */
const ANSWERS_MAX = 4000;
const ANSWERS_WITH_SNAPSHOTS_MAX = 30_000;
/** A new directory after so many rounds: the log of earlier ones only makes restarts longer. */
const ROUNDS_PER_DIRECTORY = 25;
/** The longest a deadline's EXPIRE may lie back: the model's tolerance, see RecordingClient. */
const CHECKED_SECONDS_MAX = 350;

/** Where the process of a round with snapshots kills itself. */
const KILL_STAGES = ['cut', 'image', 'write', 'verify', 'publish', 'image-kept', 'copy', 'trim', 'done'];
/** Of the rounds with snapshots: the others are killed at any time. */
const STAGED_KILLS = 0.75;

class LossDirectory {
  private readonly load: RecordedLoad;
  private answersUntilKill = 0;
  private readonly startedAt = Date.now();

  private constructor(
    private readonly server: ServerProcess,
    private readonly random: SeededRandom,
    private readonly snapshots: boolean,
  ) {
    this.load = new RecordedLoad(random, CLIENTS, () => this.answer());
  }

  static async open(options: LossOptions, random: SeededRandom): Promise<LossDirectory> {
    const { snapshots = false } = options;
    const server = await ServerProcess.start({
      kind: options.kind ?? 'holdfast',
      args: [...(options.args ?? []), ...(snapshots ? ['--save', ''] : [])],
      env: snapshots ? faultsOf(random) : {},
    });
    return new LossDirectory(server, random, snapshots);
  }

  /** True while the deadlines of this directory can still be told apart. */
  get fresh(): boolean {
    return Date.now() - this.startedAt < CHECKED_SECONDS_MAX * 1000;
  }

  /** Load, kill, restart, compare. Returns what happened, for the report. @throws LossFound */
  async round(): Promise<string> {
    const { load, random, server } = this;
    const answeredBefore = load.answered;
    const most = this.snapshots ? ANSWERS_WITH_SNAPSHOTS_MAX : ANSWERS_MAX;
    this.answersUntilKill = random.chance(0.1) ? random.between(1, 20) : random.between(1, most);
    const saving = this.snapshots ? this.saveAlways() : undefined;
    await load.run(server);
    await server.exited;
    const saved = await saving;
    let kills = 1;
    if (this.snapshots) checkSnapshots(server.directory);
    await server.relaunch(this.snapshots ? { env: faultsOf(random) } : {});
    // Sometimes the recovery is killed too, at whatever it is doing by then.
    while (random.chance(0.15)) {
      await this.killDuringStart();
      kills++;
      await server.relaunch();
    }
    await server.ready();
    await load.compare(server);
    if (random.chance(0.2)) await this.restartChangesNothing();
    const shown = saved === undefined ? '' : `, ${saved} snapshots, ${this.loadedFrom()}`;
    return `${load.answered - answeredBefore} answered, ${kills} kill${kills > 1 ? 's' : ''}${shown}`;
  }

  /** Takes one snapshot after the other until the server is gone. Returns how many it took. */
  private async saveAlways(): Promise<number> {
    const client = await this.server.connect();
    let saved = 0;
    try {
      for (;;) {
        const reply = await client.command('SAVE');
        if (reply === 'OK') saved++;
        else throw new LossFound(`SAVE replied ${String(reply)}`);
      }
    } catch (error) {
      if (error instanceof LossFound) throw error;
      return saved;
    }
  }

  /** What the last start said it had loaded. */
  private loadedFrom(): string {
    const found = /"msg":"(the (?:page image|snapshot) [^"]* is loaded)/.exec(this.server.output);
    return found === null ? 'the log alone was folded' : found[1]!;
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

function faultsOf(random: SeededRandom): Record<string, string> {
  const faults = ['rollBytes=1'];
  if (random.chance(STAGED_KILLS)) {
    faults.push(`killAt=${KILL_STAGES[random.below(KILL_STAGES.length)]}`, `killAfter=${random.between(1, 4)}`);
  }
  return { [SNAPSHOT_FAULTS_VARIABLE]: faults.join(',') };
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

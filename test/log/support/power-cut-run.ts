/**
 * One seeded life of a log under power cuts: sessions of random work on a file system that forgets what was not synced,
 * each ended by a cut, by a kill (the page cache stays), by a failing sync or cleanly. After each end: nothing that was
 * acknowledged or served is missing, no start is refused, and the readable mark is not below the last one that was
 * replaced.
 */
import { EntryReader } from '../../../log/entry-reader.js';
import { monotonicMs } from '../../../log/local/commit-state.js';
import type { SyncSite } from '../../../log/local/file-layer.js';
import { LocalLog } from '../../../log/local/local-log.js';
import type { LocalLogWriter } from '../../../log/local/local-log-writer.js';
import { decodeMark, MARK_NAME, type Mark, readMark } from '../../../log/local/mark.js';
import { LogError } from '../../../log/log-error.js';
import { fillBatch, LEADER, noLock } from './log-driver.js';
import { PowerCutFiles } from './power-cut-files.js';
import { Random } from './random.js';

const DIRECTORY = '/data/log';

export type Violation = 'missing' | 'refused' | 'mark went back' | 'wrong entry';

export interface PowerCutOutcome {
  /** Power cuts that the life had. */
  readonly cuts: number;
  /** Of these, during recovery (open to leader record), and between the end of a segment and the entry of the next. */
  readonly duringStart: number;
  readonly duringRoll: number;
  /** Undefined if all held, else what did not and why. */
  readonly violation: string | undefined;
}

/** Runs one life, with the syncs of one site left out where one is given. */
export async function runPowerCut(seed: number, skippedSite?: SyncSite): Promise<PowerCutOutcome> {
  const life = new Life(seed, skippedSite);
  let violation: string | undefined;
  try {
    await life.run();
  } catch (error) {
    if (!(error instanceof ViolationError)) throw error;
    violation = `seed ${seed}: ${error.message}`;
  }
  return { cuts: life.cuts, duringStart: life.duringStart, duringRoll: life.duringRoll, violation };
}

class ViolationError extends Error {
  constructor(violation: Violation, detail: string) {
    super(`${violation}: ${detail}`);
  }
}

class Life {
  private readonly random: Random;
  private readonly files: PowerCutFiles;
  /** Text of each entry that was acknowledged or served. */
  private readonly promised = new Map<number, string>();
  /** Texts that were ever sent for a sequence. */
  private readonly sent = new Map<number, Set<string>>();
  private mark: Mark | undefined = undefined;
  duringStart = 0;
  duringRoll = 0;
  private starting = false;
  private sessionNumber = 0;
  private trimmedBelow = 1;

  constructor(seed: number, skippedSite: SyncSite | undefined) {
    this.random = new Random(seed);
    this.files = new PowerCutFiles(this.random);
    this.files.skippedSite = skippedSite;
    this.files.onDirectorySynced = (site) => {
      if (site !== 'mark-enter') return;
      const bytes = this.files.contents(`${DIRECTORY}/${MARK_NAME}`);
      this.mark = decodeMark(bytes, bytes.length, MARK_NAME);
    };
  }

  get cuts(): number {
    return this.files.cutCount;
  }

  async run(): Promise<void> {
    const sessions = 2 + this.random.below(4);
    for (let i = 0; i < sessions; i++) {
      this.sessionNumber++;
      const last = i === sessions - 1;
      if (!last && this.random.chance(0.7)) this.files.changesUntilCut = this.random.below(90);
      else if (!last && this.random.chance(0.3)) this.files.syncsUntilFailure = this.random.below(25);
      this.starting = true;
      await this.session(last);
      if (this.files.cutHappened && this.starting) this.duringStart++;
      if (this.files.cutHappened && this.files.lastSite === 'roll') this.duringRoll++;
      if (this.files.cutHappened || this.random.chance(0.4)) this.files.cutPower();
      else this.files.restart();
      this.checkMark();
    }
  }

  private async session(last: boolean): Promise<void> {
    const log = new LocalLog({
      directory: DIRECTORY,
      files: this.files,
      lock: noLock,
      background: 'manual',
      segmentBytesMax: 4096,
      batchBytesMax: 1024,
      batchCount: 4,
      stepBytes: 4096,
      lowSpaceBytes: 0,
    });
    try {
      const writer = await this.start(log);
      this.starting = false;
      if (last) return;
      await this.work(log, writer);
    } catch (error) {
      if (error instanceof ViolationError) throw error;
      // Only what this test did to the files may end a session.
      const expected = this.files.cutHappened || (error instanceof LogError && error.code === 'LOG_FAILED');
      const fault = error instanceof Error && 'code' in error && error.code === 'EIO';
      if (!expected && !fault)
        throw new ViolationError('refused', String(error instanceof Error ? error.stack : error));
    }
  }

  /** Opens, reads everything, and becomes the writer. What was read counts as served. */
  private async start(log: LocalLog): Promise<LocalLogWriter> {
    const tail = await log.open();
    const found = new Map<number, string>();
    const reader = new EntryReader();
    for await (const batch of log.readBatches(tail.firstSequence)) {
      reader.load(batch);
      while (reader.next()) {
        found.set(reader.sequence, Buffer.from(reader.bytes.slice(reader.start, reader.end)).toString('latin1'));
      }
    }
    for (const [sequence, text] of this.promised) {
      if (sequence < this.trimmedBelow) continue;
      if (found.get(sequence) !== text) throw new ViolationError('missing', `sequence ${sequence}`);
    }
    for (const [sequence, text] of found) {
      const known = this.sent.get(sequence)?.has(text) === true;
      if (!known) throw new ViolationError('wrong entry', `sequence ${sequence}`);
      this.promised.set(sequence, text);
    }
    if (tail.lastSequence !== tail.firstSequence + found.size - 1)
      throw new ViolationError('missing', 'the count is wrong');
    return await log.acquire(tail.position, { ...LEADER, timeMs: Math.max(LEADER.timeMs, tail.lastTimeMs) });
  }

  private async work(log: LocalLog, writer: LocalLogWriter): Promise<void> {
    let next = writer.committedSequence + 1;
    const steps = this.random.below(25);
    for (let i = 0; i < steps; i++) {
      const what = this.random.next();
      if (what < 0.45) next = this.inline(writer, next);
      else if (what < 0.65) next = this.submit(writer, next);
      else if (what < 0.75) next = this.large(writer, next);
      else if (what < 0.95) log.pump(monotonicMs() + (this.random.chance(0.3) ? 1000 : 0));
      else await this.trim(log, writer);
      this.acknowledge(writer);
    }
    if (this.random.chance(0.5)) return;
    log.pump(monotonicMs());
    this.acknowledge(writer);
    await writer.flushAndSeal();
    this.acknowledge(writer);
    await log.close();
  }

  private texts(first: number): string[] {
    const texts: string[] = [];
    let room = 900;
    const count = 1 + this.random.below(3);
    for (let i = 0; i < count; i++) {
      const text = this.text(first + i, this.random.below(Math.max(1, room - 60)));
      room -= text.length + 8;
      texts.push(text);
      if (room < 80) break;
    }
    return texts;
  }

  private text(sequence: number, length: number): string {
    const text = `${sequence}/${this.sessionNumber}/${'x'.repeat(length)}`;
    const known = this.sent.get(sequence) ?? new Set();
    known.add(text);
    this.sent.set(sequence, known);
    return text;
  }

  private readonly unacknowledged = new Map<number, string>();

  private inline(writer: LocalLogWriter, first: number): number {
    const batch = writer.takeBatch();
    if (batch === undefined) return first;
    const texts = this.texts(first);
    const end = fillBatch(batch, texts);
    for (const [i, text] of texts.entries()) this.unacknowledged.set(first + i, text);
    if (!writer.commitInline(batch, end, first, texts.length, LEADER.timeMs + first, 0)) {
      writer.submit(batch, end, first, texts.length, LEADER.timeMs + first, 0);
    }
    return first + texts.length;
  }

  private submit(writer: LocalLogWriter, first: number): number {
    const batch = writer.takeBatch();
    if (batch === undefined) return first;
    const texts = this.texts(first);
    for (const [i, text] of texts.entries()) this.unacknowledged.set(first + i, text);
    writer.submit(batch, fillBatch(batch, texts), first, texts.length, LEADER.timeMs + first, 0);
    return first + texts.length;
  }

  private large(writer: LocalLogWriter, sequence: number): number {
    const text = this.text(sequence, 1000 + this.random.below(3000));
    this.unacknowledged.set(sequence, text);
    writer.submitLarge(Buffer.from(text, 'latin1'), 0, sequence, LEADER.timeMs + sequence);
    return sequence + 1;
  }

  private async trim(log: LocalLog, writer: LocalLogWriter): Promise<void> {
    const below = Math.max(1, writer.committedSequence - this.random.below(10));
    this.trimmedBelow = Math.max(this.trimmedBelow, below);
    await log.truncateBefore(below);
  }

  private acknowledge(writer: LocalLogWriter): void {
    const committed = writer.committedSequence;
    for (const [sequence, text] of this.unacknowledged) {
      if (sequence > committed) continue;
      this.promised.set(sequence, text);
      this.unacknowledged.delete(sequence);
    }
  }

  private checkMark(): void {
    this.unacknowledged.clear();
    if (this.mark === undefined) return;
    let found: Mark | undefined;
    try {
      found = this.files.exists(DIRECTORY) ? readMark(this.files, DIRECTORY) : undefined;
    } catch (error) {
      throw new ViolationError('refused', String(error));
    }
    const { epoch, idx } = this.mark;
    const below = found === undefined || found.epoch < epoch || (found.epoch === epoch && found.idx < idx);
    if (below) throw new ViolationError('mark went back', `to ${found?.epoch}/${found?.idx} from ${epoch}/${idx}`);
  }
}

/**
 * Rebuilds the dataset: folds the entries of the log, in order, into the engine. It gives clients their turns in between,
 * so that they are told that the server is loading.
 */
import { type Engine, ReplayError } from '../core/engine.js';
import { PREFETCH_KEYS_MAX } from '../core/memory/key-prefetch.js';
import { ENTRIES_PER_FORECAST, ReplayForecast } from '../core/replay-forecast.js';
import { EntryReader, type FrameBatch } from '../log/entry-reader.js';
import { LogError } from '../log/log-error.js';

/** How long entries are folded before clients get a turn. */
const SLICE_MICROS = 5000;
const ENTRIES_PER_LOOK = 256;

export class Recovery {
  /** Entries, and bytes of their effects, folded so far. */
  entries = 0;
  bytes = 0;
  private readonly engine: Engine;
  private readonly reader: EntryReader;
  private readonly onSlice: () => void;
  private readonly entriesPerLook: number;
  private nextLook: number;
  private sliceEnd = 0;
  private readonly forecast: ReplayForecast;
  private forecastAt = 0;
  private lastSequence = 0;
  /** Entries that are folded together, as ranges of their batch's bytes. */
  private readonly groupMax: number;
  private readonly starts = new Int32Array(PREFETCH_KEYS_MAX);
  private readonly ends = new Int32Array(PREFETCH_KEYS_MAX);
  private count = 0;

  /**
   * @param onSlice called after each slice, before clients get their turn.
   * @param entriesPerLook entries between two looks at the clock.
   */
  constructor(engine: Engine, onSlice: () => void, entriesPerLook = ENTRIES_PER_LOOK) {
    this.engine = engine;
    // What lies below was loaded already.
    this.reader = new EntryReader({ from: engine.effects.sequence + 1 });
    this.onSlice = onSlice;
    this.entriesPerLook = entriesPerLook;
    this.nextLook = entriesPerLook;
    this.forecast = new ReplayForecast(engine.keyspaces);
    this.groupMax = Math.min(PREFETCH_KEYS_MAX, entriesPerLook);
  }

  /**
   * Folds all entries behind the sequence that the engine stood at when this was made, and leaves it at the last one.
   * @param batches all accepted frames from that sequence on; entries in front of it are passed over.
   * @param lastSequence what the log says its last sequence is.
   * @throws LogError LOG_DAMAGED naming the sequence when an effect cannot be applied, or entries are missing.
   */
  async run(batches: AsyncIterable<FrameBatch>, lastSequence: number): Promise<void> {
    const { engine } = this;
    engine.beginReplay();
    this.lastSequence = lastSequence;
    this.sliceEnd = engine.clock.monotonicMicros() + SLICE_MICROS;
    for await (const batch of batches) {
      await this.fold(batch);
    }
    while (!this.forecast.finish()) await this.giveTurns();
    if (engine.effects.sequence !== lastSequence) {
      const message = `the log ends with sequence ${lastSequence}, its entries with ${engine.effects.sequence}`;
      throw new LogError('LOG_DAMAGED', message);
    }
    engine.endReplay(lastSequence);
  }

  private async fold(batch: FrameBatch): Promise<void> {
    const { engine, reader } = this;
    reader.load(batch);
    for (let more = true; more; ) {
      more = this.readGroup(engine.effects.sequence, batch);
      this.foldGroup(batch);
      if (this.entries < this.nextLook) continue;
      this.nextLook = this.entries + this.entriesPerLook;
      if (this.entries - this.forecastAt >= ENTRIES_PER_FORECAST) this.lookAhead();
      await this.giveTurns();
    }
  }

  private lookAhead(): void {
    this.forecast.look(this.entries - this.forecastAt, this.lastSequence - this.engine.effects.sequence);
    this.forecastAt = this.entries;
  }

  /** Lets clients have their turn where the slice is used up. */
  private async giveTurns(): Promise<void> {
    const { clock } = this.engine;
    if (clock.monotonicMicros() < this.sliceEnd) return;
    this.onSlice();
    await new Promise<void>((resolve) => setImmediate(resolve));
    this.sliceEnd = clock.monotonicMicros() + SLICE_MICROS;
  }

  /** Reads the next entries that lie in one buffer. Returns false when there are none behind them in the batch. */
  private readGroup(folded: number, batch: FrameBatch): boolean {
    const { reader } = this;
    let count = 0;
    let more = true;
    while (count < this.groupMax) {
      more = reader.next();
      if (!more) break;
      const sequence = folded + count + 1;
      if (reader.sequence !== sequence) throw this.damage(batch, reader.sequence, 'does not follow the one before');
      this.starts[count] = reader.start;
      this.ends[count++] = reader.end;
      // A large entry was put together in a buffer of its own, which the next one may be put together in.
      if (reader.bytes !== batch.bytes) break;
    }
    this.count = count;
    return more;
  }

  private foldGroup(batch: FrameBatch): void {
    const { engine, starts, ends, count } = this;
    if (count === 0) return;
    const lastBytes = this.reader.bytes;
    engine.prefetch(batch.bytes, starts, ends, lastBytes === batch.bytes ? count : count - 1);
    for (let i = 0; i < count; i++) {
      this.apply(batch, i === count - 1 ? lastBytes : batch.bytes, starts[i]!, ends[i]!);
      this.bytes += ends[i]! - starts[i]!;
    }
    this.entries += count;
  }

  private apply(batch: FrameBatch, bytes: Uint8Array, start: number, end: number): void {
    const { engine } = this;
    try {
      engine.apply(bytes, start, end);
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      throw this.damage(batch, engine.effects.sequence + 1, `cannot be folded: ${error.message}`);
    }
  }

  private damage(batch: FrameBatch, sequence: number, what: string): LogError {
    const message = `${batch.file}: the entry with sequence ${sequence} ${what}`;
    return new LogError('LOG_DAMAGED', message, { file: batch.file });
  }
}

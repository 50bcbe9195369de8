/**
 * Rebuilds the dataset: folds the entries of the log, in order, into the engine. It gives clients their turns in between,
 * so that they are told that the server is loading.
 */
import { type Engine, ReplayError } from '../core/engine.js';
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
  private readonly reader = new EntryReader();
  private readonly onSlice: () => void;
  private readonly entriesPerLook: number;

  /**
   * @param onSlice called after each slice, before clients get their turn.
   * @param entriesPerLook entries between two looks at the clock.
   */
  constructor(engine: Engine, onSlice: () => void, entriesPerLook = ENTRIES_PER_LOOK) {
    this.engine = engine;
    this.onSlice = onSlice;
    this.entriesPerLook = entriesPerLook;
  }

  /**
   * Folds all entries and leaves the engine at the last sequence.
   * @param batches all accepted frames from the first entry on.
   * @param lastSequence what the log says its last sequence is.
   * @throws LogError LOG_DAMAGED naming the sequence when an effect cannot be applied, or entries are missing.
   */
  async run(batches: AsyncIterable<FrameBatch>, lastSequence: number): Promise<void> {
    const { engine } = this;
    engine.beginReplay();
    for await (const batch of batches) {
      await this.fold(batch);
    }
    if (engine.effects.sequence !== lastSequence) {
      const message = `the log ends with sequence ${lastSequence}, its entries with ${engine.effects.sequence}`;
      throw new LogError('LOG_DAMAGED', message);
    }
    engine.endReplay(lastSequence);
  }

  private async fold(batch: FrameBatch): Promise<void> {
    const { engine, reader } = this;
    const { clock } = engine;
    let sliceEnd = clock.monotonicMicros() + SLICE_MICROS;
    reader.load(batch);
    while (reader.next()) {
      if (reader.sequence !== engine.effects.sequence + 1) throw this.damage(batch, 'does not follow the one before');
      this.apply(batch);
      this.entries++;
      this.bytes += reader.end - reader.start;
      if (this.entries % this.entriesPerLook !== 0 || clock.monotonicMicros() < sliceEnd) continue;
      this.onSlice();
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceEnd = clock.monotonicMicros() + SLICE_MICROS;
    }
  }

  private apply(batch: FrameBatch): void {
    const { reader } = this;
    try {
      this.engine.apply(reader.bytes, reader.start, reader.end);
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      throw this.damage(batch, `cannot be folded: ${error.message}`);
    }
  }

  private damage(batch: FrameBatch, what: string): LogError {
    const message = `${batch.file}: the entry with sequence ${this.reader.sequence} ${what}`;
    return new LogError('LOG_DAMAGED', message, { file: batch.file });
  }
}

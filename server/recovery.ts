/**
 * Rebuilds the dataset: folds the accepted frames of the log, in order, into the engine. It gives clients their turns in
 * between, so that they are told that the server is loading.
 */
import { type Engine, ReplayError } from '../core/engine.js';
import { ItemKind, ItemReader } from '../log/entry.js';
import { LogError } from '../log/log-error.js';
import type { Frame } from '../log/transaction-log.js';

/** How long frames are folded before clients get a turn. */
const SLICE_MICROS = 5000;


export class Recovery {
  /** Frames, entries and bytes of bodies folded so far. */
  frames = 0;
  entries = 0;
  bytes = 0;
  private readonly engine: Engine;
  private readonly items = new ItemReader();
  /** Effects of an entry in parts, as far as they have been read. */
  private parts: Uint8Array | undefined = undefined;
  private partsFilled = 0;
  private nextPart = 0;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /**
   * Folds all frames and leaves the engine at the last sequence.
   * @param frames accepted frames from the first entry on; views are used before the next frame is asked for.
   * @param onSlice called after each slice, before clients get their turn.
   * @throws LogError LOG_DAMAGED naming the sequence when an effect cannot be applied.
   */
  async run(frames: AsyncIterable<Frame> | Iterable<Frame>, onSlice: () => void): Promise<void> {
    const { engine } = this;
    engine.beginReplay();
    let sliceEnd = engine.clock.monotonicMicros() + SLICE_MICROS;
    for await (const frame of frames) {
      this.fold(frame);
      if (engine.clock.monotonicMicros() < sliceEnd) continue;
      onSlice();
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceEnd = engine.clock.monotonicMicros() + SLICE_MICROS;
    }
    engine.endReplay(engine.effects.sequence);
  }

  private fold(frame: Frame): void {
    this.frames++;
    this.bytes += frame.body.length;
    if (frame.entryCount > 0 && frame.firstSequence !== this.engine.effects.sequence + 1) {
      throw this.damage(frame, `sequence ${this.engine.effects.sequence + 1} is missing`);
    }
    const { items } = this;
    items.reset(frame.body, 0, frame.body.length);
    while (items.next()) {
      if (items.kind === ItemKind.entry) this.apply(frame, items.bytes, items.start, items.end);
      else if (items.kind === ItemKind.part) this.foldPart(frame);
    }
  }

  private foldPart(frame: Frame): void {
    const { items } = this;
    if (items.partNumber === 0) {
      this.parts = new Uint8Array(items.partTotal);
      this.partsFilled = 0;
      this.nextPart = 0;
    }
    const parts = this.parts;
    const length = items.end - items.start;
    if (parts === undefined || items.partNumber !== this.nextPart || this.partsFilled + length > parts.length) {
      throw this.damage(frame, 'the parts of an entry do not follow each other');
    }
    parts.set(items.bytes.subarray(items.start, items.end), this.partsFilled);
    this.partsFilled += length;
    this.nextPart++;
    if (this.partsFilled < parts.length) return;
    this.parts = undefined;
    this.apply(frame, parts, 0, parts.length);
  }

  private apply(frame: Frame, bytes: Uint8Array, start: number, end: number): void {
    try {
      this.engine.apply(bytes, start, end);
      this.entries++;
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      throw this.damage(frame, `sequence ${this.engine.effects.sequence + 1}: ${error.message}`);
    }
  }

  private damage(frame: Frame, what: string): LogError {
    const where = frame.position.address;
    return new LogError('LOG_DAMAGED', `the log cannot be folded at ${where}: ${what}`, {});
  }
}

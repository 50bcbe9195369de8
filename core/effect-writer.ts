/**
 * Writes effects: what commands did, as RESP commands, straight into the open batch of the log. All effects of one
 * command, script or EXEC are one entry; database 0 is assumed at its start, a SELECT effect precedes a change.
 *
 * An entry is: u32 length of its effects, u32 origin, the effects (docs/format.md). Where batches come from, where they
 * go, and how an origin is described, is the sink's business.
 */

import { BULK_BYTES_MIN, copyBytes, copyViews, ViewMemory } from './memory/byte-copy.js';
import { writeDecimal } from './reply-writer.js';
import type { Session } from './session.js';

/** Bytes in front of the effects of an entry. */
export const ENTRY_HEADER_BYTES = 8;

/** Room that must be left in a batch for an entry to be begun in it; an origin item in front of it included. */
const ENTRY_ROOM_MIN = 2048;

/** What the engine writes its entries to. The server implements it over the log's batch buffers. */
export interface EffectSink {
  /** Changes whenever origin numbers start anew; sessions compare it with their own. */
  readonly originGeneration: number;
  /**
   * Closes the open batch, if there is one, and gives the writer another: sets `bytes`, `position` and `limit`. A limit
   * of 0 means that there is none now: the entry is made in a buffer of its own and goes to sealedLarge.
   */
  nextBatch(writer: EffectWriter): void;
  /** Writes the origin item of this session at the writer's position and sets the session's origin and generation. */
  writeOrigin(writer: EffectWriter, session: Session): void;
  /** An entry was completed inside the batch buffer; `writer.position` is behind it. */
  sealed(writer: EffectWriter): void;
  /** An entry that did not fit into the rest of the batch: header and effects are bytes[0, length). */
  sealedLarge(writer: EffectWriter, bytes: Uint8Array, length: number, session: Session | undefined): void;
}

/** A sink that drops everything; for engines without a log (tests, tools). Sequences still count. */
export class DiscardingSink implements EffectSink {
  readonly originGeneration = 0;
  private readonly buffer = new Uint8Array(1 << 16);

  nextBatch(writer: EffectWriter): void {
    writer.bytes = this.buffer;
    writer.position = 0;
    writer.limit = this.buffer.length;
  }

  writeOrigin(_writer: EffectWriter, session: Session): void {
    session.origin = session.id;
    session.originGeneration = 0;
  }

  sealed(writer: EffectWriter): void {
    writer.position = 0;
  }

  sealedLarge(): void {}
}

const NONE = new Uint8Array(0);

export class EffectWriter {
  bytes: Uint8Array = NONE;
  position = 0;
  /** First byte that entries may not use. */
  limit = 0;
  /** Sequence of the last sealed entry. */
  sequence = 0;
  /** False while the log is replayed: what comes from the log is not written to it again. */
  enabled = true;
  /** Whose command runs; undefined for the engine itself (origin 0). */
  session: Session | undefined = undefined;
  private entryStart = -1;
  private database = 0;
  private overflowing = false;
  private spill: Uint8Array = NONE;
  /** The batch that was left for `spill`, as it stood before the entry. */
  private sinkBytes: Uint8Array = NONE;
  private sinkPosition = 0;
  private sinkLimit = 0;
  private readonly sourceViews = new ViewMemory();
  private readonly targetViews = new ViewMemory();
  private sink: EffectSink;

  constructor(sink: EffectSink) {
    this.sink = sink;
  }

  /** Replaces the sink; only before the first entry. */
  attach(sink: EffectSink): void {
    this.sink = sink;
    this.bytes = NONE;
    this.position = 0;
    this.limit = 0;
  }

  /** True while an entry has been begun and not sealed. */
  get open(): boolean {
    return this.entryStart >= 0;
  }

  /** The sequence that the entry being made has, or will have. */
  get openSequence(): number {
    return this.sequence + 1;
  }

  /** Begins an effect of `count` arguments in a database; exactly that many arguments must follow. */
  begin(database: number, count: number): void {
    if (!this.enabled) return;
    if (this.entryStart < 0) this.openEntry();
    if (database !== this.database) {
      this.database = database;
      this.header(2);
      this.word('SELECT');
      this.integer(database);
    }
    this.header(count);
  }

  /** One argument from a range of bytes. */
  argument(source: Uint8Array, start: number, end: number): void {
    if (!this.enabled) return;
    const length = end - start;
    this.room(length + 32);
    this.bytes[this.position++] = 36;
    this.position = writeDecimal(this.bytes, this.position, length);
    this.lineEnd();
    this.copy(source, start, end);
    this.lineEnd();
  }

  /**
   * Begins an argument of `length` bytes, which the caller then writes at `bytes[position]`, moving `position` on, before
   * it calls `argumentEnd()`. There is room for them and for `behind` more bytes: that far nothing moves. Also where
   * nothing is logged: the value is stored from here; `discard` takes it back.
   */
  argumentBegin(length: number, behind: number): void {
    if (!this.enabled && this.entryStart < 0) this.entryStart = this.position;
    this.room(length + behind + 32);
    this.bytes[this.position++] = 36;
    this.position = writeDecimal(this.bytes, this.position, length);
    this.lineEnd();
  }

  argumentEnd(): void {
    this.lineEnd();
  }

  /** Room for what `argumentBegin` announced is there already. */
  ensure(): void {}

  private copy(source: Uint8Array, start: number, end: number): void {
    const { bytes, position, sourceViews, targetViews } = this;
    this.position = position + (end - start);
    if (
      end - start < BULK_BYTES_MIN &&
      (source === sourceViews.owner || sourceViews.remember(source)) &&
      (bytes === targetViews.owner || targetViews.remember(bytes))
    ) {
      copyViews(targetViews.view, position, sourceViews.view, start, end);
    } else {
      copyBytes(bytes, position, source, start, end);
    }
  }

  /** One argument from text, one byte a character. */
  word(text: string): void {
    if (!this.enabled) return;
    const length = text.length;
    this.room(length + 32);
    this.bytes[this.position++] = 36;
    this.position = writeDecimal(this.bytes, this.position, length);
    this.lineEnd();
    for (let i = 0; i < length; i++) this.bytes[this.position++] = text.charCodeAt(i);
    this.lineEnd();
  }

  /** One argument with the decimal text of an integer of at most 2^53 in magnitude. */
  integer(value: number): void {
    if (!this.enabled) return;
    this.word(String(value));
  }

  /** Completes the open entry and returns its sequence. Must only be called while an entry is open. */
  seal(): number {
    const length = this.position - this.entryStart - ENTRY_HEADER_BYTES;
    const bytes = this.bytes;
    const at = this.entryStart;
    const origin = this.session === undefined ? 0 : this.session.origin;
    bytes[at] = length & 255;
    bytes[at + 1] = (length >>> 8) & 255;
    bytes[at + 2] = (length >>> 16) & 255;
    bytes[at + 3] = length >>> 24;
    bytes[at + 4] = origin & 255;
    bytes[at + 5] = (origin >>> 8) & 255;
    bytes[at + 6] = (origin >>> 16) & 255;
    bytes[at + 7] = origin >>> 24;
    this.entryStart = -1;
    this.sequence++;
    if (this.overflowing) this.sealOverflow();
    else this.sink.sealed(this);
    return this.sequence;
  }

  /** Takes back what a command has written while nothing is logged. */
  discard(): void {
    if (this.entryStart < 0) return;
    if (this.overflowing) this.leaveSpill();
    else this.position = this.entryStart;
    this.entryStart = -1;
  }

  private openEntry(): void {
    if (this.limit - this.position < ENTRY_ROOM_MIN) this.sink.nextBatch(this);
    const session = this.session;
    if (this.limit > 0 && session !== undefined && session.originGeneration !== this.sink.originGeneration) {
      this.sink.writeOrigin(this, session);
    }
    this.entryStart = this.position;
    this.position += ENTRY_HEADER_BYTES;
    this.database = 0;
  }

  private header(count: number): void {
    this.room(24);
    this.bytes[this.position++] = 42;
    this.position = writeDecimal(this.bytes, this.position, count);
    this.lineEnd();
  }

  private lineEnd(): void {
    this.bytes[this.position++] = 13;
    this.bytes[this.position++] = 10;
  }

  /** An entry that outgrows its batch moves to a buffer of its own; the batch keeps what was sealed before. */
  private room(needed: number): void {
    if (this.position + needed <= this.limit) return;
    const written = this.position - this.entryStart;
    const size = Math.max((written + needed) * 2, 1 << 16);
    const grown = new Uint8Array(size);
    grown.set(this.bytes.subarray(this.entryStart, this.position));
    if (!this.overflowing) {
      this.overflowing = true;
      this.sinkBytes = this.bytes;
      this.sinkPosition = this.entryStart;
      this.sinkLimit = this.limit;
    }
    this.spill = grown;
    this.bytes = grown;
    this.entryStart = 0;
    this.position = written;
    this.limit = size;
  }

  private sealOverflow(): void {
    const length = this.position;
    const spill = this.spill;
    this.leaveSpill();
    this.sink.sealedLarge(this, spill, length, this.session);
  }

  private leaveSpill(): void {
    this.overflowing = false;
    this.spill = NONE;
    this.bytes = this.sinkBytes;
    this.position = this.sinkPosition;
    this.limit = this.sinkLimit;
    this.sinkBytes = NONE;
  }
}

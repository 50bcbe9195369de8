/**
 * KEYS in slices: walks the table with SCAN's guarantee, collects matching keys as they will stand in the reply, and
 * writes the reply behind its count, at the end. Between slices other clients are served.
 */
import { ExpiryRefused } from '../database.js';
import { type Engine, ERROR_NO_SPACE } from '../engine.js';
import type { Execution } from '../execution.js';
import { GlobPattern } from '../glob-pattern.js';
import { writeDecimal } from '../reply-writer.js';
import type { SlicedTask } from '../sliced-task.js';

/** Keys looked at in one go, without asking for the time. */
const STEP_KEYS = 128;
/** Keys looked at before the first slice ends: a small database is answered at once. */
const FIRST_KEYS = 1024;
/** Matches are collected in pieces: the first is small, each next one twice as large up to the largest. */
const PIECE_BYTES_MIN = 4 * 1024;
const PIECE_BYTES_MAX = 256 * 1024;
/** Bytes that RESP adds to a key. */
const FRAME_BYTES = 24;

export class KeysTask implements SlicedTask {
  private readonly engine: Engine;
  private readonly pattern = new GlobPattern();
  /** Keys in RESP, piece by piece; the last one is filled up to `filled`. */
  private readonly pieces: Uint8Array[] = [];
  private readonly pieceLengths: number[] = [];
  private filled = 0;
  private held = 0;
  private matches = 0;
  private cursor = 0;
  private walked = false;
  /** Pieces written to the reply; -1 before its header. */
  private written = -1;

  /** @param pattern bytes that stay as they are while the task lives. */
  constructor(engine: Engine, pattern: Uint8Array) {
    this.engine = engine;
    this.pattern.set(pattern, 0, pattern.length);
  }

  /** Begins inside the command itself; true when that was all and the reply is written. */
  begin(x: Execution): boolean {
    x.database.dependOnAll();
    for (let keys = 0; keys < FIRST_KEYS && !this.walked; keys += STEP_KEYS) this.walk(x);
    return this.walked && this.write(x, false);
  }

  step(x: Execution): boolean {
    try {
      while (!this.walked) {
        this.walk(x);
        if (x.sliceOver()) return false;
      }
    } catch (error) {
      if (!(error instanceof ExpiryRefused)) throw error;
      this.cancel();
      x.reply.error(ERROR_NO_SPACE);
      return true;
    }
    return this.write(x, true);
  }

  cancel(): void {
    this.engine.database.taskBytes -= this.held;
    this.held = 0;
    this.pieces.length = 0;
  }

  private walk(x: Execution): void {
    const { database } = x;
    this.cursor = database.collect(this.cursor, STEP_KEYS);
    this.walked = this.cursor === 0;
    for (let i = 0; i < database.collectedCount; i++) {
      database.readCollected(i);
      if (!this.pattern.matches(database.keyBytes, 0, database.keyLength)) continue;
      if (!database.expireCollected(i)) this.add(database.keyBytes, database.keyLength);
    }
    database.forgetCollected();
  }

  private add(key: Uint8Array, length: number): void {
    let piece = this.pieces[this.pieces.length - 1];
    if (piece === undefined || piece.length - this.filled < length + FRAME_BYTES) piece = this.addPiece(length);
    let at = this.filled;
    piece[at++] = 36;
    at = writeDecimal(piece, at, length);
    piece[at++] = 13;
    piece[at++] = 10;
    piece.set(key.subarray(0, length), at);
    at += length;
    piece[at++] = 13;
    piece[at++] = 10;
    this.filled = at;
    this.pieceLengths[this.pieceLengths.length - 1] = at;
    this.matches++;
  }

  private addPiece(keyLength: number): Uint8Array {
    const last = this.pieces[this.pieces.length - 1];
    const usual = last === undefined ? PIECE_BYTES_MIN : Math.min(PIECE_BYTES_MAX, last.length * 2);
    const piece = new Uint8Array(Math.max(usual, keyLength + FRAME_BYTES));
    this.pieces.push(piece);
    this.pieceLengths.push(0);
    this.filled = 0;
    this.held += piece.length;
    this.engine.database.taskBytes += piece.length;
    return piece;
  }

  /** Writes the header and the pieces, in slices where asked to; true at the end. */
  private write(x: Execution, inSlices: boolean): boolean {
    const { reply } = x;
    if (this.written < 0) {
      reply.array(this.matches);
      this.written = 0;
    }
    while (this.written < this.pieces.length) {
      const piece = this.pieces[this.written]!;
      const length = this.pieceLengths[this.written]!;
      reply.raw(piece, 0, length);
      this.pieces[this.written] = NO_PIECE;
      this.held -= piece.length;
      this.engine.database.taskBytes -= piece.length;
      this.written++;
      if (inSlices && this.written < this.pieces.length && x.sliceOver()) return false;
    }
    return true;
  }
}

const NO_PIECE = new Uint8Array(0);

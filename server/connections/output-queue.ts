/**
 * The replies of one connection that have not been sent, in order. What may leave comes first, what waits for the log
 * behind it; each piece is a range of a block with the sequence that it waits for.
 *
 *   [ write that waits | ready, ready | parked, parked, parked ]
 *                        head           firstParked
 *
 * Ready pieces exist only while a write waits: otherwise they would have been sent. They move to blocks of the
 * connection's own, so that a client that does not read cannot hold blocks that others share.
 */
import type { ConnectionTotals } from './connection-totals.js';
import { BLOCK_BYTES, OutputBlock, type OutputBlockPool } from './output-block.js';
import { type Transport, WRITE_FAILED, WRITE_WAITING } from './transport.js';

/** Sequence of a piece whose command has not finished: it waits until settle(). */
export const OPEN_SEQUENCE = Number.POSITIVE_INFINITY;
/** Size of a block that one connection has for itself, in bytes. */
const OWN_BLOCK_BYTES = 8192;
/** Pieces up to this size are copied together rather than written one by one. */
const GATHER_PIECE_BYTES_MAX = 8192;
const SPARE_PIECES_MAX = 4096;

class OutputPiece {
  block: OutputBlock;
  start = 0;
  end = 0;
  sequence = 0;
  next: OutputPiece | undefined = undefined;

  constructor(block: OutputBlock) {
    this.block = block;
  }
}

/** What the outputs of all connections of a server share. */
export class OutputContext {
  readonly pool: OutputBlockPool;
  readonly totals: ConnectionTotals;
  /** Bytes that the last gathering brought together. */
  gatheredBytes = 0;
  private spare: OutputPiece | undefined = undefined;
  private spares = 0;

  constructor(pool: OutputBlockPool, totals: ConnectionTotals) {
    this.pool = pool;
    this.totals = totals;
  }

  /** A piece of this block, which it refers to from now on. */
  take(block: OutputBlock, start: number, end: number, sequence: number): OutputPiece {
    let piece = this.spare;
    if (piece === undefined) {
      piece = new OutputPiece(block);
    } else {
      this.spare = piece.next;
      this.spares--;
      piece.block = block;
      piece.next = undefined;
    }
    block.references++;
    piece.start = start;
    piece.end = end;
    piece.sequence = sequence;
    return piece;
  }

  /** The piece is gone, and with it its reference to the block. */
  give(piece: OutputPiece): void {
    this.pool.release(piece.block);
    if (this.spares >= SPARE_PIECES_MAX) return;
    // A spare that still named its block would keep the block's memory.
    piece.block = NO_BLOCK;
    piece.next = this.spare;
    this.spare = piece;
    this.spares++;
  }
}

const NO_BLOCK = new OutputBlock(0, false);

export class OutputQueue {
  /** Pieces that wait. */
  pieces = 0;
  parkedBytes = 0;
  unsentBytes = 0;
  bytesSent = 0;
  /** The block that a waiting write reads from; undefined while none waits. */
  private waiting: OutputBlock | undefined = undefined;
  private waitingBytes = 0;
  private head: OutputPiece | undefined = undefined;
  private tail: OutputPiece | undefined = undefined;
  private firstParked: OutputPiece | undefined = undefined;
  /** The last piece in front of firstParked. */
  private lastReady: OutputPiece | undefined = undefined;

  /** True when everything was sent. */
  get empty(): boolean {
    return this.head === undefined && this.waiting === undefined;
  }

  /** True while replies wait for the log. */
  get parked(): boolean {
    return this.firstParked !== undefined;
  }

  /** Memory that the unsent replies hold, in bytes. */
  get memoryBytes(): number {
    const block = this.waiting;
    const pinned = block === undefined ? 0 : block.bytes.length - this.waitingBytes;
    return this.parkedBytes + this.unsentBytes + pinned;
  }

  /**
   * Sends a range of a block at once; only while the queue is empty.
   * @returns what Transport.write() returned. If bytes are left the block is kept until they were taken.
   */
  write(context: OutputContext, transport: Transport, block: OutputBlock, start: number, end: number): number {
    const status = transport.write(block.bytes, start, end);
    if (status === WRITE_FAILED) return status;
    let left = 0;
    if (status === WRITE_WAITING) {
      left = transport.waitingBytes;
      block.references++;
      this.waiting = block;
      this.waitingBytes = left;
      this.unsentBytes += left;
      context.totals.unsentBytes += left;
    }
    this.bytesSent += end - start - left;
    context.totals.bytesSent += end - start - left;
    context.totals.writes++;
    return status;
  }

  /** Appends a range of a block that waits for `sequence`, or for what is before it. Only while the queue is not empty
   * or the sequence is not committed: else write() is due. */
  add(
    context: OutputContext,
    block: OutputBlock,
    start: number,
    end: number,
    sequence: number,
    committed: number,
  ): void {
    const length = end - start;
    if (this.firstParked === undefined && sequence <= committed) {
      this.addReady(context, block, start, end);
      return;
    }
    this.parkedBytes += length;
    context.totals.parkedBytes += length;
    const { tail } = this;
    if (this.firstParked !== undefined && tail!.block === block && tail!.end === start && tail!.sequence >= sequence) {
      tail!.end = end;
      return;
    }
    const piece = context.take(block, start, end, sequence);
    this.append(piece);
    this.firstParked ??= piece;
  }

  private append(piece: OutputPiece): void {
    if (this.tail === undefined) this.head = piece;
    else this.tail.next = piece;
    this.tail = piece;
    this.pieces++;
  }

  private addReady(context: OutputContext, block: OutputBlock, start: number, end: number): void {
    const length = end - start;
    this.unsentBytes += length;
    context.totals.unsentBytes += length;
    if (block.shared && this.copyToOwn(block, start, end)) return;
    const own = block.shared ? ownBlock(block, start, end) : block;
    const at = block.shared ? 0 : start;
    const piece = context.take(own, at, at + length, 0);
    this.append(piece);
    this.lastReady = piece;
  }

  /** Copies a range behind the last ready piece, if that lies in a block of the connection's own with room for it. */
  private copyToOwn(block: OutputBlock, start: number, end: number): boolean {
    const last = this.lastReady;
    if (last === undefined || last.block.bytes.length !== OWN_BLOCK_BYTES) return false;
    if (OWN_BLOCK_BYTES - last.end < end - start) return false;
    last.block.bytes.set(block.bytes.subarray(start, end), last.end);
    last.end += end - start;
    return true;
  }

  /** Pieces whose command was unfinished wait for this sequence from now on. */
  settle(sequence: number): void {
    for (let piece = this.firstParked; piece !== undefined; piece = piece.next) {
      if (piece.sequence === OPEN_SEQUENCE) piece.sequence = sequence;
    }
  }

  /**
   * Sends what waits for this sequence or an earlier one.
   * @returns false when the connection is broken.
   */
  release(context: OutputContext, transport: Transport, committed: number): boolean {
    let piece = this.firstParked;
    while (piece !== undefined && piece.sequence <= committed) {
      const length = piece.end - piece.start;
      const { next } = piece;
      this.parkedBytes -= length;
      context.totals.parkedBytes -= length;
      this.unsentBytes += length;
      context.totals.unsentBytes += length;
      if (this.waiting !== undefined && piece.block.shared) this.moveToOwn(context, piece);
      else this.lastReady = piece;
      piece = next;
    }
    this.firstParked = piece;
    return this.send(context, transport);
  }

  /** Moves a ready piece out of its shared block; `lastReady` is the piece before it. */
  private moveToOwn(context: OutputContext, piece: OutputPiece): void {
    const { block, start, end, next } = piece;
    if (this.copyToOwn(block, start, end)) {
      const before = this.lastReady!;
      before.next = next;
      if (this.tail === piece) this.tail = before;
      this.pieces--;
      context.give(piece);
      return;
    }
    piece.block = ownBlock(block, start, end);
    piece.block.references++;
    piece.start = 0;
    piece.end = end - start;
    context.pool.release(block);
    this.lastReady = piece;
  }

  /** Asks how far the write that waits has come; returns how many bytes have been taken since it was last asked. */
  refresh(context: OutputContext, transport: Transport): number {
    if (this.waiting === undefined) return 0;
    const taken = this.waitingBytes - transport.waitingBytes;
    this.waitingBytes -= taken;
    this.unsentBytes -= taken;
    this.bytesSent += taken;
    context.totals.unsentBytes -= taken;
    context.totals.bytesSent += taken;
    return taken;
  }

  /** The write that waited is complete: the next one goes out. Returns false when the connection is broken. */
  sent(context: OutputContext, transport: Transport): boolean {
    const { waiting, waitingBytes } = this;
    if (waiting === undefined) return true;
    this.waiting = undefined;
    this.waitingBytes = 0;
    this.unsentBytes -= waitingBytes;
    this.bytesSent += waitingBytes;
    context.totals.unsentBytes -= waitingBytes;
    context.totals.bytesSent += waitingBytes;
    context.pool.release(waiting);
    return this.send(context, transport);
  }

  private send(context: OutputContext, transport: Transport): boolean {
    while (this.waiting === undefined && this.head !== this.firstParked) {
      const first = this.head!;
      let { end } = first;
      let behind = first.next;
      while (behind !== this.firstParked && behind!.block === first.block && behind!.start === end) {
        end = behind!.end;
        behind = behind!.next;
      }
      let { block, start } = first;
      const gathers = behind !== this.firstParked && end - start <= GATHER_PIECE_BYTES_MAX;
      if (gathers) {
        block = context.pool.take(0);
        start = 0;
        behind = this.gather(context, block);
        end = context.gatheredBytes;
      }
      const length = end - start;
      this.unsentBytes -= length;
      context.totals.unsentBytes -= length;
      // The write may keep the block; only then may the pieces let go of it.
      const status = this.write(context, transport, block, start, end);
      this.removeUpTo(context, behind);
      if (gathers) context.pool.leave(block);
      if (status === WRITE_FAILED) return false;
    }
    return true;
  }

  /** Copies ready pieces into a block, as many as fit; returns the first that was not copied. */
  private gather(context: OutputContext, block: OutputBlock): OutputPiece | undefined {
    let at = 0;
    let piece = this.head;
    while (piece !== this.firstParked && piece!.end - piece!.start <= BLOCK_BYTES - at) {
      block.bytes.set(piece!.block.bytes.subarray(piece!.start, piece!.end), at);
      at += piece!.end - piece!.start;
      piece = piece!.next;
    }
    context.gatheredBytes = at;
    return piece;
  }

  private removeUpTo(context: OutputContext, behind: OutputPiece | undefined): void {
    let piece = this.head;
    while (piece !== behind) {
      const { next } = piece!;
      if (piece === this.lastReady) this.lastReady = undefined;
      context.give(piece!);
      this.pieces--;
      piece = next;
    }
    this.head = behind;
    if (behind === undefined) this.tail = undefined;
  }

  /** Forgets everything: the connection is closed. */
  drop(context: OutputContext): void {
    context.totals.parkedBytes -= this.parkedBytes;
    context.totals.unsentBytes -= this.unsentBytes;
    this.parkedBytes = 0;
    this.unsentBytes = 0;
    this.firstParked = undefined;
    this.removeUpTo(context, undefined);
    if (this.waiting !== undefined) context.pool.release(this.waiting);
    this.waiting = undefined;
    this.waitingBytes = 0;
  }
}

/** A block of the connection's own that begins with this range. */
function ownBlock(block: OutputBlock, start: number, end: number): OutputBlock {
  const own = new OutputBlock(Math.max(OWN_BLOCK_BYTES, end - start), false);
  own.bytes.set(block.bytes.subarray(start, end));
  return own;
}

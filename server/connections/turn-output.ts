/**
 * Where the engine's replies go during one turn of one connection: behind each other into the current block. At the end
 * of the turn what may leave goes to the socket straight from the block, which is then rewound; what must wait for the
 * log is parked there, as one piece with the newest sequence of the turn.
 *
 *   block  [ pieces of earlier turns | ready | held | reply being written
 *                                      regionStart    commandStart        writer.position
 *                                              readyEnd
 */
import type { ReplyOverflow, ReplyWriter } from '../../core/reply-writer.js';
import type { CommitState } from './command-processor.js';
import { BLOCK_BYTES, type OutputBlock, OutputBlockPool } from './output-block.js';
import { OPEN_SEQUENCE, type OutputContext, type OutputQueue } from './output-queue.js';
import { type Transport, WRITE_FAILED, WRITE_SENT } from './transport.js';

/** An unfinished reply up to this size moves to the next block; a larger one becomes a piece of its own. */
const MOVE_BYTES_MAX = BLOCK_BYTES;
/** Size of the buffer that the writer has between turns. */
const OUTSIDE_BYTES = 4096;

/** What a turn needs of its connection. */
export interface OutputTarget {
  readonly output: OutputQueue;
  readonly transport: Transport;
  /** True while what the running command writes is thrown away. */
  readonly muted: boolean;
}

export class TurnOutput<Writer extends ReplyWriter = ReplyWriter> implements ReplyOverflow {
  /** The engine's reply writer; it must be the one that the engine is made with. */
  readonly writer: Writer;
  readonly pool = new OutputBlockPool();
  /** True when the connection of this turn was found broken. */
  broken = false;
  private block: OutputBlock;
  /** First free byte of the block; between turns only. */
  private free = 0;
  private target: OutputTarget | undefined = undefined;
  private context: OutputContext | undefined = undefined;
  private commit: CommitState | undefined = undefined;
  private regionStart = 0;
  private commandStart = 0;
  /** Replies from here on wait for `sequence`; -1 while all replies of the region may leave. */
  private readyEnd = -1;
  private sequence = 0;
  /** Bytes of the reply being written were queued already. */
  private split = false;
  /** Queued pieces got their sequence in this turn, and may be ready to leave. */
  private settled = false;
  /** Where the writer writes between turns (replay); nobody reads it. */
  private outside: Uint8Array = new Uint8Array(OUTSIDE_BYTES);

  /** @param makeWriter makes the writer with a buffer and this object for when it is full. */
  constructor(makeWriter: (bytes: Uint8Array, overflow: ReplyOverflow) => Writer) {
    this.block = this.pool.take(0);
    this.writer = makeWriter(this.outside, this);
  }

  /** Names what all turns share; once, before the first turn. */
  attach(context: OutputContext, commit: CommitState): void {
    this.context = context;
    this.commit = commit;
  }

  /** Begins a turn; turns do not nest. */
  begin(target: OutputTarget): void {
    const { writer, block } = this;
    if (this.target !== undefined) throw new Error('a turn begins inside of another one');
    this.target = target;
    this.broken = false;
    writer.bytes = block.bytes;
    writer.position = block.references === 0 ? 0 : this.free;
    this.regionStart = this.commandStart = writer.position;
    this.readyEnd = -1;
    this.sequence = 0;
    this.split = false;
    this.settled = false;
  }

  /** True while this is the connection whose turn it is. */
  serves(target: OutputTarget): boolean {
    return this.target === target;
  }

  /** Ends the turn: sends what may leave, parks the rest. */
  end(): void {
    const { writer } = this;
    const { output, transport } = this.target!;
    if (writer.position > this.regionStart) {
      const floor = this.commit!.replyFloor();
      if (floor > 0) this.holdAll(floor);
      this.flush(writer.position);
    }
    if (this.settled && !output.release(this.context!, transport, this.commit!.committed)) this.broken = true;
    this.leaveBlock();
  }

  /** Ends the turn of a connection that is closed: nothing is sent. */
  abandon(): void {
    this.writer.position = this.regionStart;
    this.leaveBlock();
  }

  private leaveBlock(): void {
    const { writer } = this;
    this.target = undefined;
    if (!this.block.shared) this.nextBlock(0);
    this.free = writer.position;
    writer.bytes = this.outside;
    writer.position = 0;
  }

  /** The reply that was just written waits for this sequence. */
  replied(dependency: number): void {
    if (this.split) {
      this.split = false;
      this.settle(Math.max(dependency, this.sequence));
    }
    if (dependency > this.commit!.committed) this.hold(dependency);
    this.commandStart = this.writer.position;
  }

  /** The command of this reply goes on in a later turn: what it wrote so far waits for it. */
  unfinished(): void {
    if (this.writer.position > this.commandStart) this.hold(OPEN_SEQUENCE);
    this.commandStart = this.writer.position;
  }

  /** A command that began in an earlier turn is done: what it wrote waits for this sequence. */
  finished(dependency: number): void {
    this.settle(dependency);
    this.replied(dependency);
  }

  private settle(sequence: number): void {
    this.settled = true;
    this.target!.output.settle(sequence);
  }

  private hold(sequence: number): void {
    if (this.readyEnd < 0) this.readyEnd = this.commandStart;
    if (sequence > this.sequence) this.sequence = sequence;
  }

  /** All replies that are still here wait for this sequence at least. */
  private holdAll(sequence: number): void {
    this.readyEnd = this.regionStart;
    if (sequence > this.sequence) this.sequence = sequence;
  }

  /**
   * Takes back what the running command has written.
   * @returns false when some of it was queued already: the connection cannot go on then.
   */
  takeBack(): boolean {
    if (this.split) return false;
    this.writer.position = this.commandStart;
    return true;
  }

  /** Sends or queues the region up to `position`, which is between two replies. */
  private flush(position: number): void {
    const { regionStart, readyEnd } = this;
    if (readyEnd < 0) {
      this.leave(regionStart, position);
      return;
    }
    if (readyEnd > regionStart) this.leave(regionStart, readyEnd);
    if (position > readyEnd) this.queue(readyEnd, position, this.sequence);
  }

  /** Sends a range, or queues it behind what waits. Its place is free again if it is the last in the block. */
  private leave(start: number, end: number): void {
    const { writer } = this;
    const { output, transport } = this.target!;
    if (!output.empty) {
      this.queue(start, end, 0);
      return;
    }
    const status = output.write(this.context!, transport, this.block, start, end);
    if (status === WRITE_SENT && writer.position === end) writer.position = start;
    else if (status === WRITE_FAILED) this.broken = true;
  }

  private queue(start: number, end: number, sequence: number): void {
    this.target!.output.add(this.context!, this.block, start, end, sequence, this.commit!.committed);
  }

  /** Goes on in another block with room for `needed` bytes. */
  private nextBlock(needed: number): void {
    const left = this.block;
    this.block = this.pool.take(needed);
    this.writer.bytes = this.block.bytes;
    this.writer.position = 0;
    this.pool.leave(left);
  }

  /** The block is full in the middle of a reply: finished replies leave, the unfinished one moves or is queued. */
  overflow(writer: ReplyWriter, needed: number): void {
    if (this.target === undefined) {
      this.growOutside(writer, needed);
      return;
    }
    const { produced } = writer;
    if (this.target.muted && !this.split) this.writer.position = this.commandStart;
    const unfinished = writer.position - this.commandStart;
    if (this.commandStart > this.regionStart) this.flush(this.commandStart);
    const { block } = this;
    const start = writer.position - unfinished;
    if (unfinished > MOVE_BYTES_MAX) {
      this.queue(start, writer.position, OPEN_SEQUENCE);
      this.split = true;
      this.nextBlock(needed);
    } else if (block.references === 0 && unfinished + needed <= block.bytes.length) {
      block.bytes.copyWithin(0, start, writer.position);
      writer.position = unfinished;
    } else {
      // Its bytes stay as they are when the block is left: nobody writes to a block before it is taken again.
      const reply = block.bytes.subarray(start, writer.position);
      this.nextBlock(unfinished + needed);
      writer.bytes.set(reply, 0);
      writer.position = unfinished;
    }
    writer.producedBefore = produced - writer.position;
    this.regionStart = this.commandStart = 0;
    if (this.readyEnd >= 0) this.readyEnd = 0;
  }

  private growOutside(writer: ReplyWriter, needed: number): void {
    const grown = new Uint8Array(Math.max(writer.bytes.length * 2, writer.position + needed));
    grown.set(writer.bytes.subarray(0, writer.position));
    writer.bytes = grown;
  }
}

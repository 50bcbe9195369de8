/**
 * One cell of the ring of batch buffers: shared memory with room for a frame's header in front of the body and for the
 * padding behind it, so that the body is written where it will be written out from. What the log thread has to know of a
 * closed batch lies in the cell too.
 */
import { FRAME_ALIGNMENT, FRAME_HEADER_BYTES, frameBytes } from '../frame.js';
import { alignedMemory } from './aligned-memory.js';

/** Float64 words in front of the frame. */
const CELL_CONTROL_WORDS = 8;
/** The frame lies behind them on a boundary that the disk can read from directly. */
const CELL_CONTROL_BYTES = FRAME_ALIGNMENT;

/** Shared memory of one cell for bodies of up to `batchBytesMax` bytes. */
export function cellMemory(batchBytesMax: number): SharedArrayBuffer {
  return alignedMemory(CELL_CONTROL_BYTES + frameBytes(batchBytesMax) + FRAME_ALIGNMENT);
}

export class BatchBuffer {
  /** The frame's bytes; the engine writes entries into [bodyStart, bodyLimit) and nowhere else. */
  readonly bytes: Uint8Array;
  readonly bodyStart = FRAME_HEADER_BYTES;
  /** First byte that the body may not use; less than the cell's size where the disk is nearly full. */
  bodyLimit = 0;
  /** Origin numbers start anew with this batch: every origin that it uses needs its item in it. */
  originReset = false;
  /** True while disk space is short: the batch is for the engine's own effects (expiry) only. */
  engineOnly = false;
  /** Meant for the log: kind, flags, first sequence, entry count, time, body bytes. */
  readonly control: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.control = new Float64Array(memory, 0, CELL_CONTROL_WORDS);
    this.bytes = new Uint8Array(memory, CELL_CONTROL_BYTES, memory.byteLength - CELL_CONTROL_BYTES);
  }
}

/**
 * LZF decompressed from input in pieces into output in pieces: for values that nobody wants to hold twice. What LZF is
 * stands in lzf.ts.
 */

/** How far a reference reaches back. */
const HISTORY_BYTES = 8192;
/** Output bytes of a piece, about. */
const PIECE_BYTES = 64 * 1024;
/** Longest reference. */
const REFERENCE_MAX = 264;

export class LzfStream {
  /** Output bytes that are still to come. */
  left = 0;
  /** The history, then the piece being made. */
  private readonly window = new Uint8Array(HISTORY_BYTES + PIECE_BYTES + REFERENCE_MAX);
  /** Bytes of the history that exist, and the piece: window[handedOn, position). */
  private handedOn = 0;
  private position = 0;
  /** Literals that the last control byte announced and that are still to come. */
  private literals = 0;
  /** The control byte of a reference that is not read yet, -1 for none; and its length, 0 while that is not known. */
  private control = -1;
  private length = 0;
  private readonly emit: (bytes: Uint8Array, start: number, end: number) => void;

  /** @param emit gets the output, piece by piece; the bytes are good during the call. */
  constructor(emit: (bytes: Uint8Array, start: number, end: number) => void) {
    this.emit = emit;
  }

  /** Begins a value of so many bytes. */
  begin(length: number): void {
    this.left = length;
    this.handedOn = 0;
    this.position = 0;
    this.literals = 0;
    this.control = -1;
    this.length = 0;
  }

  /** Takes compressed bytes in; false where they are not well-formed, or stand for more than was announced. */
  write(bytes: Uint8Array, start: number, end: number): boolean {
    let from = start;
    while (from < end) {
      if (this.literals > 0) {
        from = this.copyLiterals(bytes, from, end);
        continue;
      }
      const byte = bytes[from++]!;
      if (this.control < 0) {
        if (!this.takeControl(byte)) return false;
      } else if (this.length === 0) {
        this.length = byte + 9;
      } else if (!this.copyReference(byte)) {
        return false;
      }
    }
    return true;
  }

  /** Hands the rest on; false where the input ended too early. */
  end(): boolean {
    this.handOn();
    return this.left === 0 && this.literals === 0 && this.control < 0;
  }

  private takeControl(byte: number): boolean {
    if (byte < 32) {
      this.literals = byte + 1;
      return this.literals <= this.left;
    }
    this.control = byte;
    this.length = byte >= 0xe0 ? 0 : (byte >>> 5) + 2;
    return true;
  }

  private copyLiterals(bytes: Uint8Array, start: number, end: number): number {
    const count = Math.min(this.literals, end - start);
    const { window } = this;
    let to = this.position;
    for (let i = start; i < start + count; i++) window[to++] = bytes[i]!;
    this.advance(to, count);
    this.literals -= count;
    return start + count;
  }

  private copyReference(offsetLow: number): boolean {
    const { window, length } = this;
    let to = this.position;
    let source = to - ((this.control & 0x1f) << 8) - offsetLow - 1;
    this.control = -1;
    if (source < 0 || length > this.left) return false;
    for (const behind = to + length; to < behind; ) window[to++] = window[source++]!;
    this.advance(to, length);
    return true;
  }

  private advance(position: number, count: number): void {
    this.position = position;
    this.left -= count;
    if (position >= HISTORY_BYTES + PIECE_BYTES) this.slide();
  }

  private slide(): void {
    this.handOn();
    this.window.copyWithin(0, this.position - HISTORY_BYTES, this.position);
    this.position = HISTORY_BYTES;
    this.handedOn = HISTORY_BYTES;
  }

  private handOn(): void {
    if (this.position > this.handedOn) this.emit(this.window, this.handedOn, this.position);
    this.handedOn = this.position;
  }
}

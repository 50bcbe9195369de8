/**
 * MONITOR: one line for every command that ran, in Redis' form, to every connection that asked. A line is a reply: it
 * leaves once everything that it shows is committed. Lines of one turn of the event loop go out together, behind what the
 * connections themselves were replied, bounded like all output by client-output-buffer-limit and maxmemory-clients.
 */
import type { Arguments } from '../core/arguments.js';
import { type Command, FLAG_ADMIN, FLAG_SKIP_MONITOR } from '../core/command-table.js';
import type { CommandObserver } from '../core/engine.js';
import { REPLIES_OFF, type Session } from '../core/session.js';
import { OutputBlock } from './connections/output-block.js';
import { isSecret } from './secret-arguments.js';

/** What the feed needs of a connection. */
export interface MonitorTarget {
  readonly session: Session;
  readonly closing: boolean;
  readonly unixSocket: boolean;
  /** Sends a block, once this sequence is committed, behind everything else. */
  deliver(block: OutputBlock, sequence: number): void;
}

/** Who tells of commands, while somebody listens. */
export interface MonitoredEngine {
  observer: CommandObserver | undefined;
}

/** Lines that were made and not handed to the connections: beyond this they become a block of their own. */
const BLOCK_BYTES_MAX = 64 * 1024;
/** Bytes of an argument's text that decide whether it is a secret. */
const WORD_BYTES_MAX = 64;

/** Lines up to one that waits for the newest sequence of all of them. */
interface Delivery {
  readonly block: OutputBlock;
  readonly sequence: number;
}

export class MonitorFeed implements CommandObserver {
  private readonly engine: MonitoredEngine;
  private readonly wallMicros: () => number;
  private readonly targets = new Set<MonitorTarget>();
  private readonly deliveries: Delivery[] = [];
  private buffer = new Uint8Array(4096);
  private length = 0;
  private sequence = 0;
  private scheduled = false;
  private readonly flush = (): void => this.deliverAll();

  /** @param wallMicros wall clock in microseconds. */
  constructor(engine: MonitoredEngine, wallMicros: () => number = systemMicros) {
    this.engine = engine;
    this.wallMicros = wallMicros;
  }

  /** Connections that are shown what runs. */
  get count(): number {
    return this.targets.size;
  }

  /** From the next command on. */
  add(target: MonitorTarget): void {
    target.session.monitors = true;
    this.targets.add(target);
    this.engine.observer = this;
  }

  remove(target: MonitorTarget): void {
    if (!this.targets.delete(target)) return;
    target.session.monitors = false;
    if (this.targets.size === 0) this.engine.observer = undefined;
  }

  executed(session: Session, command: Command, args: Arguments, sequence: number): void {
    // As in Redis, administrators' commands are not shown.
    if ((command.flags & (FLAG_ADMIN | FLAG_SKIP_MONITOR)) !== 0) return;
    this.text(`+${this.time()} [${session.database} ${addressOf(session)}]`);
    const words: string[] = [];
    for (let i = 0; i < args.count; i++) {
      words.push(args.latin1(i, WORD_BYTES_MAX));
      if (isSecret(command.fullName, words, i)) this.text(' "(redacted)"');
      else this.quoted(args.bytes, args.start[i]!, args.end[i]!);
    }
    this.text('\r\n');
    this.sequence = Math.max(this.sequence, sequence);
    if (this.length >= BLOCK_BYTES_MAX) this.closeBlock();
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  private time(): string {
    const micros = Math.floor(this.wallMicros());
    return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`;
  }

  /** What was gathered becomes a block that all connections refer to. */
  private closeBlock(): void {
    const { length, sequence } = this;
    if (length === 0) return;
    const block = new OutputBlock(length, false);
    block.bytes.set(this.buffer.subarray(0, length));
    this.deliveries.push({ block, sequence });
    this.length = 0;
    if (this.buffer.length > BLOCK_BYTES_MAX * 2) this.buffer = new Uint8Array(4096);
  }

  private deliverAll(): void {
    this.scheduled = false;
    this.closeBlock();
    const { deliveries } = this;
    for (const target of [...this.targets]) {
      for (const { block, sequence } of deliveries) {
        if (target.closing) this.remove(target);
        else if (target.session.replies !== REPLIES_OFF) target.deliver(block, sequence);
      }
    }
    deliveries.length = 0;
  }

  private room(needed: number): void {
    if (this.length + needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + needed));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }

  /** Text of one byte a character. */
  private text(text: string): void {
    this.room(text.length);
    for (let i = 0; i < text.length; i++) this.buffer[this.length++] = text.charCodeAt(i);
  }

  /** A blank, and the bytes in quotes as C would write them. */
  private quoted(bytes: Uint8Array, start: number, end: number): void {
    this.room((end - start) * 4 + 3);
    const { buffer } = this;
    let at = this.length;
    buffer[at++] = 32;
    buffer[at++] = QUOTE;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      const letter = ESCAPES[byte]!;
      if (letter !== 0) {
        buffer[at++] = BACKSLASH;
        buffer[at++] = letter;
      } else if (byte >= 32 && byte < 127) {
        buffer[at++] = byte;
      } else {
        buffer[at++] = BACKSLASH;
        buffer[at++] = LETTER_X;
        buffer[at++] = HEX[byte >>> 4]!;
        buffer[at++] = HEX[byte & 15]!;
      }
    }
    buffer[at++] = QUOTE;
    this.length = at;
  }
}

const QUOTE = 34;
const BACKSLASH = 92;
const LETTER_X = 120;
const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

/** The letter behind the backslash for bytes that have one, else 0. */
const ESCAPES = new Uint8Array(256);
for (const [byte, letter] of [
  ['\\', '\\'],
  ['"', '"'],
  ['\n', 'n'],
  ['\r', 'r'],
  ['\t', 't'],
  ['\x07', 'a'],
  ['\b', 'b'],
] as const) {
  ESCAPES[byte.charCodeAt(0)] = letter.charCodeAt(0);
}

function systemMicros(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

/** 'ip:port', or 'unix:' and the path. */
function addressOf(session: Session): string {
  const owner = session.owner as MonitorTarget | undefined;
  return owner?.unixSocket === true ? `unix:${session.address.slice(0, -2)}` : session.address;
}

/**
 * The slow log: the newest commands that took long to execute, as SLOWLOG GET shows them. Waiting (for the log, for a
 * slow client, for the turn of others) is not execution. What is kept is bounded in entries and in bytes.
 */
import type { Command } from '../core/command-table.js';
import type { TracedArguments } from '../core/command-trace.js';
import { TRACED_ARGUMENTS_MAX, TRACED_BYTES_MAX } from '../core/engine.js';
import { isSecret } from './secret-arguments.js';

/** Bytes of all entries together; the oldest go first, whatever slowlog-max-len says. */
const BYTES_MAX = 16 * 1024 * 1024;
/** What an entry costs beside its texts. */
const ENTRY_BYTES = 256;
const ARGUMENT_BYTES = 32;

export interface SlowLogEntry {
  /** Counts from 0 for the life of the server, also over SLOWLOG RESET. */
  readonly id: number;
  /** Unix time in seconds. */
  readonly seconds: number;
  readonly micros: number;
  /** One character a byte. */
  readonly arguments: readonly string[];
  readonly address: string;
  readonly clientName: string;
}

export class SlowLog {
  /** Newest first at the end: entries are appended. */
  private entries: SlowLogEntry[] = [];
  private bytes = 0;
  private lengthMax = 128;
  private nextId = 0;

  get length(): number {
    return this.entries.length;
  }

  /** The newest entries, newest first. */
  newest(count: number): SlowLogEntry[] {
    return this.entries.slice(-Math.min(count, this.entries.length) || this.entries.length).reverse();
  }

  add(command: Command, traced: TracedArguments, micros: number, seconds: number, address: string, name: string): void {
    const entry: SlowLogEntry = {
      id: this.nextId++,
      seconds,
      micros: Math.floor(micros),
      arguments: shownArguments(command, traced),
      address,
      clientName: name,
    };
    this.entries.push(entry);
    this.bytes += bytesOf(entry);
    this.trim();
  }

  setLength(entries: number): void {
    this.lengthMax = entries;
    this.trim();
  }

  clear(): void {
    this.entries = [];
    this.bytes = 0;
  }

  private trim(): void {
    let drop = 0;
    while (this.entries.length - drop > this.lengthMax || this.bytes > BYTES_MAX) {
      this.bytes -= bytesOf(this.entries[drop++]!);
    }
    if (drop > 0) this.entries.splice(0, drop);
  }
}

function bytesOf(entry: SlowLogEntry): number {
  let bytes = ENTRY_BYTES + entry.address.length + entry.clientName.length;
  for (const text of entry.arguments) bytes += ARGUMENT_BYTES + text.length;
  return bytes;
}

/** As Redis shows them: at most 32, the last of which counts those left out; 128 bytes of each; no passwords. */
function shownArguments(command: Command, traced: TracedArguments): string[] {
  const { count, lengths, texts } = traced;
  const shown: string[] = [];
  const whole = count > TRACED_ARGUMENTS_MAX ? TRACED_ARGUMENTS_MAX - 1 : count;
  for (let i = 0; i < Math.min(whole, texts.length); i++) {
    const more = lengths[i]! - TRACED_BYTES_MAX;
    if (isSecret(command.fullName, texts, i)) shown.push('(redacted)');
    else shown.push(more > 0 ? `${texts[i]}... (${more} more bytes)` : texts[i]!);
  }
  if (shown.length < count) shown.push(`... (${count - shown.length} more arguments)`);
  return shown;
}

/** A reply writer that counts errors by their code word, for INFO errorstats. */
import { ReplyWriter } from '../core/reply-writer.js';

/** Code words that are told apart; what comes beyond is counted together, so that no client can fill the memory. */
const CODES_MAX = 128;
const OTHER = 'OTHER';

export class CountingReplyWriter extends ReplyWriter {
  /** Error replies by code word: 'ERR', 'WRONGTYPE', ... */
  readonly errorCounts = new Map<string, number>();

  override error(text: string): void {
    const space = text.indexOf(' ');
    let code = space < 0 ? text : text.slice(0, space);
    if (!this.errorCounts.has(code) && this.errorCounts.size >= CODES_MAX) code = OTHER;
    this.errorCounts.set(code, (this.errorCounts.get(code) ?? 0) + 1);
    super.error(text);
  }
}

/**
 * Deadlines as commands read and write them: milliseconds since 1970 of up to 63 bits, in two int32 lanes as the record
 * keeps them. Here are Redis' rules of what a valid deadline is; what a deadline does to a key is not.
 */
import type { EffectWriter } from '../effect-writer.js';
import type { Execution } from '../execution.js';
import { Int64 } from '../numbers/int64.js';
import type { ReplyWriter } from '../reply-writer.js';

const TWO_32 = 0x100000000;
const INT64_MAX = 0x7fffffffffffffffn;
/** Times below this in magnitude stay exact numbers when multiplied by 1000 and added to the time of the day. */
const PLAIN_MAX = 2 ** 42;

export class Deadline {
  high = 0;
  low = 0;
  private readonly time = new Int64();

  /**
   * Reads argument i as the deadline of a SET or GETEX: above zero in itself and as a result. On false the error was replied.
   * @param seconds unit of the argument; else milliseconds.
   * @param relative whether it counts from now.
   */
  readPositive(x: Execution, i: number, seconds: boolean, relative: boolean): boolean {
    if (!this.readTime(x, i)) return false;
    if (this.time.high < 0 || (this.time.high === 0 && this.time.low === 0)) return this.refuse(x);
    return this.resolve(seconds, relative ? x.now : 0) ? true : this.refuse(x);
  }

  /** Reads argument i as the deadline of EXPIRE and its kin: may lie in the past. On false the error was replied. */
  read(x: Execution, i: number, seconds: boolean, relative: boolean): boolean {
    if (!this.readTime(x, i)) return false;
    return this.resolve(seconds, relative ? x.now : 0) ? true : this.refuse(x);
  }

  set(high: number, low: number): void {
    this.high = high;
    this.low = low;
  }

  /** True when the deadline is at or before this time. */
  isPast(nowMs: number): boolean {
    return this.high * TWO_32 + (this.low >>> 0) <= nowMs;
  }

  /** True when the deadline is later than another one. */
  isAfter(high: number, low: number): boolean {
    return this.high === high ? this.low >>> 0 > low >>> 0 : this.high > high;
  }

  /** Milliseconds from `nowMs` to the deadline, rounded to a unit as Redis rounds; not below 0. */
  write(reply: ReplyWriter, nowMs: number, seconds: boolean): void {
    const time = this.high * TWO_32 + (this.low >>> 0);
    if (time < PLAIN_MAX) {
      const left = Math.max(0, time - nowMs);
      reply.integer(seconds ? Math.floor((left + 500) / 1000) : left);
      return;
    }
    const left = ((BigInt(this.high) << 32n) | BigInt(this.low >>> 0)) - BigInt(nowMs);
    reply.integerText(String(seconds ? (left + 500n) / 1000n : left));
  }

  /** The deadline as an argument of a logged effect. */
  log(effects: EffectWriter): void {
    const time = this.high * TWO_32 + (this.low >>> 0);
    if (time < PLAIN_MAX) effects.integer(time);
    else effects.word(String((BigInt(this.high) << 32n) | BigInt(this.low >>> 0)));
  }

  private readTime(x: Execution, i: number): boolean {
    const { args } = x;
    if (this.time.parse(args.bytes, args.start[i]!, args.end[i]!)) return true;
    x.reply.error('ERR value is not an integer or out of range');
    return false;
  }

  private refuse(x: Execution): false {
    x.reply.error(`ERR invalid expire time in '${x.command.fullName}' command`);
    return false;
  }

  /** Turns the time read into a deadline; false when it does not fit 63 bits. */
  private resolve(seconds: boolean, base: number): boolean {
    const time = this.time.high * TWO_32 + (this.time.low >>> 0);
    if (time < PLAIN_MAX && time > -PLAIN_MAX) {
      const ms = (seconds ? time * 1000 : time) + base;
      this.high = Math.floor(ms / TWO_32);
      this.low = ms | 0;
      return true;
    }
    let ms = (BigInt(this.time.high) << 32n) | BigInt(this.time.low >>> 0);
    if (seconds) ms *= 1000n;
    if (ms > INT64_MAX || ms < -INT64_MAX - 1n) return false;
    ms += BigInt(base);
    if (ms > INT64_MAX) return false;
    this.high = Number(BigInt.asIntN(32, ms >> 32n));
    this.low = Number(BigInt.asIntN(32, ms));
    return true;
  }
}

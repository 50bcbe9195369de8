/**
 * Every command whose reply cannot be the same bytes as Redis', with the reason and the rule that compares it instead.
 * A command that is not listed here must answer byte for byte like Redis 7.0.
 */
import { DumpPayloadReader, PAYLOAD_GOOD } from '../../../core/rdb/dump-payload.js';
import { PIECE_BYTES } from '../../../core/rdb/string-encoder.js';
import { type Resp3Reply, readReply } from '../../support/reply-reader.js';
import { FIXED_DEADLINE_MS, SCAN_ALL } from './command-generator.js';

export interface Exception {
  readonly reason: string;
  /** Whether two replies to the same command mean the same. Byte-equal ones are never asked about. */
  readonly same: (ours: Resp3Reply, theirs: Resp3Reply, args: readonly string[]) => boolean;
}

/** Ours and Redis' clock, and the time between one execution and the other. */
const CLOCK_TOLERANCE_MS = 10_000;

/** What Redis tells of integers below 10,000 that were stored as an argument. */
const SHARED = 2_147_483_647;

function near(ours: Resp3Reply, theirs: Resp3Reply, unitMs: number): boolean {
  if (typeof ours !== 'number' || typeof theirs !== 'number') return bothHuge(ours, theirs, unitMs);
  return ours > 0 && theirs > 0 && Math.abs(ours - theirs) * unitMs <= CLOCK_TOLERANCE_MS;
}

/** The same for times beyond 2^53. */
function bothHuge(ours: Resp3Reply, theirs: Resp3Reply, unitMs: number): boolean {
  if (typeof ours !== 'bigint' || typeof theirs !== 'bigint') return false;
  const difference = Number(ours - theirs);
  return Math.abs(difference) * unitMs <= CLOCK_TOLERANCE_MS;
}

/** Deadlines given as absolute times are compared exactly: they lie beyond what relative ones reach. */
function nearUnlessFixed(ours: Resp3Reply, theirs: Resp3Reply, unitMs: number): boolean {
  return typeof theirs === 'number' && theirs * unitMs < FIXED_DEADLINE_MS && near(ours, theirs, unitMs);
}

function sorted(reply: Resp3Reply): string | undefined {
  if (!Array.isArray(reply)) return undefined;
  return reply
    .map((item) => (Buffer.isBuffer(item) ? item.toString('hex') : 'not a bulk string'))
    .sort()
    .join();
}

function sameMembers(ours: Resp3Reply, theirs: Resp3Reply): boolean {
  const members = sorted(ours);
  return members !== undefined && members === sorted(theirs);
}

function sameScan(ours: Resp3Reply, theirs: Resp3Reply, args: readonly string[]): boolean {
  if (!Array.isArray(ours) || !Array.isArray(theirs) || ours.length !== 2 || theirs.length !== 2) return false;
  if (!Buffer.isBuffer(ours[0]) || sorted(ours[1]!) === undefined) return false;
  const whole = scansAll(args);
  return !whole || (ours[0].toString() === '0' && theirs[0]!.toString() === '0' && sameMembers(ours[1]!, theirs[1]!));
}

/** From the start, and with a COUNT (the last one counts) that covers everything. */
function scansAll(args: readonly string[]): boolean {
  let count = '';
  for (let i = 2; i < args.length; i += 2) if (/^count(\0|$)/i.test(args[i]!)) count = args[i + 1]!;
  return count === SCAN_ALL && /^[+-]?0?(\0|$)/.test(args[1]!);
}

function bothTimes(ours: Resp3Reply, theirs: Resp3Reply): boolean {
  const ms = [ours, theirs].map((reply) => {
    if (!Array.isArray(reply) || reply.length !== 2) return Number.NaN;
    return Number(String(reply[0])) * 1000 + Number(String(reply[1])) / 1000;
  });
  return Math.abs(ms[0]! - ms[1]!) <= CLOCK_TOLERANCE_MS;
}

function sameObject(ours: Resp3Reply, theirs: Resp3Reply, args: readonly string[]): boolean {
  // The keys of a shared integer share its clock, too, so that one of them may seem idle for longer in Redis.
  if (/^idletime$/i.test(args[1]!)) return (Number(ours) - Number(theirs)) * 1000 <= CLOCK_TOLERANCE_MS;
  return /^refcount$/i.test(args[1]!) && ours === SHARED && theirs === 1;
}

/** Commands that Redis 7.0 does not know: newer-commands.test.ts compares them with what older commands say. */
export const newerCommands: readonly string[] = ['delex', 'digest', 'msetex'];

/** Payloads of the same long value, ours not longer by more than a twentieth. */
function samePayload(ours: Resp3Reply, theirs: Resp3Reply): boolean {
  if (!Buffer.isBuffer(ours) || !Buffer.isBuffer(theirs) || ours.length > theirs.length * 1.05) return false;
  const [value, expected] = [ours, theirs].map((payload) => {
    const reader = new DumpPayloadReader();
    const good = reader.open(payload, 0, payload.length) === PAYLOAD_GOOD && reader.read() === PAYLOAD_GOOD;
    return good ? Buffer.from(reader.value.bytes.subarray(reader.value.start, reader.value.end)) : undefined;
  });
  return value !== undefined && expected !== undefined && value.length > PIECE_BYTES && value.equals(expected);
}

export const exceptions: Readonly<Record<string, Exception>> = {
  time: { reason: 'the clock, and its microseconds', same: bothTimes },
  ttl: { reason: 'counts from now', same: (ours, theirs) => near(ours, theirs, 1000) },
  pttl: { reason: 'counts from now', same: (ours, theirs) => near(ours, theirs, 1) },
  expiretime: {
    reason: 'a deadline that was set relative to now',
    same: (ours, theirs) => nearUnlessFixed(ours, theirs, 1000),
  },
  pexpiretime: {
    reason: 'a deadline that was set relative to now',
    same: (ours, theirs) => nearUnlessFixed(ours, theirs, 1),
  },
  randomkey: { reason: 'chance', same: (ours, theirs) => Buffer.isBuffer(ours) && Buffer.isBuffer(theirs) },
  object: { reason: 'shared integers, which a COPY does not share', same: sameObject },
  dump: { reason: 'a value longer than a piece is compressed piece by piece', same: samePayload },
  keys: { reason: 'order', same: sameMembers },
  scan: { reason: 'order and cursors; a scan of everything must have the same members', same: sameScan },
};

/** Whether the replies to a command are the same, as bytes or by the exception listed for it. */
export function sameReply(ours: Buffer, theirs: Buffer, args: readonly Uint8Array[]): boolean {
  if (ours.equals(theirs)) return true;
  const words = args.map((argument) => Buffer.from(argument).toString('latin1'));
  const exception = exceptions[words[0]!.toLowerCase()];
  return exception?.same(readReply(ours), readReply(theirs), words) ?? false;
}

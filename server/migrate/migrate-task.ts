/**
 * A running MIGRATE: sends keys to another server while other clients go on, and removes them here once they are
 * acknowledged there.
 *
 *   look up, copy the payloads ─> wait until what they show is committed ─> send, read replies ─> remove, log, reply
 *
 * What leaves counts as a reply: it waits for the log. Since nobody is stopped meanwhile, a key may have changed when its
 * acknowledgement comes; then it stays, and the reply says so: removing it would lose an acknowledged write.
 */
import { FoundString } from '../../core/commands/found-string.js';
import { ABSENT, type Database } from '../../core/database.js';
import type { Execution } from '../../core/execution.js';
import { DumpPayloadWriter } from '../../core/rdb/dump-payload.js';
import type { Session } from '../../core/session.js';
import type { SlicedTask } from '../../core/sliced-task.js';
import type { ServerContext } from '../server-context.js';
import type { Exchange, MigrateConnection } from './migrate-connection.js';
import type { MigrateConnections } from './migrate-connections.js';

export interface MigrateRequest {
  readonly host: string;
  readonly port: number;
  /** Database there. */
  readonly database: number;
  readonly timeoutMs: number;
  readonly copy: boolean;
  readonly replace: boolean;
  /** Words of the AUTH command, without its name; empty for none. */
  readonly credentials: readonly string[];
}

/** A key as it was when the command began. */
export interface MigratedKey {
  readonly name: Uint8Array;
  readonly payload: Uint8Array;
  /** Deadline in ms, two int32 lanes. */
  readonly hasDeadline: boolean;
  readonly deadlineHigh: number;
  readonly deadlineLow: number;
}

const ERROR_CONNECT = 'IOERR error or timeout connecting to the client';
const ERROR_CHANGED =
  'ERR a key was changed while it was copied to the target instance: what was changed stays here, the target has it as it was';
const TWO_32 = 2 ** 32;

const payloads = new DumpPayloadWriter();
const found = new FoundString();

/** Copies the key that a lookup of argument `i` has found. */
export function copyKey(x: Execution, i: number): MigratedKey {
  const { args, database } = x;
  // Not slice(): of a Buffer, which a read buffer may be, that is no copy.
  const name = Uint8Array.from(args.bytes.subarray(args.start[i]!, args.end[i]!));
  return { name, ...contentOf(database, database.lookupQuiet(i)) };
}

/** Payload and deadline of the key that a lookup has found. */
function contentOf(database: Database, reference: number): Omit<MigratedKey, 'name'> {
  const { values } = database;
  const payload = new Uint8Array(payloads.prepare(found.of(values, reference as never)));
  let at = 0;
  payloads.write((bytes, start, end) => {
    payload.set(bytes.subarray(start, end), at);
    at += end - start;
  });
  const hasDeadline = values.hasExpiry(reference as never);
  if (hasDeadline) values.readExpiry(reference as never);
  const { expiryHigh, expiryLow } = values;
  return { payload, hasDeadline, deadlineHigh: hasDeadline ? expiryHigh : 0, deadlineLow: hasDeadline ? expiryLow : 0 };
}

export class MigrateTask implements SlicedTask {
  resting = true;
  private readonly server: ServerContext;
  private readonly session: Session;
  private readonly connections: MigrateConnections;
  private readonly request: MigrateRequest;
  private readonly keys: readonly MigratedKey[];
  private readonly bytes: number;
  /** Keys that were sent, and those of them that the target has. */
  private sent: readonly MigratedKey[] = [];
  private acknowledged: readonly MigratedKey[] = [];
  private error = '';
  private connection: MigrateConnection | undefined = undefined;
  private cancelled = false;
  private released = false;

  constructor(
    server: ServerContext,
    session: Session,
    connections: MigrateConnections,
    request: MigrateRequest,
    keys: readonly MigratedKey[],
  ) {
    this.server = server;
    this.session = session;
    this.connections = connections;
    this.request = request;
    this.keys = keys;
    this.bytes = keys.reduce((sum, { name, payload }) => sum + name.length + payload.length, 0);
    server.engine.database.taskBytes += this.bytes;
  }

  /** @param dependency sequence that must be committed before anything leaves. */
  start(dependency: number): this {
    const { commit } = this.server;
    const send = (): void => {
      void this.send().then(() => this.wake());
    };
    if (commit.committed >= dependency) send();
    // A log that fails ends every connection, and with it this task.
    else commit.whenCommitted(dependency).then(send, () => {});
    return this;
  }

  private wake(): void {
    if (this.cancelled) return;
    this.resting = false;
    this.server.connections.wake(this.session);
  }

  /** Sends everything, a second time where a kept connection turns out to be closed. */
  private async send(): Promise<void> {
    for (let retries = 1; !this.cancelled; retries--) {
      const { host, port, timeoutMs } = this.request;
      const connection = await this.connections.take(host, port, timeoutMs);
      if (connection === undefined) {
        this.error = ERROR_CONNECT;
        return;
      }
      if (this.cancelled) {
        connection.close();
        return;
      }
      this.connection = connection;
      const selects = connection.database !== this.request.database;
      const leading = (this.request.credentials.length > 0 ? 1 : 0) + (selects ? 1 : 0);
      const chunks = this.commands(selects);
      const expected = leading + this.sent.length;
      const exchange = expected === 0 ? NOTHING_SENT : await connection.exchange(chunks, expected, timeoutMs);
      this.connection = undefined;
      const again = exchange.failed !== undefined && !exchange.timedOut && exchange.replies.length <= leading;
      if (again && retries > 0) continue;
      this.judge(exchange, leading);
      connection.database = this.error === '' ? this.request.database : -1;
      this.connections.giveBack(host, port, connection);
      return;
    }
  }

  /** The commands, as chunks; notes which keys they send: none that has expired. */
  private commands(selects: boolean): Uint8Array[] {
    const { request, server } = this;
    const chunks: Uint8Array[] = [];
    const sent: MigratedKey[] = [];
    if (request.credentials.length > 0) chunks.push(commandOf(['AUTH', ...request.credentials]));
    if (selects) chunks.push(commandOf(['SELECT', String(request.database)]));
    const now = server.engine.clock.nowMs();
    for (const key of this.keys) {
      let ttl = '0';
      if (key.hasDeadline) {
        const left = ((BigInt(key.deadlineHigh) << 32n) | BigInt(key.deadlineLow >>> 0)) - BigInt(now);
        if (left < 0n) continue;
        ttl = left === 0n ? '1' : String(left);
      }
      sent.push(key);
      const name = Buffer.from(`*${request.replace ? 5 : 4}\r\n$7\r\nRESTORE\r\n$${key.name.length}\r\n`);
      const lifetime = Buffer.from(`\r\n$${ttl.length}\r\n${ttl}\r\n$${key.payload.length}\r\n`);
      chunks.push(Buffer.concat([name, key.name, lifetime]), key.payload);
      chunks.push(Buffer.from(request.replace ? '\r\n$7\r\nREPLACE\r\n' : '\r\n'));
    }
    this.sent = sent;
    return chunks;
  }

  /** What the replies mean, in Redis' order: the first error that the target told, else that of the connection. */
  private judge(exchange: Exchange, leading: number): void {
    const { replies, failed } = exchange;
    const refused = replies.slice(0, leading).find((error) => error !== undefined);
    const restored = replies.slice(leading);
    const error = restored.length > 0 ? (refused ?? restored.find((reply) => reply !== undefined)) : undefined;
    // Where AUTH or SELECT failed, nobody knows where the keys have gone: they stay.
    this.acknowledged =
      refused === undefined ? this.sent.filter((_, i) => i in restored && restored[i] === undefined) : [];
    if (error !== undefined) this.error = `ERR Target instance replied with error: ${error}`;
    else if (failed !== undefined) this.error = `IOERR error or timeout ${failed} to target instance`;
  }

  step(x: Execution): boolean {
    if (this.resting) return false;
    this.release();
    if (!this.request.copy && this.acknowledged.length > 0) this.remove(x);
    if (this.error === '') x.reply.ok();
    else x.reply.error(this.error);
    return true;
  }

  /** Removes the keys that the target has, and that are still what was sent. */
  private remove(x: Execution): void {
    const { args, database, engine } = x;
    if (engine.writeRefusal !== '') {
      this.error ||= engine.writeRefusal;
      return;
    }
    args.set([NO_BYTES, ...this.acknowledged.map(({ name }) => name)]);
    const removed: number[] = [];
    this.acknowledged.forEach((key, index) => {
      const reference = database.lookupWrite(index + 1);
      if (reference === ABSENT) return;
      if (!database.isString(reference) || !isSame(key, contentOf(database, reference))) {
        this.error ||= ERROR_CHANGED;
        return;
      }
      database.remove();
      removed.push(index + 1);
    });
    if (removed.length === 0) return;
    x.logBegin('DEL', removed.length + 1);
    for (const i of removed) x.logArgument(i);
  }

  cancel(): void {
    this.cancelled = true;
    this.connection?.close();
    this.release();
  }

  private release(): void {
    if (this.released) return;
    this.released = true;
    this.server.engine.database.taskBytes -= this.bytes;
  }
}

const NO_BYTES = new Uint8Array(0);
const NOTHING_SENT: Exchange = { replies: [], failed: undefined, timedOut: false };

function isSame(sent: MigratedKey, now: Omit<MigratedKey, 'name'>): boolean {
  if (sent.hasDeadline !== now.hasDeadline || sent.payload.length !== now.payload.length) return false;
  if (sent.deadlineHigh * TWO_32 + sent.deadlineLow !== now.deadlineHigh * TWO_32 + now.deadlineLow) return false;
  return Buffer.compare(sent.payload, now.payload) === 0;
}

function commandOf(words: readonly string[]): Uint8Array {
  const parts = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`, 'latin1');
}

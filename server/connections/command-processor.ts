/**
 * What connections need of the engine and of the commit pipeline, and no more: tests run real sockets against small
 * stand-ins. core/engine.ts and server/commit/commit-pipeline.ts have these shapes.
 */
import type { Arguments } from '../../core/arguments.js';
import type { ReplyWriter } from '../../core/reply-writer.js';
import type { Session } from '../../core/session.js';
import type { KeyFetcher } from '../resp/key-scout.js';

export interface CommandProcessor {
  /** The parsed command. */
  readonly args: Arguments;
  readonly reply: ReplyWriter;
  /** The sequence that must be committed before the last reply may leave; 0 for none. */
  readonly dependency: number;
  /** Cap on used memory in bytes, 0 for none. */
  readonly maxmemory: number;
  /** Bytes outside of the engine that count as used memory: published by the connections. */
  outsideBytes: number;
  /** Of these, what eviction does not go by. */
  uncountedBytes: number;
  /** Begins and ends the commands of one turn; both return the monotonic clock in microseconds. */
  beginTurn(): number;
  endTurn(): number;
  /** True when the parsed command has to wait for the end of a pause: of writes, or with `all` of everything. */
  postpones(session: Session, all: boolean): boolean;
  /** Fetches memory ahead for keys of the session's database. */
  prefetchOf(session: Session): KeyFetcher;
  /** Whether the parsed command may begin now: a snapshot's view has room for it. */
  hasRoom(): boolean;
  execute(session: Session): void;
  continueTask(session: Session, budgetMicros: number): boolean;
  recoverFrom(error: unknown): 'replied' | 'close' | 'fatal';
}

export interface CommitState {
  /** Replies that depend on this sequence or an earlier one may leave. */
  readonly committed: number;
  /** What replies wait for at least that are ready now, whatever they depend on; 0 for nothing. They are released with it. */
  replyFloor(): number;
  /** True while no command may be executed. */
  readonly congested: boolean;
  /** Bytes of effects that are not committed. */
  readonly uncommittedBytes: number;
}

/** The clock of connections; a stand-in makes time pass in tests. */
export interface ConnectionClock {
  nowMs(): number;
  monotonicMicros(): number;
}

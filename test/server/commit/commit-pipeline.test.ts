import { beforeEach, describe, expect, it } from 'vitest';
import { DiscardingSink, EffectWriter } from '../../../core/effect-writer.js';
import { Session } from '../../../core/session.js';
import { ItemKind, ItemReader } from '../../../log/entry.js';
import { BatchBuffer, cellMemory } from '../../../log/local/batch-buffer.js';
import type { BatchLogWriter } from '../../../log/local/batch-log-writer.js';
import { LogError } from '../../../log/log-error.js';
import type { Committed } from '../../../log/transaction-log.js';
import { CommitPipeline, type CommitWatch } from '../../../server/commit/commit-pipeline.js';

const BATCH_BYTES = 8192;

interface Closed {
  readonly firstSequence: number;
  readonly entryCount: number;
  readonly body: Uint8Array;
  readonly inline: boolean;
}

/** A log in memory whose thread commits when the test says so. */
class MemoryLog implements BatchLogWriter {
  readonly batchBytesMax = BATCH_BYTES;
  readonly epoch = 1;
  readonly sizeBytes = 0;
  readonly refusesEngineWrites = false;
  refusesWrites = false;
  averageSyncMicros = 50;
  committedSequence = 0;
  committedCount = 0;
  closedCount = 0;
  failure: LogError | undefined = undefined;
  failNext = false;
  settled = 0;
  buffers = 4;
  resetNext = false;
  readonly committed: Closed[] = [];
  readonly pending: Closed[] = [];
  readonly large: { effects: Uint8Array; origin: number; sequence: number }[] = [];
  private told: () => void = () => {};
  private failed: (error: LogError) => void = () => {};

  takeBatch(): BatchBuffer | undefined {
    if (this.buffers === 0) return undefined;
    this.buffers--;
    const batch = new BatchBuffer(cellMemory(BATCH_BYTES));
    batch.bodyLimit = batch.bodyStart + BATCH_BYTES;
    batch.originReset = this.resetNext;
    this.resetNext = false;
    return batch;
  }
  releaseBatch(): void {
    this.buffers++;
  }
  commitInline(batch: BatchBuffer, bodyEnd: number, firstSequence: number, entryCount: number): boolean {
    if (this.failNext) throw new LogError('LOG_FAILED', 'EIO');
    if (this.pending.length > 0) return false;
    this.committed.push({ firstSequence, entryCount, body: batch.bytes.slice(batch.bodyStart, bodyEnd), inline: true });
    this.buffers++;
    this.committedSequence = firstSequence + entryCount - 1;
    return true;
  }
  settle(): void {
    this.settled++;
  }
  submit(batch: BatchBuffer, bodyEnd: number, firstSequence: number, entryCount: number): void {
    this.pending.push({ firstSequence, entryCount, body: batch.bytes.slice(batch.bodyStart, bodyEnd), inline: false });
    this.closedCount++;
  }
  submitLarge(effects: Uint8Array, origin: number, sequence: number): number {
    this.large.push({ effects: effects.slice(), origin, sequence });
    this.pending.push({ firstSequence: sequence, entryCount: 1, body: new Uint8Array(0), inline: false });
    return 0;
  }
  /** The log thread commits `batches` of what waits and tells the server. */
  advance(batches = this.pending.length): void {
    for (const closed of this.pending.splice(0, batches)) {
      this.committed.push(closed);
      this.committedSequence = closed.firstSequence + closed.entryCount - 1;
      this.buffers++;
    }
    this.told();
  }
  fail(): void {
    this.failed(new LogError('LOG_FAILED', 'the log thread died'));
  }
  rollNext(): void {
    this.resetNext = true;
  }
  frameOf(position: number): { epoch: number; idx: number; runningChecksum: Uint8Array } {
    return { epoch: 1, idx: position, runningChecksum: new Uint8Array(16).fill(position) };
  }
  admitsLarge(): boolean {
    return true;
  }
  onCommitted(callback: () => void): void {
    this.told = callback;
  }
  onFailed(callback: (error: LogError) => void): void {
    this.failed = callback;
  }
  append(): Promise<Committed> {
    throw new Error('the pipeline does not use it');
  }
  flushAndSeal(): Promise<void> {
    return Promise.resolve();
  }
  close(): Promise<void> {
    return Promise.resolve();
  }
}

let log: MemoryLog;
let pipeline: CommitPipeline;
let effects: EffectWriter;
let advances: number[];
let reads = 0;

function start(watch?: CommitWatch): void {
  log = new MemoryLog();
  effects = new EffectWriter(new DiscardingSink());
  effects.sequence = 0;
  reads = 0;
  const commandsRun = (): number => reads + effects.sequence;
  pipeline = new CommitPipeline({ nowMs: () => 1000, commandsRun, inline: true, ...(watch && { watch }) });
  advances = [];
  pipeline.onAdvance = () => advances.push(pipeline.committed);
  pipeline.attach(log, effects, 0);
}

/** Writes one entry whose effect carries `bytes` bytes, for a session or for the engine itself. */
function entry(bytes: number, session?: Session): number {
  effects.session = session;
  effects.begin(0, 2);
  effects.word('SET');
  effects.argument(new Uint8Array(bytes).fill(120), 0, bytes);
  return effects.seal();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}

/** Kinds and origins of the items of a body. */
function items(body: Uint8Array): [number, number][] {
  const reader = new ItemReader();
  reader.reset(body, 0, body.length);
  const found: [number, number][] = [];
  while (reader.next()) found.push([reader.kind, reader.origin]);
  return found;
}

beforeEach(() => start());

describe('commit pipeline', () => {
  it('commits the entries of one turn together, inline while the disk is fast', async () => {
    entry(10);
    entry(10);
    expect(pipeline.committed).toBe(0);
    await turn();
    expect(log.committed.map((closed) => [closed.firstSequence, closed.entryCount, closed.inline])).toEqual([
      [1, 2, true],
    ]);
    expect(advances).toEqual([2]);
  });

  it('lets the log do the rest of an inline commit behind the replies', async () => {
    let settledAtAdvance = -1;
    pipeline.onAdvance = () => {
      settledAtAdvance = log.settled;
    };
    entry(10);
    await turn();
    expect([settledAtAdvance, log.settled]).toEqual([0, 1]);
  });

  it('looks again on a fast disk for entries that can share the commit, while each look brings enough, and so often at most', async () => {
    const sizes = (): number[] => log.committed.map((closed) => closed.entryCount);
    const arrive = (counts: number[]): void => {
      const [count, ...later] = counts;
      for (let i = 0; i < count!; i++) entry(10);
      if (later.length > 0) setImmediate(() => arrive(later));
    };
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await turn();
    };
    arrive([20, 10, 5, 3, 9]);
    await settled();
    expect(sizes()).toEqual([38, 9]);
    start();
    arrive([1, 1, 1]);
    await settled();
    expect(sizes()).toEqual([1, 1, 1]);
    start();
    arrive([8, 8, 8, 8, 8, 8, 8]);
    await settled();
    expect(sizes()).toEqual([40, 16]);
    start();
    reads = 9;
    arrive([8, 8]);
    await settled();
    expect(sizes()).toEqual([8, 8]);
  });

  it('lets all replies of a turn wait for its commit on a fast disk while writers are many, and looks as long as some come', async () => {
    const sizes = (): number[] => log.committed.map((closed) => closed.entryCount);
    const arrive = (counts: number[]): void => {
      const [count, ...later] = counts;
      for (let i = 0; i < count!; i++) entry(10);
      reads += count!;
      if (later.length > 0) setImmediate(() => arrive(later));
    };
    const settled = async (): Promise<void> => {
      for (let i = 0; i < 10; i++) await turn();
    };
    arrive([10]);
    // Nothing is known yet of who comes.
    expect(pipeline.replyFloor()).toBe(0);
    await settled();
    expect(pipeline.replyFloor()).toBe(0);
    arrive([4, 1, 1]);
    expect(pipeline.replyFloor()).toBe(10.5);
    await settled();
    expect(sizes()).toEqual([10, 6]);
    expect(pipeline.replyFloor()).toBe(0);
    // Mostly reads: they do not wait.
    reads += 100;
    arrive([6]);
    expect(pipeline.replyFloor()).toBe(16.5);
    await settled();
    arrive([6]);
    expect(pipeline.replyFloor()).toBe(0);
    await settled();
    // Few writers.
    arrive([3]);
    await settled();
    arrive([1]);
    expect(pipeline.replyFloor()).toBe(0);
  });

  it('lets no other reply wait for a batch that the log thread commits', async () => {
    for (let i = 0; i < 10; i++) entry(10);
    for (let i = 0; i < 3; i++) await turn();
    entry(10);
    expect(pipeline.replyFloor()).toBe(10.5);
    log.averageSyncMicros = 1000;
    expect(pipeline.replyFloor()).toBe(0);
    for (let i = 0; i < 3; i++) await turn();
    expect(log.pending).toHaveLength(1);
    // What waited for the commit of the turn leaves without it, and nothing else does.
    expect([pipeline.committed, pipeline.releasable, advances.at(-1)]).toEqual([10, 10.5, 10]);
    log.averageSyncMicros = 50;
    entry(10);
    expect(pipeline.replyFloor()).toBe(0);
    log.advance();
  });

  it('waits on a slow disk for those who may come back, for half of a usual sync and 1 ms at most', async () => {
    let now = 0;
    start({ lastMicros: 0, nowMicros: () => now, committed: () => {}, synced: () => {} });
    log.averageSyncMicros = 1000;
    const wait = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) await turn();
    };
    for (let i = 0; i < 10; i++) entry(10);
    await wait();
    expect(log.pending.map((closed) => closed.entryCount)).toEqual([10]);
    for (let i = 0; i < 3; i++) entry(10);
    log.advance();
    await wait();
    // Ten were let go and three waited: 12 of them make nine tenths.
    expect(log.pending).toEqual([]);
    for (let i = 0; i < 9; i++) entry(10);
    await wait();
    expect(log.pending.map((closed) => closed.entryCount)).toEqual([12]);
    log.advance();
    entry(10);
    await wait();
    expect(log.pending).toEqual([]);
    now += 499;
    await wait();
    expect(log.pending).toEqual([]);
    now += 1;
    await wait();
    expect(log.pending.map((closed) => closed.entryCount)).toEqual([1]);
    // A disk of 40 ms is not waited for so long.
    log.averageSyncMicros = 40_000;
    for (let i = 0; i < 9; i++) entry(10);
    log.advance();
    await wait();
    now += 500;
    entry(10);
    log.advance();
    await wait();
    expect(log.pending).toEqual([]);
    now += 999;
    await wait();
    expect(log.pending).toEqual([]);
    now += 1;
    await wait();
    expect(log.pending.map((closed) => closed.entryCount)).toEqual([1]);
    log.advance();
    // One alone is not waited for.
    entry(10);
    await turn();
    expect(log.pending.map((closed) => closed.entryCount)).toEqual([1]);
  });

  it('leaves a slow disk and a large batch to the log thread', async () => {
    log.averageSyncMicros = 1000;
    entry(10);
    await turn();
    expect(log.pending).toHaveLength(1);
    expect(pipeline.uncommittedBytes).toBeGreaterThan(0);
    log.advance();
    expect(pipeline.committed).toBe(1);
    expect(pipeline.uncommittedBytes).toBe(0);
  });

  it('makes one batch of all that arrives while another is in flight', async () => {
    log.averageSyncMicros = 1000;
    entry(10);
    await turn();
    for (let i = 0; i < 5; i++) {
      entry(10);
      await turn();
    }
    expect(log.pending).toHaveLength(1);
    log.advance();
    expect(log.pending.map((closed) => [closed.firstSequence, closed.entryCount])).toEqual([[2, 5]]);
    log.advance();
    expect(advances).toEqual([1, 6]);
  });

  it('starts another batch when one is full, and is congested without one', async () => {
    log.averageSyncMicros = 1000;
    log.buffers = 1;
    while (!pipeline.congested) entry(1500);
    expect(log.pending).toHaveLength(2);
    const made = effects.sequence;
    expect(pipeline.uncommittedBytes).toBeGreaterThan(2 * 1500);
    log.advance();
    expect(pipeline.congested).toBe(false);
    await turn();
    log.advance();
    expect(pipeline.committed).toBe(made);
    const total = log.committed.reduce((sum, closed) => sum + closed.entryCount, 0);
    expect(total).toBe(made);
  });

  it('describes an origin once, and again after a reset', async () => {
    const session = new Session(7, '127.0.0.1:1', 1);
    entry(10, session);
    entry(10, session);
    await turn();
    expect(items(log.committed[0]!.body)).toEqual([
      [ItemKind.origin, 1],
      [ItemKind.entry, 1],
      [ItemKind.entry, 1],
    ]);
    entry(10, session);
    await turn();
    expect(items(log.committed[1]!.body)).toEqual([[ItemKind.entry, 1]]);
    log.resetNext = true;
    entry(10, new Session(8, '127.0.0.1:2', 1));
    await turn();
    entry(10, session);
    await turn();
    expect(items(log.committed[3]!.body)).toEqual([
      [ItemKind.origin, 1],
      [ItemKind.entry, 1],
    ]);
  });

  it('moves an entry that outgrows its batch to the next one, in order', async () => {
    entry(4000);
    entry(6000);
    entry(10);
    await turn();
    log.advance();
    await turn();
    log.advance();
    const order = log.committed.map((closed) => [closed.firstSequence, closed.entryCount]);
    expect(order).toEqual([
      [1, 1],
      [2, 2],
    ]);
    expect(pipeline.committed).toBe(3);
    expect(pipeline.uncommittedBytes).toBe(0);
  });

  it('sends an entry above the batch size in parts, its origin before it', async () => {
    const session = new Session(7, '127.0.0.1:1', 1);
    entry(100_000, session);
    entry(10, session);
    await turn();
    expect(log.large.map((large) => [large.sequence, large.origin])).toEqual([[1, 1]]);
    expect(log.large[0]!.effects.length).toBeGreaterThan(100_000);
    expect(items(log.pending[0]!.body)).toEqual([[ItemKind.origin, 1]]);
    log.advance();
    await turn();
    log.advance();
    expect(pipeline.committed).toBe(2);
    expect(pipeline.uncommittedBytes).toBe(0);
  });

  it('does not advance when an inline commit fails, and tells once', async () => {
    const errors: Error[] = [];
    pipeline.onFatal = (error) => errors.push(error);
    log.failNext = true;
    entry(10);
    await turn();
    log.fail();
    expect(errors.map((error) => error.message)).toEqual(['EIO']);
    expect(advances).toEqual([]);
    expect(pipeline.committed).toBe(0);
    expect(pipeline.congested).toBe(true);
  });

  it('drains: resolves once all that was sealed is committed', async () => {
    log.averageSyncMicros = 1000;
    entry(10);
    let drained = false;
    const done = pipeline.drain().then(() => {
      drained = true;
    });
    await turn();
    expect(drained).toBe(false);
    log.advance();
    await done;
    expect(pipeline.committed).toBe(1);
  });

  it('drains: rejects when the log fails', async () => {
    log.averageSyncMicros = 1000;
    entry(10);
    const done = pipeline.drain();
    await turn();
    log.fail();
    await expect(done).rejects.toThrow('died');
  });
});

describe('cuts', () => {
  beforeEach(() => start());

  it('ends the frame with what is sealed, and names that frame once it is committed', async () => {
    entry(10);
    entry(10);
    const cut = pipeline.cut()!;
    entry(10);
    expect(cut.sequence).toBe(2);
    expect(log.pending).toMatchObject([{ firstSequence: 1, entryCount: 2 }]);
    let place: unknown;
    cut.committed.then((committed) => {
      place = committed;
    });
    await turn();
    expect(place).toBeUndefined();
    log.advance();
    await turn();
    expect(place).toMatchObject({ epoch: 1, idx: 1 });
  });

  it('names the last frame before this epoch while there is no other', async () => {
    const before = { epoch: 7, idx: 9, runningChecksum: new Uint8Array(16).fill(3) };
    pipeline = new CommitPipeline({ nowMs: () => 1000, commandsRun: () => 0, inline: true });
    pipeline.attach(log, effects, 41, before);
    const cut = pipeline.cut()!;
    expect(cut.sequence).toBe(41);
    await expect(cut.committed).resolves.toBe(before);
  });

  it('has to wait while entries find no batch', () => {
    log.buffers = 0;
    entry(BATCH_BYTES - 200);
    entry(BATCH_BYTES - 200);
    expect(pipeline.cut()).toBeUndefined();
  });

  it('are still there once everything is drained, and no batch is taken any more', async () => {
    entry(10);
    await turn();
    await pipeline.drain();
    const { buffers } = log;
    const cut = pipeline.cut()!;
    log.advance();
    pipeline.roll();
    expect(cut.sequence).toBe(1);
    await cut.committed;
    expect(log.buffers).toBe(buffers);
  });

  it('fails with the log', async () => {
    entry(10);
    const cut = pipeline.cut()!;
    log.fail();
    await expect(cut.committed).rejects.toThrow('died');
  });

  it('rolls the log: what comes next is in a batch with an origin reset', () => {
    const session = new Session(1, '127.0.0.1:1', 1);
    entry(10, session);
    const before = pipeline.originGeneration;
    pipeline.roll();
    expect(log.pending).toHaveLength(1);
    expect(pipeline.originGeneration).toBe(before + 1);
    entry(10, session);
    expect(session.originGeneration).toBe(before + 1);
  });
});

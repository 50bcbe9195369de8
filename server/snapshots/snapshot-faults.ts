/**
 * Faults for tests, from the environment variable HOLDFAST_TEST_SNAPSHOT_FAULTS: snapshots that are made wrong on purpose,
 * and a process that is killed at a given stage. Names and values with commas between them.
 *
 *   skipRecord=N   the walk leaves the N-th record out       alterByte=N   byte N of the file is another one
 *   killAt=STAGE   the process kills itself there            killAfter=N   at the N-th time, 1 by default
 *   rollBytes=N    the log is rolled before each cut that so many bytes lie behind, however few
 */
import type { ReadableArena } from '../../core/memory/readable-arena.js';
import type { ReadableDataset } from '../../core/memory/readable-dataset.js';
import type { ReadableBytes, Reference } from '../../core/memory/reference.js';

export const SNAPSHOT_FAULTS_VARIABLE = 'HOLDFAST_TEST_SNAPSHOT_FAULTS';

export class SnapshotFaults {
  private readonly settings: ReadonlyMap<string, string>;
  private reached = 0;

  /** @throws RangeError for a name that there is not. */
  constructor(text: string) {
    const settings = new Map<string, string>();
    for (const pair of text === '' ? [] : text.split(',')) {
      const [name = '', value = ''] = pair.split('=');
      if (!['skipRecord', 'alterByte', 'killAt', 'killAfter', 'rollBytes'].includes(name)) {
        throw new RangeError(`${SNAPSHOT_FAULTS_VARIABLE}: there is no '${name}'`);
      }
      settings.set(name, value);
    }
    this.settings = settings;
  }

  /** A process that reaches this stage may be killed there, as by `kill -9`. */
  stage(name: string): void {
    if (this.settings.get('killAt') !== name) return;
    if (++this.reached < Number(this.settings.get('killAfter') ?? 1)) return;
    process.kill(process.pid, 'SIGKILL');
  }

  rollBytes(usual: number): number {
    return Number(this.settings.get('rollBytes') ?? usual);
  }

  /** Changes the byte of the file that is to be another one, if it lies in bytes[start, end). */
  alter(bytes: Uint8Array, start: number, end: number, offset: number): void {
    const at = this.settings.get('alterByte');
    if (at === undefined) return;
    const index = Number(at) - offset + start;
    if (index >= start && index < end) bytes[index]! ^= 1;
  }

  /** The dataset as the walk is to see it. */
  dataset(dataset: ReadableDataset): ReadableDataset {
    const skipped = this.settings.get('skipRecord');
    if (skipped === undefined) return dataset;
    return { arena: new ForgetfulArena(dataset.arena, Number(skipped)), keyspaces: dataset.keyspaces };
  }
}

/** An arena that leaves one record out. */
class ForgetfulArena implements ReadableArena {
  private readonly arena: ReadableArena;
  private left: number;

  constructor(arena: ReadableArena, skipped: number) {
    this.arena = arena;
    this.left = skipped;
  }

  bytes(reference: Reference): ReadableBytes {
    return this.arena.bytes(reference);
  }

  offset(reference: Reference): number {
    return this.arena.offset(reference);
  }

  capacity(reference: Reference): number {
    return this.arena.capacity(reference);
  }

  copyOut(reference: Reference, at: number, length: number, target: Uint8Array, targetAt: number): void {
    this.arena.copyOut(reference, at, length, target, targetAt);
  }

  nextPage(keyspaceId: number, page: number): number {
    return this.arena.nextPage(keyspaceId, page);
  }

  forEachRecordInPage(page: number, visit: (reference: Reference) => void): void {
    this.arena.forEachRecordInPage(page, (reference) => {
      if (--this.left !== 0) visit(reference);
    });
  }
}

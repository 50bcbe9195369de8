/**
 * An arena that watches its callers and itself, for tests: every command runs as under a view of its own, and a checksum
 * of every page ever used tells which ones changed. It finds
 *
 * - a page that changed and was not announced to the barrier, or changed before it was;
 * - a command that announces more pages than the bound it declares;
 * - bytes put outside the range that the last `write` granted, or after the command's end;
 * - a slot that is read or written after it was freed;
 * - a page of an open view that is not as it was at the cut while the view has still to read it.
 *
 * Slow: it reads all pages after each command.
 */

import { Arena, type ArenaOptions } from './arena.js';
import type { PageView } from './page-view.js';
import type { ReadableBytes, Reference, WritableOffset } from './reference.js';
import { CHUNK_PAGES, CHUNK_SHIFT, PAGE_BYTES, PAGE_SHIFT } from './size-classes.js';

/** `viewId << 2`: one view further. */
const NEXT_BASE = 4;

export type DebugArenaErrorCode =
  | 'CHANGED_UNANNOUNCED'
  | 'CHANGED_BEFORE_ANNOUNCED'
  | 'PAGE_BOUND_EXCEEDED'
  | 'CHANGED_UNDER_VIEW'
  | 'OUTSIDE_COMMAND'
  | 'OUTSIDE_GRANT'
  | 'NOT_IN_USE';

/** A broken rule of the arena; never to be caught but by the test's runner. */
export class DebugArenaError extends Error {
  readonly code: DebugArenaErrorCode;

  constructor(code: DebugArenaErrorCode, message: string) {
    super(message);
    this.name = 'DebugArenaError';
    this.code = code;
  }
}

export class DebugArena extends Arena {
  private command = '';
  private inCommand = false;
  private pageBound = 0;
  private pagesAnnounced = 0;
  private grantReference: Reference = 0;
  private grantStart = 0;
  private grantEnd = 0;
  /** Of every page ever used in a chunk that is held, as it was when it was last announced or checked. */
  private readonly checksums = new Map<number, number>();
  /** Of the pages that the open view has still to read, as they were at the cut. */
  private readonly cutChecksums = new Map<number, number>();

  constructor(options: ArenaOptions = {}) {
    super(options);
    this.base = NEXT_BASE;
  }

  /**
   * A command begins that may change at most `pageBound` pages that are in use now. What the engine does between
   * commands (freeing in slices, expiry) is a command too.
   */
  commandBegin(name: string, pageBound: number): void {
    if (this.inCommand) this.fail('OUTSIDE_COMMAND', `${name} begins inside ${this.command}`);
    this.command = name;
    this.inCommand = true;
    this.pageBound = pageBound;
    this.pagesAnnounced = 0;
    this.base += NEXT_BASE;
  }

  /** The command is over: the rights to write end, and every page is compared. */
  commandEnd(): void {
    if (!this.inCommand) this.fail('OUTSIDE_COMMAND', 'a command ends that has not begun');
    this.endGrant();
    this.checkAll();
    if (this.view !== null) this.checkView(this.view);
    this.inCommand = false;
    this.base += NEXT_BASE;
  }

  // ---- Reading: only what is in use --------------------------------------------------------------------------------

  override bytes(reference: Reference): ReadableBytes {
    this.requireInUse(reference);
    return super.bytes(reference);
  }

  override offset(reference: Reference): number {
    this.requireInUse(reference);
    return super.offset(reference);
  }

  override capacity(reference: Reference): number {
    this.requireInUse(reference);
    return super.capacity(reference);
  }

  override copyOut(reference: Reference, at: number, length: number, target: Uint8Array, targetAt: number): void {
    this.requireInside(reference, at, length);
    super.copyOut(reference, at, length, target, targetAt);
  }

  override equals(reference: Reference, at: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.requireInside(reference, at, end - start);
    return super.equals(reference, at, bytes, start, end);
  }

  // ---- Writing: only inside the grant ------------------------------------------------------------------------------

  override write(reference: Reference, at: number, length: number): WritableOffset {
    this.requireInUse(reference);
    if (!this.inCommand) this.fail('OUTSIDE_COMMAND', `write to ${name(reference)}`);
    this.endGrant();
    const offset = super.write(reference, at, length);
    this.grantReference = reference;
    this.grantStart = offset;
    this.grantEnd = offset + length;
    return offset;
  }

  override put8(offset: WritableOffset, value: number): void {
    this.requireGrant(offset, 1);
    super.put8(offset, value);
  }

  override put16(offset: WritableOffset, value: number): void {
    this.requireGrant(offset, 2);
    super.put16(offset, value);
  }

  override put32(offset: WritableOffset, value: number): void {
    this.requireGrant(offset, 4);
    super.put32(offset, value);
  }

  override put(offset: WritableOffset, source: Uint8Array, start: number, end: number): void {
    if (start < 0 || end < start || end > source.length) {
      this.fail('OUTSIDE_GRANT', `put of bytes ${start} to ${end} of ${source.length}`);
    }
    this.requireGrant(offset, end - start);
    super.put(offset, source, start, end);
  }

  override putFrom(offset: WritableOffset, from: Reference, at: number, length: number): void {
    this.requireGrant(offset, length);
    this.requireInside(from, at, length);
    super.putFrom(offset, from, at, length);
  }

  override fill(offset: WritableOffset, value: number, length: number): void {
    this.requireGrant(offset, length);
    super.fill(offset, value, length);
  }

  override free(reference: Reference): void {
    if (reference === this.grantReference) this.endGrant();
    super.free(reference);
  }

  override detach(keyspaceId: number): void {
    this.endGrant();
    super.detach(keyspaceId);
  }

  // ---- Views -------------------------------------------------------------------------------------------------------

  /** Every page of the view is compared with the cut until the view has read it, and its copy at once. */
  override cut(ringCells?: number): PageView {
    if (this.inCommand) this.fail('OUTSIDE_COMMAND', 'a view is cut');
    const view = super.cut(ringCells);
    this.cutChecksums.clear();
    for (let page = 1; page < view.share.pageEnd; page++) {
      if (view.share.kinds[page] !== 0) this.cutChecksums.set(page, this.checksum(page));
    }
    return view;
  }

  /** Commands go on having a base of their own. */
  protected override beginBase(): void {
    this.base += NEXT_BASE;
  }

  private checkView(view: PageView): void {
    for (const [page, before] of this.cutChecksums) {
      if (!view.isPending(page)) this.cutChecksums.delete(page);
      else if (this.checksum(page) !== before) {
        this.fail('CHANGED_UNDER_VIEW', `page ${page} is not as it was at the cut, and the view has not read it`);
      }
    }
  }

  // ---- The barrier -------------------------------------------------------------------------------------------------

  override extraRoom(pages: number): boolean {
    this.pageBound += pages;
    return super.extraRoom(pages);
  }

  protected override beforeFirstWrite(page: number): void {
    if (!this.inCommand) this.fail('OUTSIDE_COMMAND', `page ${page} is written`);
    this.checkFirstAnnouncement(page);
    this.pagesAnnounced++;
    if (this.pagesAnnounced > this.pageBound) {
      this.fail('PAGE_BOUND_EXCEEDED', `page ${page} is one more than the ${this.pageBound} that the command declares`);
    }
    super.beforeFirstWrite(page);
  }

  protected override beforeFirstUse(page: number): void {
    if (!this.inCommand) this.fail('OUTSIDE_COMMAND', `page ${page} is handed out`);
    this.checkFirstAnnouncement(page);
    super.beforeFirstUse(page);
  }

  /** Pages of a chunk that goes are compared while they are there. */
  protected override dropEmptyChunks(keep: number): void {
    if (this.freePages.emptyChunks > keep) {
      for (const page of this.checksums.keys()) {
        if (!this.freePages.isEmpty(page >>> CHUNK_SHIFT)) continue;
        this.checkPage(page);
      }
    }
    super.dropEmptyChunks(keep);
    for (const page of this.checksums.keys()) {
      if (!this.freePages.isPresent(page >>> CHUNK_SHIFT)) this.checksums.delete(page);
    }
  }

  // ---- Checks ------------------------------------------------------------------------------------------------------

  private checkFirstAnnouncement(page: number): void {
    const before = this.checksums.get(page) ?? ZEROES_CHECKSUM;
    if (this.checksum(page) !== before) {
      this.fail('CHANGED_BEFORE_ANNOUNCED', `page ${page} has changed before it was announced`);
    }
    this.checksums.set(page, before);
  }

  private checkAll(): void {
    const end = this.freePages.chunkEnd << CHUNK_SHIFT;
    for (let page = 1; page < end; page++) {
      if (this.pages.kind[page] !== 0 && !this.checksums.has(page)) this.checksums.set(page, ZEROES_CHECKSUM);
    }
    for (const page of this.checksums.keys()) this.checkPage(page);
  }

  private checkPage(page: number): void {
    const now = this.checksum(page);
    if (this.pages.mine[page] !== this.base && now !== this.checksums.get(page)) {
      this.fail('CHANGED_UNANNOUNCED', `page ${page} has changed and was never announced`);
    }
    this.checksums.set(page, now);
  }

  private checksum(page: number): number {
    const at = (page & (CHUNK_PAGES - 1)) << PAGE_SHIFT;
    return checksumOf(new Int32Array(this.chunks[page >>> CHUNK_SHIFT]!.buffer, at, PAGE_BYTES >>> 2));
  }

  private endGrant(): void {
    this.grantReference = 0;
    this.grantStart = 0;
    this.grantEnd = 0;
  }

  private requireGrant(offset: WritableOffset, length: number): void {
    if (length < 0 || offset < this.grantStart || offset + length > this.grantEnd) {
      this.fail(
        'OUTSIDE_GRANT',
        `put of ${length} bytes at ${offset}, granted are ${this.grantStart} to ${this.grantEnd} of ${name(this.grantReference)}`,
      );
    }
  }

  private requireInUse(reference: Reference): void {
    if (!this.isInUse(reference)) this.fail('NOT_IN_USE', `${name(reference)} is not in use`);
  }

  private requireInside(reference: Reference, at: number, length: number): void {
    const capacity = this.capacity(reference);
    if (at < 0 || length < 0 || at + length > capacity) {
      this.fail('NOT_IN_USE', `bytes ${at} to ${at + length} are not among the ${capacity} of ${name(reference)}`);
    }
  }

  private fail(code: DebugArenaErrorCode, what: string): never {
    throw new DebugArenaError(code, `${this.command === '' ? 'before any command' : this.command}: ${what}`);
  }
}

function name(reference: Reference): string {
  return `page ${reference >>> 8} slot ${reference & 0xff}`;
}

/** Any single changed word changes it: each step is a bijection of the sum before. */
function checksumOf(words: Int32Array): number {
  let sum = 0;
  for (let i = 0; i < words.length; i++) sum = (Math.imul(sum, 0x01000193) + words[i]! + 1) | 0;
  return sum;
}

const ZEROES_CHECKSUM = checksumOf(new Int32Array(PAGE_BYTES >>> 2));

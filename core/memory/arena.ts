/**
 * The arena: 4 KiB pages in chunks of shared memory, cut into slots by size class, and the one barrier that every
 * change of a page passes. Here are resolving, reading, writing and allocating; what the bytes mean (records, nodes,
 * parts) is the keyspace's. `docs/memory.md` describes the layout of a page.
 *
 *   reference = page (24 bits) << 8 | slot (8 bits)
 *   page      = chunk << 10 | page inside the chunk
 *
 * The chunks' typed arrays never leave this class but as `ReadableBytes`.
 */

import { ArenaError } from './arena-error.js';
import { BULK_BYTES_MIN, copyBytes, copyViews, equalBytes, equalViews, ViewMemory } from './byte-copy.js';
import { FreePages } from './free-pages.js';
import { FrozenPages } from './frozen-pages.js';
import { writePageHeader } from './page-header.js';
import { KEYSPACE_OPEN, PageOwners, partialList } from './page-owners.js';
import { KIND_COUNT, KIND_FREE, KIND_INSIDE, KIND_NODE, KIND_RECORD, KIND_RUN, PageTable } from './page-table.js';
import type { PageView } from './page-view.js';
import type { ReadableArena } from './readable-arena.js';
import type { ReadableBytes, Reference, WritableOffset } from './reference.js';
import { pagesToReserve } from './reservation.js';
import {
  CHUNK_BYTES,
  CHUNK_PAGES,
  CHUNK_SHIFT,
  CLASS_BYTES,
  CLASS_PAGES,
  CLASS_SLOTS,
  HEADER_BYTES,
  PAGE_BYTES,
  PAGE_SHIFT,
  PAGES_MAX,
  SINGLE_PAGE_BYTES_MAX,
  SLOT_BYTES_MAX,
  SPAN_PAGES_MAX,
  sizeClassOf,
} from './size-classes.js';

const PAGE_MASK = CHUNK_PAGES - 1;
/** Words of the bitmap of free slots, per page: 256 bits. */
const SLOT_WORDS_SHIFT = 3;
/** Wholly free chunks kept for reuse. */
const FREE_CHUNKS_KEPT = 4;
/** Pages of an empty chunk that any mix of spans can use: all but the reserved page 0 and 15 behind the last span. */
const CHUNK_PAGES_GUARANTEED = CHUNK_PAGES - SPAN_PAGES_MAX;
/** Pages swept when an allocation finds none free. */
const SWEEP_BEFORE_GROWTH = 64;
/** A record's first byte: bit 7 says that the slot holds a record. */
const LIVE_MARK = 0x80;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(new ArrayBuffer(0));
const NO_WORDS = new Int32Array(0);

export interface ArenaOptions {
  /** Highest page number ever used, 1 to 2^24 - 1 (the default). 4 KiB each. */
  readonly pagesMax?: number;
  /** Gets zeroed memory from the system, and throws where it refuses. Given by tests. */
  readonly allocate?: (bytes: number) => SharedArrayBuffer;
}

/** The allocator's books. */
export interface ArenaTables {
  readonly pages: PageTable;
  readonly owners: PageOwners;
  readonly freePages: FreePages;
}

export interface ArenaStats {
  /** Sum of the sizes of slots and runs in use. */
  readonly usedBytes: number;
  /** Pages that hold them, in bytes. */
  readonly pageBytes: number;
  /** Free pages of the chunks held, in bytes. */
  readonly freeBytes: number;
  /** Pages let go of by `detach` and not swept yet, in bytes. */
  readonly detachedBytes: number;
  /** Pages that are free but for a view, in bytes. */
  readonly limboBytes: number;
  readonly chunkCount: number;
  readonly emptyChunkCount: number;
  /** By kind: free, record, node, run (pages inside spans and runs count for the kind of their first page). */
  readonly pagesByKind: readonly number[];
  /** Bytes of pages in use per byte of slots in use; 1 is none wasted. */
  readonly fragmentation: number;
}

/**
 * A buffer that could grow, but is made at its full length, is mapped and unmapped by itself. An ordinary one comes from
 * malloc, which after the first release keeps such blocks: half of 400 MB dropped, and resident memory did not fall.
 * Arrays of fixed length over it are as fast as any; only those that track its length are slow.
 */
function systemAllocate(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(bytes, { maxByteLength: bytes });
}

export class Arena implements ReadableArena {
  /** Sum of the sizes of slots and runs in use, but for detached keyspaces. */
  usedBytes = 0;
  /** Chunks given back since the beginning: the system has them once the garbage collector has run. */
  chunksDropped = 0;
  /** What defragmentation works on; nobody else changes it. */
  readonly tables: ArenaTables;
  /** Pages of detached keyspaces that `sweep` has not freed yet. */
  detachedPages = 0;

  /** `viewId << 2` of the newest view, open or not. A page whose `mine` is equal may be written. */
  protected base = 0;
  protected readonly pages: PageTable;
  protected readonly freePages = new FreePages();
  protected readonly frozen: FrozenPages;
  protected readonly owners = new PageOwners();
  /** By chunk; an absent chunk is an empty array. */
  protected readonly chunks: Uint8Array[] = [];
  /** The same chunks, for four bytes at a time. */
  private readonly views: DataView[] = [];
  /** Pages' states in shared memory, by chunk: what the snapshot thread claims by. */
  protected readonly states: Int32Array[] = [];

  /** Free slots of every page, 8 words of 32 bits each, by chunk; a set bit is free. */
  protected readonly slotMaps: Int32Array[] = [];
  /** The chunk of the last `write`. */
  private targetChunk = 0;
  private target: DataView = NO_VIEW;
  private readonly sources = new ViewMemory();
  private readonly outputs = new ViewMemory();

  private readonly pagesMax: number;
  private readonly allocate: (bytes: number) => SharedArrayBuffer;
  private readonly pagesByKind = new Float64Array(KIND_COUNT);
  /** Empty chunks that are not given back: more than usual while a command's reservation stands. */
  private chunksKept = FREE_CHUNKS_KEPT;

  constructor(options: ArenaOptions = {}) {
    const pagesMax = options.pagesMax ?? PAGES_MAX;
    if (!Number.isInteger(pagesMax) || pagesMax < 1 || pagesMax > PAGES_MAX) {
      throw new ArenaError('ARENA_MISUSE', `pagesMax is ${pagesMax}, it must be 1 to ${PAGES_MAX}`);
    }
    this.pagesMax = pagesMax;
    this.allocate = options.allocate ?? systemAllocate;
    this.pages = new PageTable(pagesMax);
    this.frozen = new FrozenPages(this.pages, this.freePages);
    this.tables = { pages: this.pages, owners: this.owners, freePages: this.freePages };
  }

  // ---- Reading -----------------------------------------------------------------------------------------------------

  /** The chunk that the reference lies in. */
  bytes(reference: Reference): ReadableBytes {
    return this.chunks[reference >>> 18]!;
  }

  /** Where the slot, or what a run carries, begins in its chunk. */
  offset(reference: Reference): number {
    return (
      (((reference >>> 8) & PAGE_MASK) << PAGE_SHIFT) +
      HEADER_BYTES +
      (reference & 0xff) * this.pages.slotBytes[reference >>> 8]!
    );
  }

  /** Bytes of the slot, or that the run carries. */
  capacity(reference: Reference): number {
    return this.pages.slotBytes[reference >>> 8]!;
  }

  /** Copies `length` bytes from `at` in the slot to `target`. */
  copyOut(reference: Reference, at: number, length: number, target: Uint8Array, targetAt: number): void {
    const chunk = reference >>> 18;
    const from = this.offset(reference) + at;
    const outputs = this.outputs;
    if (length < BULK_BYTES_MIN && (target === outputs.owner || outputs.remember(target))) {
      copyViews(outputs.view, targetAt, this.views[chunk]!, from, from + length);
    } else {
      copyBytes(target, targetAt, this.chunks[chunk]!, from, from + length);
    }
  }

  /** Whether the slot's bytes from `at` are `bytes[start..end)`. */
  equals(reference: Reference, at: number, bytes: Uint8Array, start: number, end: number): boolean {
    const chunk = reference >>> 18;
    const from = this.offset(reference) + at;
    const sources = this.sources;
    return bytes === sources.owner || sources.remember(bytes)
      ? equalViews(this.views[chunk]!, from, sources.view, start, end)
      : equalBytes(this.chunks[chunk]!, from, bytes, start, end);
  }

  // ---- Writing -----------------------------------------------------------------------------------------------------

  /**
   * The only way to a writable offset: passes the barrier for the pages that `[at, at + length)` of the slot covers.
   * The right to write ends with the next `write`, or with the command.
   */
  write(reference: Reference, at: number, length: number): WritableOffset {
    const page = reference >>> 8;
    const pages = this.pages;
    const slotBytes = pages.slotBytes[page]!;
    if (at < 0 || length < 0 || at + length > slotBytes) this.refuseWrite(reference, at, length);
    const from = ((page & PAGE_MASK) << PAGE_SHIFT) + HEADER_BYTES + (reference & 0xff) * slotBytes + at;
    if (length > 0) {
      const first = (page & ~PAGE_MASK) | (from >>> PAGE_SHIFT);
      const last = (page & ~PAGE_MASK) | ((from + length - 1) >>> PAGE_SHIFT);
      if (pages.mine[first] !== this.base) this.beforeFirstWrite(first);
      for (let touched = first + 1; touched <= last; touched++) {
        if (pages.mine[touched] !== this.base) this.beforeFirstWrite(touched);
      }
    }
    this.targetChunk = reference >>> 18;
    this.target = this.views[reference >>> 18]!;
    return from as WritableOffset;
  }

  /** The offset `count` bytes further, inside the range of the same `write`. */
  advance(offset: WritableOffset, count: number): WritableOffset {
    return (offset + count) as WritableOffset;
  }

  put8(offset: WritableOffset, value: number): void {
    this.target.setInt8(offset, value);
  }

  /** Little endian. */
  put16(offset: WritableOffset, value: number): void {
    this.target.setInt16(offset, value, true);
  }

  /** Little endian. */
  put32(offset: WritableOffset, value: number): void {
    this.target.setInt32(offset, value, true);
  }

  /** Copies `source[start..end)`. */
  put(offset: WritableOffset, source: Uint8Array, start: number, end: number): void {
    const sources = this.sources;
    if (end - start < BULK_BYTES_MIN && (source === sources.owner || sources.remember(source))) {
      copyViews(this.target, offset, sources.view, start, end);
    } else {
      copyBytes(this.chunks[this.targetChunk]!, offset, source, start, end);
    }
  }

  /** Copies from another slot, or inside one slot, where the ranges may overlap. */
  putFrom(offset: WritableOffset, from: Reference, at: number, length: number): void {
    const chunk = from >>> 18;
    const start = this.offset(from) + at;
    if (chunk === this.targetChunk && start < offset + length && offset < start + length) {
      this.chunks[chunk]!.copyWithin(offset, start, start + length);
    } else if (length < BULK_BYTES_MIN) {
      copyViews(this.target, offset, this.views[chunk]!, start, start + length);
    } else {
      copyBytes(this.chunks[this.targetChunk]!, offset, this.chunks[chunk]!, start, start + length);
    }
  }

  fill(offset: WritableOffset, value: number, length: number): void {
    this.chunks[this.targetChunk]!.fill(value, offset, offset + length);
  }

  // ---- Allocating --------------------------------------------------------------------------------------------------

  /**
   * A slot for a record of 1 to 16,384 bytes. Its bytes are undefined but for the live mark, which is clear: the record
   * lives once bit 7 of its first byte is written. Throws `ARENA_FULL` where there is no memory (see `reserve`).
   */
  allocRecord(keyspaceId: number, length: number): Reference {
    return this.allocSlot(keyspaceId, KIND_RECORD, length);
  }

  /** A slot of 1 to 16,384 bytes, undefined, for what is reached from a record. Throws as `allocRecord` does. */
  allocNode(keyspaceId: number, length: number): Reference {
    return this.allocSlot(keyspaceId, KIND_NODE, length);
  }

  /** 1 to 16 contiguous pages, which carry all their bytes but for 16 of header. Throws as `allocRecord` does. */
  allocRun(keyspaceId: number, pageCount: number): Reference {
    if (!Number.isInteger(pageCount) || pageCount < 1 || pageCount > SPAN_PAGES_MAX) {
      throw new ArenaError('ARENA_MISUSE', `a run has 1 to ${SPAN_PAGES_MAX} pages, not ${pageCount}`);
    }
    this.owners.requireOpen(keyspaceId);
    const first = this.takePages(pageCount);
    const pages = this.pages;
    pages.slotBytes[first] = pageCount * PAGE_BYTES - HEADER_BYTES;
    pages.slotsUsed[first] = 1;
    this.own(first, pageCount, keyspaceId, KIND_RUN, pageCount);
    this.owners.bytes[keyspaceId]! += pageCount * PAGE_BYTES;
    this.usedBytes += pageCount * PAGE_BYTES;
    return first << 8;
  }

  /** Frees a slot or run. Throws `ARENA_MISUSE` where it is not in use, or of a detached keyspace. */
  free(reference: Reference): void {
    const page = reference >>> 8;
    const pages = this.pages;
    const kind = pages.kind[page];
    const keyspaceId = pages.keyspace[page]!;
    if (kind === KIND_RECORD || kind === KIND_NODE) {
      this.freeSlot(reference, page, kind, keyspaceId);
      return;
    }
    if (kind !== KIND_RUN || (reference & 0xff) !== 0) this.refuseFree(reference);
    const pageCount = pages.sizeClass[page]!;
    this.owners.requireOpen(keyspaceId);
    this.owners.bytes[keyspaceId]! -= pageCount * PAGE_BYTES;
    this.usedBytes -= pageCount * PAGE_BYTES;
    this.releasePages(page, pageCount, kind, keyspaceId);
  }

  /** Whether the reference names a slot or run in use, of a keyspace that is not detached. */
  isInUse(reference: Reference): boolean {
    const page = reference >>> 8;
    const kind = this.pages.kind[page] ?? KIND_FREE;
    if (kind === KIND_FREE || kind === KIND_INSIDE) return false;
    if (this.owners.state[this.pages.keyspace[page]!] !== KEYSPACE_OPEN) return false;
    const slot = reference & 0xff;
    if (kind === KIND_RUN) return slot === 0;
    const word = this.slotMaps[page >>> CHUNK_SHIFT]![((page & PAGE_MASK) << SLOT_WORDS_SHIFT) | (slot >>> 5)]!;
    return slot < CLASS_SLOTS[this.pages.sizeClass[page]!]! && (word & (1 << (slot & 31))) === 0;
  }

  private allocSlot(keyspaceId: number, kind: number, length: number): Reference {
    if (length < 1 || length > SLOT_BYTES_MAX || this.owners.state[keyspaceId] !== KEYSPACE_OPEN) {
      this.prepareAlloc(keyspaceId, length);
    }
    const sizeClass = sizeClassOf(length);
    const list = partialList(keyspaceId, kind, sizeClass);
    let page = this.owners.partial[list]!;
    if (page === 0) page = this.addSpan(keyspaceId, kind, sizeClass, list);
    const map = this.slotMaps[page >>> CHUNK_SHIFT]!;
    let at = (page & PAGE_MASK) << SLOT_WORDS_SHIFT;
    let word = map[at]!;
    while (word === 0) word = map[++at]!;
    map[at] = word & (word - 1);
    const slot = ((at & 7) << 5) | (31 - Math.clz32(word & -word));
    const pages = this.pages;
    const used = pages.slotsUsed[page]! + 1;
    pages.slotsUsed[page] = used;
    if (used === CLASS_SLOTS[sizeClass]) pages.removePartial(this.owners.partial, list, page);
    const bytes = CLASS_BYTES[sizeClass]!;
    this.owners.bytes[keyspaceId]! += bytes;
    this.usedBytes += bytes;
    return (page << 8) | slot;
  }

  private freeSlot(reference: Reference, page: number, kind: number, keyspaceId: number): void {
    const pages = this.pages;
    const slot = reference & 0xff;
    const sizeClass = pages.sizeClass[page]!;
    const map = this.slotMaps[page >>> CHUNK_SHIFT]!;
    const at = ((page & PAGE_MASK) << SLOT_WORDS_SHIFT) | (slot >>> 5);
    const bit = 1 << (slot & 31);
    if (slot >= CLASS_SLOTS[sizeClass]! || (map[at]! & bit) !== 0) this.refuseFree(reference);
    if (this.owners.state[keyspaceId] !== KEYSPACE_OPEN) this.owners.requireOpen(keyspaceId);
    const bytes = pages.slotBytes[page]!;
    if (kind === KIND_RECORD) {
      const from = ((page & PAGE_MASK) << PAGE_SHIFT) + HEADER_BYTES + slot * bytes;
      const marked = (page & ~PAGE_MASK) | (from >>> PAGE_SHIFT);
      if (pages.mine[marked] !== this.base) this.beforeFirstWrite(marked);
      this.chunks[page >>> CHUNK_SHIFT]![from]! &= ~LIVE_MARK;
    }
    map[at]! |= bit;
    this.owners.bytes[keyspaceId]! -= bytes;
    this.usedBytes -= bytes;
    const used = pages.slotsUsed[page]! - 1;
    pages.slotsUsed[page] = used;
    const slots = CLASS_SLOTS[sizeClass]!;
    const list = partialList(keyspaceId, kind, sizeClass);
    if (used === 0) {
      if (slots > 1) pages.removePartial(this.owners.partial, list, page);
      this.releasePages(page, CLASS_PAGES[sizeClass]!, kind, keyspaceId);
    } else if (used === slots - 1) {
      pages.pushPartial(this.owners.partial, list, page);
    }
  }

  /** Makes a span of the class ready: header, clear marks, all slots free, in front of its list. */
  private addSpan(keyspaceId: number, kind: number, sizeClass: number, list: number): number {
    const pageCount = CLASS_PAGES[sizeClass]!;
    const first = this.takePages(pageCount);
    const pages = this.pages;
    const bytes = CLASS_BYTES[sizeClass]!;
    const slots = CLASS_SLOTS[sizeClass]!;
    pages.slotBytes[first] = bytes;
    pages.slotsUsed[first] = 0;
    this.own(first, pageCount, keyspaceId, kind, sizeClass);
    if (kind === KIND_RECORD) {
      const chunk = this.chunks[first >>> CHUNK_SHIFT]!;
      const from = ((first & PAGE_MASK) << PAGE_SHIFT) + HEADER_BYTES;
      for (let slot = 0; slot < slots; slot++) chunk[from + slot * bytes] = 0;
    }
    const map = this.slotMaps[first >>> CHUNK_SHIFT]!;
    const at = (first & PAGE_MASK) << SLOT_WORDS_SHIFT;
    for (let word = 0; word < 8; word++) {
      const bits = slots - (word << 5);
      map[at + word] = bits >= 32 ? -1 : bits <= 0 ? 0 : (1 << bits) - 1;
    }
    pages.pushPartial(this.owners.partial, list, first);
    return first;
  }

  /** Enters the pages in the tables and writes the header. `sizeClass` is the number of pages for a run. */
  protected own(first: number, pageCount: number, keyspaceId: number, kind: number, sizeClass: number): void {
    const pages = this.pages;
    for (let page = first; page < first + pageCount; page++) {
      if (pages.mine[page] !== this.base) this.beforeFirstUse(page);
      pages.kind[page] = KIND_INSIDE;
    }
    pages.kind[first] = kind;
    pages.sizeClass[first] = sizeClass;
    pages.keyspace[first] = keyspaceId;
    pages.pushOwned(this.owners.owned, keyspaceId, first);
    this.owners.pages[keyspaceId]! += pageCount;
    this.pagesByKind[kind]! += pageCount;
    const chunk = this.chunks[first >>> CHUNK_SHIFT]!;
    const at = (first & PAGE_MASK) << PAGE_SHIFT;
    writePageHeader(chunk, at, kind, sizeClass, pageCount, keyspaceId, first);
  }

  /** Takes pages out of use: out of the owner's list and back to the free ones, bytes untouched. */
  protected releasePages(first: number, pageCount: number, kind: number, keyspaceId: number): void {
    const pages = this.pages;
    pages.removeOwned(this.owners.owned, keyspaceId, first);
    this.owners.pages[keyspaceId]! -= pageCount;
    this.pagesByKind[kind]! -= pageCount;
    pages.kind.fill(KIND_FREE, first, first + pageCount);
    pages.slotBytes[first] = 0;
    pages.slotsUsed[first] = 0;
    if (this.frozen.release(first, pageCount)) this.dropEmptyChunks(this.chunksKept);
  }

  // ---- Keyspaces ---------------------------------------------------------------------------------------------------

  /** Opens a keyspace id: the one wanted, or the lowest that owns no page and that nobody else has opened. */
  openKeyspace(wanted = -1): number {
    if (wanted >= 0) {
      this.owners.requireOpen(wanted);
      return wanted;
    }
    return this.owners.openUnused();
  }

  /**
   * Lets go of all pages of a keyspace at once, unread; `sweep` frees them later. The id is closed until then: its
   * references are void, and allocating for it throws `ARENA_MISUSE`. Go on with a new one from `openKeyspace`.
   */
  detach(keyspaceId: number): void {
    this.owners.requireOpen(keyspaceId);
    this.usedBytes -= this.owners.bytes[keyspaceId]!;
    this.detachedPages += this.owners.detach(keyspaceId);
  }

  /**
   * Frees detached pages and those that waited for a view, at most `pageBudget` and a span of each. Called between
   * commands. Returns the pages still waiting, 0 where nothing can be done before an open view has read on.
   */
  sweep(pageBudget: number): number {
    this.chunksKept = FREE_CHUNKS_KEPT;
    const freed = this.sweepPages(pageBudget) + this.frozen.releaseLimbo(pageBudget);
    this.dropEmptyChunks(FREE_CHUNKS_KEPT);
    return freed === 0 && this.frozen.view !== null ? 0 : this.detachedPages + this.frozen.limboPages;
  }

  /** Gives every wholly free chunk back to the system, which has it once the garbage collector has run. */
  purge(): void {
    this.chunksKept = FREE_CHUNKS_KEPT;
    this.dropEmptyChunks(0);
  }

  /** The first page of the keyspace's next span or run behind `page` (0 to begin), or 0: resumable, in any slices. */
  nextPage(keyspaceId: number, page: number): number {
    const end = this.freePages.chunkEnd << CHUNK_SHIFT;
    const pages = this.pages;
    for (let next = page + 1; next < end; next++) {
      const kind = pages.kind[next];
      if (kind !== KIND_FREE && kind !== KIND_INSIDE && pages.keyspace[next] === keyspaceId) return next;
    }
    return 0;
  }

  /** Visits the live records that begin in a span, given by its first page. */
  forEachRecordInPage(page: number, visit: (reference: Reference) => void): void {
    const pages = this.pages;
    if (pages.kind[page] !== KIND_RECORD) return;
    const slots = CLASS_SLOTS[pages.sizeClass[page]!]!;
    const chunk = this.chunks[page >>> CHUNK_SHIFT]!;
    const bytes = pages.slotBytes[page]!;
    const from = ((page & PAGE_MASK) << PAGE_SHIFT) + HEADER_BYTES;
    for (let slot = 0; slot < slots; slot++) {
      if ((chunk[from + slot * bytes]! & LIVE_MARK) !== 0) visit((page << 8) | slot);
    }
  }

  /** Visits every live record of a keyspace. `visit` may not allocate or free. */
  forEachRecord(keyspaceId: number, visit: (reference: Reference) => void): void {
    for (let page = this.nextPage(keyspaceId, 0); page !== 0; page = this.nextPage(keyspaceId, page)) {
      this.forEachRecordInPage(page, visit);
    }
  }

  /** Bytes of slots and runs in use by one keyspace. */
  usedBytesOf(keyspaceId: number): number {
    return this.owners.bytes[keyspaceId] ?? 0;
  }

  /** Pages that hold slots and runs in use of living keyspaces. */
  get livingPages(): number {
    const held = this.pagesByKind[KIND_RECORD]! + this.pagesByKind[KIND_NODE]! + this.pagesByKind[KIND_RUN]!;
    return held - this.detachedPages;
  }

  get chunkCount(): number {
    return this.freePages.chunkCount;
  }

  get stats(): ArenaStats {
    const living = this.livingPages;
    return {
      usedBytes: this.usedBytes,
      pageBytes: living * PAGE_BYTES,
      freeBytes: this.freePages.freePages * PAGE_BYTES,
      detachedBytes: this.detachedPages * PAGE_BYTES,
      limboBytes: this.frozen.limboPages * PAGE_BYTES,
      chunkCount: this.freePages.chunkCount,
      emptyChunkCount: this.freePages.emptyChunks,
      pagesByKind: [
        this.freePages.freePages,
        this.pagesByKind[KIND_RECORD]!,
        this.pagesByKind[KIND_NODE]!,
        this.pagesByKind[KIND_RUN]!,
      ],
      fragmentation: this.usedBytes === 0 ? 1 : (living * PAGE_BYTES) / this.usedBytes,
    };
  }

  // ---- Memory from the system --------------------------------------------------------------------------------------

  /**
   * Whether allocations of that many bytes more cannot fail, in any mix, each counted as at least 16 bytes and a run as
   * all bytes of its pages. Gets chunks ahead of time. Called before a command's first mutation.
   */
  reserve(bytes: number): boolean {
    const needed = pagesToReserve(bytes);
    const chunks = Math.ceil(needed / CHUNK_PAGES_GUARANTEED);
    this.chunksKept = Math.max(FREE_CHUNKS_KEPT, chunks);
    if (chunks <= this.freePages.emptyChunks) return true;
    return this.reserveMore(bytes, needed, chunks);
  }

  /**
   * Whether what the engine does before a command, in the same step, may change so many pages more: an eviction. Asked for
   * each one, because no command declares them.
   */
  extraRoom(pages: number): boolean {
    return this.room(pages);
  }

  private reserveMore(bytes: number, needed: number, chunks: number): boolean {
    while (this.freePages.emptyChunks < chunks) {
      if (this.freeSome()) continue;
      if (!this.addChunk()) return this.fitsHeldChunks(bytes, needed);
    }
    return true;
  }

  /** Whether the free pages between those in use are enough: any will do for spans of one page, else runs of 16. */
  private fitsHeldChunks(bytes: number, needed: number): boolean {
    if (bytes <= SINGLE_PAGE_BYTES_MAX) return this.freePages.freePages >= needed;
    return this.freePages.guaranteedPages(needed) >= needed;
  }

  private takePages(pageCount: number): number {
    let first = this.freePages.take(pageCount);
    while (first === 0) {
      if (!this.freeSome() && !this.addChunk()) this.refuseAlloc(pageCount);
      first = this.freePages.take(pageCount);
    }
    return first;
  }

  /** Frees some pages that were let go of; false where there are none, or an open view needs them. */
  private freeSome(): boolean {
    if (this.detachedPages > 0 && this.sweepPages(SWEEP_BEFORE_GROWTH) > 0) return true;
    return this.frozen.limboPages > 0 && this.frozen.releaseLimbo(SWEEP_BEFORE_GROWTH) > 0;
  }

  /** Frees detached pages that no view needs any more, and returns how many. */
  private sweepPages(pageBudget: number): number {
    const { pages, owners } = this;
    let freed = 0;
    for (let place = 0; place < owners.detachedCount && freed < pageBudget; ) {
      const keyspaceId = owners.detachedAt(place);
      const first = owners.owned[keyspaceId]!;
      const kind = pages.kind[first]!;
      const pageCount = kind === KIND_RUN ? pages.sizeClass[first]! : CLASS_PAGES[pages.sizeClass[first]!]!;
      if (this.frozen.anyFrozen(first, pageCount)) {
        place++;
        continue;
      }
      this.releasePages(first, pageCount, kind, keyspaceId);
      this.detachedPages -= pageCount;
      freed += pageCount;
      if (owners.owned[keyspaceId] === 0) owners.swept(place);
    }
    return freed;
  }

  /** Gets a chunk; false where the limit or the system refuses. */
  protected addChunk(): boolean {
    const chunk = this.freePages.lowestAbsent();
    const from = chunk === 0 ? 1 : 0;
    const end = Math.min(CHUNK_PAGES, this.pagesMax + 1 - (chunk << CHUNK_SHIFT));
    if (end <= from) return false;
    let bytes: Uint8Array;
    let view: DataView;
    let states: Int32Array;
    let slotMap: Int32Array;
    try {
      const memory = this.allocate(CHUNK_BYTES);
      bytes = new Uint8Array(memory, 0, CHUNK_BYTES);
      view = new DataView(memory, 0, CHUNK_BYTES);
      states = new Int32Array(new SharedArrayBuffer(CHUNK_PAGES * 4));
      slotMap = new Int32Array(new SharedArrayBuffer((CHUNK_PAGES << SLOT_WORDS_SHIFT) * 4));
      this.pages.ensureChunk(chunk);
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.chunks[chunk] = bytes;
    this.views[chunk] = view;
    this.states[chunk] = states;
    this.slotMaps[chunk] = slotMap;
    this.freePages.addChunk(chunk, from, end);
    return true;
  }

  protected dropEmptyChunks(keep: number): void {
    while (this.freePages.emptyChunks > keep) {
      const chunk = this.freePages.highestEmpty();
      this.freePages.removeChunk(chunk);
      this.chunksDropped++;
      if (this.target === this.views[chunk]) this.target = NO_VIEW;
      this.chunks[chunk] = NO_BYTES;
      this.views[chunk] = NO_VIEW;
      this.states[chunk] = NO_WORDS;
      this.slotMaps[chunk] = NO_WORDS;
      this.pages.mine.fill(0, chunk << CHUNK_SHIFT, (chunk + 1) << CHUNK_SHIFT);
    }
  }

  // ---- Views -------------------------------------------------------------------------------------------------------

  /**
   * Opens a view: the pages as they are now, between two commands. `view.share` goes to the thread that reads it.
   * @param ringCells see `PageView`; tests make it tiny.
   * @throws ArenaError `ARENA_MISUSE` while one is open; RangeError where there is no memory for it.
   */
  cut(ringCells?: number): PageView {
    const view = this.frozen.cut(this.chunks, this.states, this.owners.living(), ringCells);
    this.beginBase(view.base);
    return view;
  }

  /** Drops the view, read or not. What waited for it is freed by `sweep`. */
  closeView(): void {
    this.frozen.close();
  }

  /** The open view, or null: there is none, it was closed, or it broke. */
  get view(): PageView | null {
    return this.frozen.view;
  }

  /** Whether a command that changes at most `pages` pages may begin now; always, without a view. */
  room(pages: number): boolean {
    const { view } = this.frozen;
    return view === null || view.room(pages);
  }

  /** Bytes that a view costs: copies, and free pages that wait for it. */
  get viewBytes(): number {
    return this.frozen.bytes;
  }

  /** Whether the page belongs to an open view as it is: defragmentation leaves it alone, since moving would copy it. */
  isFrozen(page: number): boolean {
    return this.frozen.isFrozen(page);
  }

  /** From now on pages are announced anew. */
  protected beginBase(base: number): void {
    this.base = base;
  }

  // ---- The barrier's slow side -------------------------------------------------------------------------------------

  /** Before the first byte of a page in use changes under this base. */
  protected beforeFirstWrite(page: number): void {
    if (this.pages.kind[page] === KIND_FREE) {
      throw new ArenaError('ARENA_MISUSE', `page ${page} is free and cannot be written`);
    }
    this.frozen.preserve(page);
    this.pages.mine[page] = this.base;
  }

  /** Before the first byte of a page that was free changes under this base. */
  protected beforeFirstUse(page: number): void {
    this.frozen.bear(page);
    this.pages.mine[page] = this.base;
  }

  // ---- Refusals, apart so that the hot paths stay small ------------------------------------------------------------

  private prepareAlloc(keyspaceId: number, length: number): void {
    if (!(length >= 1 && length <= SLOT_BYTES_MAX)) {
      throw new ArenaError('ARENA_MISUSE', `a slot holds 1 to ${SLOT_BYTES_MAX} bytes, not ${length}`);
    }
    this.owners.requireOpen(keyspaceId);
  }

  private refuseWrite(reference: Reference, at: number, length: number): never {
    throw new ArenaError(
      'ARENA_MISUSE',
      `write of ${length} bytes at ${at} does not fit the ${this.capacity(reference)} bytes of page ${reference >>> 8} slot ${reference & 0xff}`,
    );
  }

  private refuseFree(reference: Reference): never {
    throw new ArenaError('ARENA_MISUSE', `page ${reference >>> 8} slot ${reference & 0xff} is not in use`);
  }

  private refuseAlloc(pageCount: number): never {
    throw new ArenaError(
      'ARENA_FULL',
      `no ${pageCount} contiguous pages: ${this.freePages.chunkCount} chunks held, limit ${this.pagesMax} pages`,
    );
  }
}

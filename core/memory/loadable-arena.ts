/**
 * An arena that can take over the pages of an image while it is empty. Pages come back under their numbers; what the
 * allocator knows of them is made anew from their headers, from the live marks of records, and from what `image-loader`
 * finds to be reached from them. What is not reached was on its way to be freed, and is.
 */

import { Arena } from './arena.js';
import { ArenaError } from './arena-error.js';
import { requireHeader } from './image-header.js';
import { type ImagePages, spanPages } from './image-pages.js';
import { partialList } from './page-owners.js';
import { KIND_FREE, KIND_INSIDE, KIND_NODE, KIND_RECORD, KIND_RUN } from './page-table.js';
import { RECORD_LIVE } from './record.js';
import type { Reference } from './reference.js';
import {
  CHUNK_PAGES,
  CHUNK_SHIFT,
  CLASS_BYTES,
  CLASS_PAGES,
  CLASS_SLOTS,
  HEADER_BYTES,
  PAGE_BYTES,
  PAGE_SHIFT,
} from './size-classes.js';

const PAGE_MASK = CHUNK_PAGES - 1;
/** Words of the bitmap of free slots, per page. */
const SLOT_WORDS_SHIFT = 3;

export class LoadableArena extends Arena {
  /** Gets the chunks for pages 1 to before `pageEnd`. @throws ArenaError `ARENA_FULL` where the system refuses. */
  loadChunks(pageEnd: number): void {
    if (this.freePages.chunkCount !== this.freePages.emptyChunks) {
      throw new ArenaError('ARENA_MISUSE', 'an image is loaded into an empty arena only');
    }
    this.purge();
    while (this.freePages.chunkEnd << CHUNK_SHIFT < pageEnd) {
      if (!this.addChunk()) throw new ArenaError('ARENA_FULL', `no memory for the ${pageEnd} pages of an image`);
    }
  }

  /**
   * The memory of the pages by chunk, for a thread that reads an image into it. A page that it may still write to is not
   * touched here, and it has ended before the arena is used for anything else.
   */
  get loadTargets(): readonly Uint8Array[] {
    return this.chunks;
  }

  /** Takes the bytes of a page, at `at` of `bytes`. */
  loadPage(page: number, bytes: Uint8Array, at: number): void {
    if (!this.freePages.isFree(page)) throw new ArenaError('ARENA_MISUSE', `page ${page} cannot be loaded`);
    this.chunks[page >>> CHUNK_SHIFT]!.set(bytes.subarray(at, at + PAGE_BYTES), (page & PAGE_MASK) << PAGE_SHIFT);
  }

  /**
   * Takes the span or run with that first page into use, whose pages are loaded: live records are, nodes and runs are not
   * before they are reached.
   * @throws ArenaError `IMAGE_WRONG` where its header says something else.
   */
  loadSpan(image: ImagePages, first: number): void {
    const { pages } = this;
    const kind = image.kinds[first]!;
    const sizeClass = image.sizeClasses[first]!;
    const keyspaceId = image.keyspaces[first]!;
    const pageCount = spanPages(image, first);
    requireHeader(image, first, this.chunks[first >>> CHUNK_SHIFT]!, (first & PAGE_MASK) << PAGE_SHIFT);
    this.freePages.takeAt(first, pageCount);
    pages.slotBytes[first] = kind === KIND_RUN ? pageCount * PAGE_BYTES - HEADER_BYTES : CLASS_BYTES[sizeClass]!;
    pages.slotsUsed[first] = 0;
    this.own(first, pageCount, keyspaceId, kind, sizeClass);
    if (kind === KIND_RUN) return;
    this.freeAllSlots(first, CLASS_SLOTS[sizeClass]!);
    if (kind === KIND_RECORD) this.useLiveSlots(first, sizeClass, keyspaceId);
  }

  /** A node that a record leads to. @throws ArenaError `IMAGE_WRONG` where there is none, or it was reached before. */
  loadNode(reference: Reference): void {
    const page = reference >>> 8;
    const { pages } = this;
    const slot = reference & 0xff;
    const sizeClass = pages.sizeClass[page]!;
    if (pages.kind[page] !== KIND_NODE || slot >= CLASS_SLOTS[sizeClass]!) this.refuseReference(reference);
    if (!this.useSlot(page, slot)) this.refuseReference(reference);
    this.count(pages.keyspace[page]!, CLASS_BYTES[sizeClass]!);
  }

  /** The same of a run that has to carry `length` bytes. */
  loadRun(reference: Reference, length: number): void {
    const page = reference >>> 8;
    const { pages } = this;
    if (pages.kind[page] !== KIND_RUN || (reference & 0xff) !== 0) this.refuseReference(reference);
    if (pages.slotsUsed[page] !== 0 || pages.slotBytes[page]! < length) this.refuseReference(reference);
    pages.slotsUsed[page] = 1;
    this.count(pages.keyspace[page]!, pages.sizeClass[page]! * PAGE_BYTES);
  }

  /** Ends the loading of one page, after all records have been followed: what nothing has reached is free. */
  loadedPage(page: number): void {
    const { pages } = this;
    const kind = pages.kind[page]!;
    if (kind === KIND_FREE || kind === KIND_INSIDE) return;
    const keyspaceId = pages.keyspace[page]!;
    const sizeClass = pages.sizeClass[page]!;
    const used = pages.slotsUsed[page]!;
    if (used === 0) {
      this.releasePages(page, kind === KIND_RUN ? sizeClass : CLASS_PAGES[sizeClass]!, kind, keyspaceId);
    } else if (kind !== KIND_RUN && used < CLASS_SLOTS[sizeClass]!) {
      pages.pushPartial(this.owners.partial, partialList(keyspaceId, kind, sizeClass), page);
    }
  }

  private freeAllSlots(first: number, slots: number): void {
    const map = this.slotMaps[first >>> CHUNK_SHIFT]!;
    const at = (first & PAGE_MASK) << SLOT_WORDS_SHIFT;
    for (let word = 0; word < 1 << SLOT_WORDS_SHIFT; word++) {
      const bits = slots - (word << 5);
      map[at + word] = bits >= 32 ? -1 : bits <= 0 ? 0 : (1 << bits) - 1;
    }
  }

  private useLiveSlots(first: number, sizeClass: number, keyspaceId: number): void {
    const chunk = this.chunks[first >>> CHUNK_SHIFT]!;
    const slotBytes = CLASS_BYTES[sizeClass]!;
    let at = ((first & PAGE_MASK) << PAGE_SHIFT) + HEADER_BYTES;
    for (let slot = 0; slot < CLASS_SLOTS[sizeClass]!; slot++, at += slotBytes) {
      if ((chunk[at]! & RECORD_LIVE) === 0) continue;
      this.useSlot(first, slot);
      this.count(keyspaceId, slotBytes);
    }
  }

  /** False where the slot is in use. */
  private useSlot(page: number, slot: number): boolean {
    const map = this.slotMaps[page >>> CHUNK_SHIFT]!;
    const at = ((page & PAGE_MASK) << SLOT_WORDS_SHIFT) | (slot >>> 5);
    const bit = 1 << (slot & 31);
    if ((map[at]! & bit) === 0) return false;
    map[at]! &= ~bit;
    this.pages.slotsUsed[page]!++;
    return true;
  }

  private count(keyspaceId: number, bytes: number): void {
    this.owners.bytes[keyspaceId]! += bytes;
    this.usedBytes += bytes;
  }

  private refuseReference(reference: Reference): never {
    const what = `page ${reference >>> 8} slot ${reference & 0xff}`;
    throw new ArenaError('IMAGE_WRONG', `a record of the image refers to ${what}, which is not what it should be`);
  }
}

/**
 * A read-only arena over a page image, with a small cache of pages: what walks records reads through it as it reads the
 * live arena. Spans and runs are kept whole, since slots cross the borders of their pages.
 */

import { ArenaError } from './arena-error.js';
import { copyBytes } from './byte-copy.js';
import { requireHeader } from './image-header.js';
import { type PageSource, spanPages } from './image-pages.js';
import { KIND_FREE, KIND_INSIDE, KIND_RECORD, KIND_RUN } from './page-table.js';
import type { ReadableArena } from './readable-arena.js';
import { RECORD_LIVE } from './record.js';
import type { ReadableBytes, Reference } from './reference.js';
import { CLASS_BYTES, CLASS_SLOTS, HEADER_BYTES, PAGE_BYTES, SPAN_PAGES_MAX } from './size-classes.js';

/** Lines of the cache: single pages, and spans and runs. At least 8 of each, see `ReadableArena.bytes`. */
const SINGLE_LINES = 256;
const SPAN_LINES = 32;

/** Places for pages or spans, the one unused for longest given up first. */
class Lines {
  readonly bytes: Uint8Array;
  private readonly lineBytes: number;
  private readonly pages: Int32Array;
  private readonly used: Float64Array;
  private clock = 0;

  constructor(count: number, lineBytes: number) {
    this.bytes = new Uint8Array(count * lineBytes);
    this.lineBytes = lineBytes;
    this.pages = new Int32Array(count);
    this.used = new Float64Array(count);
  }

  /** Notes the use of a line and returns where it begins; -1 where it does not hold the page any more. */
  touch(line: number, page: number): number {
    if (this.pages[line] !== page) return -1;
    this.used[line] = ++this.clock;
    return line * this.lineBytes;
  }

  /** A line for the page. */
  take(page: number): number {
    let oldest = 0;
    for (let line = 1; line < this.used.length; line++) {
      if (this.used[line]! < this.used[oldest]!) oldest = line;
    }
    this.pages[oldest] = page;
    this.used[oldest] = ++this.clock;
    return oldest;
  }

  begin(line: number): number {
    return line * this.lineBytes;
  }

  drop(line: number): void {
    this.pages[line] = 0;
    this.used[line] = 0;
  }
}

export class ImageArena implements ReadableArena {
  private readonly source: PageSource;
  private readonly singles = new Lines(SINGLE_LINES, PAGE_BYTES);
  private readonly spans = new Lines(SPAN_LINES, SPAN_PAGES_MAX * PAGE_BYTES);
  /** By first page: the line that may hold it. */
  private readonly lines: Uint16Array;
  /** The page or span resolved last. */
  private currentPage = 0;
  private currentBytes: Uint8Array = new Uint8Array(0);
  private currentBegin = 0;

  /** @param source its tables hold together, see `requireSoundTables`. */
  constructor(source: PageSource) {
    this.source = source;
    this.lines = new Uint16Array(source.pageEnd);
  }

  bytes(reference: Reference): ReadableBytes {
    const page = reference >>> 8;
    if (page !== this.currentPage) this.resolve(page);
    return this.currentBytes;
  }

  offset(reference: Reference): number {
    const page = reference >>> 8;
    if (page !== this.currentPage) this.resolve(page);
    return this.currentBegin + HEADER_BYTES + (reference & 0xff) * this.capacity(reference);
  }

  capacity(reference: Reference): number {
    const page = reference >>> 8;
    const sizeClass = this.source.sizeClasses[page]!;
    return this.source.kinds[page] === KIND_RUN ? sizeClass * PAGE_BYTES - HEADER_BYTES : CLASS_BYTES[sizeClass]!;
  }

  copyOut(reference: Reference, at: number, length: number, target: Uint8Array, targetAt: number): void {
    if (at < 0 || length < 0 || at + length > this.capacity(reference)) this.refuse(reference);
    const from = this.offset(reference) + at;
    copyBytes(target, targetAt, this.currentBytes, from, from + length);
  }

  nextPage(keyspaceId: number, page: number): number {
    const { kinds, keyspaces, pageEnd } = this.source;
    for (let next = page + 1; next < pageEnd; next++) {
      const kind = kinds[next];
      if (kind !== KIND_FREE && kind !== KIND_INSIDE && keyspaces[next] === keyspaceId) return next;
    }
    return 0;
  }

  forEachRecordInPage(page: number, visit: (reference: Reference) => void): void {
    if (this.source.kinds[page] !== KIND_RECORD) return;
    if (page !== this.currentPage) this.resolve(page);
    const { currentBytes: bytes, currentBegin } = this;
    const sizeClass = this.source.sizeClasses[page]!;
    const slotBytes = CLASS_BYTES[sizeClass]!;
    let at = currentBegin + HEADER_BYTES;
    for (let slot = 0; slot < CLASS_SLOTS[sizeClass]!; slot++, at += slotBytes) {
      if ((bytes[at]! & RECORD_LIVE) !== 0) visit((page << 8) | slot);
    }
  }

  private resolve(page: number): void {
    const { source } = this;
    const kind = source.kinds[page] ?? KIND_FREE;
    if (kind === KIND_FREE || kind === KIND_INSIDE) this.refuse(page << 8);
    const pageCount = spanPages(source, page);
    const cache = pageCount === 1 ? this.singles : this.spans;
    let begin = cache.touch(this.lines[page]!, page);
    if (begin < 0) {
      const line = cache.take(page);
      begin = cache.begin(line);
      // The line is not the old page's any more, and not this one's before it is read.
      this.currentPage = 0;
      try {
        source.read(page, pageCount, cache.bytes, begin);
        requireHeader(source, page, cache.bytes, begin);
      } catch (error) {
        cache.drop(line);
        throw error;
      }
      this.lines[page] = line;
    }
    this.currentPage = page;
    this.currentBytes = cache.bytes;
    this.currentBegin = begin;
  }

  private refuse(reference: Reference): never {
    const what = `page ${reference >>> 8} slot ${reference & 0xff}`;
    throw new ArenaError('IMAGE_WRONG', `the image has no such bytes at ${what}`);
  }
}

/**
 * What a page image tells of its pages, and how they are read: the seam between the readers of images and the file that
 * one lies in. The tables are by page number, as in `page-table.ts`.
 */

import { ArenaError } from './arena-error.js';
import { KEYSPACES_MAX } from './page-owners.js';
import { KIND_FREE, KIND_INSIDE, KIND_NODE, KIND_RECORD, KIND_RUN } from './page-table.js';
import { CHUNK_PAGES, CLASS_COUNT, CLASS_PAGES, SPAN_PAGES_MAX } from './size-classes.js';

export interface ImagePages {
  /** One behind the highest page. */
  readonly pageEnd: number;
  /** `KIND_FREE` of a page that is not in the image. */
  readonly kinds: Uint8Array;
  /** Of first pages: the size class, or the pages of a run. */
  readonly sizeClasses: Uint8Array;
  /** Of first pages: the keyspace that owns it. */
  readonly keyspaces: Uint16Array;
}

export interface PageSource extends ImagePages {
  /** Reads `count` pages from `first` on, all of them in the image, to `target`. Throws where one is not as it was. */
  read(first: number, count: number, target: Uint8Array, at: number): void;
}

/** Pages of the span or run with that first page. */
export function spanPages(pages: ImagePages, first: number): number {
  const sizeClass = pages.sizeClasses[first]!;
  return pages.kinds[first] === KIND_RUN ? sizeClass : CLASS_PAGES[sizeClass]!;
}

/**
 * Makes sure that the tables hold together: every span and run is whole, inside one chunk, and nothing lies between.
 * @throws ArenaError `IMAGE_WRONG`
 */
export function requireSoundTables(pages: ImagePages): void {
  const { kinds, pageEnd } = pages;
  if (pageEnd > 0 && kinds[0] !== KIND_FREE) refuse(0);
  for (let page = 1; page < pageEnd; ) {
    const kind = kinds[page]!;
    if (kind === KIND_FREE) {
      page++;
      continue;
    }
    const sizeClass = pages.sizeClasses[page]!;
    const isSlots = (kind === KIND_RECORD || kind === KIND_NODE) && sizeClass < CLASS_COUNT;
    const isRun = kind === KIND_RUN && sizeClass >= 1 && sizeClass <= SPAN_PAGES_MAX;
    if ((!isSlots && !isRun) || pages.keyspaces[page]! > KEYSPACES_MAX) refuse(page);
    const end = page + spanPages(pages, page);
    if (end > pageEnd || (page & (CHUNK_PAGES - 1)) + end - page > CHUNK_PAGES) refuse(page);
    for (page++; page < end; page++) if (kinds[page] !== KIND_INSIDE) refuse(page);
  }
}

function refuse(page: number): never {
  throw new ArenaError('IMAGE_WRONG', `page ${page} of the image cannot be what the image says of it`);
}

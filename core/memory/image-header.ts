/** Comparing the header of a page with what an image says of it: two accounts that were written apart. */

import { ArenaError } from './arena-error.js';
import { type ImagePages, spanPages } from './image-pages.js';
import {
  headerKeyspace,
  headerKind,
  headerPage,
  headerPageCount,
  headerSizeClass,
  headerVersion,
  PAGE_LAYOUT_VERSION,
} from './page-header.js';
import type { ReadableBytes } from './reference.js';

/**
 * Makes sure that the header of a first page at `at` says what the image's tables say of the page.
 * @throws ArenaError `IMAGE_WRONG`
 */
export function requireHeader(pages: ImagePages, page: number, bytes: ReadableBytes, at: number): void {
  const sound =
    headerKind(bytes, at) === pages.kinds[page] &&
    headerSizeClass(bytes, at) === pages.sizeClasses[page] &&
    headerPageCount(bytes, at) === spanPages(pages, page) &&
    headerKeyspace(bytes, at) === pages.keyspaces[page] &&
    headerPage(bytes, at) === page &&
    headerVersion(bytes, at) === PAGE_LAYOUT_VERSION;
  if (!sound) throw new ArenaError('IMAGE_WRONG', `page ${page} of the image is another page`);
}

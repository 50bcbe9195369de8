/**
 * Sizes of pages, chunks and slots: which size class a length belongs to, how many pages its span has and how many
 * slots lie in it. Who owns which page lives in `page-table.ts`. `docs/memory.md` describes the layout.
 */

export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
export const CHUNK_PAGES = 1024;
/** `page >>> CHUNK_SHIFT` is the chunk. */
export const CHUNK_SHIFT = 10;
export const CHUNK_BYTES = PAGE_BYTES * CHUNK_PAGES;
/** The header of a page, or of the first page of a span or run. */
export const HEADER_BYTES = 16;
/** References have 24 bits of page, and page 0 means none. */
export const PAGES_MAX = 2 ** 24 - 1;
/** Most contiguous pages of a span or run. */
export const SPAN_PAGES_MAX = 16;
export const SLOT_BYTES_MIN = 16;
export const SLOT_BYTES_MAX = 16_384;
/** The largest slot whose span is a single page. */
export const SINGLE_PAGE_BYTES_MAX = 1016;
/** Bytes that a run of the most pages carries. */
export const RUN_BYTES_MAX = SPAN_PAGES_MAX * PAGE_BYTES - HEADER_BYTES;

/**
 * Classes that fill single pages above 128 bytes: each is the largest multiple of 8 for its number of slots, but for
 * 536, 640, 760 and 912, which stand between two such sizes to keep neighbours at most 12.5 % apart.
 */
const SINGLE_PAGE_SIZES = [
  136, 144, 152, 160, 168, 176, 184, 192, 200, 208, 224, 240, 248, 272, 288, 312, 336, 368, 408, 448, 504, 536, 576,
  640, 680, 760, 816, 912, 1016,
];

/** Share of a span that may lie behind its last slot before a longer span is tried: one in so many. */
const SPAN_WASTE_DIVISOR = 32;

function classSizes(): number[] {
  const sizes: number[] = [];
  for (let bytes = SLOT_BYTES_MIN; bytes <= 128; bytes += 8) sizes.push(bytes);
  sizes.push(...SINGLE_PAGE_SIZES);
  let last = SINGLE_PAGE_BYTES_MAX;
  while (last < SLOT_BYTES_MAX) {
    last = Math.min(SLOT_BYTES_MAX, Math.floor((last * 1.125) / 8) * 8);
    sizes.push(last);
  }
  return sizes;
}

/** Pages of the span of a class: the fewest that waste little, else those that waste least. */
function spanPages(bytes: number): number {
  if (bytes <= SINGLE_PAGE_BYTES_MAX) return 1;
  let best = 0;
  let bestShare = 1;
  for (let pages = 1; pages <= SPAN_PAGES_MAX; pages++) {
    const slots = Math.floor((pages * PAGE_BYTES - HEADER_BYTES) / bytes);
    if (slots === 0) continue;
    const share = 1 - (slots * bytes) / (pages * PAGE_BYTES);
    if (share <= 1 / SPAN_WASTE_DIVISOR) return pages;
    if (share < bestShare) {
      best = pages;
      bestShare = share;
    }
  }
  return best;
}

const SIZES = classSizes();

export const CLASS_COUNT = SIZES.length;
/** Bytes of a slot, by class. */
export const CLASS_BYTES = Uint16Array.from(SIZES);
/** Pages of a span, by class. */
export const CLASS_PAGES = Uint8Array.from(SIZES, spanPages);
/** Slots of a span, by class: at most 255, so that the number fits the reference. */
export const CLASS_SLOTS = Uint8Array.from(SIZES, (bytes) =>
  Math.floor((spanPages(bytes) * PAGE_BYTES - HEADER_BYTES) / bytes),
);

/** Class by length in units of 8 bytes, rounded up. */
const CLASS_BY_UNITS = new Uint8Array((SLOT_BYTES_MAX >>> 3) + 1);
for (let units = 0, sizeClass = 0; units < CLASS_BY_UNITS.length; units++) {
  if (SIZES[sizeClass]! < units * 8) sizeClass++;
  CLASS_BY_UNITS[units] = sizeClass;
}

/** The class whose slots hold `length` bytes, 1 to 16,384. */
export function sizeClassOf(length: number): number {
  return CLASS_BY_UNITS[(length + 7) >>> 3]!;
}

/** Bytes that a slot for `length` bytes takes. */
export function slotBytesOf(length: number): number {
  return CLASS_BYTES[CLASS_BY_UNITS[(length + 7) >>> 3]!]!;
}

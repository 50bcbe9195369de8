/**
 * Copying and comparing short byte ranges fast. A loop over bytes costs 1.5 ns a byte, `set(subarray())` 55 ns before
 * the first byte; four bytes at a time through DataViews (no alignment needed) costs 0.3 ns a byte from the first on
 * (`bench/arena.ts`). A chunk has its view for life; those of callers' buffers are remembered by `ViewMemory`.
 */

/** From here on `set(subarray())` is as fast as views; without a view, from the second on. */
export const BULK_BYTES_MIN = 8192;
const BULK_BYTES_MIN_WITHOUT_VIEW = 64;
/** Larger buffers are not remembered, so that none of them is kept from the garbage collector. */
const REMEMBERED_BYTES_MAX = 1 << 20;

const NO_VIEW = new DataView(new ArrayBuffer(0));

/**
 * The DataViews of the two buffers used last: read buffer, output buffer, scratch. A second use in a row makes one, so that
 * many buffers that take turns cost no view each time; two that take turns have one each.
 */
export class ViewMemory {
  /** Only for `bytes === owner`: the view of the same bytes. */
  view: DataView = NO_VIEW;
  owner: Uint8Array | null = null;
  private otherView: DataView = NO_VIEW;
  private otherOwner: Uint8Array | null = null;
  private candidate: Uint8Array | null = null;

  /** Whether `view` is of `bytes` now. The caller has compared with `owner` before. */
  remember(bytes: Uint8Array): boolean {
    const { owner, view } = this;
    if (bytes === this.otherOwner) {
      this.owner = bytes;
      this.view = this.otherView;
      this.otherOwner = owner;
      this.otherView = view;
      return true;
    }
    if (bytes !== this.candidate) {
      this.candidate = bytes.length <= REMEMBERED_BYTES_MAX ? bytes : null;
      return false;
    }
    this.otherOwner = owner;
    this.otherView = view;
    this.owner = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return true;
  }
}

/** Copies `source[start..end)` to `target` at `at`. The ranges may not overlap. */
export function copyViews(target: DataView, at: number, source: DataView, start: number, end: number): void {
  let from = start;
  let to = at;
  for (const last = end - 16; from <= last; from += 16, to += 16) {
    target.setInt32(to, source.getInt32(from, true), true);
    target.setInt32(to + 4, source.getInt32(from + 4, true), true);
    target.setInt32(to + 8, source.getInt32(from + 8, true), true);
    target.setInt32(to + 12, source.getInt32(from + 12, true), true);
  }
  for (const last = end - 4; from <= last; from += 4, to += 4) {
    target.setInt32(to, source.getInt32(from, true), true);
  }
  for (; from < end; from++, to++) target.setInt8(to, source.getInt8(from));
}

/** The same without views: short or rare copies, and long ones. */
export function copyBytes(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void {
  if (end - start >= BULK_BYTES_MIN_WITHOUT_VIEW) {
    target.set(source.subarray(start, end), at);
    return;
  }
  const shift = at - start;
  for (let from = start; from < end; from++) target[from + shift] = source[from]!;
}

/** Whether `stored` from `at` holds what `source[start..end)` holds. */
export function equalViews(stored: DataView, at: number, source: DataView, start: number, end: number): boolean {
  let from = start;
  let to = at;
  for (const last = end - 4; from <= last; from += 4, to += 4) {
    if (stored.getInt32(to, true) !== source.getInt32(from, true)) return false;
  }
  for (; from < end; from++, to++) {
    if (stored.getInt8(to) !== source.getInt8(from)) return false;
  }
  return true;
}

/** The same without views. */
export function equalBytes(stored: Uint8Array, at: number, source: Uint8Array, start: number, end: number): boolean {
  const shift = at - start;
  for (let from = start; from < end; from++) {
    if (stored[from + shift] !== source[from]) return false;
  }
  return true;
}

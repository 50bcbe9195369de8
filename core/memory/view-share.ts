/**
 * What the two sides of a view share: the words, the queue of copies and the memory of the copies. `page-view.ts` is the
 * engine's side, `view-reader.ts` the reading thread's; `docs/frozen-pages.md` has the protocol.
 *
 *   state[page] = viewId << 2 | tag     pending: state[page] < base
 */

/** Tags of a page's state under the view `base`: handed out after the cut; copied by the engine; read by the thread. */
export const BORN = 0;
export const COPIED = 1;
export const DONE = 2;

/** Bits of the tag below the view's number. */
export const TAG_BITS = 2;
/** Views of one arena: their base stays a positive int32. */
export const VIEW_ID_MAX = 2 ** 29 - 1;

/** Words of `ViewShare.words`, each on a line of its own, so that the two threads do not slow each other down. */
export const VIEW_HEAD = 0;
export const VIEW_TAIL = 16;
/** Not 0 once the view is closed: the thread stops reading. */
export const VIEW_CLOSED = 32;
/** Not 0 while the engine waits for `VIEW_TAIL` to move: the thread notifies. */
export const VIEW_WAITED = 48;
export const VIEW_WORDS = 64;

/** Int32s of an entry in the queue: page, cell. */
export const ENTRY_WORDS = 2;

/** What goes to the reading thread. All of it can be posted; the typed arrays lie over shared memory. */
export interface ViewShare {
  readonly base: number;
  /** Pages from 1 to before this one belong to the view. */
  readonly pageEnd: number;
  /** By chunk; empty where a chunk is absent. */
  readonly chunks: readonly Uint8Array[];
  readonly states: readonly Int32Array[];
  /** Of every page at the cut, see `page-table.ts`. */
  readonly kinds: Uint8Array;
  /** By keyspace id: 1 where it lived at the cut. */
  readonly living: Uint8Array;
  readonly words: Int32Array;
  /** Copies made by the engine, in their order. A page is copied once, so the queue never wraps. */
  readonly entries: Int32Array;
  /** Memory of the cells, a page each. It grows when a command needs more of them than the ring has. */
  readonly cells: SharedArrayBuffer;
}

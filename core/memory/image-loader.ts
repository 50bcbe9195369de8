/**
 * Loads a page image into an empty dataset, in slices: pages go straight to their places, then everything that lies
 * outside of them is rebuilt: what the allocator knows, hash tables, expiry indexes, counters. Reading the image, and
 * what to do when it turns out to be wrong, is the caller's.
 *
 *   page() for every page, in any order ─> step() until it returns true
 *
 * Where something else puts the pages into the arena's memory, `step` can follow it from page to page. Records in parts wait
 * until all pages are there, since their parts may lie anywhere.
 */

import { ArenaError } from './arena-error.js';
import { type ImagePages, spanPages } from './image-pages.js';
import type { LoadableArena } from './loadable-arena.js';
import type { LoadableKeyspace } from './loadable-keyspace.js';
import { KEYSPACES_MAX } from './page-owners.js';
import { KIND_FREE, KIND_RECORD } from './page-table.js';
import { NODE_REFERENCES_MAX, PART_BYTES, PartsReader, partCount } from './parts-reader.js';
import type { KeyspaceCounters } from './readable-dataset.js';
import { NO_REFERENCE, type Reference } from './reference.js';

/** Slots of a page or span at most. */
const SLOTS_MAX = 256;
/** Records that are entered into a table for one page of the budget: about as long as a page takes elsewhere. */
const ENTERED_PER_PAGE = 64;
/** The same of records in parts that are followed. */
const FOLLOWED_PER_PAGE = 8;
const DEFERRED_FIRST = 1024;

const STAGE_SPANS = 0;
const STAGE_PARTS = 1;
const STAGE_TABLES = 2;
const STAGE_REST = 3;
const STAGE_DONE = 4;

export class ImageLoader {
  /** Records entered so far. */
  records = 0;
  /** The last `step` has ended at a page that is not there yet. */
  stalled = false;
  private readonly arena: LoadableArena;
  private readonly keyspaces: readonly LoadableKeyspace[];
  private readonly image: ImagePages;
  private readonly counters: readonly KeyspaceCounters[];
  private readonly clock: number;
  private readonly parts: PartsReader;
  private readonly byId = new Map<number, LoadableKeyspace>();
  private stage = STAGE_SPANS;
  private next = 1;
  /** Records of the page that is being entered. */
  private readonly references = new Int32Array(SLOTS_MAX);
  private collected = 0;
  private readonly collect: (reference: Reference) => void;
  /** Records in parts, which are taken over when all pages are known. */
  private deferred = new Int32Array(0);
  private deferredCount = 0;
  private readonly isThere: (page: number) => boolean;

  /**
   * @param arena empty, as the keyspaces are.
   * @param image its tables hold together, see `requireSoundTables`.
   * @param counters of each database at the cut, with the owner of its pages; not more than there are keyspaces.
   * @param clock 24-bit access clock that all keys get.
   * @param isThere whether a page of the image is in its place; all of them are where it is not given.
   * @throws ArenaError `IMAGE_WRONG`, and `ARENA_FULL` where there is no memory
   */
  constructor(
    arena: LoadableArena,
    keyspaces: readonly LoadableKeyspace[],
    image: ImagePages,
    counters: readonly KeyspaceCounters[],
    clock: number,
    isThere: (page: number) => boolean = () => true,
  ) {
    this.arena = arena;
    this.keyspaces = keyspaces;
    this.image = image;
    this.counters = counters;
    this.clock = clock;
    this.isThere = isThere;
    this.parts = new PartsReader(arena);
    this.collect = (reference) => {
      this.references[this.collected++] = reference;
    };
    requireOwners(counters, keyspaces.length);
    arena.loadChunks(image.pageEnd);
    this.assignOwners();
  }

  /** Takes a page of the image, 4 KiB at `at` of `bytes`. */
  page(page: number, bytes: Uint8Array, at: number): void {
    this.arena.loadPage(page, bytes, at);
  }

  /**
   * Rebuilds about `pageBudget` pages further, not beyond a page that is not there: then it has `stalled`.
   * @returns true when the dataset is loaded, and is what was counted at the cut.
   * @throws ArenaError `IMAGE_WRONG`: `abandon`, and load something else.
   */
  step(pageBudget: number): boolean {
    this.stalled = false;
    for (let left = pageBudget; left > 0 && this.stage !== STAGE_DONE && !this.stalled; left--) {
      if (this.stageEnded()) this.endStage();
      else if (this.stage === STAGE_SPANS) this.loadSpan();
      else if (this.stage === STAGE_PARTS) this.adoptDeferred();
      else if (this.stage === STAGE_TABLES) this.enterRecords();
      else this.arena.loadedPage(this.next--);
    }
    return this.stage === STAGE_DONE;
  }

  /** Lets go of all that was loaded: the dataset is empty again. */
  abandon(): void {
    for (const keyspace of this.keyspaces) keyspace.detach();
    while (this.arena.sweep(4096) > 0);
    this.arena.purge();
  }

  /** Databases get the owners that their pages name; those without pages any other id. */
  private assignOwners(): void {
    const { arena, counters, keyspaces } = this;
    for (const keyspace of keyspaces) keyspace.leaveId();
    counters.forEach(({ id }, database) => {
      keyspaces[database]!.loadAs(id);
      keyspaces[database]!.beginEntering();
      this.byId.set(id, keyspaces[database]!);
    });
    for (const keyspace of keyspaces.slice(counters.length)) keyspace.loadAs(arena.openKeyspace());
  }

  private endStage(): void {
    if (this.stage === STAGE_TABLES) this.requireCounters();
    this.stage++;
    // The rest goes from the highest page down, so that the lowest ones are the first to be filled.
    this.next = this.stage === STAGE_REST ? this.image.pageEnd - 1 : 0;
  }

  private stageEnded(): boolean {
    if (this.stage === STAGE_REST) return this.next <= 0;
    if (this.stage === STAGE_PARTS) return this.next >= this.deferredCount;
    return this.next >= (this.stage === STAGE_TABLES ? this.counters.length : this.image.pageEnd);
  }

  private loadSpan(): void {
    const { image } = this;
    const page = this.next;
    if (image.kinds[page] === KIND_FREE) {
      this.next++;
      return;
    }
    if (!this.byId.has(image.keyspaces[page]!)) {
      throw new ArenaError('IMAGE_WRONG', `page ${page} of the image belongs to no database`);
    }
    const end = page + spanPages(image, page);
    for (let each = page; each < end; each++) {
      if (this.isThere(each)) continue;
      this.stalled = true;
      return;
    }
    this.arena.loadSpan(image, page);
    if (image.kinds[page] === KIND_RECORD) this.adoptRecords(page);
    this.next = end;
  }

  private adoptRecords(page: number): void {
    const keyspace = this.byId.get(this.image.keyspaces[page]!)!;
    this.collected = 0;
    this.arena.forEachRecordInPage(page, this.collect);
    for (let i = 0; i < this.collected; i++) {
      if (!keyspace.adopt(this.references[i]!, this.clock, false)) this.defer(this.references[i]!);
    }
    this.records += this.collected;
  }

  private defer(reference: Reference): void {
    if (this.deferredCount === this.deferred.length) {
      const grown = new Int32Array(Math.max(DEFERRED_FIRST, this.deferred.length * 2));
      grown.set(this.deferred);
      this.deferred = grown;
    }
    this.deferred[this.deferredCount++] = reference;
  }

  /** Takes over records in parts, and what they lead to. */
  private adoptDeferred(): void {
    const end = Math.min(this.deferredCount, this.next + FOLLOWED_PER_PAGE);
    for (; this.next < end; this.next++) {
      const reference = this.deferred[this.next]!;
      const keyspace = this.byId.get(this.image.keyspaces[reference >>> 8]!)!;
      keyspace.adopt(reference, this.clock, true);
      if (keyspace.keyRoot !== NO_REFERENCE) this.reach(keyspace.keyRoot, keyspace.adoptedKeyLength);
      if (keyspace.valueRoot !== NO_REFERENCE) this.reach(keyspace.valueRoot, keyspace.adoptedValueLength);
    }
  }

  /** Fills the table of database `next` further. */
  private enterRecords(): void {
    if (this.keyspaces[this.next]!.enter(ENTERED_PER_PAGE, refuseDuplicate)) this.next++;
  }

  /** Takes the parts of a byte string, and the nodes above them, into use. */
  private reach(root: Reference, length: number): void {
    const { arena, parts } = this;
    const count = partCount(length);
    if (count > 1) arena.loadNode(root);
    for (let index = 0; index < count; index++) {
      if (count > NODE_REFERENCES_MAX && index % NODE_REFERENCES_MAX === 0) arena.loadNode(parts.node(root, index));
      arena.loadRun(parts.part(root, count, index), Math.min(PART_BYTES, length - index * PART_BYTES));
    }
  }

  private requireCounters(): void {
    this.counters.forEach((counted, database) => {
      const { count, keysWithExpiry, contentBytes } = this.keyspaces[database]!;
      const same =
        count === counted.count && keysWithExpiry === counted.keysWithExpiry && contentBytes === counted.contentBytes;
      if (same) return;
      const text = ({ count, keysWithExpiry, contentBytes }: Omit<KeyspaceCounters, 'id'>): string =>
        `${count} keys, ${keysWithExpiry} with a deadline, ${contentBytes} bytes`;
      const message = `database ${database} of the image has ${text({ count, keysWithExpiry, contentBytes })}; at the cut it had ${text(counted)}`;
      throw new ArenaError('IMAGE_WRONG', message);
    });
  }
}

function refuseDuplicate(reference: Reference): never {
  const what = `page ${reference >>> 8} slot ${reference & 0xff}`;
  throw new ArenaError('IMAGE_WRONG', `the record at ${what} has the key of another one`);
}

/** Before anything is changed: every database has an owner of its own. */
function requireOwners(counters: readonly KeyspaceCounters[], databases: number): void {
  if (counters.length > databases) {
    throw new ArenaError('IMAGE_WRONG', `the image has ${counters.length} databases, the server ${databases}`);
  }
  const ids = new Set(counters.map(({ id }) => id));
  if (ids.size !== counters.length) throw new ArenaError('IMAGE_WRONG', 'two databases of the image own one keyspace');
  for (const id of ids) {
    if (id > KEYSPACES_MAX) throw new ArenaError('IMAGE_WRONG', `a database of the image owns the keyspace ${id}`);
  }
}

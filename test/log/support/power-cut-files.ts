/**
 * A file system in memory that keeps what was not synced apart: writes by 512-byte sector, truncations, creations,
 * renames and removals. At a power cut any subset of that survives. A sync that fails leaves the page cache clean and the
 * disk old, as real ones do: reading back then proves nothing.
 */
import { basename, dirname } from 'node:path';
import type { FileLayer, OpenMode } from '../../../log/local/file-layer.js';
import type { Random } from './random.js';

const SECTOR = 512;

/** Thrown by every call from the moment the power is gone. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut';
}

let inodes = 0;

class Inode {
  readonly number = ++inodes;
  /** Changes with the content. */
  version = 0;
  /** What a reader sees, and what the disk holds. */
  cache = new Uint8Array(0);
  disk = new Uint8Array(0);
  /** By sector: its contents since the last sync, oldest first. */
  readonly dirty = new Map<number, Uint8Array[]>();
  /** Sizes since the last sync. */
  sizes: number[] = [];

  resize(size: number): void {
    this.version++;
    const resized = new Uint8Array(size);
    resized.set(this.cache.subarray(0, Math.min(size, this.cache.length)));
    this.cache = resized;
    this.sizes.push(size);
  }

  note(from: number, to: number): void {
    this.version++;
    for (let sector = Math.floor(from / SECTOR); sector * SECTOR < to; sector++) {
      const versions = this.dirty.get(sector) ?? [];
      const version = new Uint8Array(SECTOR);
      version.set(this.cache.subarray(sector * SECTOR, Math.min((sector + 1) * SECTOR, this.cache.length)));
      versions.push(version);
      this.dirty.set(sector, versions);
    }
  }

  sync(): void {
    let disk = this.disk;
    if (disk.length !== this.cache.length) {
      disk = new Uint8Array(this.cache.length);
      disk.set(this.disk.subarray(0, Math.min(disk.length, this.disk.length)));
    }
    for (const [sector, versions] of this.dirty) {
      const at = sector * SECTOR;
      if (at < disk.length) disk.set(versions.at(-1)!.subarray(0, Math.min(SECTOR, disk.length - at)), at);
    }
    this.disk = disk;
    this.dirty.clear();
    this.sizes = [];
  }

  /** The range, a whole number of sectors, and the size. */
  syncRange(from: number, to: number): void {
    if (this.disk.length !== this.cache.length) {
      const disk = new Uint8Array(this.cache.length);
      disk.set(this.disk.subarray(0, Math.min(disk.length, this.disk.length)));
      this.disk = disk;
    }
    this.sizes = [];
    this.disk.set(this.cache.subarray(from, to), from);
    for (let sector = from / SECTOR; sector * SECTOR < to; sector++) this.dirty.delete(sector);
  }

  /** The page cache counts as written although it is not. */
  failSync(): void {
    this.dirty.clear();
  }

  cut(random: Random): void {
    this.version++;
    const sizes = [this.disk.length, ...this.sizes];
    const disk = new Uint8Array(sizes[random.below(sizes.length)]!);
    disk.set(this.disk.subarray(0, Math.min(disk.length, this.disk.length)));
    for (const [sector, versions] of this.dirty) {
      const chosen = random.below(versions.length + 1);
      const at = sector * SECTOR;
      if (chosen === versions.length || at >= disk.length) continue;
      disk.set(versions[chosen]!.subarray(0, Math.min(SECTOR, disk.length - at)), at);
    }
    this.disk = disk;
    this.cache = disk.slice();
    this.dirty.clear();
    this.sizes = [];
  }
}

type Entry = Inode | Directory;
/** One change of a directory that a cut keeps or loses as a whole. */
interface DirectoryChange {
  readonly remove: string | undefined;
  readonly name: string | undefined;
  readonly entry: Entry | undefined;
}

class Directory {
  cache = new Map<string, Entry>();
  disk = new Map<string, Entry>();
  changes: DirectoryChange[] = [];

  change(change: DirectoryChange): void {
    apply(this.cache, change);
    this.changes.push(change);
  }

  sync(): void {
    this.disk = new Map(this.cache);
    this.changes = [];
  }

  cut(random: Random): void {
    for (const change of this.changes) if (random.chance(0.5)) apply(this.disk, change);
    this.changes = [];
    this.cache = new Map(this.disk);
    for (const entry of this.cache.values()) entry.cut(random);
  }
}

function apply(map: Map<string, Entry>, change: DirectoryChange): void {
  if (change.remove !== undefined) map.delete(change.remove);
  if (change.name !== undefined && change.entry !== undefined) map.set(change.name, change.entry);
}

export class PowerCutFiles implements FileLayer<string> {
  /** Syncs of this site do nothing. */
  skippedSite: string | undefined = undefined;
  /** The power goes at this many more changes; never where it is negative. */
  changesUntilCut = -1;
  /** The n-th sync from now fails with EIO; never where it is negative. */
  syncsUntilFailure = -1;
  cutHappened = false;
  cutCount = 0;
  /** Of the last sync that was asked for. */
  lastSite: string | undefined = undefined;
  /** Called after a sync of a directory has returned. */
  onDirectorySynced: ((site: string) => void) | undefined = undefined;
  /** Bytes that the disk has room for. Room is taken when data is synced, as file systems with delayed allocation do. */
  capacity = Number.POSITIVE_INFINITY;
  private root = new Directory();
  private readonly descriptors = new Map<number, Inode>();
  private nextDescriptor = 3;
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
    this.root.change({ remove: undefined, name: 'data', entry: new Directory() });
    this.root.sync();
  }

  /** The power is gone and back: what survived is what there is. */
  cutPower(): void {
    this.root.cut(this.random);
    this.cutCount++;
    this.restart();
  }

  /** The process is gone and the next one begins; the page cache stays. */
  restart(): void {
    this.cutHappened = false;
    this.changesUntilCut = -1;
    this.syncsUntilFailure = -1;
    this.descriptors.clear();
  }

  open(path: string, mode: OpenMode): number {
    const directory = this.directory(dirname(path));
    let entry = directory.cache.get(basename(path));
    if (mode === 'create') {
      if (entry !== undefined) throw systemError('EEXIST', path);
      this.step();
      entry = new Inode();
      directory.change({ remove: undefined, name: basename(path), entry });
    }
    if (!(entry instanceof Inode)) throw systemError('ENOENT', path);
    this.descriptors.set(this.nextDescriptor, entry);
    return this.nextDescriptor++;
  }

  close(fd: number): void {
    this.descriptors.delete(fd);
  }

  read(fd: number, bytes: Uint8Array, from: number, length: number, offset: number): number {
    const { cache } = this.inode(fd);
    const part = cache.subarray(offset, offset + length);
    bytes.set(part, from);
    return part.length;
  }

  write(fd: number, bytes: Uint8Array, from: number, length: number, offset: number): number {
    this.step();
    const inode = this.inode(fd);
    if (offset + length > inode.cache.length) inode.resize(offset + length);
    inode.cache.set(bytes.subarray(from, from + length), offset);
    inode.note(offset, offset + length);
    return length;
  }

  truncate(fd: number, size: number): void {
    this.step();
    const inode = this.inode(fd);
    if (size !== inode.cache.length) inode.resize(size);
  }

  size(fd: number): number {
    return this.inode(fd).cache.length;
  }

  fsync(fd: number, site: string): void {
    this.step();
    const inode = this.inode(fd);
    this.lastSite = site;
    if (site === this.skippedSite) return;
    this.refuseSync(inode, 'fsync');
    inode.sync();
  }

  private refuseSync(inode: Inode, what: string): void {
    if (this.syncsUntilFailure-- === 0) {
      inode.failSync();
      throw systemError('EIO', what);
    }
    if (this.usedBytes() - inode.disk.length + inode.cache.length > this.capacity) throw systemError('ENOSPC', what);
  }

  /** As a write and a sync of what it wrote: nothing else of the file becomes durable by it. */
  writeDurable(fd: number, bytes: Uint8Array, from: number, length: number, offset: number, site: string): number {
    const written = this.write(fd, bytes, from, length, offset);
    this.step();
    const inode = this.inode(fd);
    this.lastSite = site;
    if (site === this.skippedSite) return written;
    this.refuseSync(inode, 'write');
    inode.syncRange(offset, offset + length);
    return written;
  }

  syncDirectory(path: string, site: string): void {
    this.step();
    this.lastSite = site;
    if (site !== this.skippedSite) this.directory(path).sync();
    this.onDirectorySynced?.(site);
  }

  rename(from: string, to: string): void {
    this.step();
    const entry = this.entry(from);
    this.directory(dirname(to)).change({ remove: basename(from), name: basename(to), entry });
  }

  renameExclusive(from: string, to: string): void {
    this.step();
    if (this.exists(to)) throw systemError('EEXIST', to);
    const directory = this.directory(dirname(to));
    directory.change({ remove: undefined, name: basename(to), entry: this.entry(from) });
    directory.change({ remove: basename(from), name: undefined, entry: undefined });
  }

  unlink(path: string): void {
    this.step();
    this.entry(path);
    this.directory(dirname(path)).change({ remove: basename(path), name: undefined, entry: undefined });
  }

  /** Makes `to` with the content of `from`; nothing of it is on the disk yet. */
  copy(from: string, to: string): void {
    const bytes = this.contents(from).slice();
    const fd = this.open(to, 'create');
    this.write(fd, bytes, 0, bytes.length, 0);
    this.close(fd);
  }

  /** A file that was written to, or is another one, has another text. */
  identity(path: string): { readonly bytes: number; readonly text: string } {
    const entry = this.entry(path);
    if (!(entry instanceof Inode)) throw systemError('EISDIR', path);
    return { bytes: entry.cache.length, text: `${entry.number}:${entry.version}` };
  }

  list(path: string): string[] {
    return [...this.directory(path).cache.keys()];
  }

  exists(path: string): boolean {
    try {
      this.entry(path);
      return true;
    } catch (error) {
      if (error instanceof PowerCut) throw error;
      return false;
    }
  }

  makeDirectory(path: string): void {
    this.step();
    this.directory(dirname(path)).change({ remove: undefined, name: basename(path), entry: new Directory() });
  }

  freeBytes(): number {
    return this.capacity - this.usedBytes();
  }

  /** All files of a directory as a reader sees them, for `restore`. */
  image(path: string): Map<string, Uint8Array> {
    const image = new Map<string, Uint8Array>();
    for (const [name, entry] of this.directory(path).cache) {
      if (entry instanceof Inode) image.set(name, entry.cache.slice());
    }
    return image;
  }

  /** Makes a directory hold exactly these files, durably. */
  restore(path: string, image: ReadonlyMap<string, Uint8Array>): void {
    this.restart();
    const directory = new Directory();
    for (const [name, bytes] of image) {
      const inode = new Inode();
      inode.cache = bytes.slice();
      inode.disk = bytes.slice();
      directory.cache.set(name, inode);
    }
    directory.sync();
    this.directory(dirname(path)).change({ remove: undefined, name: basename(path), entry: directory });
    this.directory(dirname(path)).sync();
  }

  /** Contents as a reader sees them. */
  contents(path: string): Uint8Array {
    const entry = this.entry(path);
    if (!(entry instanceof Inode)) throw systemError('EISDIR', path);
    return entry.cache;
  }

  private usedBytes(): number {
    let bytes = 0;
    const add = (directory: Directory): void => {
      for (const entry of directory.cache.values()) {
        if (entry instanceof Directory) add(entry);
        else bytes += entry.disk.length;
      }
    };
    add(this.root);
    return bytes;
  }

  private step(): void {
    if (this.changesUntilCut === 0) this.cutHappened = true;
    if (this.cutHappened) throw new PowerCut('the power is gone');
    if (this.changesUntilCut > 0) this.changesUntilCut--;
  }

  private inode(fd: number): Inode {
    if (this.cutHappened) throw new PowerCut('the power is gone');
    const inode = this.descriptors.get(fd);
    if (inode === undefined) throw systemError('EBADF', String(fd));
    return inode;
  }

  private directory(path: string): Directory {
    if (path === '/') return this.root;
    const entry = this.entry(path);
    if (!(entry instanceof Directory)) throw systemError('ENOTDIR', path);
    return entry;
  }

  private entry(path: string): Entry {
    if (this.cutHappened) throw new PowerCut('the power is gone');
    if (path === '/') return this.root;
    const entry = this.directory(dirname(path)).cache.get(basename(path));
    if (entry === undefined) throw systemError('ENOENT', path);
    return entry;
  }
}

function systemError(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

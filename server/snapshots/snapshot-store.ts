/**
 * The directory of snapshots: which files are whole, which two snapshots are kept, and what a start clears away. A
 * snapshot exists once its manifest has its name; whatever no manifest names is left over and removed. Making files and
 * reading what is in them is not here.
 *
 *   0000000000123456-1.rdb   the state behind that sequence      0000000000123456-1.json  its manifest
 *   0000000000123456-1.image its page image                      image.json               the image's manifest
 *   work.rdb, work.image     what is being made                  copies.json              dump-copy.ts
 */
import { join } from 'node:path';
import { makeDirectories, readFully, systemErrorCode, writeFully } from '../../log/local/file-layer.js';
import type { SnapshotFiles, SnapshotSyncSite } from './snapshot-files.js';
import { decodeManifest, encodeManifest, type SnapshotManifest } from './snapshot-manifest.js';

/** Verified snapshots that are kept. */
export const SNAPSHOTS_KEPT = 2;
const MANIFEST_BYTES_MAX = 64 * 1024;
const IMAGE_MANIFEST = 'image.json';
/** What is being made, of one snapshot at a time. */
export const WORK_IMAGE = 'work.image';
export const WORK_RDB = 'work.rdb';
const STEM = /^\d{16}-\d{1,6}$/;

export class SnapshotStore {
  readonly directory: string;
  /** Verified snapshots, oldest first. */
  snapshots: readonly SnapshotManifest[] = [];
  image: SnapshotManifest | undefined = undefined;
  private readonly files: SnapshotFiles;
  /** Manifests that `read` could not use. */
  private unusable: readonly string[] = [];
  private readonly warn: (message: string) => void;

  /** @param warn told of what is damaged or cleared away, one sentence each. */
  constructor(files: SnapshotFiles, directory: string, warn: (message: string) => void) {
    this.files = files;
    this.directory = directory;
    this.warn = warn;
  }

  /** Reads what is there. Changes nothing: the lock of the directory may not be held yet. */
  read(): void {
    const names = this.files.exists(this.directory) ? this.files.list(this.directory) : [];
    const snapshots: SnapshotManifest[] = [];
    const unusable: string[] = [];
    for (const name of names) {
      if (!name.endsWith('.json') || !STEM.test(name.slice(0, -5))) continue;
      const manifest = this.readManifest(name, 'snapshot');
      if (manifest?.verified === true) snapshots.push(manifest);
      else unusable.push(name);
    }
    this.unusable = unusable;
    this.snapshots = snapshots.sort((one, other) => compareNames(one.file, other.file));
    this.image = names.includes(IMAGE_MANIFEST) ? this.readManifest(IMAGE_MANIFEST, 'image') : undefined;
  }

  /** Removes what no manifest names and what is more than is kept. The directory is made where it is missing. */
  clear(): void {
    makeDirectories(this.files, this.directory);
    for (const name of this.unusable) this.rename(name.slice(0, -5));
    const kept = new Set<string>();
    for (const manifest of this.snapshots) kept.add(manifest.file).add(manifestNameOf(manifest));
    if (this.image !== undefined) kept.add(this.image.file).add(IMAGE_MANIFEST);
    this.removeAll(this.files.list(this.directory).filter((name) => isOurs(name) && !kept.has(name)));
    this.retire();
  }

  /** A stem for the files of a snapshot at this sequence that nobody has yet. */
  newStem(sequence: number): string {
    const prefix = String(sequence).padStart(16, '0');
    const taken = this.files.list(this.directory);
    for (let number = 1; ; number++) {
      const stem = `${prefix}-${number}`;
      if (!taken.some((name) => name.startsWith(`${stem}.`))) return stem;
    }
  }

  pathOf(name: string): string {
    return join(this.directory, name);
  }

  /**
   * Publishes a snapshot whose file is written and synced: when it returns, no power cut takes it away. Older ones than
   * the two newest go.
   */
  publish(manifest: SnapshotManifest): void {
    this.files.syncDirectory(this.directory, 'snapshot-enter');
    writeWhole(this.files, this.directory, manifestNameOf(manifest), encodeManifest(manifest), {
      write: 'manifest-write',
      enter: 'manifest-enter',
    });
    this.snapshots = [...this.snapshots, manifest].sort((one, other) => compareNames(one.file, other.file));
    this.retire();
  }

  /** Publishes a page image in the place of the one before. */
  publishImage(manifest: SnapshotManifest): void {
    const before = this.image;
    this.files.syncDirectory(this.directory, 'snapshot-enter');
    writeWhole(this.files, this.directory, IMAGE_MANIFEST, encodeManifest(manifest), {
      write: 'manifest-write',
      enter: 'manifest-enter',
    });
    this.image = manifest;
    if (before !== undefined && before.file !== manifest.file) this.remove(before.file);
  }

  /** Removes the page image, which can always be made again. */
  dropImage(): void {
    const file = this.forgetImage();
    if (file !== '') this.remove(file);
  }

  /** Removes the manifest of the page image, durably. @returns its file, which is the caller's to remove; '' for none. */
  forgetImage(): string {
    if (this.image === undefined) return '';
    const { file } = this.image;
    this.image = undefined;
    this.removeAll([IMAGE_MANIFEST]);
    return file;
  }

  /**
   * Takes a snapshot that turned out to be damaged off the list. Its files stay, under another name and until the next
   * such case, for whoever wants to find out.
   */
  setAside(manifest: SnapshotManifest): void {
    this.snapshots = this.snapshots.filter((each) => each !== manifest);
    this.rename(stemOf(manifest));
  }

  /** Removes a file that was begun and will not be published; one that is not there is no error. */
  remove(name: string): void {
    try {
      this.files.unlink(this.pathOf(name));
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error;
    }
  }

  /**
   * The sequence up to which the log may be trimmed: that of the older one of the two newest verified snapshots (P6);
   * 0 while there are not two.
   */
  get trimSequence(): number {
    const older = this.snapshots.at(-SNAPSHOTS_KEPT);
    return older === undefined ? 0 : older.sequence;
  }

  private rename(stem: string): void {
    for (const name of this.files.list(this.directory)) if (name.endsWith('.damaged')) this.remove(name);
    for (const name of [`${stem}.json`, `${stem}.rdb`]) {
      if (this.files.exists(this.pathOf(name))) this.files.rename(this.pathOf(name), this.pathOf(`${name}.damaged`));
    }
    this.files.syncDirectory(this.directory, 'manifest-enter');
  }

  private retire(): void {
    const retired = this.snapshots.slice(0, -SNAPSHOTS_KEPT);
    this.snapshots = this.snapshots.slice(-SNAPSHOTS_KEPT);
    this.removeAll(retired.flatMap((manifest) => [manifestNameOf(manifest), manifest.file]));
  }

  /** Manifests first, and durably so: none is ever left without its file. */
  private removeAll(names: readonly string[]): void {
    const manifests = names.filter((name) => name.endsWith('.json'));
    for (const name of manifests) this.remove(name);
    if (manifests.length > 0) this.files.syncDirectory(this.directory, 'retire');
    for (const name of names) if (!manifests.includes(name)) this.remove(name);
  }

  private readManifest(name: string, kind: SnapshotManifest['kind']): SnapshotManifest | undefined {
    const manifest = decodeManifest(readSmall(this.files, this.pathOf(name)));
    const problem = typeof manifest === 'string' ? manifest : this.objection(manifest, name, kind);
    if (problem === undefined) return manifest as SnapshotManifest;
    this.warn(`${this.pathOf(name)} is not used: ${problem}`);
    return undefined;
  }

  /** What is wrong with a manifest that is sound in itself. */
  private objection(manifest: SnapshotManifest, name: string, kind: SnapshotManifest['kind']): string | undefined {
    if (manifest.kind !== kind) return `it is the manifest of a ${manifest.kind}`;
    if (kind === 'snapshot' && manifestNameOf(manifest) !== name) return `it names the file ${manifest.file}`;
    const path = this.pathOf(manifest.file);
    if (!this.files.exists(path)) return `its file ${manifest.file} is missing`;
    const { bytes } = this.files.identity(path);
    return bytes === manifest.bytes ? undefined : `its file has ${bytes} bytes instead of ${manifest.bytes}`;
  }
}

export function manifestNameOf(manifest: SnapshotManifest): string {
  return `${stemOf(manifest)}.json`;
}

function stemOf({ file }: SnapshotManifest): string {
  return file.slice(0, file.indexOf('.'));
}

/** Writes a small file by temporary name, sync, rename, sync. */
export function writeWhole(
  files: SnapshotFiles,
  directory: string,
  name: string,
  bytes: Uint8Array,
  sites: { readonly write: SnapshotSyncSite; readonly enter: SnapshotSyncSite },
): void {
  const temporary = join(directory, `${name}.tmp`);
  if (files.exists(temporary)) files.unlink(temporary);
  const fd = files.open(temporary, 'create');
  try {
    writeFully(files, fd, bytes, 0, bytes.length, 0);
    files.fsync(fd, sites.write);
  } finally {
    files.close(fd);
  }
  files.rename(temporary, join(directory, name));
  files.syncDirectory(directory, sites.enter);
}

/** At most 64 KiB of a file, and one byte more where it has more. */
export function readSmall(files: SnapshotFiles, path: string): Uint8Array {
  const fd = files.open(path, 'read');
  try {
    const bytes = new Uint8Array(MANIFEST_BYTES_MAX + 1);
    return bytes.subarray(0, readFully(files, fd, bytes, 0, bytes.length, 0));
  } finally {
    files.close(fd);
  }
}

/** Whether a name is one that snapshots use; other people's files are left alone. A damaged snapshot waits for a person. */
function isOurs(name: string): boolean {
  if (name === WORK_IMAGE || name === WORK_RDB || name === 'copies.json.tmp' || name === 'imported.json.tmp')
    return true;
  if (name === IMAGE_MANIFEST || name === `${IMAGE_MANIFEST}.tmp`) return true;
  const dot = name.indexOf('.');
  return dot > 0 && STEM.test(name.slice(0, dot)) && !name.endsWith('.damaged');
}

function compareNames(one: string, other: string): number {
  const [sequence, number] = splitName(one);
  const [otherSequence, otherNumber] = splitName(other);
  return sequence - otherSequence || number - otherNumber;
}

function splitName(name: string): [number, number] {
  return [Number(name.slice(0, 16)), Number(name.slice(17, name.indexOf('.')))];
}
